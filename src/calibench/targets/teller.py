"""What a running job tells: progress, trials and notes, for the server in events.jsonl and for a person in log.txt."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO

from calibench.errors import Cancelled
from calibench.targets.bundle_files import EventLog
from calibench.targets.overall import Overall, Standing

LEAST_S = 0.05
"""Seconds between two lines of progress: more often nobody looks. First and last of a step are always told."""


class Teller:
    """Writes events as they come; a Progress for the pipeline."""

    def __init__(
        self,
        events: EventLog,
        overall: Overall,
        clock: Callable[[], float] = time.monotonic,
        is_cancel_asked: Callable[[], bool] = lambda: False,
    ) -> None:
        self._events, self._overall, self._clock, self._is_cancel_asked = events, overall, clock, is_cancel_asked
        self._step, self._last = "", float("-inf")
        self._log = _LOG.get()  # callbacks may come from other threads

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take in what a step of the pipeline reports; what is a stage there is one of many steps here.

        Raises:
            Cancelled: somebody has asked for it.
        """
        step = stage
        standing = self._overall.report(step, done, total)
        now = self._clock()
        if step == self._step and done < total and now - self._last < LEAST_S:
            return
        if step != self._step:
            say(f"{standing.stage}: {step} {done}/{total}, {100 * standing.progress:.0f} % of the whole", self._log)
        if self._is_cancel_asked():
            raise Cancelled
        self._step, self._last = step, now
        self._write(standing, step, done, total)

    def trial(self, row: dict[str, Any], left: int) -> None:
        """A model of the search was evaluated; `left`: how many can still come."""
        drop = "no number" if row["drop"] is None else f"{row['drop']:.2f}"
        say(f"trial {row['number']}: {row['purpose']}, drop {drop}, {left} more at most", self._log)
        self._events.write("trial", {**row, "left": left})

    def note(self, text: str) -> None:
        """Something that a person should know."""
        say(text, self._log)
        self._events.write("note", {"text": text})

    def finish(self) -> None:
        """Everything is done."""
        self._write(self._overall.finish(), "done", 1, 1)

    def _write(self, standing: Standing, step: str, done: int, total: int) -> None:
        self._events.write(
            "progress",
            {
                "stage": standing.stage,
                "step": step,
                "done": done,
                "total": total,
                "progress": round(standing.progress, 4),
                "eta_s": standing.eta_s,
            },
        )


_LOG: ContextVar[TextIO | None] = ContextVar("log", default=None)


@contextmanager
def logged(log: TextIO) -> Iterator[None]:
    """Let the jobs that begin in this block say their lines to a file; of other jobs it is their stdout."""
    before = _LOG.set(log)
    try:
        yield
    finally:
        _LOG.reset(before)


def say(text: str, log: TextIO | None = None) -> None:
    """A line in the log.

    Args:
        log: None: that of this thread.
    """
    print(time.strftime("%H:%M:%S"), text, file=log or _LOG.get(), flush=True)
