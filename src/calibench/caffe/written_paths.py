"""Where a path leads that is written in a prototxt or in a list of it: as Caffe takes it, else beside the file.

A prototxt may have travelled with its files: then they lie below one folder, each with its whole path of before, and
the paths in them stay as they are written.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path("/")


def _nobody(path: Path) -> None:
    """Told nothing."""


@dataclass(frozen=True)
class Origin:
    """What the paths in Caffe's files refer to.

    Attributes:
        started_in: absolute; the folder in which the command was started, to which Caffe takes relative paths.
        root: the folder that stands for "/" where files have travelled, else "/" itself.
        told: told each file and folder that a path led to: so it is known what has to travel.
    """

    started_in: Path
    root: Path = ROOT
    told: Callable[[Path], None] = field(default=_nobody, compare=False)

    def find(
        self, written: str, prototxt: Path, near: tuple[Path, ...] = (), is_it: Callable[[Path], bool] = Path.exists
    ) -> Path | None:
        """What a path stands for; None where there is nothing at all places.

        Args:
            is_it: whether a place holds what is meant.
        """
        found = next((place for place in self.places(written, prototxt, near) if is_it(place)), None)
        if found is not None:
            self.told(found)
        return found

    def places(self, written: str, prototxt: Path, near: tuple[Path, ...] = ()) -> tuple[Path, ...]:
        """Where a path may lead, the first place first.

        Args:
            written: the path as it stands in the file.
            near: further folders to look in, behind the one of the prototxt.
        """
        folders = (self.started_in, prototxt.absolute().parent, *near)
        return tuple(dict.fromkeys(self._below(folder, written) for folder in folders))

    def _below(self, folder: Path, written: str) -> Path:
        if self.root == ROOT or not folder.is_relative_to(self.root):
            return folder / written
        return self.root / whole_path("/" / folder.relative_to(self.root) / written)


_ORIGIN: ContextVar[Origin | None] = ContextVar("origin", default=None)


def origin() -> Origin:
    """What paths refer to now: this machine and its current folder, unless `written_for` says otherwise."""
    return _ORIGIN.get() or Origin(Path.cwd())


@contextmanager
def written_for(given: Origin) -> Iterator[None]:
    """Take the paths of all prototxts that are opened in this block as `given` says."""
    before = _ORIGIN.set(given)
    try:
        yield
    finally:
        _ORIGIN.reset(before)


def whole_path(path: Path) -> str:
    """An absolute path without its first slash and without "..": what it is called below a root."""
    return os.path.normpath(path.absolute()).lstrip("/")
