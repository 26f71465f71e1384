"""Follow a job on another machine until it has ended there, by what it writes and by where its process is."""

import asyncio
from collections.abc import Callable
from time import monotonic

from pydantic import ValidationError

from calibench.errors import TargetError
from calibench.targets.bundle import END, EVENTS, LOG, End
from calibench.targets.bundle_files import parse_events
from calibench.targets.queue_reasons import meant
from calibench.targets.remote_job import Reached, RemoteJob, Stopped
from calibench.targets.starter import QueueState
from calibench.things.target_spec import QUEUES

EVERY_S, RARELY_S, SOON_S = 0.5, 2.0, 5.0
"""Between two looks at its files: at first, and after it has been followed for SOON_S."""
PROCESS_S, QUEUE_S = 3.0, 3.0
"""Between two looks at its process; at a queue, which everybody asks."""
LATE_S = 10.0
"""Seconds that a file written on a node may take to be seen on the login node, over a network file system."""


async def follow(job: RemoteJob, there: Reached, well: Callable[[], None]) -> Stopped:
    """Pass on what it tells until it is over; nothing is told twice, whoever followed it before.

    Args:
        well: called whenever the machine has answered.

    Raises:
        LinkLost: it goes on there; follow it again.
        TargetError: it cannot be looked at any more.
    """
    is_queued = job.spec.kind in QUEUES
    state, looked, ended = QueueState("running"), float("-inf"), 0.0
    said, begun = "", monotonic()
    while True:
        if monotonic() - looked >= (QUEUE_S if is_queued else PROCESS_S):
            state, looked = await job.starter.look(there.link, job.record.handle), monotonic()
        await _take_over(job, there)
        if (end := await _end(there)) is not None:
            await _take_over(job, there)
            if is_queued and end.state == "cancelled":  # by the queue, which says why when it has cleared away
                state = await _ended(job, there)
            return Stopped(end, state.reason if state.state == "ended" else "")
        well()
        if state.state == "queued" and not job.tell.events_at:
            said = _tell_queued(job, there, state.reason, said)
        if state.state == "ended":  # it was looked at before its files: whatever it wrote, it wrote before
            ended = ended or monotonic()
            if not is_queued or monotonic() - ended >= LATE_S:
                return Stopped(None, state.reason)
        await asyncio.sleep(EVERY_S if monotonic() - begun < SOON_S else RARELY_S)


async def _ended(job: RemoteJob, there: Reached) -> QueueState:
    """What a queue says of a job that is at its end."""
    until = monotonic() + LATE_S
    while (state := await job.starter.look(there.link, job.record.handle)).state != "ended" and monotonic() < until:
        await asyncio.sleep(EVERY_S)
    return state


def _tell_queued(job: RemoteJob, there: Reached, reason: str, said: str) -> str:
    """Say that it waits, and why, as often as the reason changes."""
    told = f"Waiting in the queue of {there.link.name}{f': {meant(reason)}' if reason else ''}."
    if told != said:
        job.tell.stage("queued", 0, 1, step=reason)
        job.tell.note(told)
    return told


async def _take_over(job: RemoteJob, there: Reached) -> None:
    """Pass on the new events and the new lines of the log."""
    told = await there.link.read(f"{there.folder}/{EVENTS}", job.tell.events_at)
    log = await there.link.read(f"{there.folder}/{LOG}", job.tell.log_at)
    events, length = parse_events(told)
    job.tell.take_over(events, job.tell.events_at + length, log)


async def _end(there: Reached) -> End | None:
    text = await there.link.read(f"{there.folder}/{END}")
    if not text:
        return None
    try:
        return End.model_validate_json(text)
    except ValidationError:
        where = f"{there.link.name}: {there.folder}/{END}"
        raise TargetError(f"{where} cannot be read. Was another Calibench at work there?") from None
