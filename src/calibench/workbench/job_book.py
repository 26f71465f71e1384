"""Jobs for the faces: asked for, looked at, cancelled, run again, deleted."""

import shutil
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from calibench.errors import CalibenchError, JobError
from calibench.store.data_folder import DataFolder
from calibench.store.refused import Conflict
from calibench.store.store import Store
from calibench.store.trees import YOUNG_S
from calibench.targets.bundle import LOG, Bundle
from calibench.targets.bundle_files import read_bundle, read_events, take_over_search, write_bundle
from calibench.targets.remote_record import hand_over
from calibench.things.kept import ENDED, Event, Job, JobKind, JobState, Target
from calibench.workbench.leftovers import Leftovers
from calibench.worker import log_tail
from calibench.worker.hub import Hub
from calibench.worker.job_rows import JobRows
from calibench.worker.lanes import ON_TARGET, order, turn
from calibench.worker.worker import Worker

ENVELOPE = ("type", "time")
"""Of an event; the rest of a trial's is a row."""

TITLE_LENGTH = 300
"""Letters of a title; the names in it have at most 100 each."""


class JobBook:
    """The jobs that were asked for, newest first."""

    def __init__(self, store: Store, folder: DataFolder, hub: Hub, worker: Worker) -> None:
        self._store, self._folder, self._hub, self._worker = store, folder, hub, worker
        self._rows = JobRows(store, hub)
        self._retrying = threading.Lock()
        self.leftovers = Leftovers(store, folder)

    def submit(self, kind: JobKind, title: str, bundle: Bundle, **of: Any) -> Job:
        """Keep a job and let it wait for its turn; what is measured is measured on the target that `of` names.

        Args:
            of: fields of the row that say whose job it is: project_id, model_id, dataset_id, target_id, retry_of.

        Raises:
            JobError: its folder or the queue cannot be written; nothing is kept of it then.
            NotThere: the target was removed.
        """
        if bundle.kind != kind:
            raise JobError(f"The job is to {kind}, but its bundle says {bundle.kind}.")
        bundle = aimed(bundle, self._store, of.get("target_id"))
        job = Job(created=datetime.now(UTC), kind=kind, title=title[:TITLE_LENGTH], **of)
        with self._store.together():
            job = self._store.add(job)
            folder = self.folder(job.id)
            shutil.rmtree(folder, ignore_errors=True)  # of a job that was deleted, or never came to be
            try:
                write_bundle(bundle, folder)
                if job.retry_of is not None:
                    take_over_search(self.folder(job.retry_of), folder)
                    hand_over(self.folder(job.retry_of), folder)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        self._rows.tell(job, "created")  # before it can begin, so that nobody hears of its start first
        try:
            self._worker.enqueue(job)
        except CalibenchError:
            self._remove(job.id)
            raise
        return job

    def all(
        self,
        states: Sequence[JobState] = (),
        kind: JobKind | None = None,
        project_id: int | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[Job, ...]:
        """Jobs, newest first; without `states`, in any state."""
        where = _where(states, kind, project_id)
        return self._store.all(Job, where=where, limit=limit, offset=offset)

    def count(self, states: Sequence[JobState] = (), kind: JobKind | None = None, project_id: int | None = None) -> int:
        """How many jobs `all` would give without a limit."""
        return self._store.count(Job, where=_where(states, kind, project_id))

    def get(self, id: int) -> Job:
        """A job by its id.

        Raises:
            NotThere: there is none.
        """
        return self._store.get(Job, id)

    def running(self) -> tuple[Job, ...]:
        """Jobs that have a process now, oldest first."""
        return self._store.all(Job, where={"state": ("running", "cancelling")}, newest_first=False)

    def queue_place(self, id: int) -> int | None:
        """How many jobs must start until this one does, itself counted: 1 is the next. None: it does not wait.

        Raises:
            NotThere: there is no such job.
        """
        job = self.get(id)
        if job.state != "queued":
            return None
        targets = {each.id: each for each in self._store.all(Target)}
        own = turn(job, targets)
        before = (other for other in self._store.all(Job, where={"state": "queued"}) if order(other) < order(job))
        return 1 + sum(turn(other, targets).is_beside(own) for other in before)

    def cancel(self, id: int) -> Job:
        """Stop a job: one that waits at once, one that runs within 2 s.

        Raises:
            NotThere: there is no such job.
            Conflict: it has ended.
        """
        return self._worker.cancel(self.get(id))

    def retry(self, id: int) -> Job:
        """Do the same again, as a new job; a search goes on where it was.

        Raises:
            NotThere: there is no such job.
            Conflict: it has not ended, was done, or is tried again already.
            JobError: what it was to do is not known any more.
        """
        job = self.get(id)
        if job.state not in ("failed", "cancelled"):
            why = "is done; there is nothing to retry" if job.state == "done" else "has not ended yet"
            raise Conflict(f"This job {why}.")
        owners = {name: getattr(job, name) for name in ("project_id", "model_id", "dataset_id", "target_id")}
        with self._retrying:  # a double click is one retry
            self.leftovers.refuse_retry(id)
            if (other := self._retry_of(id)) is not None:
                raise Conflict(f"This job was retried already, as job {other.id}.")
            return self.submit(job.kind, job.title, read_bundle(self.folder(id)), retry_of=job.id, **owners)

    def _retry_of(self, id: int) -> Job | None:
        """A retry of a job, or a retry of that one, that goes on or was done."""
        for other in self._store.all(Job, where={"retry_of": id}):
            found = self._retry_of(other.id) if other.state in ("failed", "cancelled") else other
            if found is not None:
                return found
        return None

    def log(self, id: int, last_lines: int = 200) -> str:
        """The end of what its process printed.

        Raises:
            NotThere: there is no such job.
        """
        self.get(id)
        return log_tail.last_lines(self.folder(id) / LOG, last_lines)

    def trials(self, id: int) -> list[dict[str, Any]]:
        """The models that its search evaluated so far, as rows of the report's `search.trials`.

        Raises:
            NotThere: there is no such job.
        """
        self.get(id)
        events, _ = read_events(self.folder(id))
        trials = [event for event in events if event["type"] == "trial"]
        # An attempt that goes on after an interruption may tell a trial again: the last word counts.
        by_number = {trial.get("number", -place): trial for place, trial in enumerate(trials)}
        return [{name: value for name, value in row.items() if name not in ENVELOPE} for row in by_number.values()]

    def said(self, id: int) -> dict[str, Any]:
        """What a job last said of its stage: `step`, `done` and `total`, and `note`, where it told one in that stage.

        Raises:
            NotThere: there is no such job.
        """
        self.get(id)
        last: dict[str, Any] = {}
        for event in read_events(self.folder(id))[0]:
            if event["type"] == "progress":
                note = {"note": last["note"]} if "note" in last and last.get("stage") == event.get("stage") else {}
                last = note | {name: event[name] for name in ("stage", "step", "done", "total") if name in event}
            elif event["type"] == "note":
                last["note"] = str(event.get("text", ""))
        return last

    def delete(self, id: int, leave: bool = False) -> None:
        """Delete an ended job with its folder; what came of it stays.

        What it left on its target is ended and removed there first, which takes seconds.

        Args:
            leave: leave that there, and forget it.

        Raises:
            NotThere: there is no such job.
            Conflict: it has not ended.
            NotPossible: what it left on its target could not be removed; it is not deleted.
        """
        job = self.get(id)
        if job.state not in ENDED:
            raise Conflict("This job has not ended. Cancel it first.")
        with self.leftovers.ended([job], leave):
            self._remove(id)

    def left_on(self, id: int) -> str:
        """The target on which an ended job may have left something, which a deletion removes first; '' for none.

        Raises:
            NotThere: there is no such job.
        """
        return "".join(self.leftovers.places([self.get(id)]))

    def _remove(self, id: int) -> None:
        self._store.delete(Job, id)
        shutil.rmtree(self.folder(id), ignore_errors=True)
        self._hub.publish(Event(topic="job", id=id, change="deleted"))

    def sweep(self, older_than_s: float = YOUNG_S) -> None:
        """Remove the folders of jobs that were deleted by a server that was killed before it came to them.

        Args:
            older_than_s: what is younger stays: its job is being made.
        """
        before = time.time() - older_than_s
        for place in sorted(self._folder.jobs.iterdir()):
            is_lost = place.name.isdecimal() and not self._store.count(Job, where={"id": int(place.name)})
            if is_lost and place.stat().st_mtime <= before:
                shutil.rmtree(place)

    def folder(self, id: int) -> Path:
        """Where a job is described and does its work."""
        return self._folder.jobs / str(id)


def _where(states: Sequence[JobState], kind: JobKind | None, project_id: int | None) -> dict[str, Any]:
    where: dict[str, Any] = {"state": tuple(states)} if states else {}
    where |= {} if kind is None else {"kind": kind}
    return where | ({} if project_id is None else {"project_id": project_id})


def aimed(bundle: Bundle, store: Store, target_id: int | None) -> Bundle:
    """A bundle with where its work is done, as the target is reached now.

    Raises:
        NotThere: the target was removed.
    """
    if target_id is None or bundle.kind not in ON_TARGET:
        return bundle
    spec = store.get(Target, target_id).spec
    return bundle if spec.is_here else bundle.model_copy(update={"target": spec})
