"""Unpack zip and tar archives from strangers: nothing outside, no links, no more than was allowed."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from calibench.errors import CalibenchError, DatasetError, JobError
from calibench.store.archive_member import DAMAGED, Member, Opened
from calibench.store.archive_names import is_litter, safe_parts, shown
from calibench.store.disk import FULL, MB
from calibench.store.taking import write_all
from calibench.store.tar_members import is_tar, open_tar
from calibench.store.zip_members import open_zip
from calibench.things.asked import Limits

ZIP = (b"PK\x03\x04", b"PK\x05\x06")
OTHERS = {b"Rar!\x1a\x07": "RAR", b"7z\xbc\xaf\x27\x1c": "7z", b"\x28\xb5\x2f\xfd": "Zstandard"}
"""Archives that are known and not read."""

CHUNK = 1 << 20
"""Bytes that are written at once."""

RATIO_FROM = 100 * 10**6
"""Bytes; what unpacks to less is no bomb, however tightly it was packed."""

TOLD_S = 0.1
"""Seconds between two reports."""

REFUSED = {
    "link": "is a link. Pack the files themselves: tar --dereference --hard-dereference, or zip without -y.",
    "device": "is neither a file nor a folder. Pack without it.",
    "encrypted": "is encrypted. Pack it without a password.",
}


def is_archive(path: Path) -> bool:
    """Whether a file begins like an archive; what `unpack` cannot read, it refuses by name."""
    try:
        return _is_zip(path) or _other(path) is not None or is_tar(path)
    except OSError:
        return False


def unpack(archive: Path, into: Path, limits: Limits, progress: Callable[[int, int], None]) -> tuple[str, ...]:
    """Unpack into an empty or new folder. Sizes are counted as they are written; what headers say is not believed.

    Args:
        progress: called with the bytes of the archive that were read, and its size; it may raise to stop.

    Returns:
        What was left out, a sentence each.

    Raises:
        DatasetError: the archive is damaged, encrypted, too large, or holds what could do harm. Nothing is left.
        JobError: the disk is full or refuses. Nothing is left.
    """
    into.mkdir(parents=True, exist_ok=True)
    try:
        return _Unpacking(archive, into, limits, progress).run()
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise


class _Unpacking:
    """One archive on its way to the disk, and what came out so far."""

    def __init__(self, archive: Path, into: Path, limits: Limits, progress: Callable[[int, int], None]) -> None:
        self._archive, self._into, self._limits, self._progress = archive, into, limits, progress
        self._size = archive.stat().st_size
        self._bytes = self._files = self._left_out = 0
        self._folders: set[tuple[str, ...]] = {()}
        self._told = 0.0
        self._at = ""

    def run(self) -> tuple[str, ...]:
        with ExitStack() as stack:
            with self._reading():
                opened = stack.enter_context(self._open())
            while member := self._next(opened):
                self._at = member.name
                self._take(member, opened)
        self._progress(self._size, self._size)
        left_out = self._left_out
        return (f"Left out {left_out} files that systems add by themselves, such as .DS_Store.",) if left_out else ()

    def _open(self) -> AbstractContextManager[Opened]:
        other = _other(self._archive)
        if other:
            raise self._refused(f"is a {other} archive, which is not read. Pack it as .zip or .tar.gz.")
        if _is_zip(self._archive):
            return open_zip(self._archive, self._limits.files)
        if is_tar(self._archive):
            return open_tar(self._archive)
        raise self._refused("is no archive, or a damaged one. Give a .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz.")

    def _next(self, opened: Opened) -> Member | None:
        with self._reading():
            return next(opened.members, None)

    def _take(self, member: Member, opened: Opened) -> None:
        try:
            parts = safe_parts(member.name)
        except DatasetError as error:
            raise self._refused(str(error)) from None
        if is_litter(parts):
            self._left_out += member.kind == "file"
            for _ in self._content(member, opened):
                pass
            return
        if member.kind in REFUSED:
            raise self._refused(f"{shown(member.name)} {REFUSED[member.kind]}")
        if member.kind == "folder":
            self._make_folder(parts)
        else:
            self._write(member, parts, opened)
        self._tell(opened)

    def _make_folder(self, parts: tuple[str, ...]) -> None:
        for depth in range(1, len(parts) + 1):
            if parts[:depth] not in self._folders:
                self._count_one()
                self._folders.add(parts[:depth])
                with self._writing():
                    self._into.joinpath(*parts[:depth]).mkdir(mode=0o700, exist_ok=True)

    def _write(self, member: Member, parts: tuple[str, ...], opened: Opened) -> None:
        if not parts:
            raise self._refused(f"{shown(member.name)} is no name of a file. Pack it again.")
        self._make_folder(parts[:-1])
        self._count_one()
        with self._writing():
            file = self._into.joinpath(*parts).open("xb", buffering=0)
        with file:
            for chunk in self._content(member, opened):
                with self._writing():
                    write_all(file.fileno(), chunk)

    def _content(self, member: Member, opened: Opened) -> Iterator[bytes]:
        while True:
            with self._reading():
                chunk = member.read(CHUNK)
            if not chunk:
                return
            self._count_bytes(len(chunk))
            self._tell(opened)
            yield chunk

    def _count_one(self) -> None:
        self._files += 1
        if self._files > self._limits.files:
            raise self._refused(f"holds more than {self._limits.files} files. Give a smaller archive.")

    def _count_bytes(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._limits.bytes:
            raise self._refused(f"unpacks to more than {self._limits.bytes / MB:,.0f} MB. Give a smaller archive.")
        if self._bytes > RATIO_FROM and self._bytes > self._limits.ratio * self._size:
            raise self._refused(
                f"unpacks to more than {self._limits.ratio:g} times its size; so tight is no dataset. Pack it anew."
            )

    def _tell(self, opened: Opened) -> None:
        now = time.monotonic()
        if now - self._told >= TOLD_S:
            self._told = now
            self._progress(min(opened.position(), self._size), self._size)

    def _refused(self, sentence: str) -> DatasetError:
        return DatasetError(f"{self._archive.name}: {sentence}")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except CalibenchError:
            raise
        except (*DAMAGED, OSError) as error:
            where = f" at {shown(self._at)}" if self._at else ""
            reason = str(error).strip().rstrip(".") or "it breaks off"
            raise self._refused(f"is damaged{where} ({reason}). Pack or upload it again.") from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise self._refused(
                f"{shown(self._at)} is there twice, or is both a file and a folder (for some disks 'A' is 'a'). "
                "Pack it anew."
            ) from None
        except OSError as error:
            if error.errno in FULL:
                done = f"{self._bytes / MB:,.0f} MB"
                raise JobError(f"{self._archive.name}: the disk is full after {done}. Free some room there.") from error
            raise self._refused(f"{shown(self._at)} cannot be written ({error.strerror}). Rename it.") from None


def _is_zip(path: Path) -> bool:
    return _begin(path).startswith(ZIP)


def _other(path: Path) -> str | None:
    begin = _begin(path)
    return next((name for mark, name in OTHERS.items() if begin.startswith(mark)), None)


def _begin(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)
