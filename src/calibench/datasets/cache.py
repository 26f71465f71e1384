"""Keep decoded samples on disk, so that baseline, calibration and INT8 evaluation decode once."""

import contextlib
import json
import os
import shutil
import tempfile
import threading
import uuid
import weakref
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from calibench.datasets.dataset import About, Dataset, Description, Sample

Place = list[tuple[str, str, tuple[int, ...], int]]
"""Of one sample, per array: input name, dtype, shape, offset in bytes in the file of samples."""


class Cached:
    """A dataset whose samples come from a file once they have been decoded; made by `cached`.

    All samples lie one behind the other in one file, so that reading costs one system call, and a second file has a
    line for each: key and place. A key is the identity of a sample; the names of both files begin with the
    fingerprint of the decoding. An interrupted run leaves whole lines, and the next one takes them up. May be used by
    several threads; two processes write different files.

    `note`: what the person should know (a full disk, a cap that was reached), None when all is well.
    """

    def __init__(self, dataset: Dataset, folder: Path, fingerprint: str, cap_bytes: int) -> None:
        self._dataset, self._folder, self._fingerprint, self._cap = dataset, folder, fingerprint, cap_bytes
        self._lock = threading.Lock()
        self._places: dict[str, tuple[FileIO, Place]] = {}
        self._opened: list[FileIO] = []
        self._samples: FileIO | None = None
        self._lines: FileIO | None = None
        self._used, self._skipped = 0, 0
        self._trouble: str | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._take_up()
        except OSError as error:
            self._give_up(error)

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process: with what is kept by now, where the folder is there too."""
        return _cached_there, (self._dataset, self._folder, self._cap, self._fingerprint)

    @property
    def name(self) -> str:
        return self._dataset.name

    @property
    def labels(self) -> Sequence[int] | None:
        return self._dataset.labels

    @property
    def about(self) -> About:
        return self._dataset.about

    @property
    def note(self) -> str | None:
        if self._trouble is not None:
            return self._trouble
        if self._skipped:
            return (
                f"The cache of decoded samples reached its cap of {self._cap / 2**20:.0f} MB; "
                f"{len(self._places)} samples are kept, the others are decoded each time."
            )
        return None

    def __len__(self) -> int:
        return len(self._dataset)

    def identity(self, index: int) -> str:
        return self._dataset.identity(index)

    def describe(self, index: int) -> Description:
        return self._dataset.describe(index)

    def __getitem__(self, index: int) -> Sample:
        key = self.identity(index)
        kept = self._places.get(key)
        found = None if kept is None else self._read(*kept)
        if found is not None:
            return found
        sample = self._dataset[index]
        with self._lock:
            if key not in self._places and self._trouble is None:
                self._keep(key, sample)
        return sample

    def remove(self) -> None:
        """Delete the files of this fingerprint, and the folder when nothing else is in it."""
        with self._lock:
            for file in (*self._opened, self._lines):
                if file is not None:
                    file.close()
            self._places.clear()
            self._opened.clear()
            self._samples = self._lines = None
            self._used = self._skipped = 0
            with contextlib.suppress(OSError):
                for path in self._folder.glob(f"{self._fingerprint}-*"):
                    path.unlink()
                self._folder.rmdir()

    def _read(self, file: FileIO, place: Place) -> Sample | None:
        """The sample at a place; None where the file ends before it."""
        sample = {}
        for name, dtype, shape, offset in place:
            data = bytearray(_size(dtype, shape))
            with self._lock:
                if file.closed:
                    return None
                file.seek(offset)
                if file.readinto(data) != len(data):
                    return None
            sample[name] = np.frombuffer(data, np.dtype(dtype)).reshape(shape)
        return sample

    def _keep(self, key: str, sample: Sample) -> None:
        size = sum(array.nbytes for array in sample.values())
        if size == 0 or self._used + size > self._cap:
            self._skipped += 1
            return
        try:
            if self._samples is None or self._lines is None:
                self._samples, self._lines = self._create()
            place: Place = []
            end = self._samples.seek(0, os.SEEK_END)
            for name, array in sample.items():
                place.append((name, array.dtype.str, array.shape, end))
                end += _write(self._samples, np.ascontiguousarray(array).tobytes())
            _write(self._lines, (json.dumps([key, place]) + "\n").encode())
        except OSError as error:
            self._give_up(error)
            return
        self._places[key] = (self._samples, place)
        self._used += size

    def _create(self) -> tuple[FileIO, FileIO]:
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = f"{self._fingerprint}-{uuid.uuid4().hex[:12]}"
        samples = (self._folder / f"{stem}.samples").open("w+b", buffering=0)
        self._opened.append(samples)
        return samples, (self._folder / f"{stem}.lines").open("wb", buffering=0)

    def _take_up(self) -> None:
        """Find what earlier runs have left for the same decoding."""
        for lines in sorted(self._folder.glob(f"{self._fingerprint}-*.lines")):
            samples = lines.with_suffix(".samples").open("rb", buffering=0)
            self._opened.append(samples)
            size = samples.seek(0, os.SEEK_END)
            self._used += size
            for key, place in _whole_lines(lines):
                if all(offset + _size(dtype, shape) <= size for _, dtype, shape, offset in place):
                    self._places[key] = (samples, place)

    def _give_up(self, error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        self._trouble = f"{self._folder}: decoded samples cannot be kept ({reason}); they are decoded each time."


def cached(dataset: Dataset, folder: Path, cap_bytes: int, fingerprint: str = "arrays") -> Cached:
    """The same samples, kept in `folder` once decoded.

    Args:
        folder: made when it is missing. Where it cannot be written, the dataset works without it and says so: `note`.
        cap_bytes: samples beyond it are decoded anew each time.
        fingerprint: of the decoding, `InputPlan.fingerprint`: another size must not find these samples.
    """
    return Cached(dataset, folder, fingerprint, cap_bytes)


def _cached_there(dataset: Dataset, folder: Path, cap_bytes: int, fingerprint: str) -> Cached:
    """The same in a process that did not make the folder; one of its own, which goes with it, on another machine.

    Another user of this machine may not even look whether the folder is there.
    """
    if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Cached(dataset, folder, fingerprint, cap_bytes)
    own = Path(tempfile.mkdtemp(prefix="calibench-"))
    samples = Cached(dataset, own, fingerprint, cap_bytes)
    weakref.finalize(samples, shutil.rmtree, own, ignore_errors=True)
    return samples


def _whole_lines(lines: Path) -> Iterator[tuple[str, Place]]:
    """Keys and places up to the first line that an interruption has cut, or that somebody else wrote."""
    for line in lines.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        if not line.endswith("\n"):
            return
        try:
            key, place = json.loads(line)
            found: Place = [(name, dtype, tuple(shape), offset) for name, dtype, shape, offset in place]
        except (ValueError, TypeError):
            return
        yield key, found


def _write(file: FileIO, data: bytes) -> int:
    """Write everything; an unbuffered file may take less than it was given.

    Raises:
        OSError: no room.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
    return len(data)


def _size(dtype: str, shape: tuple[int, ...]) -> int:
    return int(np.dtype(dtype).itemsize * np.prod(shape, dtype=np.int64))
