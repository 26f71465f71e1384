"""Which files on the disk are still named by a thing, and the removal of those that are not."""

import stat
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from calibench.errors import JobError
from calibench.store.store import Store
from calibench.store.trees import HASH, Trees
from calibench.targets.bundle import BUNDLE
from calibench.things.kept import Job, KeptDataset, KeptModel, Project
from calibench.worker.job_rows import GOING


class TreeUsers:
    """Trees, seen from the things that name them, and from the jobs in `jobs` that read them."""

    def __init__(self, store: Store, trees: Trees, jobs: Path) -> None:
        self._store, self._trees, self._jobs = store, trees, jobs
        self._kept: dict[int, set[str]] = {}
        self._lock = threading.Lock()

    def keep(self, source: Path, job_id: int, *, move: bool) -> str:
        """Make a tree that the end of a job will name; its hash. Nobody drops it in between, be it there already.

        Raises:
            JobError: as `Trees.keep`.
        """
        if not source.exists():  # moved by a server that was killed before the end of the job was kept
            hash = self._trees.keep(source, move=move).hash
            self.about_to_name(hash, job_id)
            return hash
        staged = self._trees.stage(source, move)
        with self._lock:
            hash = self._trees.place(staged).hash
            self._kept.setdefault(job_id, set()).add(hash)
        return hash

    def about_to_name(self, tree: str, job_id: int) -> None:
        """Say that the end of a job will name a tree, or name another one instead, so that nobody drops it before."""
        with self._lock:
            self._kept.setdefault(job_id, set()).add(tree)

    def has_named(self, job_id: int) -> int:
        """Say that a job has ended: of the trees that were said, those that nothing names are removed; bytes freed."""
        with self._lock:
            trees = self._kept.pop(job_id, set())
        return self.drop_unused(trees)

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
        """Remove those of the trees that no thing names any more, and no job reads; bytes that are free now."""
        trees = set(trees)
        if not trees:
            return 0
        with self._lock:
            awaited = self._read_by_jobs().union(*self._kept.values())
            return sum(self._trees.drop(tree) for tree in sorted(trees - self.used(trees) - awaited))

    def sweep(self) -> int:
        """Remove every tree and file that no thing names; for the start, when no job is being adopted."""
        used = {model.tree for model in self._store.all(KeptModel)}
        used |= {dataset.tree for dataset in self._store.all(KeptDataset)}
        used |= {project.result for project in self._store.all(Project)}
        return self._trees.sweep({tree for tree in used if tree is not None} | self._read_by_jobs())

    def _read_by_jobs(self) -> set[str]:
        """Trees below which a job that waits or runs finds its files, whether a thing names them still or not."""
        found: set[str] = set()
        for job in self._store.all(Job, where={"state": GOING}):
            with suppress(OSError, UnicodeDecodeError):  # lost or damaged: the job will say so
                found.update(HASH.findall((self._jobs / str(job.id) / BUNDLE).read_text(encoding="utf-8")))
        return found
