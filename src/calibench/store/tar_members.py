"""The members of a tar archive, packed or not."""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from calibench.store.archive_member import Member, MemberKind, Opened

PACKERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
"""How a packed tar begins, and what unpacks it."""

BLOCK = 512
LONGEST_HEADER = 1 << 20
"""Bytes; Python holds the header of a member in memory, and a name of a million letters is none."""


class _Stream:
    """The bytes of a tar, which refuses to give very many while a header is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.header: int | None = LONGEST_HEADER
        """Bytes that the header under way may still have; None: not a header."""

    def read(self, size: int) -> bytes:
        content = self._file.read(size)
        if self.header is not None:
            self.header -= len(content)
            if self.header < 0:
                raise tarfile.ReadError("a header is too long")
        return content


class _Strict(tarfile.TarInfo):
    """A header that is not passed over when it is damaged: Python takes that for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str | None, errors: str) -> "_Strict":
        try:
            return super().frombuf(buf, encoding, errors)  # type: ignore[arg-type]
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"it breaks off, {error}") from None


@contextmanager
def open_tar(archive: Path) -> Iterator[Opened]:
    """Read a tar archive from its beginning to its end.

    Raises:
        Exception: one of DAMAGED.
    """
    with archive.open("rb") as raw, _unpacked(raw) as plain:
        stream = _Stream(plain)
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Strict, encoding="utf-8") as opened:  # type: ignore[call-overload]
            yield Opened(_members(opened, stream), raw.tell)


def _members(opened: tarfile.TarFile, stream: _Stream) -> Iterator[Member]:
    while True:
        stream.header = LONGEST_HEADER
        info = opened.next()
        stream.header = None
        if info is None:
            break
        opened.members.clear()  # type: ignore[attr-defined]  # it would hold all of them
        file = opened.extractfile(info) if info.isreg() else None
        yield Member(info.name, _kind(info), file.read if file else lambda _: b"")
    stream.header = LONGEST_HEADER  # what follows the end is padding; a packer checks its sum when it comes to the end
    while stream.read(BLOCK * 20):
        pass


def _kind(info: tarfile.TarInfo) -> MemberKind:
    if info.issym() or info.islnk():
        return "link"
    if info.isdir():
        return "folder"
    return "file" if info.isreg() else "device"


def is_tar(archive: Path) -> bool:
    """Whether a file, unpacked when it is packed, begins like a tar."""
    try:
        with archive.open("rb") as raw, _unpacked(raw) as plain:
            begin = plain.read(BLOCK)
    except (OSError, EOFError, lzma.LZMAError):
        return False
    try:
        tarfile.TarInfo.frombuf(begin, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return ".tar" in archive.name.lower() and begin == bytes(BLOCK)  # a tar of nothing; else it is anything
    return True


@contextmanager
def _unpacked(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    begin = raw.read(6)
    raw.seek(0)
    for mark, unpacker in PACKERS.items():
        if begin.startswith(mark):
            with unpacker(raw, "rb") as plain:
                yield plain
            return
    yield raw
