"""A job followed to its end, by the events of the server."""

import json
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any, TypeVar

from calibench.client.connection import KINDS, Connection, understood
from calibench.errors import CalibenchError, JobError, TargetError
from calibench.progress import Progress
from calibench.things.kept import ENDED, Event, Job

Answer = TypeVar("Answer")
OnEvent = Callable[[Event], None]

LOST_S = 60.0
"""Seconds that a server may be away, restarted for example, before it is given up."""
PAUSE_S = 0.5
"""Between two tries to reach it."""


def unheard(_event: Event) -> None:
    """Of who does not listen."""


def as_progress(progress: Progress) -> OnEvent:
    """What a job tells of its steps, for who follows a pipeline."""

    def hear(event: Event) -> None:
        if event.change == "progress" and event.data.get("step") not in (None, "done"):
            progress(str(event.data["step"]), int(event.data["done"]), int(event.data["total"]))

    return hear


def events(connection: Connection) -> Generator[Event | None, None, None]:
    """What happens from now on; the first item is None: from here nothing is missed.

    Raises:
        TargetError: the connection broke.
    """
    for line in connection.lines("/events"):
        if line == "event: ready":
            yield None
        elif line.startswith("data: ") and line != "data: {}":
            yield understood(Event, json.loads(line.removeprefix("data: ")))


def follow(connection: Connection, job_id: int, on_event: OnEvent = unheard) -> Job:
    """Wait for the end of a job, whatever happens to the connection; `on_event` hears of it meanwhile.

    It hears of every trial of a search once, also of those from before it listened.

    Raises:
        TargetError: the server was away for longer than a minute.
        NotThere: the job was deleted.
    """
    following = _Following(connection, job_id, on_event)
    since = time.monotonic()
    while True:
        try:
            with closing(events(connection)) as heard:
                for event in heard:
                    since = time.monotonic()
                    job = following.begin() if event is None else following.hear(event)
                    if job is not None and job.state in ENDED:
                        return job
        except TargetError:
            if time.monotonic() - since > LOST_S:
                raise
        time.sleep(PAUSE_S)


def patiently(call: Callable[[], Answer]) -> Answer:
    """What a call gives, tried again while the server is away for a moment; only for calls that may be repeated.

    Raises:
        TargetError: the server was away for longer than a minute.
    """
    begun = time.monotonic()
    while True:
        try:
            return call()
        except TargetError:
            if time.monotonic() - begun > LOST_S:
                raise
        time.sleep(PAUSE_S)


def unless_done(job: Job) -> None:
    """Raise what a job failed by.

    Raises:
        CalibenchError: of its kind; JobError: it was cancelled.
    """
    if job.state == "failed":
        kind: type[CalibenchError] = KINDS.get(job.failure.kind, JobError) if job.failure else JobError
        raise kind(job.failure.message if job.failure else f"Job {job.id} failed.")
    if job.state == "cancelled":
        raise JobError(f"Job {job.id} ({job.title}) was cancelled. Start it again.")


class _Following:
    """What was told of a job so far."""

    def __init__(self, connection: Connection, job_id: int, on_event: OnEvent) -> None:
        self._connection, self._id, self._on_event = connection, job_id, on_event
        self._trials: set[Any] = set()

    def begin(self) -> Job:
        """The job as it is now; trials that nobody told of yet are told."""
        job = self._connection.thing(Job, f"/jobs/{self._id}")
        if job.kind == "calibrate":
            for row in self._connection.read(f"/jobs/{self._id}/trials"):
                self._tell(Event(topic="job", id=self._id, change="trial", data=row))
        return job

    def hear(self, event: Event) -> Job | None:
        """The job where the event is a change of it."""
        if event.topic != "job" or event.id != self._id:
            return None
        self._tell(event)
        if event.change == "deleted":
            return self.begin()  # which says that it is not there
        return understood(Job, event.data) if event.change in ("created", "changed") else None

    def _tell(self, event: Event) -> None:
        if event.change == "trial":
            if event.data.get("number") in self._trials:
                return
            self._trials.add(event.data.get("number"))
        self._on_event(event)
