"""Follow a job on another machine until it has ended there, by what it writes and by where its process is."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from time import monotonic

from pydantic import ValidationError

from calibench.errors import TargetError
from calibench.targets.bundle import END, End
from calibench.targets.bundle_files import parse_events
from calibench.targets.queue_reasons import meant
from calibench.targets.remote_job import Reached, RemoteJob, Stopped
from calibench.targets.remote_machine import Seen
from calibench.targets.starter import QueueState
from calibench.things.target_spec import QUEUES

EVERY_S = 0.5
QUEUE_S, RARELY_S = 3.0, 10.0
"""Between two looks at a queue, which everybody asks: while the job waits, and while it runs. What it writes is seen at
once, and its end with it."""
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
    if job.spec.kind in QUEUES:
        return await _follow_queued(job, there, well)
    last = await _followed(job, there, well, job.record.handle)
    return Stopped(_end(there, last.end) if last is not None and last.end else None)


async def _follow_queued(job: RemoteJob, there: Reached, well: Callable[[], None]) -> Stopped:
    """The same, while its queue is asked where it is."""
    said, ended = "", 0.0
    while True:
        state = await job.starter.look(there.link, job.record.handle)
        if state.state == "queued" and not job.tell.events_at:
            said = _tell_queued(job, there, state.reason, said)
        pause = 0.0 if state.state == "ended" else RARELY_S if state.state == "running" else QUEUE_S
        last = await _followed(job, there, well, for_s=pause)
        if last is not None and last.end:
            end = _end(there, last.end)
            if end.state == "cancelled":  # by the queue, which says why when it has cleared away
                state = await _ended(job, there)
            return Stopped(end, state.reason if state.state == "ended" else "")
        if state.state == "ended":  # it was looked at before its files: whatever it wrote, it wrote before
            ended = ended or monotonic()
            if monotonic() - ended >= LATE_S:
                return Stopped(None, state.reason)
            await asyncio.sleep(EVERY_S)


async def _followed(
    job: RemoteJob, there: Reached, well: Callable[[], None], process: str = "", for_s: float | None = None
) -> Seen | None:
    """Pass on what it writes, as `RemoteMachine.follow`; the last that was seen."""
    seen = None
    following = there.machine.follow(job.record.job_id, job.tell.events_at, job.tell.log_at, process, for_s)
    async with aclosing(following) as all_seen:
        async for seen in all_seen:
            events, length = parse_events(seen.events)
            job.tell.take_over(events, job.tell.events_at + length, seen.log)
            well()
    well()
    return seen


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


def _end(there: Reached, text: str) -> End:
    try:
        return End.model_validate_json(text)
    except ValidationError:
        where = f"{there.link.name}: {there.folder}/{END}"
        raise TargetError(f"{where} cannot be read. Was another Calibench at work there?") from None
