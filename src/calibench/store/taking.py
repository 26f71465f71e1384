"""Bring files into a new folder by copying or linking, and say what they are."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from calibench.errors import JobError
from calibench.store.manifest import Manifest, TreeFile, manifest

CHUNK = 1 << 20
"""Bytes that are read at once."""

READ_ONLY = 0o444


def take(source: Path, into: Path, link: bool) -> Manifest:
    """Copy a file or a folder into the new folder `into`; every file becomes read-only.

    Args:
        source: a folder, whose content is taken, or a single file, which keeps its name.
        link: files may be linked rather than copied, since the caller gives them away.

    Raises:
        JobError: a name is not UTF-8, or something is a link that leads out, or neither a file nor a folder.
        OSError: what the disk refuses.
    """
    into.mkdir()
    if source.is_file() and not source.is_symlink():
        _check_name(source.name, source)
        return manifest([_take_file(source, into / source.name, source.name, link)], [])
    root = source.resolve(strict=True)
    if not root.is_dir():
        raise JobError(f"{source}: is neither a file nor a folder.")
    files, empty = [], []
    for path, is_folder in _entries(root, ""):
        if is_folder:
            (into / path).mkdir()
            if not any((root / path).iterdir()):
                empty.append(path)
        else:
            files.append(_take_file(_inside(root, path), into / path, path, link))
    return manifest(files, empty)


def _entries(root: Path, below: str) -> Iterator[tuple[str, bool]]:
    """Relative paths, folders before what is in them, and whether each is a folder."""
    with os.scandir(root / below) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = f"{below}{entry.name}"
        _check_name(path, root)
        is_folder = entry.is_dir(follow_symlinks=False)
        yield path, is_folder
        if is_folder:
            yield from _entries(root, f"{path}/")


def _check_name(name: str, root: Path) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "backslashreplace").decode()
        raise JobError(f"{root}: the name {shown!r} is not UTF-8. Rename the file.") from None


def _inside(root: Path, path: str) -> Path:
    """The file that a path of the source means.

    Raises:
        JobError: it is a link that leads out of the source or to a folder, or no file.
    """
    place = root / path
    mode = place.lstat().st_mode
    if stat.S_ISREG(mode):
        return place
    if not stat.S_ISLNK(mode):
        raise JobError(f"{place}: is neither a file nor a folder. Remove it.")
    aim = place.resolve()
    if not aim.is_relative_to(root):
        raise JobError(f"{place}: is a link that leads out of {root}. Put what it means in its place.")
    if not aim.is_file():
        raise JobError(f"{place}: is a link to a folder or to nothing. Put what it means in its place.")
    return aim


def _take_file(source: Path, target: Path, path: str, link: bool) -> TreeFile:
    if link and source.stat().st_nlink == 1 and _linked(source, target):  # another link could still write into it
        with target.open("rb") as file:
            size, sha256 = _hash(file.fileno(), None)
    else:
        size, sha256 = copy_file(source, target)
    target.chmod(READ_ONLY)
    return TreeFile(path, size, sha256)


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another disk, or one without links
        return False
    return True


def link_or_copy(source: str, target: str) -> None:
    """A file under another name, copied only where the disk has no hard links; for `shutil.copytree`.

    Raises:
        OSError: what the disk refuses.
    """
    if not _linked(Path(source), Path(target)):
        copy_file(Path(source), Path(target))


def copy_file(source: Path, target: Path) -> tuple[int, str]:
    """Copy into a new file; its size in bytes and its SHA-256, of what was written.

    Raises:
        OSError: what the disk refuses.
    """
    reading = os.open(source, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        writing = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            return _hash(reading, writing)
        finally:
            os.close(writing)
    finally:
        os.close(reading)


def _hash(reading: int, writing: int | None) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    while chunk := os.read(reading, CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if writing is not None:
            write_all(writing, chunk)
    return size, digest.hexdigest()


def write_all(handle: int, chunk: bytes) -> None:
    """Write all bytes; the system may take only some of them at once.

    Raises:
        OSError: what the disk refuses.
    """
    left = memoryview(chunk)
    while left:
        left = left[os.write(handle, left) :]
