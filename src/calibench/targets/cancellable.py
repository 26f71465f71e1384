"""Run a coroutine so that signals end it between two steps, and what it leaves behind elsewhere is still seen to."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
ASK_S = 0.3
"""Seconds between two questions whether it is cancelled."""
ASKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class LetGo(Exception):  # noqa: N818 - not an error: the process was told to end
    """The process was told to end, and nobody has cancelled what it carries: that goes on."""


async def cancellable(
    run: Callable[[], Awaitable[T]], leave: Callable[[], Awaitable[None]], is_cancel_asked: Callable[[], bool]
) -> T | None:
    """The result of `run`; None: it was cancelled, and `leave` was called, which no further signal ends.

    SIGINT is a cancel, and so is `is_cancel_asked`, which is asked now and then. SIGTERM and SIGHUP come too when a
    machine is switched off or a terminal is closed: they are one where that says so.

    Raises:
        LetGo: told to end without a cancel.
    """
    heard: list[int] = []
    task = asyncio.ensure_future(run())
    with _heard(task, heard):
        asking = asyncio.ensure_future(_ask(task, is_cancel_asked))
        try:
            return await task
        except asyncio.CancelledError:
            if signal.SIGINT not in heard and not is_cancel_asked():
                raise LetGo from None
            await leave()
            return None
        finally:
            asking.cancel()


async def _ask(task: "asyncio.Future[T]", is_cancel_asked: Callable[[], bool]) -> None:
    """Cancel a task as soon as somebody asks for it who sends no signal."""
    while not is_cancel_asked():
        await asyncio.sleep(ASK_S)
    task.cancel()


@contextmanager
def _heard(task: "asyncio.Future[T]", heard: list[int]) -> Iterator[None]:
    """Let signals cancel a task. An exception out of a handler would come up anywhere in the loop instead."""
    loop = asyncio.get_running_loop()
    before = {}

    def hear(number: int) -> None:
        heard.append(number)
        task.cancel()

    for number in ASKING:
        try:
            handler = signal.getsignal(number)
            loop.add_signal_handler(number, hear, number)
        except (ValueError, RuntimeError, NotImplementedError):  # not the main thread: nobody sends us signals then
            continue
        before[number] = handler
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)
