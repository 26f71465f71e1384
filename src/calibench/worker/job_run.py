"""The way of one job: taken, its process run to the end, its result kept. What was done already is not done twice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from calibench.errors import JobError
from calibench.store.refused import Conflict, NotThere
from calibench.targets.bundle import End
from calibench.things.kept import ENDED, Job
from calibench.worker.attempts import Attempts, find
from calibench.worker.durable_queue import Stopped
from calibench.worker.ending import Ending
from calibench.worker.follow import EVERY_S
from calibench.worker.job_rows import JobRows, explained, log_traceback

AGAIN_S = 5.0
"""Until a database that could not be used is tried again."""

SHOWN_S = 2.0
"""That the row of a queued job may take to appear: its transaction may end after the queue heard of it."""


class JobRun:
    """Does what is still to do of a job; the queue calls it, in a thread of its own for each job that runs."""

    def __init__(self, rows: JobRows, jobs: Path, ending: Ending, stopping: threading.Event) -> None:
        self._rows, self._jobs, self._ending, self._stopping = rows, jobs, ending, stopping
        self._cancelled: set[int] = set()
        self._attempts = Attempts(rows, jobs, self._cancelled, stopping)
        self._lock = threading.Lock()
        self._taken: set[int] = set()

    def cancel(self, job_id: int) -> None:
        """Stop its process at the next look; the row says `cancelling` already."""
        self._cancelled.add(job_id)

    def __call__(self, job_id: int) -> None:
        """Run a job to its end.

        Raises:
            Stopped: the server stops; the process of the job, if there is one, goes on.
        """
        with self._claimed(job_id) as is_ours:
            while is_ours and not self._is_over(job_id):
                self._wait(AGAIN_S)

    @contextmanager
    def _claimed(self, job_id: int) -> Iterator[bool]:
        """The queue may know a job twice, as after a restored backup; it must not be followed twice."""
        with self._lock:
            is_ours = job_id not in self._taken
            self._taken.add(job_id)
        try:
            yield is_ours
        finally:
            if is_ours:
                self._taken.discard(job_id)
                self._cancelled.discard(job_id)
                self._attempts.forget(job_id)

    def _is_over(self, job_id: int) -> bool:
        """Go the way of the job; False when it must be gone again later."""
        try:
            job = self._take(job_id)
            while job is not None and job.state not in ENDED:
                end = self._attempts.attempt(job)
                job = self._rows.get(job_id)
                if end is not None:
                    job = self._ending.finish(job, end)
        except (NotThere, Conflict):  # deleted, or ended by somebody else
            return True
        except JobError as error:  # the database cannot be used; the process goes on meanwhile
            log_traceback(self._jobs / str(job_id), error)
            return False
        except Exception as error:  # a fault of ours must not leave a job that runs for ever
            return self._give_up(job_id, error)
        return True

    def _take(self, job_id: int) -> Job | None:
        """The job, running from now on; None when there is nothing to do."""
        job = self._shown(job_id)
        if job is None or job.state in ENDED:
            return None
        if job.state == "cancelling":
            self._cancelled.add(job_id)
        if job.state != "queued":
            return job
        return self._rows.change(job_id, only_if=("queued",), state="running", started=datetime.now(UTC))

    def _shown(self, job_id: int) -> Job | None:
        for _ in range(int(SHOWN_S / EVERY_S)):
            try:
                return self._rows.get(job_id)
            except NotThere:
                self._wait(EVERY_S)
        return None

    def _give_up(self, job_id: int, error: Exception) -> bool:
        log_traceback(self._jobs / str(job_id), error)
        try:
            job = self._rows.get(job_id)
            if (process := find(job, self._jobs / str(job_id))) is not None:
                process.stop()
            self._ending.finish(job, End(state="failed", failure=explained(error)))
        except (NotThere, Conflict):
            return True
        except JobError as again:
            log_traceback(self._jobs / str(job_id), again)
            return False
        return True

    def _wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped
