"""Keep what a model gave for many samples, so that it runs once: in a file without a name, not in memory."""

import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from calibench.inference.runner import Outputs

MOST_BYTES = 8 * 2**30
"""Most that is kept: the outputs of a detector for 9,000 pictures. What is beyond is computed again."""


class KeptOutputs:
    """Outputs by the number of the sample, in the order in which they were added.

    The file has no name: it is gone with the object, or with the process.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._file = tempfile.TemporaryFile(prefix="calibench-")  # noqa: SIM115 - lives as long as this object
        self._places: list[list[tuple[int, np.dtype[Any], tuple[int, ...]]]] = []
        self._used, self._most = 0, most_bytes
        self.is_whole = True

    def __len__(self) -> int:
        return len(self._places)

    def passed_on(self, outputs: Iterable[Outputs]) -> Iterator[Outputs]:
        """Add outputs one after the other, and give them on; when the disk is full nothing more is kept."""
        for each in outputs:
            self.keep(each)
            yield each

    def keep(self, outputs: Outputs | None) -> None:
        """Add those of the next sample; None: nobody has them, and nothing more is kept."""
        if outputs is None:
            self.is_whole = False
        elif self.is_whole:
            self._add(outputs)

    def __getitem__(self, index: int) -> Outputs:
        found = []
        for start, dtype, shape in self._places[index]:
            self._file.seek(start)
            count = int(np.prod(shape, dtype=np.int64))
            found.append(np.frombuffer(self._file.read(count * dtype.itemsize), dtype).reshape(shape))
        return tuple(found)

    def __iter__(self) -> Iterator[Outputs]:
        return (self[index] for index in range(len(self)))

    def _add(self, outputs: Outputs) -> None:
        if self._used + sum(array.nbytes for array in outputs) > self._most:
            self.is_whole = False
            return
        places = []
        try:
            if self._file.tell() != self._used:
                self._file.seek(self._used)
            for array in outputs:
                self._file.write(np.ascontiguousarray(array).tobytes())
                places.append((self._used, array.dtype, array.shape))
                self._used += array.nbytes
        except OSError:
            self.is_whole = False
            return
        self._places.append(places)
