"""Change the row of a job, and tell who listens."""

import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from calibench.errors import CalibenchError, JobError
from calibench.store.store import Store
from calibench.targets.bundle import LOG
from calibench.things.kept import Event, Failure, Job, JobState
from calibench.worker.hub import Hub

GOING: tuple[JobState, ...] = ("queued", "running", "cancelling")


class JobRows:
    """The jobs of the store; what is changed here is told on the hub."""

    def __init__(self, store: Store, hub: Hub) -> None:
        self.store, self.hub = store, hub

    def get(self, job_id: int) -> Job:
        """A job by its id.

        Raises:
            NotThere: it was deleted.
        """
        return self.store.get(Job, job_id)

    def change(self, job_id: int, only_if: tuple[JobState, ...] = GOING, **values: Any) -> Job:
        """Set fields of a job that is in one of these states.

        Raises:
            NotThere: it was deleted.
            Conflict: it is in another state.
        """
        job = self.store.change(Job, job_id, only_if={"state": only_if}, **values)
        self.tell(job)
        return job

    def tell(self, job: Job, change: Literal["created", "changed", "deleted"] = "changed") -> None:
        """Publish a job as it is now."""
        self.hub.publish(Event(topic="job", id=job.id, change=change, data=job.model_dump(mode="json")))

    def tell_more(self, job_id: int, change: Literal["progress", "trial"], data: Mapping[str, Any]) -> None:
        """Publish what a running job reports."""
        self.hub.publish(Event(topic="job", id=job_id, change=change, data=dict(data)))


def explained(error: Exception) -> Failure:
    """What went wrong, for the row of a job: a user's error as it is, anything else as a fault of ours."""
    if isinstance(error, CalibenchError):
        return Failure(kind=type(error).__name__, message=str(error))
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return Failure(kind=JobError.__name__, message=f"{where}{error.strerror or error}. Is the disk full?")
    first = (str(error).strip() or "no message").splitlines()[0].rstrip(".")
    message = f"{type(error).__name__}: {first}. This is a fault of Calibench; the log of the job says where."
    return Failure(kind="InternalError", message=message)


def log_traceback(folder: Path, error: Exception) -> None:
    """Add where an error came from to the log of a job."""
    with suppress(OSError), (folder / LOG).open("a", encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
