"""Check what a Python caller gives as a dataset, before the first step takes it for one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from calibench.datasets.dataset import About, Dataset, Description
from calibench.errors import DatasetError

PARTS = ("name", "labels", "about", "identity", "describe", "__len__", "__getitem__")
"""What the protocol Dataset asks for."""


def check_dataset(given: Path | Dataset) -> None:
    """Look at an object that should be a dataset, and at its first sample; a path is looked at when it is opened.

    What its own functions raise is the caller's to see.

    Raises:
        DatasetError: a part of the protocol is missing, there is no sample, or the first one is no arrays by name.
    """
    if isinstance(given, Path):
        return
    kind = type(given).__name__
    missing = [part for part in PARTS if not hasattr(given, part)]
    if missing:
        raise DatasetError(
            f"{kind} is no dataset: it has no {', '.join(missing)}. Give a path, or calibench.Arrays of samples, or an "
            "object with all that calibench.datasets.dataset.Dataset names."
        )
    if not isinstance(given.name, str):
        raise DatasetError(f"{kind}.name is {given.name!r}. It must be a text, such as the path of the dataset.")
    if len(given) == 0:
        raise DatasetError(f"{given.name}: there is no sample.")
    check_labels(given.labels, len(given), given.name)
    _check_sample(given[0], kind)
    for part, wanted, found in (("about", About, given.about), ("describe", Description, given.describe(0))):
        if not isinstance(found, wanted):
            raise DatasetError(f"{kind}.{part} gave {type(found).__name__}. It must give {wanted.__name__}.")


def check_labels(labels: Sequence[int] | None, samples: int, name: str) -> None:
    """Raise DatasetError unless there are none, or one whole number a sample."""
    if labels is None:
        return
    if len(labels) != samples:
        raise DatasetError(f"{name}: {len(labels)} labels for {samples} samples. Give one a sample.")
    wrong = next((label for label in labels if not isinstance(label, (int, np.integer))), None)
    if wrong is not None:
        raise DatasetError(f"{name}: label {wrong!r} is no whole number. Give the index of the class.")


def _check_sample(sample: Any, kind: str) -> None:
    if not isinstance(sample, Mapping):
        raise DatasetError(
            f"The first sample of the {kind} is {type(sample).__name__}. Give a dict: name of the input -> array."
        )
    for name, array in sample.items():
        if not isinstance(array, np.ndarray):
            raise DatasetError(
                f"The first sample of the {kind} has {type(array).__name__} for {name}. Give NumPy arrays with a batch "
                "axis of 1."
            )
