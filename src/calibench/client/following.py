"""A job followed to its end, by the events of the server."""

import json
import time
from collections.abc import Callable, Iterator

from calibench.client.connection import Connection
from calibench.errors import TargetError
from calibench.things.kept import ENDED, Event, Job

OnEvent = Callable[[Event], None]

LOST_S = 60.0
"""Seconds that a server may be away, restarted for example, before following it is given up."""
PAUSE_S = 0.5


def unseen(_event: Event) -> None:
    """Of who does not look."""


def events(connection: Connection) -> Iterator[Event | None]:
    """What happens from now on; the first item is None: from here nothing is missed.

    Raises:
        TargetError: the connection broke.
    """
    for line in connection.lines("/events"):
        if line == "event: ready":
            yield None
        elif line.startswith("data: ") and line != "data: {}":
            yield Event.model_validate(json.loads(line.removeprefix("data: ")))


def follow(connection: Connection, job_id: int, on_event: OnEvent = unseen) -> Job:
    """Wait for the end of a job, whatever happens to the connection; `on_event` hears of it meanwhile.

    Raises:
        TargetError: the server was away for longer than a minute.
        NotThere: the job was deleted.
    """
    last = time.monotonic()
    while True:
        try:
            for event in events(connection):
                last = time.monotonic()
                if event is not None and (event.topic != "job" or event.id != job_id):
                    continue
                if event is not None:
                    on_event(event)
                if event is None or event.change == "changed":
                    job = connection.thing(Job, f"/jobs/{job_id}")
                    if job.state in ENDED:
                        return job
        except TargetError:
            if time.monotonic() - last > LOST_S:
                raise
        time.sleep(PAUSE_S)
