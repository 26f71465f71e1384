"""The members of a zip archive."""

import os
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from calibench.errors import DatasetError
from calibench.store.archive_member import Member, MemberKind, Opened

ENCRYPTED = 0x1 | 0x40
UTF8 = 0x800
UNIX = 3
"""The system of a member that says its mode in `external_attr`."""

SMALL = 4096
"""Bytes that are asked for at once of a member packed by bzip2 or LZMA: Python unpacks all of what it reads."""

END, END64 = b"PK\x05\x06", b"PK\x06\x07"
SHORTEST_ENTRY = 46
"""Bytes of an entry in the directory, without its name."""


@contextmanager
def open_zip(archive: Path, most_files: int) -> Iterator[Opened]:
    """Read a zip archive in the order of its directory.

    Raises:
        DatasetError: its directory is too long to be read.
        Exception: one of DAMAGED.
    """
    with archive.open("rb") as raw:
        directory = _directory_bytes(raw)
        if directory is None:
            raise zipfile.BadZipFile("its end is missing")
        if directory > most_files * SHORTEST_ENTRY:
            raise DatasetError(f"{archive.name}: holds more than {most_files} files. Give a smaller archive.")
        with zipfile.ZipFile(raw) as opened:
            yield Opened(_members(opened), raw.tell)


def _members(opened: zipfile.ZipFile) -> Iterator[Member]:
    for info in opened.infolist():
        name, kind = _name(info), _kind(info)
        if kind != "file":
            yield Member(name, kind)
            continue
        with opened.open(info) as file:
            is_bounded = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            yield Member(name, kind, file.read if is_bounded else lambda _, file=file: file.read(SMALL))  # type: ignore[misc]


def _kind(info: zipfile.ZipInfo) -> MemberKind:
    mode = info.external_attr >> 16 if info.create_system == UNIX else 0
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "device"
    if info.filename.endswith(("/", "\\")) or stat.S_ISDIR(mode):
        return "folder"
    return "encrypted" if info.flag_bits & ENCRYPTED else "file"


def _name(info: zipfile.ZipInfo) -> str:
    """As it was meant: many programs write UTF-8 without saying so, and some of Windows write backslashes."""
    name = info.filename
    if not info.flag_bits & UTF8:
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            name = info.filename
    return name.replace("\\", "/")


def _directory_bytes(raw: IO[bytes]) -> int | None:
    """How long the directory says that it is: Python reads it whole, whatever it is. None: there is none."""
    size = raw.seek(0, os.SEEK_END)
    raw.seek(max(0, size - 65_557))  # the longest comment, and the end record
    tail = raw.read()
    place = tail.rfind(END)
    raw.seek(0)
    if place < 0 or len(tail) < place + 22:
        return None
    (length,) = struct.unpack_from("<L", tail, place + 12)
    locator = tail[place - 20 : place] if place >= 20 else b""
    if locator[:4] == END64:
        raw.seek(min(size, struct.unpack_from("<Q", locator, 8)[0]))
        record = raw.read(56)
        raw.seek(0)
        length = max(length if length != 0xFFFFFFFF else 0, *struct.unpack_from("<Q", record.ljust(56, b"\0"), 40))
    return int(length)
