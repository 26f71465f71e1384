"""Find the pictures that a list names, and choose among the splits of a dataset."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from calibench.datasets.images import EXTENSIONS
from calibench.datasets.listing import Problem
from calibench.errors import DatasetError

DEFAULT_SPLITS = ("val", "test", "train")
SHOWN = 8


def is_picture(name: str) -> bool:
    """Whether the name of a file ends like that of a picture."""
    return name.lower().endswith(EXTENSIONS)


def stem_of(name: str) -> str:
    """The name without the ending of a picture: "a/b.c.JPEG" -> "a/b.c"; other names stay."""
    return name.rpartition(".")[0] if is_picture(name) else name


@dataclass(frozen=True)
class PictureNames:
    """Pictures by the names that lists give them; made by `index_pictures`."""

    files: tuple[str, ...]
    by_base: dict[str, list[str]]

    @cached_property
    def by_tail(self) -> dict[str, list[str]]:
        """Pictures by every end of their path, without the ending: "c", "b/c", "a/b/c" for "a/b/c.jpg"."""
        tails: dict[str, list[str]] = {}
        for name in self.files:
            tail = stem_of(name)
            while tail:
                tails.setdefault(tail, []).append(name)
                tail = tail.partition("/")[2]
        return tails

    def find(self, name: str) -> tuple[str, ...]:
        """The pictures that a list may mean: the same path, else one path is the end of the other.

        Args:
            name: with or without the ending of a picture; '\\' and a leading './' are taken as others mean them.
        """
        wanted = stem_of(name.strip().replace("\\", "/").removeprefix("./"))
        found = self.by_tail.get(wanted, [])
        chosen = [file for file in found if stem_of(file) == wanted] or found
        tail = wanted
        while not chosen and "/" in tail:
            tail = tail.partition("/")[2]
            chosen = [file for file in self.by_tail.get(tail, []) if stem_of(file) == tail]
        if is_picture(name) and len(chosen) > 1:
            ending = name.strip().rpartition(".")[2].lower()
            chosen = [file for file in chosen if file.rpartition(".")[2].lower() == ending] or chosen
        return tuple(chosen)


def index_pictures(files: Iterable[str]) -> PictureNames:
    """Order the pictures among the files of a folder by the last part of their names."""
    pictures = tuple(name for name in files if is_picture(name))
    by_base: dict[str, list[str]] = {}
    for name in pictures:
        by_base.setdefault(stem_of(name).rpartition("/")[2], []).append(name)
    return PictureNames(pictures, by_base)


def choose_split(found: Iterable[str], wanted: str | None, folder: Path) -> str:
    """The split to read: the wanted one; else val, test or train; else the first.

    Raises:
        DatasetError: the wanted one is not there.
    """
    splits = sorted(set(found))
    if wanted is not None:
        if wanted not in splits:
            raise DatasetError(f"{folder}: there is no split {wanted}. It holds: {', '.join(splits[:SHOWN])}.")
        return wanted
    return next((split for split in DEFAULT_SPLITS if split in splits), splits[0])


def no_annotation(pictures: Iterable[str], what: str) -> list[Problem]:
    """Pictures that are left out because nothing is said about them.

    Args:
        what: what is missing, such as "no line in val.txt".
    """
    return [Problem("has no annotation", f"{name}:", f"there is {what}") for name in pictures]


def no_overlap(where: Path, count: int, first: str, hint: str) -> DatasetError:
    """The error for an annotation of which nothing fits the pictures."""
    return DatasetError(f"{where}: none of its {count} names is a picture here, the first is {first}. {hint}")
