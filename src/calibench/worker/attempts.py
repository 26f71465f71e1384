"""The process of a job: found again where it runs, started where it does not, followed until it is gone."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psutil

from calibench.errors import JobError
from calibench.targets import local_process
from calibench.targets.bundle import END, End
from calibench.targets.bundle_files import ask_cancel, is_cancel_asked, read_end
from calibench.targets.remote_record import is_left_there
from calibench.things.kept import Failure, Job
from calibench.worker.durable_queue import Stopped
from calibench.worker.follow import EVERY_S, Follower
from calibench.worker.job_rows import JobRows, explained
from calibench.worker.lanes import LANES

ATTEMPTS = 3
"""Processes that a job may use up: two interruptions are bad luck, a third one has a reason."""

LEAVING_S = 5.0
"""That a process may take to be gone after it said how it ended; then it is ended."""

WITH_US_S = 5.0
"""Before a process that was told to end by somebody else is started again: where the machine is switched off, the
server is told to end as well, and must not start what is killed at once. More than its grace for open connections."""

LEAVES_S = 60.0
"""That a process may take which only ends on a target what was cancelled."""


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
    """Runs the process of a job, one attempt at a time. `cancelled` holds the jobs that must be stopped.

    A job that another machine does may be cancelled while its process here is gone. Then one is started that only
    leaves: it ends the job there, and cleans up.
    """

    def __init__(self, rows: JobRows, jobs: Path, cancelled: set[int], stopping: threading.Event) -> None:
        self._rows, self._jobs, self._cancelled, self._stopping = rows, jobs, cancelled, stopping
        self._leaving: set[int] = set()

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
                return self._judge(job, left, is_news=False)
            if job.id in self._cancelled:
                if not self._begins_leaving(job):
                    return End(state="cancelled")
            elif job.attempt >= ATTEMPTS:
                return _interrupted_too_often(job)
            started = self._start(job, folder)
            if isinstance(started, End):
                return started
            process = started
        return self._judge(job, self._follow(job, process, is_new))

    def forget(self, job_id: int) -> None:
        """It has ended."""
        self._leaving.discard(job_id)

    def _begins_leaving(self, job: Job) -> bool:
        """Whether a cancelled job is to be ended on its target; that is tried once by each server."""
        if job.id in self._leaving or not is_left_there(self._jobs / str(job.id)):
            return False
        self._leaving.add(job.id)
        self._ask_cancel(job)
        return True

    def _ask_cancel(self, job: Job) -> None:
        with suppress(OSError):  # a full disk; the process is stopped all the same
            ask_cancel(self._jobs / str(job.id))

    def _start(self, job: Job, folder: Path) -> Process | End:
        """Start a process. The attempt is counted before, so that one that brings down the machine is counted too."""
        self._rows.change(job.id, attempt=job.attempt + 1, pid=None, pid_created=None)
        try:
            process = Process(*local_process.start(folder, is_low=LANES[job.kind] == "imports"))
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
        begun = monotonic()
        while True:
            is_alive = process.is_alive()  # before the look at its end: it may say it and leave in between
            follower.look()
            if (end := _end_in(folder)) is not None:
                self._let_go(process)
                follower.look()
                return end
            if not is_alive:
                return None
            if job.id in self._cancelled and (job.id not in self._leaving or monotonic() - begun > LEAVES_S):
                self._ask_cancel(job)
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

    def _judge(self, job: Job, end: End | None, is_news: bool = True) -> End | None:
        """What an end means here. `is_news`: it came just now."""
        if end is not None and end.state == "done":
            return end
        folder = self._jobs / str(job.id)
        if job.id in self._cancelled:
            is_obeyed = end is not None and end == End(state="cancelled") and is_cancel_asked(folder)
            if is_obeyed or job.id in self._leaving or not is_left_there(folder):
                return End(state="cancelled")
        elif end is not None and end.state == "failed":
            return end
        # Killed; or told to stop, but not by us: so it goes when a machine is switched off.
        (folder / END).unlink(missing_ok=True)
        if end is not None and job.id not in self._cancelled:
            if is_left_there(folder):  # the work itself was not interrupted, so that is no attempt
                self._rows.change(job.id, attempt=max(0, self._rows.get(job.id).attempt - 1))
            if is_news:
                self._let_server_end(job)
        return None

    def _let_server_end(self, job: Job) -> None:
        """Wait, for where the server is told to end as well."""
        until = monotonic() + WITH_US_S
        while monotonic() < until and job.id not in self._cancelled:
            if self._stopping.wait(EVERY_S):
                raise Stopped


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
