"""Choose the part of a dataset that is read: val, else test, else train, unless a person names one."""

import re
from collections.abc import Sequence
from pathlib import Path

from calibench.errors import DatasetError

ORDER = ("val", "test", "train")


def choose_part(files: Sequence[str], split: str | None, folder: Path) -> str:
    """One of several annotation files, lists or folders.

    A split is a word of the path or the begin of one: "val" is meant by instances_val2017.json and valid/labels.

    Raises:
        DatasetError: no file belongs to the split, or several do.
    """
    for wanted in (split,) if split else ORDER:
        found = [name for name in files if _degree(name, wanted) == 2] or [
            name for name in files if _degree(name, wanted) == 1
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise DatasetError(
                f"{folder}: {_named(found)} are all of the split {wanted}. Name one more exactly: --split."
            )
    if split:
        raise DatasetError(f"{folder}: no part is called {split!r}, there is {_named(files)}.")
    if len(files) == 1:
        return files[0]
    raise DatasetError(f"{folder}: {_named(files)} are there, and none is called val, test or train. Choose: --split.")


def belongs(name: str, split: str) -> bool:
    """Whether a word of a path is a usual name of a split: val, valid, validation, val2017, but not "valley"."""
    return any(re.fullmatch(rf"{split}(id|idation|ing|set)?\d*", word) for word in _words(name))


def _words(name: str) -> list[str]:
    return re.split(r"[/_.\s-]+", name.lower())


def _degree(name: str, split: str) -> int:
    """2: a word of the path is the split; 1: one begins with it; 0: none does."""
    words = _words(name)
    split = split.lower()
    if split in words or name.lower() == split:
        return 2
    return int(any(word.startswith(split) for word in words))


def _named(files: Sequence[str]) -> str:
    return ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
