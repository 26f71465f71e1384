"""What jobs that are to be deleted have left on other machines: it is ended and removed there first."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from calibench.errors import CalibenchError
from calibench.store.data_folder import DataFolder
from calibench.store.refused import Conflict
from calibench.store.store import Store
from calibench.targets import left_on_target
from calibench.targets.bundle_files import read_bundle, write_bundle
from calibench.things.kept import Hindrance, Job, Target
from calibench.workbench.refusals import NotPossible

AT_ONCE = 4
"""Targets that are tidied at the same time, each by a process of its own."""
PLACE = ("kind", "host", "user", "home")
"""What says where on which machine a job lies."""
CODE = "left-on-target"
"""Of the hindrance that a person may pass over."""


class Leftovers:
    """Of jobs that have ended. One object is shared by all that delete jobs."""

    def __init__(self, store: Store, folder: DataFolder) -> None:
        self._store, self._folder = store, folder
        self._lock = threading.Lock()
        self._ending: set[int] = set()

    def of(self, jobs: Iterable[Job]) -> tuple[Job, ...]:
        """Those that may have something on their targets; quick, nothing is asked there."""
        return tuple(job for job in jobs if left_on_target.has_left(self._folder.jobs / str(job.id)))

    def places(self, jobs: Iterable[Job]) -> tuple[str, ...]:
        """Names of the targets that they may have left something on."""
        named = {target.id: target.name for target in self._store.all(Target)}
        found = [named.get(job.target_id or 0, "a target that was removed") for job in self.of(jobs)]
        return tuple(dict.fromkeys(found))

    @contextmanager
    def ended(self, jobs: Iterable[Job], leave: bool = False) -> Iterator[None]:
        """End and remove there what jobs have left; inside of `with`, nobody begins anything with them.

        It takes seconds, and about 20 where a target does not answer.

        Args:
            leave: leave it there, and forget it.

        Raises:
            NotPossible: something could not be removed; `leave` deletes all the same.
            Conflict: one of them is being deleted already.
        """
        known = tuple(jobs)
        ids = {job.id for job in known}
        with self._lock:
            if ids & self._ending:
                raise Conflict("This is being deleted already: what was left on a target is removed first.")
            self._ending |= ids
        try:
            if not leave:
                self._end(self.of(known))
            yield
        finally:
            with self._lock:
                self._ending -= ids

    def refuse_retry(self, job_id: int) -> None:
        """Stop where a job is being deleted.

        Raises:
            Conflict: it is.
        """
        if job_id in self._ending:
            raise Conflict("This job is being deleted: what it left on its target is removed first.")

    def _end(self, jobs: tuple[Job, ...]) -> None:
        by_target: dict[int | None, list[Job]] = {}
        for job in jobs:
            by_target.setdefault(job.target_id, []).append(job)
        if not by_target:
            return
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="leftovers") as several:
            said = list(several.map(self._end_on_one, by_target.values()))
        refused = [sentence for sentence in said if sentence]
        if refused:
            raise NotPossible(
                Hindrance(
                    code=CODE,
                    sentence=refused[0],
                    action="Delete all the same",
                )
            )

    def _end_on_one(self, jobs: list[Job]) -> str:
        """A sentence where something stays; then the others are not tried: their target does not answer."""
        for job in jobs:
            folder = self._folder.jobs / str(job.id)
            self._aim_anew(job)
            if said := left_on_target.end_there(folder):
                return f"{job.title}: {said}"
        return ""

    def _aim_anew(self, job: Job) -> None:
        """Reach the same place as it is reached now, such as with a host key that was confirmed since."""
        folder = self._folder.jobs / str(job.id)
        with suppress(CalibenchError, OSError):
            now, bundle = self._store.get(Target, job.target_id or 0).spec, read_bundle(folder)
            then = bundle.target
            if then is not None and then != now and all(getattr(then, name) == getattr(now, name) for name in PLACE):
                write_bundle(bundle.model_copy(update={"target": now}), folder)
