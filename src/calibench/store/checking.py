"""Look whether all that things name is on the disk, and as it was when it was kept."""

import hashlib
from dataclasses import dataclass
from typing import Any

from calibench.errors import JobError
from calibench.progress import Progress
from calibench.store.data_folder import DataFolder
from calibench.store.disk import MB, on_disk
from calibench.store.manifest import Manifest, TreeFile
from calibench.store.store import Store
from calibench.store.tables import Thing, word
from calibench.store.taking import CHUNK
from calibench.store.trees import Trees
from calibench.things.kept import KeptDataset, KeptModel, Project

NAMING: tuple[tuple[type[Thing], str], ...] = ((KeptModel, "tree"), (KeptDataset, "tree"), (Project, "result"))
"""Kinds of things that name a tree, and the field that does."""

SHOWN = 3
"""Things or files that a sentence names; it counts the others."""


@dataclass(frozen=True)
class Checked:
    """What a check of a data folder found."""

    problems: tuple[str, ...]
    """What is lost or damaged, and what uses it; a sentence each."""
    remarks: tuple[str, ...]
    """What only takes room."""
    trees: int
    files: int
    size_bytes: int
    """Of the files that were read."""

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        read = f"Read {self.files} files of {self.trees} trees, {self.size_bytes / MB:,.1f} MB."
        return (*self.problems, *self.remarks, read, *(() if self.problems else ("Everything is as it was kept.",)))

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            "problems": self.problems,
            "remarks": self.remarks,
            "trees": self.trees,
            "files": self.files,
            "size_bytes": self.size_bytes,
        }


def check_data(folder: DataFolder, progress: Progress, database: str | None = None) -> Checked:
    """Read every kept file, and compare it with its hash; nothing is changed. A server may work in the folder.

    Args:
        database: URL where it is not the SQLite file in the folder.

    Raises:
        JobError: there is no data, or it cannot be read.
    """
    if database is None and not folder.database.is_file():
        raise JobError(f"{folder.path}: holds no data of Calibench. Give another --data-dir.")
    store = Store(database or folder.url)
    try:
        used = _used(store)
    finally:
        store.close()
    with on_disk(folder.path):
        return _Checking(Trees(folder), used, progress).run()


def _used(store: Store) -> dict[str, list[str]]:
    """Each tree that things name, with those things for a person."""
    used: dict[str, list[str]] = {}
    for kind, field in NAMING:
        for thing in store.all(kind, newest_first=False):
            hash = getattr(thing, field)
            if hash:
                used.setdefault(hash, []).append(f"{word(kind)} {thing.id} ({getattr(thing, 'name', '')})")
    return used


class _Checking:
    """One check under way."""

    def __init__(self, trees: Trees, used: dict[str, list[str]], progress: Progress) -> None:
        self._trees, self._used, self._progress = trees, used, progress
        self._read: dict[tuple[int, int], str] = {}
        self._done = self._total = 0

    def run(self) -> Checked:
        there = self._trees.hashes()
        problems = [f"{_several(self._used[hash])}: all files are lost." for hash in self._used if hash not in there]
        manifests: dict[str, Manifest] = {}
        for hash in there:
            try:
                manifests[hash] = self._trees.manifest(hash)
            except JobError:
                problems.append(f"{self._who(hash)}: the list of files of tree {hash} is lost or damaged.")
        self._total = sum(one.size_bytes for one in manifests.values())
        for hash, found in manifests.items():
            wrong = [file.path for file in found.files if not self._is_as_kept(hash, file)]
            if wrong:
                problems.append(f"{self._who(hash)}: {_several(wrong)} of tree {hash} is lost or damaged.")
        unused = [hash for hash in there if hash not in self._used]
        size = sum(manifests[hash].size_bytes for hash in unused if hash in manifests)
        what = "1 tree" if len(unused) == 1 else f"{len(unused)} trees"
        remark = f"{what} of {size / MB:,.1f} MB: used by nothing; a server removes what is old at its start."
        return Checked(tuple(problems), (remark,) if unused else (), len(there), len(self._read), self._done)

    def _is_as_kept(self, hash: str, file: TreeFile) -> bool:
        place = self._trees.path(hash) / file.path
        try:
            facts = place.lstat()
            number = (facts.st_dev, facts.st_ino)
            if facts.st_size == file.size and number not in self._read:  # what is linked twice is read once
                self._read[number] = self._hash(hash, file)
            return facts.st_size == file.size and self._read[number] == file.sha256
        except OSError:
            return False

    def _hash(self, hash: str, file: TreeFile) -> str:
        digest = hashlib.sha256()
        with (self._trees.path(hash) / file.path).open("rb") as opened:
            while chunk := opened.read(CHUNK):
                digest.update(chunk)
                self._done += len(chunk)
                self._progress("check (MB)", int(self._done / MB), max(1, int(self._total / MB)))
        return digest.hexdigest()

    def _who(self, hash: str) -> str:
        return _several(self._used[hash]) if hash in self._used else "Used by nothing"


def _several(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
