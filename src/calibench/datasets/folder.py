"""A folder of pictures: plain, or one folder per class."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from calibench.datasets.dataset import labelled
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.splits import ORDER, belongs, choose_part
from calibench.datasets.images import EXTENSIONS
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.errors import DatasetError

CLASS_FILES = ("labels.txt", "classes.txt")
LabelSource = Literal["none", "numbers", "alphabet", "file"]
SHOWN = 5
NUMBER = re.compile(r"(\d{1,6})(?![^\W_])")
"""Class number that begins a folder's name. No model has a million classes: longer numbers are dates or ids."""


def left_out(unreadable: Sequence[str], total: int) -> str | None:
    """One sentence that counts and names unreadable samples; None when there are none."""
    if not unreadable:
        return None
    more = f" and {len(unreadable) - SHOWN} more" if len(unreadable) > SHOWN else ""
    return f"{len(unreadable)} of {total} samples are unreadable and left out: {', '.join(unreadable[:SHOWN])}{more}."


def read_folder(layout: Layout, options: ReadOptions) -> Listing:
    """Find the pictures and their classes: from the number that begins every folder's name (`0097_drake`), the
    alphabetical place of the folder, or a file of class names. Folders train, val and test are splits, not classes.

    Raises:
        DatasetError: missing, no folder, no pictures, or classes that cannot be told.
    """
    folder = layout.folder
    check_folder(folder)
    names = pictures(layout)
    if not names:
        others = len(layout.files)
        also = f" ({others} other files were found)" if others else ""
        raise DatasetError(f"{folder}: no pictures in this folder{also}. Accepted: {', '.join(EXTENSIONS)}.")
    part = _part(folder, names, options.split)
    names = tuple(name for name in names if name.startswith(part))
    numbers, source, classes = _classes(folder, [name.removeprefix(part) for name in names], options)
    labels = None if numbers is None else tuple(numbers[_class_folder(name.removeprefix(part))] for name in names)
    return Listing(
        folder=folder,
        format="folder" if labels is None else "imagenet",
        names=names,
        picture=lambda index: folder / names[index],
        truth=lambda index: labelled(labels, index),
        annotated=frozenset() if labels is None else frozenset(("label",)),
        classes=classes,
        labels=labels,
        problems=_unknown_split(folder, part, options.split),
        label_source=source,
    )


def check_folder(folder: Path) -> None:
    """Raise DatasetError when a folder is missing, a file, or may not be read."""
    if not folder.exists():
        raise DatasetError(f"{folder}: there is no such folder. Give the folder that holds the pictures.")
    if not folder.is_dir():
        raise DatasetError(f"{folder}: this is a file. Give the folder that holds the pictures.")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise DatasetError(f"{folder}: you may not read this folder. Change its permissions.")


def pictures(layout: Layout) -> tuple[str, ...]:
    """Relative paths of all pictures, sorted."""
    return tuple(name for name in layout.files if name.lower().endswith(EXTENSIONS))


def _class_folder(name: str) -> str:
    return name.split("/")[0] if "/" in name else ""


def _part(folder: Path, names: Sequence[str], split: str | None) -> str:
    """How the names of the pictures of one split begin, such as "val/"; "" where the first folders are no splits.

    Raises:
        DatasetError: they are, and the one that is asked for is not there.
    """
    first = sorted({_class_folder(name) for name in names})
    if not all(any(belongs(name, each) for each in ORDER) for name in first):
        return ""
    return choose_part(first, split, folder) + "/"


def _unknown_split(folder: Path, part: str, split: str | None) -> tuple[Problem, ...]:
    """A split that was asked for in a folder without splits, which may be the other of two datasets."""
    if part or split is None:
        return ()
    what = f"has no folders train, val or test: all of its pictures are read, not only {split}"
    return (Problem("the split is not known", str(folder), what),)


def _classes(
    folder: Path, names: Sequence[str], options: ReadOptions
) -> tuple[dict[str, int] | None, LabelSource, tuple[str, ...]]:
    """The class of every first-level folder (None for a plain folder), where it comes from, and the class names."""
    folders = sorted({_class_folder(name) for name in names})
    listed = options.labels or next((folder / name for name in CLASS_FILES if (folder / name).is_file()), None)
    if folders == [""]:
        return None, "none", ()
    if "" in folders:
        loose = sum("/" not in name for name in names)
        raise DatasetError(
            f"{folder}: {loose} pictures lie beside {len(folders) - 1} folders of pictures. "
            "Give either pictures alone or one folder per class."
        )
    if listed:
        known = read_names(listed)
        for name in folders:
            if name not in known:
                raise DatasetError(
                    f"{listed}: folder {name} is not among its {len(known)} names. Add it, or rename it."
                )
        return {name: known.index(name) for name in folders}, "file", known
    numbers = [NUMBER.match(name) for name in folders]
    if all(numbers):
        found = {name: int(number[1]) for name, number in zip(folders, numbers, strict=True) if number}
        return found, "numbers", _numbered_names(found)
    if len(folders) == 1:
        return None, "none", ()  # a folder in a folder says nothing about classes
    return {name: i for i, name in enumerate(folders)}, "alphabet", tuple(folders)


def _numbered_names(numbers: dict[str, int]) -> tuple[str, ...]:
    """Class names by number, out of folders such as `0097_drake`; empty where no folder has the number."""
    names = [""] * (max(numbers.values()) + 1)
    for folder, number in numbers.items():
        names[number] = re.sub(r"^\d+[_\W]*", "", folder) or folder
    return tuple(names)


def read_names(listed: Path) -> tuple[str, ...]:
    """The class names of a file, one a line.

    Raises:
        DatasetError: the file cannot be read as text.
    """
    try:
        return tuple(line.strip() for line in listed.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError):
        raise DatasetError(f"{listed}: this is no readable text. List one class name a line, in order.") from None


def _has_class_folders(layout: Layout) -> bool:
    names = pictures(layout)
    folders = {_class_folder(name) for name in names}
    if folders and all(any(belongs(name, each) for each in ORDER) for name in folders):
        folders = {_class_folder(name.split("/", 1)[1]) for name in names}
    return "" not in folders and (len(folders) > 1 or any(NUMBER.match(name) for name in folders))


PICTURES = Rule("pictures", lambda layout: bool(pictures(layout)))
CLASS_FOLDERS = Format(
    "imagenet", "one folder per class", (PICTURES, Rule("one folder per class", _has_class_folders)), read_folder
)
PLAIN_FOLDER = Format("folder", "plain folder of pictures", (PICTURES,), read_folder)
