"""The process of a job: found again where it runs, started where it does not, followed until it is gone."""

import threading
from dataclasses import dataclass
from pathlib import Path

import psutil

from calibench.errors import JobError
from calibench.targets import local_process
from calibench.targets.bundle import END, End
from calibench.targets.bundle_files import read_end
from calibench.things.kept import Failure, Job
from calibench.worker.durable_queue import Stopped
from calibench.worker.follow import EVERY_S, Follower
from calibench.worker.job_rows import JobRows, explained
from calibench.worker.lanes import lane

ATTEMPTS = 3
"""Processes that a job may use up: two interruptions are bad luck, a third one has a reason."""

LEAVING_S = 5.0
"""That a process may take to be gone after it said how it ended; then it is ended."""


@dataclass(frozen=True)
class Process:
    """A process on this machine; its number alone may be given to another one later."""

    pid: int
    created: float

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return local_process.is_alive(self.pid, self.created)

    def stop(self, grace_s: float = local_process.GRACE_S) -> bool:
        """End it and what it started, by force after `grace_s` seconds; whether it is gone."""
        return local_process.stop(self.pid, self.created, grace_s)


class Attempts:
    """Runs the process of a job, one attempt at a time. `cancelled` holds the jobs that must be stopped."""

    def __init__(self, rows: JobRows, jobs: Path, cancelled: set[int], stopping: threading.Event) -> None:
        self._rows, self._jobs, self._cancelled, self._stopping = rows, jobs, cancelled, stopping

    def attempt(self, job: Job) -> End | None:
        """How the job ended; None: its process was ended from outside, and it takes another attempt.

        Raises:
            Stopped: the server stops; the process goes on.
            JobError: the database cannot be used; call again later.
        """
        folder = self._jobs / str(job.id)
        process = find(job, folder)
        is_new = process is None
        if process is None:
            if (left := _end_in(folder)) is not None:  # it ended while no server looked
                Follower(self._rows, folder, job).catch_up()
                return self._judge(job, left)
            if job.id in self._cancelled:
                return End(state="cancelled")
            if job.attempt >= ATTEMPTS:
                return _interrupted_too_often(job)
            started = self._start(job, folder)
            if isinstance(started, End):
                return started
            process = started
        return self._judge(job, self._follow(job, process, is_new))

    def _start(self, job: Job, folder: Path) -> Process | End:
        """Start a process. The attempt is counted before, so that one that brings down the machine is counted too."""
        self._rows.change(job.id, attempt=job.attempt + 1, pid=None, pid_created=None)
        try:
            process = Process(*local_process.start(folder, is_low=lane(job.kind) == "imports"))
        except JobError as error:
            return End(state="failed", failure=explained(error))
        self._rows.change(job.id, pid=process.pid, pid_created=process.created)
        return process

    def _follow(self, job: Job, process: Process, is_new: bool) -> End | None:
        """Read on until the process is gone; None when it left no word of how it ended."""
        folder = self._jobs / str(job.id)
        follower = Follower(self._rows, folder, job)
        if not is_new or job.attempt:  # what an attempt before this one said was told then
            follower.catch_up()
        while True:
            is_alive = process.is_alive()  # before the look at its end: it may say it and leave in between
            follower.look()
            if (end := _end_in(folder)) is not None:
                self._let_go(process)
                follower.look()
                return end
            if not is_alive:
                return None
            if job.id in self._cancelled:
                process.stop(local_process.grace_s(folder))
            elif self._stopping.wait(EVERY_S):
                raise Stopped

    def _let_go(self, process: Process) -> None:
        """Wait until an ended process is gone: the next job measures, and wants the machine for itself."""
        for _ in range(int(LEAVING_S / EVERY_S)):
            if not process.is_alive():
                return
            self._stopping.wait(EVERY_S)
        process.stop()

    def _judge(self, job: Job, end: End | None) -> End | None:
        """What an end means here."""
        if end is not None and end.state == "done":
            return end
        if job.id in self._cancelled:
            return End(state="cancelled")
        if end is not None and end.state == "failed":
            return end
        # Killed; or told to stop, but not by us: so it goes when a machine is switched off.
        (self._jobs / str(job.id) / END).unlink(missing_ok=True)
        return None


def find(job: Job, folder: Path) -> Process | None:
    """The process of a job, where it runs.

    A server that was killed between the start of a process and the note of its number left one that only its
    command line tells of.
    """
    command = ["calibench", "run", str(folder.resolve())]
    if job.pid is not None and job.pid_created is not None:
        process = Process(job.pid, job.pid_created)
        return process if process.is_alive() and _runs(job.pid, command) else None
    if not job.attempt:
        return None
    for found in psutil.process_iter(["cmdline"]):
        began = local_process.began_at(found.pid) if (found.info["cmdline"] or [])[-3:] == command else None
        if began is not None:
            return Process(found.pid, began)
    return None


def _runs(pid: int, command: list[str]) -> bool:
    """Whether a process was started for this folder, and not for the one that this folder is a copy of."""
    try:
        return psutil.Process(pid).cmdline()[-len(command) :] == command
    except psutil.AccessDenied:
        return True  # number and beginning say so
    except psutil.Error:
        return False


def _end_in(folder: Path) -> End | None:
    try:
        return read_end(folder)
    except JobError as error:
        return End(state="failed", failure=explained(error))


def _interrupted_too_often(job: Job) -> End:
    where = f", the last time at '{job.stage}'" if job.stage else ""
    message = (
        f"The process of this job was ended from outside {ATTEMPTS} times{where}. Is there enough memory? "
        "Look at the end of its log, then retry."
    )
    return End(state="failed", failure=Failure(kind=JobError.__name__, message=message))
