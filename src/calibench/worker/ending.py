"""End a job exactly once: its result and the end of its row come into the store in one transaction, or neither."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from calibench.store.refused import Conflict
from calibench.targets.bundle import End
from calibench.targets.bundle_files import remove_temporary
from calibench.things.kept import Job, JobKind, JobState
from calibench.worker.job_rows import GOING, JobRows, explained, log_traceback

Adopt = Callable[[Job, Path, End], Mapping[str, Any]]
"""Takes what a job found into the store, and gives the `result` of its row.

Called with the job as it was before its end, its folder and how it ended: `done`, but also `failed` and `cancelled`,
so that the thing which waits for the job can be told. It runs inside `store.together()`: all that it writes is undone
when it raises. Slow work with files belongs before its first call of the store, because from there on writers wait.
"""


class Ending:
    """Ends jobs.

    Args:
        adopters: what takes the result of each kind of job in; a kind without one keeps it as it is.
    """

    def __init__(self, rows: JobRows, jobs: Path, adopters: Mapping[JobKind, Adopt]) -> None:
        self._rows, self._jobs, self._adopters = rows, jobs, adopters

    def finish(self, job: Job, end: End, only_if: tuple[JobState, ...] = GOING) -> Job:
        """End a job; a result that cannot be taken in makes it a failed one, with nothing of the result kept.

        Args:
            only_if: the states that the job must be in.

        Raises:
            NotThere, Conflict: it was deleted, has ended before, or is in another state.
            JobError: the database cannot be written; nothing has changed.
        """
        try:
            return self._end(job, end, self._adopters.get(job.kind, _as_it_is), only_if)
        except Exception as error:  # whatever a result does to us must become the end of its job
            self._still(job, only_if)
            log_traceback(self._jobs / str(job.id), error)
            failed = End(state="failed", failure=explained(error)) if end.state == "done" else end
        if end.state == "done":
            try:  # the thing that waits for the result hears that there is none
                return self._end(job, failed, self._adopters.get(job.kind, _as_it_is), only_if)
            except Exception as error:
                log_traceback(self._jobs / str(job.id), error)
        return self._end(job, failed, _as_it_is, only_if)

    def _end(self, job: Job, end: End, adopt: Adopt, only_if: tuple[JobState, ...]) -> Job:
        store = self._rows.store
        with store.together():
            result = adopt(job, self._jobs / str(job.id), end)
            values: dict[str, Any] = {"progress": 1.0} if end.state == "done" else {}
            ended = store.change(
                Job,
                job.id,
                only_if={"state": only_if},
                state=end.state,
                ended=datetime.now(UTC),
                failure=end.failure,
                result=dict(result),
                eta_s=None,
                pid=None,
                pid_created=None,
                **values,
            )
        remove_temporary(self._jobs / str(job.id))
        self._rows.tell(ended)
        return ended

    def _still(self, job: Job, only_if: tuple[JobState, ...]) -> None:
        """Whether it is this job's turn to end at all: an adoption that came too late fails in many ways."""
        now = self._rows.get(job.id)
        if now.state not in only_if:
            raise Conflict(f"The job {job.id} is {now.state} already.")


def _as_it_is(job: Job, folder: Path, end: End) -> Mapping[str, Any]:
    return end.result
