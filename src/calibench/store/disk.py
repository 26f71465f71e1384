"""What a disk can refuse, and how to be sure that it has what was written."""

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calibench.errors import JobError

FULL = (errno.ENOSPC, errno.EDQUOT)
"""No room on the disk, or none left of what this user may have."""

MB = 1e6


@contextmanager
def on_disk(place: Path) -> Iterator[None]:
    """Turn what a disk refuses into a sentence.

    Raises:
        JobError: no room, no right, or a file that cannot be read.
    """
    try:
        yield
    except OSError as error:
        raise JobError(refusal(error, place)) from error


def refusal(error: OSError, place: Path) -> str:
    """Why `place` could not be written, for a person."""
    if error.errno in FULL:
        return f"{place}: the disk is full. Free some room there, and try again."
    where = error.filename if isinstance(error.filename, str) else str(place)
    return f"{where}: cannot be read or written ({error.strerror or error})."


def sync_all(folder: Path) -> None:
    """Wait until the disk that holds `folder` has all that was written to it.

    One call for any number of files: waiting for each of 5,000 pictures takes minutes on a slow disk.

    Raises:
        OSError: the disk could not take it.
    """
    call = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None) if os.name == "posix" else None
    if call is None:
        getattr(os, "sync", lambda: None)()
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if call(handle):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder; where folders cannot be opened, nothing is done."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_synced(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and wait until the disk has it.

    Raises:
        OSError: it cannot be written.
    """
    aside = path.with_name(f".{path.name[:100]}.{os.getpid()}.partial")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)
