"""Which index a class has: its place in the dataset, or in the file that a person gives with --labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.formats.text_file import read_lines
from calibench.datasets.truth import IGNORED
from calibench.errors import DatasetError


@dataclass(frozen=True)
class ClassOrder:
    """Classes by index.

    Attributes:
        names: in the order of their index; empty where the dataset has numbers only.
        places: place of a class in the dataset -> its index.
        source: where the order comes from, for a person.
    """

    names: tuple[str, ...]
    places: tuple[int, ...]
    source: str

    def index(self, place: int) -> int | None:
        """Index of the class with this place in the dataset; None where no class has it."""
        if self.names:
            return self.places[place] if 0 <= place < len(self.places) else None
        return place if place >= 0 else None


def order_classes(own: Sequence[str], source: str, labels: Path | None) -> ClassOrder:
    """The order of the dataset, or of a file of names; a dataset without names takes those of the file by place.

    Raises:
        DatasetError: the file cannot be read, is empty, or lacks a class of the dataset.
    """
    if labels is None:
        return ClassOrder(tuple(own), tuple(range(len(own))), source)
    names = read_names(labels)
    if not own:
        return ClassOrder(names, tuple(range(len(names))), f"--labels {labels.name}")
    index = {name: place for place, name in reversed(list(enumerate(names)))}
    missing = [name for name in own if name not in index]
    if missing:
        raise DatasetError(
            f"{labels}: class {missing[0]} of the dataset is not among its {len(names)} names. "
            "Add it, or spell it the same way."
        )
    return ClassOrder(names, tuple(index[name] for name in own), f"--labels {labels.name}")


def read_names(path: Path) -> tuple[str, ...]:
    """One class name a line.

    Raises:
        DatasetError: the file cannot be read or holds no name.
    """
    names = tuple(line.strip() for _, line in read_lines(path))
    if not names:
        raise DatasetError(f"{path}: this file is empty. List one class name a line, in order.")
    return names


def pixel_table(ids: Sequence[int], indices: Sequence[int], size: int = 256) -> NDArray[np.int32]:
    """int32 [size]: the number that a mask holds -> index of the class; -1 where no class has it, 255 stays IGNORED."""
    table = np.full(size, -1, np.int32)
    if size > IGNORED:
        table[IGNORED] = IGNORED
    table[list(ids)] = list(indices)
    return table
