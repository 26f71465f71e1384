"""Run a coroutine so that SIGTERM and SIGINT end it between two steps, and what it leaves behind is still seen to."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
ASKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


async def cancellable(run: Callable[[], Awaitable[T]], leave: Callable[[], Awaitable[None]]) -> T | None:
    """The result of `run`; None: it was cancelled by a signal, and `leave` was called, which no further one ends."""
    task = asyncio.ensure_future(run())
    with _heard(task):
        try:
            return await task
        except asyncio.CancelledError:
            await leave()
            return None


@contextmanager
def _heard(task: "asyncio.Future[T]") -> Iterator[None]:
    """Let signals cancel a task. An exception out of a handler would come up anywhere in the loop instead."""
    loop = asyncio.get_running_loop()
    before = {}
    for number in ASKING:
        try:
            handler = signal.getsignal(number)
            loop.add_signal_handler(number, task.cancel)
        except (ValueError, RuntimeError, NotImplementedError):  # not the main thread: nobody sends us signals then
            continue
        before[number] = handler
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
