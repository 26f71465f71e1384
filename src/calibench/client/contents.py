"""What is sent, as bytes from any place on: a file as it is, a folder as a tar archive, made while it is sent."""

import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from calibench.errors import DatasetError
from calibench.store.archive_names import is_litter

PART = 1 << 20
"""Bytes read at once: no more of a dataset is in memory."""
END = bytes(2 * tarfile.BLOCKSIZE)
"""Of a tar archive."""


@dataclass(frozen=True)
class Content:
    """Bytes that a server gets as one file.

    Attributes:
        name: of the file, as the server will see it.
        size: in bytes.
        parts: the bytes from an offset on.
    """

    name: str
    size: int
    parts: Callable[[int], Iterator[bytes]]


@dataclass(frozen=True)
class Entry:
    """A file of a folder, or a folder that is empty.

    Attributes:
        name: relative, with '/'.
        path: where it lies; None: an empty folder.
        size: in bytes.
    """

    name: str
    path: Path | None
    size: int = 0


def file_entry(path: Path, name: str | None = None) -> Entry:
    """A file that is sent on its own.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        return Entry(name or path.name, path, path.stat().st_size)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}). Give a file that you may read.") from None


def as_file(entry: Entry) -> Content:
    """A file as it is."""
    return Content(entry.name.rpartition("/")[2], entry.size, lambda offset: _file_parts(entry, offset))


def as_tar(name: str, entries: tuple[Entry, ...]) -> Content:
    """Files and empty folders as an archive."""
    size = sum(len(_header(entry)) + _padded(entry.size) for entry in entries) + len(END)
    return Content(f"{name}.tar", size, lambda offset: _tar_parts(entries, offset))


def entries_of(folder: Path) -> tuple[Entry, ...]:
    """All files and empty folders below a folder, in the order of their names, whatever the order of the disk.

    What systems add by themselves, such as .DS_Store, is left out, as the server would. Links to files inside are
    followed.

    Raises:
        DatasetError: it holds no files, or something that cannot be sent: a link that leads out, a name that is no
            text, a file that may not be read.
    """
    try:
        found = tuple(_entries(folder, folder.resolve(), ""))
    except OSError as error:
        raise DatasetError(
            f"{error.filename or folder}: cannot be read ({error.strerror}). Give a folder that you may read."
        ) from None
    if not any(entry.path for entry in found):
        raise DatasetError(f"{folder}: holds no files. Give the folder of a dataset.")
    return found


def _entries(folder: Path, root: Path, below: str) -> Iterator[Entry]:
    inside = sorted(os.scandir(folder), key=lambda entry: entry.name)
    inside = [entry for entry in inside if not is_litter((entry.name,))]
    if not inside and below:
        yield Entry(below.rstrip("/"), None)
    for each in inside:
        path, name = Path(each.path), f"{below}{each.name}"
        _check_name(name, folder)
        if each.is_symlink():
            _check_link(path, root)
        if each.is_dir():
            yield from _entries(path, root, f"{name}/")
        elif each.is_file():
            yield Entry(name, path, each.stat().st_size)
        else:
            raise DatasetError(f"{path}: is neither a file nor a folder. Remove it.")


def _check_name(name: str, folder: Path) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "backslashreplace").decode()
        raise DatasetError(f"{folder}: the name {shown!r} is not UTF-8. Rename the file.") from None


def _check_link(path: Path, root: Path) -> None:
    aim = path.resolve()
    if not aim.is_relative_to(root):
        raise DatasetError(f"{path}: is a link that leads out of {root}. Put the file itself there.")
    if not aim.is_file():
        raise DatasetError(f"{path}: is a link to a folder or to nothing. Put what it means in its place.")


def _file_parts(entry: Entry, offset: int) -> Iterator[bytes]:
    """The bytes of a file from an offset on, as many as it had when it was listed."""
    assert entry.path is not None
    left = entry.size - offset
    try:
        with entry.path.open("rb") as file:
            file.seek(offset)
            while left and (part := file.read(min(PART, left))):
                left -= len(part)
                yield part
            is_whole = not left and not file.read(1)
    except OSError as error:
        raise DatasetError(f"{entry.path}: cannot be read ({error.strerror}). Give files that you may read.") from None
    if not is_whole:
        raise DatasetError(f"{entry.path}: was changed while it was sent. Try again when it is at rest.")


def _tar_parts(entries: tuple[Entry, ...], offset: int) -> Iterator[bytes]:
    """The bytes of an archive from an offset on."""
    for entry in entries:
        head = _header(entry)
        length = len(head) + _padded(entry.size)
        if offset < length:
            yield from _entry_parts(entry, head, offset)
        offset = max(offset - length, 0)
    yield END[offset:]


def _entry_parts(entry: Entry, head: bytes, offset: int) -> Iterator[bytes]:
    if offset < len(head):
        yield head[offset:]
    offset = max(offset - len(head), 0)
    if offset < entry.size:
        yield from _file_parts(entry, offset)
    if padding := bytes(_padded(entry.size) - max(entry.size, offset)):
        yield padding


def _header(entry: Entry) -> bytes:
    """The same for the same file: no owner, no date."""
    info = tarfile.TarInfo(entry.name)
    info.size, info.type = entry.size, tarfile.REGTYPE if entry.path else tarfile.DIRTYPE
    return info.tobuf(format=tarfile.PAX_FORMAT)


def _padded(size: int) -> int:
    return size + -size % tarfile.BLOCKSIZE
