"""Which files on the disk are still named by a thing, and the removal of those that are not."""

import stat
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from calibench.errors import JobError
from calibench.store.store import Store
from calibench.store.trees import Trees
from calibench.things.kept import KeptDataset, KeptModel, Project


class TreeUsers:
    """Trees, seen from the things that name them."""

    def __init__(self, store: Store, trees: Trees) -> None:
        self._store, self._trees = store, trees
        self._kept: dict[int, set[str]] = {}
        self._lock = threading.Lock()

    def about_to_name(self, tree: str, job_id: int) -> None:
        """Say that the end of a job will name a tree, so that nobody drops it before."""
        with self._lock:
            self._kept.setdefault(job_id, set()).add(tree)

    def has_named(self, job_id: int) -> None:
        """Say that a job has ended."""
        with self._lock:
            self._kept.pop(job_id, None)

    def used(self, trees: Iterable[str], but_for: Mapping[type, set[int]] | None = None) -> set[str]:
        """Those of the trees that a thing names.

        Args:
            but_for: ids of things, by kind, that do not count.
        """
        wanted, left_out = tuple(trees), but_for or {}
        found: set[str] = set()
        for kind, field in ((KeptModel, "tree"), (KeptDataset, "tree"), (Project, "result")):
            for thing in self._store.all(kind, where={field: wanted}) if wanted else ():
                if thing.id not in left_out.get(kind, ()):
                    found.add(str(getattr(thing, field)))
        return found

    def only_in(self, trees: set[str], but_for: Mapping[type, set[int]]) -> int:
        """Bytes on the disk that would be free if things went: files that other trees share do not count."""
        links: dict[int, list[int]] = {}
        for tree in trees - self.used(trees, but_for):
            for path in self._files(tree):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    entry = links.setdefault(status.st_ino, [0, status.st_nlink, status.st_size])
                    entry[0] += 1
        return sum(size for here, there, size in links.values() if there in (1, here + 1))

    def _files(self, tree: str) -> Iterable[Path]:
        try:
            return self._trees.path(tree).rglob("*")
        except JobError:  # its files were lost; the thing can be deleted all the same
            return ()

    def drop_unused(self, trees: Iterable[str]) -> int:
        """Remove those of the trees that no thing names any more; bytes that are free now."""
        trees = set(trees)
        with self._lock:
            awaited = set().union(*self._kept.values())
            return sum(self._trees.drop(tree) for tree in sorted(trees - self.used(trees) - awaited))

    def sweep(self) -> int:
        """Remove every tree and file that no thing names; for the start, when no job is being adopted."""
        used = {model.tree for model in self._store.all(KeptModel)}
        used |= {dataset.tree for dataset in self._store.all(KeptDataset)}
        used |= {project.result for project in self._store.all(Project)}
        return self._trees.sweep({tree for tree in used if tree is not None})
