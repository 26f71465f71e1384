"""Takes jobs, runs each in a process of its own, and ends it once; a restart goes on where the last server was."""

import threading
from collections.abc import Mapping
from contextlib import suppress

from calibench.store.data_folder import DataFolder
from calibench.store.refused import Conflict
from calibench.store.store import Store
from calibench.targets.bundle import End
from calibench.targets.remote_record import is_left_there
from calibench.things.kept import Job, JobKind, Target
from calibench.worker.durable_queue import STOP_S, DurableQueue, Stopped
from calibench.worker.ending import Adopt, Ending
from calibench.worker.hub import Hub
from calibench.worker.job_rows import GOING, JobRows
from calibench.worker.job_run import JobRun
from calibench.worker.lanes import order, turn


class Worker:
    """The queue of jobs and the threads that follow them.

    Args:
        adopt: what takes the result of each kind of job into the store; see `Adopt`.
    """

    def __init__(self, store: Store, folder: DataFolder, hub: Hub, adopt: Mapping[JobKind, Adopt]) -> None:
        self._rows = JobRows(store, hub)
        self._stopping = threading.Event()
        self._ending = Ending(self._rows, folder.jobs, adopt)
        self._run = JobRun(self._rows, folder.jobs, self._ending, self._stopping)
        self._queue = DurableQueue(queue_url(store, folder), self._run)
        self._jobs = folder.jobs
        self._leaving: list[threading.Thread] = []
        self._is_started = False

    def start(self) -> None:
        """Take jobs, and go on with those that the last server left, whatever its queue knows of them.

        Raises:
            JobError: the queue cannot be opened, or another worker is open in this process.
        """
        self._stopping.clear()
        known = self._queue.start()
        self._is_started = True
        try:
            self._fill(known)
        except BaseException:
            self.stop()
            raise

    def _fill(self, known: set[int]) -> None:
        """Let jobs wait that the queue does not know of, in the order in which they were asked for."""
        for job in sorted(self._rows.store.all(Job, where={"state": GOING}), key=order):
            if job.id not in known:
                self._put(job)

    def stop(self) -> None:
        """Take no more jobs; the processes of those that run go on, and the next start finds them."""
        if self._is_started:
            self._is_started = False
            self._stopping.set()
            for thread in self._leaving:
                thread.join(STOP_S)
            self._queue.stop()

    def enqueue(self, job: Job) -> None:
        """Let a job wait for its turn. One whose worker has not started waits until it has.

        Raises:
            JobError: the queue cannot be written.
        """
        if self._is_started:
            self._put(job)

    def _put(self, job: Job) -> None:
        store = self._rows.store
        self._queue.put(job.id, turn(job, {each.id: each for each in store.all(Target)}))

    def cancel(self, job: Job) -> Job:
        """End a job that waits, at once; ask one that runs to stop, which takes at most 2 s.

        What another machine does is stopped there, which may take longer: the job is `cancelling` until then.

        Raises:
            NotThere: it was deleted.
            Conflict: it has ended.
        """
        if job.state == "queued" and is_left_there(self._jobs / str(job.id)):  # the retry of one that goes on there
            return self._leave(job)
        if job.state == "queued":
            try:
                ended = self._ending.finish(job, End(state="cancelled"), only_if=("queued",))
            except Conflict:  # it began in this moment
                return self.cancel(self._rows.get(job.id))
            if self._is_started:
                self._queue.drop(job.id)
            return ended
        if job.state == "running":
            try:
                job = self._rows.change(job.id, only_if=("running",), state="cancelling", eta_s=None)
            except Conflict:
                return self.cancel(self._rows.get(job.id))
            self._run.cancel(job.id)
            return job
        if job.state == "cancelling":
            return job
        raise Conflict(f"This job is {job.state} already; there is nothing to cancel.")

    def _leave(self, job: Job) -> Job:
        """End on its target what a job that waits was to go on with; it does not wait for its turn."""
        try:
            job = self._rows.change(job.id, only_if=("queued",), state="cancelling")
        except Conflict:
            return self.cancel(self._rows.get(job.id))
        if self._is_started:
            self._queue.drop(job.id)
            self._leaving = [thread for thread in self._leaving if thread.is_alive()]
            self._leaving.append(threading.Thread(target=self._run_aside, args=(job.id,), name=f"leave-{job.id}"))
            self._leaving[-1].start()
        return job

    def _run_aside(self, job_id: int) -> None:
        with suppress(Stopped):
            self._run(job_id)


def queue_url(store: Store, folder: DataFolder) -> str:
    """Where the queue is kept: beside the SQLite database, or in the same PostgreSQL database."""
    if store.url.startswith("sqlite"):
        return f"sqlite:///{folder.queue}"
    return store.url
