"""A folder of pictures as a dataset: plain, or one folder per class."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from calibench.datasets.dataset import Sample
from calibench.datasets.images import EXTENSIONS, damage, decode
from calibench.datasets.inputs import ImageInput, InputPlan
from calibench.errors import DatasetError

CLASS_FILES = ("labels.txt", "classes.txt")
LabelSource = Literal["none", "numbers", "alphabet", "file"]
SHOWN = 5


@dataclass(frozen=True)
class ImageFolder:
    """Pictures under a folder, ordered by their path; made by `open_folder`.

    `unreadable`: paths, relative to the folder, that are left out because they are damaged. `ignored`: how many
    files are no pictures. `label_source`: where the classes come from: the number that begins every folder's name
    (`0097_drake`), the alphabetical place of the folder, or a file of class names beside the folders.
    """

    folder: Path
    files: tuple[str, ...]
    labels: tuple[int, ...] | None
    image: ImageInput
    label_source: LabelSource = "none"
    unreadable: tuple[str, ...] = ()
    ignored: int = 0
    _identities: dict[int, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        return str(self.folder)

    @property
    def note(self) -> str | None:
        """What was left out, for the report; None when nothing was."""
        return left_out(self.unreadable, len(self.files) + len(self.unreadable))

    def __len__(self) -> int:
        return len(self.files)

    def identity(self, index: int) -> str:
        """SHA-256 of the bytes of the file."""
        if index not in self._identities:
            try:
                digest = hashlib.sha256((self.folder / self.files[index]).read_bytes()).hexdigest()
            except OSError as error:
                raise DatasetError(f"{self.folder / self.files[index]}: cannot be read ({error.strerror}).") from None
            self._identities[index] = digest
        return self._identities[index]

    def __getitem__(self, index: int) -> Sample:
        return {self.image.name: decode(self.folder / self.files[index], self.image)}


def left_out(unreadable: Sequence[str], total: int) -> str | None:
    """One sentence that counts and names unreadable samples; None when there are none."""
    if not unreadable:
        return None
    more = f" and {len(unreadable) - SHOWN} more" if len(unreadable) > SHOWN else ""
    return f"{len(unreadable)} of {total} samples are unreadable and left out: {', '.join(unreadable[:SHOWN])}{more}."


def open_folder(folder: Path, plan: InputPlan) -> ImageFolder:
    """Find the pictures, their classes, and those that are damaged (see `images.damage`).

    Raises:
        DatasetError: missing, no folder, no pictures, only damaged ones, classes that cannot be told, or a model
            that pictures alone cannot feed.
    """
    image = plan.only_image()
    pictures, ignored = find_pictures(folder)
    if not pictures:
        also = f" ({ignored} other files were found)" if ignored else ""
        raise DatasetError(f"{folder}: no pictures in this folder{also}. Accepted: {', '.join(EXTENSIONS)}.")
    broken = {name: reason for name in pictures if (reason := damage(folder / name)) is not None}
    files = tuple(name for name in pictures if name not in broken)
    if not files:
        name, reason = next(iter(broken.items()))
        raise DatasetError(f"{folder}: all {len(broken)} pictures are unreadable, the first, {name}: {reason}.")
    classes, source = _classes(folder, pictures)
    labels = None if classes is None else tuple(classes[_class_folder(name)] for name in files)
    return ImageFolder(folder, files, labels, image, source, tuple(broken), ignored)


def find_pictures(folder: Path) -> tuple[list[str], int]:
    """Paths of all pictures below a folder, relative and sorted, and the number of other files; hidden ones count.

    Raises:
        DatasetError: the folder is missing, a file, or may not be read.
    """
    if not folder.exists():
        raise DatasetError(f"{folder}: there is no such folder. Give the folder that holds the pictures.")
    if not folder.is_dir():
        raise DatasetError(f"{folder}: this is a file. Give the folder that holds the pictures.")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise DatasetError(f"{folder}: you may not read this folder. Change its permissions.")
    found = sorted(path.relative_to(folder).as_posix() for path in map(Path, _files(folder)))
    pictures = [name for name in found if _is_picture(name)]
    return pictures, len(found) - len(pictures)


def _files(folder: Path) -> list[str]:
    return [str(Path(where) / name) for where, _, names in os.walk(folder) for name in names]


def _is_picture(name: str) -> bool:
    parts = name.split("/")
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return not hidden and name.lower().endswith(EXTENSIONS)


def _class_folder(name: str) -> str:
    return name.split("/")[0] if "/" in name else ""


def _classes(folder: Path, pictures: Sequence[str]) -> tuple[dict[str, int] | None, LabelSource]:
    """The class of every first-level folder; None for a plain folder."""
    folders = sorted({_class_folder(name) for name in pictures})
    listed = next((folder / name for name in CLASS_FILES if (folder / name).is_file()), None)
    if folders == [""]:
        return None, "none"
    if "" in folders:
        loose = sum("/" not in name for name in pictures)
        raise DatasetError(
            f"{folder}: {loose} pictures lie beside {len(folders) - 1} folders of pictures. "
            "Give either pictures alone or one folder per class."
        )
    if listed:
        return _listed_classes(listed, folders), "file"
    numbers = [re.match(r"(\d+)(?![^\W_])", name) for name in folders]
    if all(numbers):
        return {name: int(number[1]) for name, number in zip(folders, numbers, strict=True) if number}, "numbers"
    if len(folders) == 1:
        return None, "none"  # a folder in a folder says nothing about classes
    return {name: i for i, name in enumerate(folders)}, "alphabet"


def _listed_classes(listed: Path, folders: Sequence[str]) -> dict[str, int]:
    try:
        names = [line.strip() for line in listed.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        raise DatasetError(f"{listed}: this is no readable text. List one class name a line, in order.") from None
    for name in folders:
        if name not in names:
            raise DatasetError(f"{listed}: folder {name} is not among its {len(names)} names. Add it, or rename it.")
    return {name: names.index(name) for name in folders}
