"""Who must hear that something changed: callbacks in this process, and streams for server-sent events.

Events come from the threads that follow jobs; pages and streams live in the event loop of the server.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from weakref import WeakSet

from calibench.things.kept import Event

log = logging.getLogger(__name__)

Callback = Callable[[Event], None]

WAITING = 1000
"""Events that wait for a slow listener before progress is dropped: more than a minute of one busy job."""

LOST = 20_000
"""Changes that wait before a listener counts as gone: its stream ends, and it must connect and read anew."""


class Hub:
    """Publish and subscribe; thread-safe, and a listener's fault or slowness never reaches the publisher."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callback] = {}
        self._next = 0
        self._streams: WeakSet[EventStream] = WeakSet()

    def publish(self, event: Event) -> None:
        """Tell every subscriber, in the calling thread, and every stream."""
        with self._lock:
            callbacks = tuple(self._callbacks.values())
            streams = tuple(self._streams)
        for stream in streams:
            stream.put(event)
        for callback in callbacks:
            try:
                callback(event)
            except Exception:  # whatever a page does wrong, the job must go on; the log says what it was
                log.exception("A subscriber failed on %s %s %s.", event.topic, event.id, event.change)

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Call `callback` with every event from now on, in the publisher's thread; the answer ends that."""
        with self._lock:
            number = self._next
            self._next += 1
            self._callbacks[number] = callback

        def unsubscribe() -> None:
            with self._lock:
                self._callbacks.pop(number, None)

        return unsubscribe

    def stream(self) -> "EventStream":
        """Every event from now on, for `async for`; call it where an event loop runs."""
        stream = EventStream(asyncio.get_running_loop())
        with self._lock:
            self._streams.add(stream)
        return stream

    def close(self) -> None:
        """End all streams, so that a server that stops does not wait for its listeners."""
        with self._lock:
            streams = tuple(self._streams)
        for stream in streams:
            stream.end()


class EventStream:
    """The events of one listener, in order. A slow one loses progress and trials, oldest first, but no change; one that
    is given up loses what waits, and its loop ends.

    `asyncio.wait_for(anext(stream), seconds)` may be cancelled and called again: no event is lost by that.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._waiting: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._is_over = False

    def put(self, event: Event) -> None:
        """Add an event; from any thread."""
        with self._lock:
            if self._is_over:
                return
            if len(self._waiting) >= WAITING and not _make_room(self._waiting) and _may_be_lost(event):
                return
            self._waiting.append(event)
            if len(self._waiting) > LOST:
                self._is_over = True
                self._waiting.clear()
        self._wake()

    def end(self) -> None:
        """No more events: the listener reads what waits, then its loop ends."""
        with self._lock:
            self._is_over = True
        self._wake()

    async def aclose(self) -> None:
        """The listener is gone."""
        with self._lock:
            self._is_over = True
            self._waiting.clear()
        self._arrived.set()

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> Event:
        while True:
            self._arrived.clear()
            with self._lock:
                if self._waiting:
                    return self._waiting.popleft()
                if self._is_over:
                    raise StopAsyncIteration
            await self._arrived.wait()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._arrived.set)
        except RuntimeError:  # its loop is closed: nobody listens any more
            self._is_over = True


def _may_be_lost(event: Event) -> bool:
    return event.change in ("progress", "trial")


def _make_room(waiting: deque[Event]) -> bool:
    """Drop the oldest event that may be lost; False when there is none."""
    for place, event in enumerate(waiting):
        if _may_be_lost(event):
            del waiting[place]
            return True
    return False
