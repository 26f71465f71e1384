"""The samples of a dataset, as every step sees them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Sample = Mapping[str, NDArray[np.generic]]
"""One sample: arrays by model input name, batch axis of 1 included. Images: uint8 [1, H, W, C], RGB, 0..255."""


class Dataset(Protocol):
    """Samples in a fixed order; decoding happens when a sample is taken."""

    @property
    def name(self) -> str:
        """What the person called it: the path."""

    @property
    def labels(self) -> Sequence[int] | None:
        """The class of every sample, None for a set without annotations."""

    def __len__(self) -> int: ...

    def identity(self, index: int) -> str:
        """SHA-256 of the content of a sample, hex; the same picture has the same identity whatever its name."""

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

    def __len__(self) -> int:
        return len(self.indices)

    def identity(self, index: int) -> str:
        return self.dataset.identity(self.indices[index])

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


@dataclass(frozen=True)
class Arrays:
    """Ready-made samples in memory (or memory-mapped), for models that take no images and for Python callers."""

    samples: Sequence[Sample]
    labels: Sequence[int] | None = None
    name: str = "arrays"

    def __len__(self) -> int:
        return len(self.samples)

    def identity(self, index: int) -> str:
        return content_identity(self.samples[index])

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]
