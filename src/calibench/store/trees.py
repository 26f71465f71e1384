"""Files by content: the same bytes are never stored twice, a tree is there whole or not at all.

A file's content is a blob, `blobs/ab/<sha256>`. A tree, `trees/<hash>/`, is a folder with the original names that are
hard links to blobs; `trees/<hash>.json` beside it is its manifest, whose SHA-256 is the tree's name. Where a disk has
no hard links, a tree holds its files itself.
"""

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from calibench.errors import JobError
from calibench.store.data_folder import DataFolder
from calibench.store.disk import on_disk, sync_all, sync_folder, write_synced
from calibench.store.manifest import Manifest, TreeFile, read_manifest
from calibench.store.taking import take

HASH = re.compile(r"[0-9a-f]{64}")
NEW, GONE = ".new-", ".gone-"
"""How names of folders begin that are not trees yet, or not any more."""

NO_LINK = (errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)
"""The disk has no hard links, or no more of this file."""

YOUNG_S = 3600.0
"""Seconds; what is younger may belong to work that goes on, and `sweep` leaves it."""


@dataclass(frozen=True)
class KeptTree:
    """A tree that is there."""

    hash: str
    size_bytes: int
    """Of all its files, whether other trees have them too or not."""
    files: int


@dataclass(frozen=True)
class Staged:
    """Files that lie beside the trees, hashed and safe on the disk, but no tree yet."""

    aside: Path
    manifest: Manifest
    source: Path | None
    """What to remove once the tree is there; None: it stays."""


class Trees:
    """The content store of a data folder; threads and processes may share it. data: the path of that folder."""

    def __init__(self, folder: DataFolder) -> None:
        self.data = folder.path
        self._trees = folder.trees
        self._blobs = folder.blobs

    def keep(self, source: Path, move: bool) -> KeptTree:
        """Store a folder, or a single file as a tree of one.

        Safe to repeat: a process that died between moving and writing down the hash calls it again with the same
        source, and gets the same tree, although the source is gone.

        Args:
            move: the source is given away: nothing is copied (on the same disk), and it is removed at the end.

        Raises:
            JobError: the disk is full or refuses; a name is not UTF-8; a link leads out. Nothing half is left.
        """
        if move and not source.exists() and (kept := self._moved_before(source)):
            return kept
        return self.place(self.stage(source, move))

    def stage(self, source: Path, move: bool) -> Staged:
        """The slow half of `keep`: read, hash, copy. It needs no transaction around it.

        Raises:
            JobError: as in `keep`.
        """
        aside = self._trees / f"{NEW}{uuid4().hex}"
        try:
            with on_disk(self._trees):
                found = take(source, aside, link=move)
                sync_all(self._trees)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        return Staged(aside, found, source if move else None)

    def place(self, staged: Staged) -> KeptTree:
        """The quick half of `keep`: the staged files become a tree, or are dropped where it is there already.

        Raises:
            JobError: as in `keep`.
        """
        found = staged.manifest
        kept = KeptTree(found.hash, found.size_bytes, len(found.files))
        try:
            with on_disk(self._trees), self._locked():
                self._make(staged.aside, found)
        finally:
            shutil.rmtree(staged.aside, ignore_errors=True)
        if staged.source is not None:
            with on_disk(staged.source):
                self._remove_source(staged.source, kept)
        return kept

    def path(self, hash: str) -> Path:
        """The folder of a tree; its files are read-only.

        Raises:
            JobError: it is not there.
        """
        place = self._place(hash)
        if not place.is_dir():
            raise JobError(f"The files {hash} are missing in the data folder. Restore it from a backup.")
        return place

    def manifest(self, hash: str) -> Manifest:
        """What a tree holds.

        Raises:
            JobError: it is not there, or damaged.
        """
        with on_disk(self._trees):
            return read_manifest(self._list_of(hash).read_bytes(), hash)

    def hashes(self) -> tuple[str, ...]:
        """All trees that are there, sorted."""
        with on_disk(self._trees):
            return tuple(sorted(entry.name for entry in self._trees.iterdir() if HASH.fullmatch(entry.name)))

    def drop(self, hash: str) -> int:
        """Remove a tree, and blobs that no other tree has; the bytes that this gave back. Nothing there: 0.

        Raises:
            JobError: the disk refuses.
        """
        with on_disk(self._trees), self._locked():
            place = self._place(hash)
            if not place.is_dir():
                return 0
            gone = self._trees / f"{GONE}{uuid4().hex}"
            place.rename(gone)
            return self._free(gone, hash)

    def sweep(self, used: set[str], older_than_s: float = YOUNG_S) -> int:
        """Remove trees that nothing uses, and what an interrupted process left; the bytes that this gave back.

        Args:
            used: hashes of trees that things name.
            older_than_s: what is younger stays, for it may be on its way to its thing.

        Raises:
            JobError: the disk refuses.
        """
        freed, before = 0, time.time() - older_than_s
        with on_disk(self._trees):
            for entry in sorted(self._trees.iterdir()):
                if entry.is_dir() and entry.stat().st_mtime <= before:
                    if HASH.fullmatch(entry.name) and entry.name not in used:
                        freed += self.drop(entry.name)
                    elif entry.name.startswith((NEW, GONE)):
                        freed += _remove(entry)
            return freed + self._sweep_blobs()

    def _make(self, aside: Path, found: Manifest) -> None:
        place = self._place(found.hash)
        if place.is_dir():
            os.utime(place)  # young again: `sweep` must leave it to its new thing
            return
        for file in found.files:
            self._share(aside / file.path, file)
        write_synced(self._list_of(found.hash), found.as_bytes())
        sync_all(self._trees)
        aside.rename(place)
        sync_folder(self._trees)

    def _share(self, path: Path, file: TreeFile) -> None:
        """Make a staged file and its blob one; either of them may be the one that is new."""
        blob = self._blob(file.sha256)
        blob.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            if not blob.exists():
                os.link(path, blob)
            elif blob.stat().st_size != file.size:  # damaged
                _link_over(path, blob)
            elif not blob.samefile(path):
                _link_over(blob, path)
        except OSError as error:
            if error.errno not in NO_LINK:
                raise

    def _free(self, gone: Path, hash: str) -> int:
        listed = self._list_of(hash)
        hashes: set[str] = set()
        with suppress(OSError, JobError):  # without it, `sweep` finds the blobs
            hashes = {file.sha256 for file in read_manifest(listed.read_bytes(), hash).files}
        listed.unlink(missing_ok=True)
        return _remove(gone) + sum(self._free_blob(self._blob(one)) for one in hashes)

    @staticmethod
    def _free_blob(blob: Path) -> int:
        with suppress(FileNotFoundError):
            facts = blob.stat()
            if facts.st_nlink == 1:
                blob.unlink()
                return facts.st_size
        return 0

    def _sweep_blobs(self) -> int:
        freed = 0
        for folder in sorted(self._blobs.iterdir()):
            with self._locked():  # for each anew: others may go on meanwhile
                freed += sum(self._free_blob(blob) for blob in list(folder.iterdir()))
        with self._locked():
            for listed in self._trees.glob("*.json"):
                if not listed.with_suffix("").is_dir():
                    listed.unlink()
        return freed

    def _remove_source(self, source: Path, kept: KeptTree) -> None:
        """Remove what was given away; it is whole or gone at any moment, and a note says what became of it."""
        write_synced(_note(source), kept.hash.encode())
        aside = source.with_name(f".{uuid4().hex}{GONE}")
        source.rename(aside)
        sync_folder(source.parent)
        if aside.is_dir():
            shutil.rmtree(aside)
        else:
            aside.unlink()

    def _moved_before(self, source: Path) -> KeptTree | None:
        try:
            hash = _note(source).read_text(encoding="ascii")
        except OSError:
            return None
        if not HASH.fullmatch(hash) or not self._place(hash).is_dir():
            return None
        found = self.manifest(hash)
        return KeptTree(hash, found.size_bytes, len(found.files))

    def _place(self, hash: str) -> Path:
        if not HASH.fullmatch(hash):
            raise JobError(f"{hash!r} is no hash of a tree.")
        return self._trees / hash

    def _list_of(self, hash: str) -> Path:
        return self._place(hash).with_suffix(".json")

    def _blob(self, sha256: str) -> Path:
        return self._blobs / sha256[:2] / sha256

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One at a time links and unlinks, among all threads and processes."""
        with (self._trees / ".lock").open("ab") as file:
            with suppress(ImportError, OSError):  # systems and disks without locks are trusted
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _link_over(kept: Path, replaced: Path) -> None:
    aside = replaced.with_name(f".{uuid4().hex}")
    os.link(kept, aside)
    aside.replace(replaced)


def _remove(folder: Path) -> int:
    """Remove a folder; the bytes of its files that had no other link."""
    freed = 0
    for place, _, names in os.walk(folder):
        for name in names:
            facts = os.lstat(os.path.join(place, name))  # noqa: PTH118 - there may be millions
            freed += facts.st_size if facts.st_nlink == 1 else 0
    shutil.rmtree(folder)
    return freed


def _note(source: Path) -> Path:
    """Where it is written what became of a source that was given away."""
    return source.with_name(f"{source.name}.kept")
