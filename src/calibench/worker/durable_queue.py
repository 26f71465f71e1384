"""The queue of jobs that outlives the server: DBOS, which is known here only.

The row of a job in the store is what counts, not the queue: a queue that was lost, or is older than the store (a
restored backup), is filled again from the rows (worker.py). A run has no steps of DBOS's own for the same reason: each
run looks at the row and the job's folder, and does what is still to do.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from calibench.errors import JobError
from calibench.worker.lanes import AT_ONCE, Lane, Turn

log = logging.getLogger(__name__)

Result = TypeVar("Result")

WORKFLOW = "run-job"
VERSION = "1"
"""Of what the queue says, not of Calibench: DBOS only takes up what was queued under the same version."""

LOOKS_S: dict[Lane, float] = {"work": 1.0, "away": 2.0, "imports": 0.5, "quick": 0.5}
"""How often a lane looks for its next job. A look takes 5 ms of a slow core: these take 3 % of it for ever, 0.1 s
would take 11 %. A server on a machine that measures should be quiet, and a process takes 2 s to begin anyway."""

STOP_S = 5.0
"""Until runs must have noticed that the queue stops; they look ten times a second."""


class Stopped(BaseException):
    """The server stops and the run goes on under the next one; no Exception, so that DBOS keeps the run as pending."""


class DurableQueue:
    """Runs jobs one after the other in their lanes, in threads; what was not finished is run again after a restart.

    One is open in a process at a time, because DBOS is.
    """

    _open = threading.Lock()

    def __init__(self, url: str, run: Callable[[int], None]) -> None:
        """Say where the queue is kept and what runs a job.

        Args:
            url: of the queue's database: sqlite:///FILE or postgresql://...
            run: does what is still to do of the job with this id; raises Stopped when the server stops.
        """
        self._url, self._run = url, run
        self._quiet = threading.Condition()
        self._runs = 0
        self._ids: dict[int, str] = {}

    def start(self) -> set[int]:
        """Open the queue and take jobs; gives the ids of the jobs that wait in it already.

        Raises:
            JobError: dbos is not installed, or another queue is open in this process.
        """
        if not self._open.acquire(blocking=False):
            raise JobError("Another workbench is open in this process. Close it first.")
        try:
            return _aside(self._start)
        except BaseException:
            self._open.release()
            raise

    def stop(self) -> None:
        """Take no more jobs and let go of everything; runs must have been told to stop before."""
        with self._quiet:
            self._quiet.wait_for(lambda: not self._runs, timeout=STOP_S)
        from dbos import DBOS

        _aside(functools.partial(DBOS.destroy, destroy_registry=True))
        self._open.release()

    def put(self, job_id: int, turn: Turn) -> None:
        """Add a job at the end of its lane; smaller priorities come first.

        Raises:
            JobError: the queue cannot be written.
        """
        from dbos import DBOS
        from sqlalchemy.exc import DBAPIError

        # Never the same name twice: after a restored backup a job may have the id of one that ran long ago.
        self._ids[job_id] = f"job-{job_id}-{uuid4().hex}"
        options: Any = {
            "workflow_name": WORKFLOW,
            "queue_name": turn.lane,
            "workflow_id": self._ids[job_id],
            "app_version": VERSION,
            "priority": turn.priority,
        }
        if turn.part:
            options["queue_partition_key"] = turn.part
        try:
            _aside(functools.partial(DBOS.enqueue_workflow_with_options, options, job_id))
        except DBAPIError as error:
            raise JobError(f"The queue of jobs cannot be written ({error.orig}). Is the disk full?") from error

    def drop(self, job_id: int) -> None:
        """Take a job out that did not start yet; one that runs is left alone by this."""
        from dbos import DBOS
        from sqlalchemy.exc import DBAPIError

        if name := self._ids.pop(job_id, None):
            with suppress(DBAPIError):  # it stays in the queue then, and its run finds nothing to do
                _aside(functools.partial(DBOS.cancel_workflow, name))

    def _start(self) -> set[int]:
        try:
            from dbos import DBOS
        except ImportError:
            raise JobError("The queue of jobs needs dbos. Install it: pip install 'calibench[serve]'.") from None
        _refuse_pickles()
        self._launch()
        try:
            return self._take_stock()
        except BaseException:
            DBOS.destroy(destroy_registry=True)
            raise

    def _take_stock(self) -> set[int]:
        """Make the lanes, forget runs that ended, and give the jobs of those that are to go on."""
        from dbos import DBOS

        for name, at_once in AT_ONCE.items():
            DBOS.register_queue(
                name,
                worker_concurrency=at_once,
                partition_worker_concurrency=1 if name == "away" else None,
                polling_interval_sec=LOOKS_S[name],
            )
        runs = DBOS.list_workflows(load_output=False)
        # What says that it is a pickle comes without `input` as a dict: deleted, and its job is put in anew.
        going = [run for run in runs if run.status in ("ENQUEUED", "PENDING") and isinstance(run.input, dict)]
        if over := [run.workflow_id for run in runs if run not in going]:
            DBOS.delete_workflows(over)
        self._ids = {int(run.workflow_id.split("-")[1]): run.workflow_id for run in going}
        return set(self._ids)

    def _launch(self) -> None:
        """Launch DBOS; a database that it cannot read is set aside, because the store knows what was in it."""
        from sqlalchemy.exc import DatabaseError

        try:
            self._launch_on()
        except DatabaseError as error:
            path = Path(self._url.removeprefix("sqlite:///"))
            if not self._url.startswith("sqlite"):
                raise JobError(f"The queue cannot be opened: {error.orig}. Look at the database server.") from None
            if not path.is_file():
                raise JobError(f"{path}: the queue cannot be opened ({error.orig}). Is its folder writable?") from None
            path.replace(path.with_name(f"{path.name}.{time.strftime('%Y%m%dT%H%M%S')}.broken"))
            log.warning("%s: %s. It is set aside, and a new queue is filled from the jobs.", path, error.orig)
            self._launch_on()

    def _launch_on(self) -> None:
        from dbos import DBOS, DBOSPortableJSONSerializer

        config: Any = {
            "name": "calibench",
            "system_database_url": self._url,
            "application_version": VERSION,
            "executor_id": "local",
            "run_admin_server": False,
            "enable_otlp": False,
            "log_level": "ERROR",
            "serializer": DBOSPortableJSONSerializer(),  # its default would pickle
        }

        def run_job(job_id: int) -> None:  # a function of its own: DBOS writes on it
            self._run_counted(job_id)

        try:
            DBOS(config=config)
            DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(run_job)  # None: the row counts them
            DBOS.launch()
        except BaseException:
            DBOS.destroy(destroy_registry=True)
            raise

    def _run_counted(self, job_id: int) -> None:
        with self._quiet:
            self._runs += 1
        try:
            self._run(job_id)
            self._ids.pop(job_id, None)
        finally:
            with self._quiet:
                self._runs -= 1
                self._quiet.notify_all()


def _aside(call: Callable[[], Result]) -> Result:
    """Call in a thread without an event loop: DBOS refuses calls from one that has, such as that of the pages."""
    answers: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(call())
        except BaseException as error:  # raised again in the thread that asked
            errors.append(error)

    thread = threading.Thread(target=run, name="queue-call")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]


def _refuse_pickles() -> None:
    """Never load a pickle, even where the database says that a run was written as one: it may come from elsewhere."""
    from dbos._serialization import DefaultSerializer

    def refuse(self: object, text: str) -> Any:
        raise ValueError("the queue holds a pickle, which is never loaded")

    DefaultSerializer.deserialize = refuse  # type: ignore[method-assign,assignment]
