"""What a dataset format is: rules that its layout keeps, and a function that reads it."""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from calibench.datasets.listing import Listing, ReadOptions
from calibench.errors import DatasetError


@dataclass(frozen=True)
class Layout:
    """The files below a folder, found once for all formats that look at it. Hidden ones do not count."""

    folder: Path
    _kept: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Paths relative to the folder, with '/', sorted.

        Raises:
            DatasetError: a folder may not be read; without its pictures the classes would move up.
        """
        found: list[str] = []
        top = len(str(self.folder)) + 1
        for where, folders, names in os.walk(self.folder, onerror=_refuse, followlinks=True):
            folders[:] = [
                name for name in folders if not name.startswith((".", "__MACOSX")) and not _holds_itself(where, name)
            ]
            inner = where[top:].replace(os.sep, "/")
            found += [f"{inner}/{name}" if inner else name for name in names if not name.startswith(".")]
        return tuple(sorted(found))

    def matching(self, *patterns: str) -> tuple[str, ...]:
        """Files whose whole relative path matches one of the patterns; * crosses no '/', case does not count."""
        key = "\n".join(patterns)
        if key not in self._kept:
            self._kept[key] = tuple(_matching(self.files, patterns))
        return self._kept[key]

    def has(self, *patterns: str) -> bool:
        """Whether any file matches."""
        return bool(self.matching(*patterns))


@dataclass(frozen=True)
class Rule:
    """One thing that must be there.

    Attributes:
        wants: for a person, after "it has no": "annotations/instances_*.json", "folder JPEGImages with pictures".
        holds: layout -> whether it is there. It looks at names and at heads of files only.
    """

    wants: str
    holds: Callable[[Layout], bool]


@dataclass(frozen=True)
class Format:
    """A dataset format.

    Attributes:
        name: as in `--format`.
        title: for a person, such as "COCO 2014/2017".
        rules: all must hold; in the order in which a person would check them.
        read: finds the samples and their annotations.
            Raises DatasetError in one sentence when nothing can be read: what, where, what to do.
    """

    name: str
    title: str
    rules: tuple[Rule, ...]
    read: Callable[[Layout, ReadOptions], Listing]

    def broken(self, layout: Layout) -> tuple[Rule, ...]:
        """The rules that a layout does not keep."""
        return tuple(rule for rule in self.rules if not rule.holds(layout))


def _refuse(error: OSError) -> None:
    if isinstance(error, FileNotFoundError):
        return  # a folder that is not there has no files
    raise DatasetError(
        f"{error.filename}: this folder cannot be read ({error.strerror}). Change its permissions, or move it away."
    )


def _matching(files: Iterable[str], patterns: tuple[str, ...]) -> Iterable[str]:
    """All patterns as one expression: 50,000 files take 20 ms."""
    wanted = re.compile("|".join(f"(?:{_expression(pattern)})" for pattern in patterns), re.IGNORECASE)
    return filter(wanted.fullmatch, files)


def _expression(pattern: str) -> str:
    """* and ? cross no '/'."""
    return re.escape(pattern).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


def _holds_itself(where: str, name: str) -> bool:
    """Whether a folder is a link to one that it lies in."""
    path = Path(where, name)
    return path.is_symlink() and Path(where).resolve().is_relative_to(path.resolve())
