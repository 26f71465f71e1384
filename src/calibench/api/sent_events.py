"""Events of the Workbench as server-sent events."""

import asyncio
from collections.abc import AsyncIterator

from calibench.worker.hub import Hub

HEARTBEAT_S = 15.0
"""Seconds without an event after which a comment is sent, so that nobody on the way thinks the line dead."""

RETRY_MS = 1000
"""After this time a browser comes back when the connection broke."""


async def sent_events(hub: Hub, heartbeat_s: float = HEARTBEAT_S) -> AsyncIterator[str]:
    """What happens from now on, as text/event-stream; ends when the hub closes.

    Every connection begins with `event: ready`: who hears it misses nothing from now on, reads by GET what it shows,
    and follows. After a break it does the same, so that nothing needs to be kept for who comes back: `Last-Event-ID` is
    not looked at. Ids count the events of one connection.
    """
    stream, number = hub.stream(), 0
    try:
        yield f"retry: {RETRY_MS}\nid: 0\nevent: ready\ndata: {{}}\n\n"
        while True:
            try:
                async with asyncio.timeout(heartbeat_s):
                    event = await anext(stream)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            except StopAsyncIteration:
                return
            number += 1
            yield f"id: {number}\nevent: {event.topic}\ndata: {event.model_dump_json()}\n\n"
            await asyncio.sleep(0)  # others have their turn, and it is noticed that the listener has left
    finally:
        await stream.aclose()
