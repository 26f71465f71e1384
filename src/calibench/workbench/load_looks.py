"""Looks at other machines while somebody asks how busy they are: now and then, in one thread, kept in memory only.

Whoever asks is told at once what is known; a look begins where that is old, and the next question has its answer. A
machine that does not answer is asked less and less often: each time may be a failed login in its log.
"""

import asyncio
import os
import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from calibench.errors import CalibenchError
from calibench.targets.target_check import PASSPHRASE
from calibench.things.kept import Target
from calibench.things.target_spec import TargetSpec

FRESH_S = 20.0
"""Seconds until a load is old."""
SELDOM_S = 300.0
"""At most so long a machine is left alone that does not answer."""
IDLE_S = 60.0
"""Without a question for so long, the link to a machine is closed."""
LOOK_S = 20.0
"""Seconds that a look may take."""
AT_ONCE = 8


@dataclass(frozen=True)
class Seen:
    """What looks at a target have found.

    Attributes:
        machine: as `LoadLook.look` gave it the last time that it did; None: not yet. at: when that was.
        trouble: why the last look found nothing, '' where it did. tried: when the last look ended.
        is_going: a look goes on.
    """

    machine: Mapping[str, Any] | None = None
    at: datetime | None = None
    trouble: str = ""
    tried: datetime | None = None
    is_going: bool = False


def can_be_seen(spec: TargetSpec) -> bool:
    """Whether a look is light: what the workers of a scheduler answer is code, and only a check has them asked."""
    return spec.is_carried or bool(spec.hosts) or spec.worker_queue is not None


class _Watched:
    """One target, as long as it is reached in the same way."""

    def __init__(self, spec: TargetSpec) -> None:
        from calibench.targets.target_load import LoadLook  # what it needs is not needed before

        self.spec, self.look = spec, LoadLook(spec, os.environ.get(PASSPHRASE))
        self.seen = Seen()
        self.going: Future[None] | None = None
        self.failures, self.due = 0, 0.0
        self.closing: asyncio.TimerHandle | None = None

    @property
    def is_going(self) -> bool:
        """Whether a look has not ended."""
        return self.going is not None and not self.going.done()


class LoadLooks:
    """All looks of a Workbench. The thread begins with the first of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[int, _Watched] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def seen(self, target: Target, wait_s: float = 0.0) -> Seen:
        """What is known of a target; where it is old, a look begins.

        Args:
            wait_s: seconds that may be waited for a look that goes on.
        """
        with self._lock:
            watched = self._watched.get(target.id)
            if watched is None or watched.spec != target.spec:
                if watched is not None:
                    self._forget(watched)
                watched = self._watched[target.id] = _Watched(target.spec)
            if watched.failures and _was_reached_since(target, watched.seen):
                watched.failures, watched.due = 0, 0.0
            if not watched.is_going and monotonic() >= watched.due:
                watched.going = asyncio.run_coroutine_threadsafe(self._look(watched), self._running())
            going = watched.going
        if going is not None and wait_s > 0:
            with suppress(TimeoutError, CancelledError):
                going.result(wait_s)
        is_going = watched.is_going  # before what it found: else that might be older than its end
        return replace(watched.seen, is_going=is_going)

    def stop(self) -> None:
        """Let all links go."""
        with self._lock:
            loop, thread, watched = self._loop, self._thread, list(self._watched.values())
            self._loop, self._thread = None, None
            self._watched.clear()
        if loop is None or thread is None:
            return
        with suppress(TimeoutError, CancelledError):
            asyncio.run_coroutine_threadsafe(_end(watched), loop).result(2.0)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(2.0)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._several = asyncio.Semaphore(AT_ONCE)
            self._thread = threading.Thread(target=_run, args=(self._loop,), name="looks-at-targets", daemon=True)
            self._thread.start()
        return self._loop

    async def _look(self, watched: _Watched) -> None:
        if watched.closing is not None:
            watched.closing.cancel()
        seen = watched.seen
        try:
            async with self._several, asyncio.timeout(LOOK_S):
                machine = await watched.look.look()
        except (CalibenchError, TimeoutError, OSError) as error:
            watched.failures += 1
            sentence = _sentence(error) or f"{watched.spec.address}: does not answer within {LOOK_S:g} s."
            seen = Seen(seen.machine, seen.at, sentence, datetime.now(UTC))
            with suppress(TimeoutError):
                await asyncio.wait_for(watched.look.close(), LOOK_S)
        else:
            watched.failures = 0
            now = datetime.now(UTC)
            seen = Seen(machine, now, "", now)
        finally:
            watched.due = monotonic() + min(SELDOM_S, FRESH_S * 2**watched.failures)
            watched.seen = seen
            watched.closing = asyncio.get_running_loop().call_later(IDLE_S, self._forget, watched)

    def _forget(self, watched: _Watched) -> None:
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(watched.look.close(), self._loop)


def _was_reached_since(target: Target, seen: Seen) -> bool:
    """Whether a check has found a target well after the last look."""
    is_later = target.checked is not None and seen.tried is not None and target.checked > seen.tried
    return is_later and target.state == "good"


async def _end(watched: list[_Watched]) -> None:
    going = asyncio.all_tasks() - {asyncio.current_task()}
    for task in going:
        task.cancel()
    await asyncio.gather(*going, return_exceptions=True)
    await asyncio.gather(*(each.look.close() for each in watched))


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _sentence(error: Exception) -> str:
    """Its first one: what the mend is, a check says."""
    return f"{str(error).partition('. ')[0].rstrip('.')}." if isinstance(error, CalibenchError) else ""
