"""Samples on disk: written once, then read one by one through the page cache, so that memory stays flat."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import overload

import numpy as np

from benchmarks.zoo.network import Array, Sample, Truth

TRUTH = "truth"


class Samples(Sequence[Sample]):
    """The samples of one folder. Each is copied when asked for, so the caller may write into it."""

    def __init__(self, folder: Path) -> None:
        self.inputs = {path.stem: np.load(path, mmap_mode="r") for path in sorted((folder / "inputs").glob("*.npy"))}

    def __len__(self) -> int:
        return min((len(values) for values in self.inputs.values()), default=0)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        position = index % len(self)
        return {name: np.array(values[position : position + 1]) for name, values in self.inputs.items()}


def store(folder: Path, drawn: Iterable[tuple[Sample, Truth]], count: int) -> None:
    """Write the first `count` samples and truths into a folder, unless it is there already.

    Args:
        folder: gets one file for each input, and one for the truths; appears only when everything is written.
        drawn: samples of one shape with truths of one shape.
        count: how many samples to keep.

    Raises:
        ValueError: fewer samples were drawn.
    """
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=".making-", dir=folder.parent))
    try:
        (place / "inputs").mkdir()
        written = _write(place, iter(drawn), count)
        if written != count:
            raise ValueError(f"{folder}: {count} samples are wanted, {written} were drawn")
        place.chmod(0o755)  # a temporary folder is closed to others
        place.rename(folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def truths(folder: Path) -> Array:
    """All truths of a stored folder, [count, ...]."""
    loaded: Array = np.load(folder / f"{TRUTH}.npy", mmap_mode="r")
    return loaded


def _write(place: Path, drawn: Iterator[tuple[Sample, Truth]], count: int) -> int:
    first, truth = next(drawn)
    files = {name: _file(place / "inputs" / f"{name}.npy", values[0], count) for name, values in first.items()}
    answers = _file(place / f"{TRUTH}.npy", truth, count)
    written = 0
    for sample, answer in islice(chain([(first, truth)], drawn), count):
        for name, values in sample.items():
            files[name][written] = values[0]
        answers[written] = answer
        written += 1
    return written


def _file(path: Path, like: Array, count: int) -> Array:
    return np.lib.format.open_memmap(path, "w+", like.dtype, (count, *like.shape))
