"""Progress on stderr: a bar with ETA for every stage on a terminal, plain lines elsewhere."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from calibench.progress import Progress as Callback

EVERY = 2.0
"""Seconds between two plain lines at least: enough for a log that people read."""

log = logging.getLogger("calibench")


@contextmanager
def shown() -> Iterator[Callback]:
    """A progress callback for the time of a run."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield plain_lines(sys.stderr)
        return
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(True))
    with Progress(*columns, console=console, transient=True) as bars:
        yield _bars(bars)


def plain_lines(stream: TextIO, clock: Callable[[], float] = monotonic) -> Callback:
    """Lines such as `statistics 32/300`, at most one every `EVERY` seconds."""
    last = float("-inf")

    def report(stage: str, done: int, total: int) -> None:
        nonlocal last
        log.debug("%s %d/%d", stage, done, total)
        now = clock()
        if now - last >= EVERY:
            last = now
            print(f"{stage} {done}/{total}", file=stream, flush=True)

    return report


def _bars(bars: Progress) -> Callback:
    tasks: dict[str, TaskID] = {}

    def report(stage: str, done: int, total: int) -> None:
        log.debug("%s %d/%d", stage, done, total)
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, total=total)
        bars.update(tasks[stage], completed=done, total=total)

    return report
