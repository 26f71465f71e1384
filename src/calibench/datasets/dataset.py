"""The samples of a dataset, as every step sees them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.frame import Frame
from calibench.datasets.listing import Problem
from calibench.datasets.truth import NOTHING, Kind, Truth
from calibench.errors import DatasetError

Sample = Mapping[str, NDArray[np.generic]]
"""One sample: arrays by model input name, batch axis of 1 included. Images: uint8 [1, H, W, C], RGB, 0..255."""


@dataclass(frozen=True)
class About:
    """What is known of a dataset as a whole.

    Attributes:
        format: as in `data.format` of the settings.
        annotated: what is annotated, for most samples at least.
        classes: names in the order of their index; empty where there are none.
        class_ids: the number of each class as the format writes it, such as COCO's 1..90; empty where it has none.
        problems: annotations and files that were left out.
    """

    format: str = "arrays"
    annotated: frozenset[Kind] = frozenset()
    classes: tuple[str, ...] = ()
    class_ids: tuple[int, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, eq=False)
class Description:
    """What is known of one sample.

    Attributes:
        name: for a person: its path in the dataset.
        truth: what was annotated.
        frame: how the picture enters the model; None where the sample is no picture.
    """

    name: str
    truth: Truth = NOTHING
    frame: Frame | None = None


class Dataset(Protocol):
    """Samples in a fixed order; decoding happens when a sample is taken."""

    @property
    def name(self) -> str:
        """What the person called it: the path."""

    @property
    def labels(self) -> Sequence[int] | None:
        """The class of every sample, None for a set without annotated classes."""

    @property
    def about(self) -> About:
        """Format, classes, what is annotated."""

    def __len__(self) -> int: ...

    def identity(self, index: int) -> str:
        """SHA-256 of the content of a sample, hex; the same picture has the same identity whatever its name."""

    def describe(self, index: int) -> Description:
        """Name, annotations and frame of one sample; reads no more than that needs.

        Raises:
            DatasetError: the annotation cannot be read.
        """

    def __getitem__(self, index: int) -> Sample:
        """Decode one sample.

        Raises:
            DatasetError: the sample cannot be read.
        """


@dataclass(frozen=True)
class Subset:
    """Some samples of a dataset, in the order of `indices`."""

    dataset: Dataset
    indices: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.dataset.name

    @property
    def labels(self) -> Sequence[int] | None:
        labels = self.dataset.labels
        return None if labels is None else tuple(labels[i] for i in self.indices)

    @property
    def about(self) -> About:
        return self.dataset.about

    def __len__(self) -> int:
        return len(self.indices)

    def identity(self, index: int) -> str:
        return self.dataset.identity(self.indices[index])

    def describe(self, index: int) -> Description:
        return self.dataset.describe(self.indices[index])

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[self.indices[index]]

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))


def content_identity(sample: Sample) -> str:
    """SHA-256 over names, types, shapes and bytes of the arrays of a sample, hex."""
    digest = hashlib.sha256()
    for name, array in sorted(sample.items()):
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def about_labels(labels: Sequence[int] | None, format_name: str) -> About:
    """Of a dataset that knows classes or nothing."""
    return About(format_name, frozenset() if labels is None else frozenset(("label",)))


@dataclass(frozen=True)
class Arrays:
    """Ready-made samples in memory (or memory-mapped), for models that take no images and for Python callers.

    `truths`: annotations of other kinds than classes, one a sample; `annotated`: which kinds they hold.
    """

    samples: Sequence[Sample]
    labels: Sequence[int] | None = None
    name: str = "arrays"
    truths: Sequence[Truth] | None = None
    annotated: frozenset[Kind] = frozenset()

    def __post_init__(self) -> None:
        if self.truths is not None and len(self.truths) != len(self.samples):
            raise DatasetError(f"{self.name}: {len(self.truths)} truths for {len(self.samples)} samples.")
        if self.truths and not self.annotated:
            raise DatasetError(
                f"{self.name}: truths are given, but not what they hold. Say it, such as "
                "annotated=frozenset(['objects'])."
            )

    @property
    def about(self) -> About:
        own = about_labels(self.labels, "arrays")
        return About(own.format, own.annotated | self.annotated)

    def __len__(self) -> int:
        return len(self.samples)

    def identity(self, index: int) -> str:
        return content_identity(self.samples[index])

    def describe(self, index: int) -> Description:
        if self.truths is not None:
            return Description(f"sample {index}", self.truths[index])
        return Description(f"sample {index}", labelled(self.labels, index))

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def labelled(labels: Sequence[int] | None, index: int) -> Truth:
    """The annotation of a sample of which at most the class is known."""
    return NOTHING if labels is None else Truth(label=labels[index])
