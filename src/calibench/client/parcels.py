"""What of this machine makes up a model or a dataset on a server: its files, and what lies beside and belongs to it."""

import re
from dataclasses import dataclass
from pathlib import Path

from calibench.client.contents import Content, Entry, as_file, as_tar, entries_of, file_entry
from calibench.errors import DatasetError, ModelError
from calibench.things.kept import NAME_LENGTH

TABLES, TOKENIZER = (".csv", ".tsv"), "tokenizer.json"
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz")


@dataclass(frozen=True)
class Parcel:
    """Something to be sent.

    Attributes:
        name: for a person.
        contents: each of them an upload.
        entries: what the server will keep; None: not known before it has unpacked an archive.
        entry: of a model: the file to be read, relative to what is kept.
    """

    name: str
    contents: tuple[Content, ...]
    entries: tuple[Entry, ...] | None
    entry: str | None = None


def model_parcel(path: Path, weights: Path | None = None) -> Parcel:
    """A model: a file with what belongs to it, a SavedModel folder, or an archive.

    Raises:
        ModelError: there is no such file, it is one that no server reads, or its weights are not there.
    """
    from calibench.targets.find_model import model_files, refuse_pickles  # bring OpenVINO, which lists need not

    if not path.exists():
        raise ModelError(f"{path}: there is no such file. Give the path of a model.")
    if path.is_dir():
        return _of_folder(path, ".")
    if path.suffix.lower() in ARCHIVES:
        return Parcel(_name_of(path), (as_file(file_entry(path)),), None)
    refuse_pickles(path)
    if weights is not None and not weights.is_file():
        raise ModelError(f"{weights}: there is no such weights file. Give another.")
    files = model_files(path, weights)
    beside = [file for file in files if file.parent == path.parent or file == weights]
    if len(beside) == len(files):
        entries = tuple(file_entry(file) for file in files)
        return Parcel(_name_of(path), tuple(as_file(entry) for entry in entries), entries, path.name)
    entries = tuple(file_entry(file, file.relative_to(path.parent).as_posix()) for file in files)
    return Parcel(_name_of(path), (as_tar(_name_of(path), entries),), entries, path.name)


def dataset_parcel(path: Path) -> Parcel:
    """A dataset: a folder, a table or an array with what belongs to it, or an archive.

    Raises:
        DatasetError: there is nothing, or something that cannot be sent.
    """
    if not path.exists():
        raise DatasetError(f"{path}: there is no such file or folder. Give the path of a dataset.")
    if path.is_dir():
        return _of_folder(path)
    tokenizer = path.parent / TOKENIZER
    is_text = path.suffix.lower() in TABLES and tokenizer.is_file()
    entries = tuple(file_entry(file) for file in ((path, tokenizer) if is_text else (path,)))
    kept = None if path.suffix.lower() in ARCHIVES else entries
    return Parcel(_name(path.stem), tuple(as_file(entry) for entry in entries), kept)


def _of_folder(folder: Path, entry: str | None = None) -> Parcel:
    entries, name = entries_of(folder), _name(folder.resolve().name)
    return Parcel(name, (as_tar(name, entries),), entries, entry)


def _name_of(path: Path) -> str:
    """Of a file; the folder says more where many models are called alike."""
    return _name(path.resolve().parent.name if path.stem in ("model", "saved_model") else path.stem)


def _name(text: str) -> str:
    """As a thing may be called."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return re.sub(r"\s+", " ", shown).strip()[:NAME_LENGTH].strip() or "unnamed"
