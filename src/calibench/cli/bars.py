"""Progress on stderr: a bar with ETA for every stage on a terminal, plain lines elsewhere."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from calibench.progress import Progress as Callback

if TYPE_CHECKING:
    from calibench.search.accuracy_aware import OnTrial
    from calibench.search.values import Trial
    from calibench.settings import Settings

EVERY = 2.0
"""Seconds between two plain lines at least: enough for a log that people read."""

log = logging.getLogger("calibench")


@contextmanager
def shown() -> Iterator[Callback]:
    """A progress callback for the time of a run."""
    with shown_with_trials("") as (progress, _):
        yield progress


@contextmanager
def shown_with_trials(limit: str) -> Iterator[tuple[Callback, "OnTrial"]]:
    """A progress callback, and one that says a line a trial, above the bars.

    Args:
        limit: what may be lost, for the lines.
    """
    with shown_with_lines() as (progress, say):
        yield progress, trial_lines(say, limit)


@contextmanager
def shown_with_lines() -> Iterator[tuple[Callback, Callable[[str], None]]]:
    """A progress callback, and one that says a line above the bars."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield plain_lines(sys.stderr), lambda line: print(line, file=sys.stderr, flush=True)
        return
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(True))
    with Progress(*columns, console=console, transient=True) as bars:
        yield _bars(bars), lambda line: console.print(line, markup=False, highlight=False)


def limit_of(settings: "Settings") -> str:
    """What may be lost, for the lines of trials."""
    accuracy = settings.accuracy
    return f"{accuracy.max_drop:g}{' %' if accuracy.drop_type == 'relative' else ''}"


def trial_lines(say: Callable[[str], None], limit: str) -> "OnTrial":
    """Lines such as `trial 3: 2 layers in float, drop 0.14 (limit 0.1), 1.2 s, 7 more at most`."""

    def report(trial: "Trial", left: int) -> None:
        line = trial_line(trial, left, limit)
        log.info("%s", line)
        say(line)

    return report


def trial_line(trial: "Trial", left: int, limit: str) -> str:
    """One trial for a person; `left`: how many can still come."""
    outcome, count = trial.outcome, len(trial.configuration.floats)
    layers = {0: "all layers in INT8", 1: "1 layer in float"}.get(count, f"{count} layers in float")
    mended = ", biases corrected" if trial.configuration.repair == "bias" else ""
    seen = "" if outcome.is_exact else f" after {outcome.evaluated} of {outcome.total} samples"
    return (
        f"trial {trial.number}: {layers}{mended}, drop {outcome.drop:.2f}{seen} ({'' if outcome.holds else 'over '}"
        f"limit {limit}), {outcome.seconds:.1f} s, {left} more at most"
    )


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
