"""One thing in an archive, whatever kind of archive it is."""

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, tarfile.TarError, struct.error),
    *(EOFError, ValueError, IndexError, KeyError, OverflowError, NotImplementedError, RuntimeError),
)
"""What the readers of archives raise when the bytes are not what they should be."""

MemberKind = Literal["file", "folder", "link", "device", "encrypted"]


@dataclass(frozen=True)
class Member:
    """A file or folder in an archive, or something that is refused."""

    name: str
    kind: MemberKind
    read: Callable[[int], bytes] = lambda _: b""
    """Of a file: the next bytes, at most so many; b'' at its end. Only until the next member is asked for."""


@dataclass(frozen=True)
class Opened:
    """An archive that is being read."""

    members: Iterator[Member]
    position: Callable[[], int]
    """Bytes of the archive that were read."""
