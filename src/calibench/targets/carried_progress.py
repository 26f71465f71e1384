"""What a job on another machine tells here: the same events as one that works here, in the same files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calibench.targets.bundle import LOG
from calibench.targets.bundle_files import EventLog, read_events
from calibench.targets.overall import Outer, Standing

CARRIED = "carried"
"""Type of the event that says how far the events and the log there were taken over: {"events", "log"} in bytes. It is
written together with them, so that none is told twice or lost when this process is killed."""
INSTALLING = "installing Calibench there"

Plain = dict[str, Any]


class CarriedProgress:
    """Writes events and log of a job in its folder here."""

    def __init__(self, folder: Path) -> None:
        told, _ = read_events(folder)
        known = [float(event["progress"]) for event in told if event["type"] == "progress"]
        marks = [event for event in told if event["type"] == CARRIED]
        self._folder, self._events, self._outer = folder, EventLog(folder), Outer(max(known, default=0.0))
        self._stage, self._percent, self._installed = "", -1, 0
        self.events_at: int = marks[-1]["events"] if marks else 0
        self.log_at: int = marks[-1]["log"] if marks else 0

    def stage(self, stage: str, done: int = 0, total: int = 1, step: str = "") -> None:
        """Tell how far a stage before or after the work is, at most a hundred times."""
        percent = 100 * done // max(total, 1)
        if (stage, percent) == (self._stage, self._percent) and not step:
            return
        self._stage, self._percent = stage, percent
        standing = self._outer.report(stage, done, total)
        self._events.write("progress", _progress(standing, step or stage, done, total))

    def installing(self, done: int, total: int) -> None:
        """Tell how many packages of Calibench are there; where that begins anew, nothing is told until it is further.

        It is the second third of `prepare`.
        """
        if done > self._installed:
            self._installed = done
            standing = self._outer.report("prepare", total + done, 3 * total)
            self._events.write("progress", _progress(standing, INSTALLING, done, total))

    def note(self, text: str) -> None:
        """Something that a person should know."""
        self.log(f"{text}\n".encode())
        self._events.write("note", {"text": text})

    def log(self, text: bytes) -> None:
        """Add to the log."""
        with (self._folder / LOG).open("ab") as log:
            log.write(text)

    def take_over(self, events: Sequence[Plain], events_at: int, log: bytes) -> None:
        """Pass on what the work has told there since the last time.

        Args:
            events_at: bytes of its file of events that are read with these.
            log: what its log has more than `log_at`.
        """
        if events_at == self.events_at and not log:
            return
        if log:
            self.log(log)
        self.events_at, self.log_at = events_at, self.log_at + len(log)
        passed = [passed for event in events if (passed := self._passed(event)) is not None]
        self._events.write_all([*passed, self._mark()])

    def begin_anew(self) -> None:
        """Nothing is there any more, so that what comes next is new from its first byte."""
        self.events_at = self.log_at = 0
        self._events.write_all([self._mark()])

    def finish(self) -> None:
        """The result is here."""
        self._events.write("progress", _progress(self._outer.finish(), "done", 1, 1))

    def _mark(self) -> Plain:
        return {"type": CARRIED, "events": self.events_at, "log": self.log_at}

    def _passed(self, event: Plain) -> Plain | None:
        """An event of the work as it is told here; None for its last one, after which the result is fetched."""
        if event["type"] != "progress":
            return event if event["type"] in ("trial", "note") else None
        if event.get("stage") == "done":
            return None
        eta = event.get("eta_s")
        standing = Standing(str(event["stage"]), float(event["progress"]), None if eta is None else (eta[0], eta[1]))
        told = self._outer.inner(standing)
        self._stage = told.stage
        return {**event, "progress": round(told.progress, 4), "eta_s": told.eta_s}


def _progress(standing: Standing, step: str, done: int, total: int) -> Plain:
    return {
        "stage": standing.stage,
        "step": step,
        "done": done,
        "total": total,
        "progress": round(standing.progress, 4),
        "eta_s": standing.eta_s,
    }
