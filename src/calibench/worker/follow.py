"""Read what a running job reports, keep the row of the job up to date, and pass the news on at once."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from calibench.store.refused import Conflict, NotThere
from calibench.targets.bundle_files import read_events
from calibench.things.kept import Job
from calibench.worker.job_rows import JobRows

EVERY_S = 0.1
"""Between two looks: the page shows progress within 300 ms of the event."""

ROW_S = 1.0
"""Between two writes of the row: each costs a write to disk, and only who opens a page reads it."""

Report = dict[str, Any]


class Follower:
    """Follows the events of one job."""

    def __init__(self, rows: JobRows, folder: Path, job: Job, clock: Callable[[], float] = time.monotonic) -> None:
        self._rows, self._folder, self._clock = rows, folder, clock
        self._id, self._project_id = job.id, job.project_id
        self._stage, self._progress = job.stage, job.progress
        self._last: Report = {"stage": job.stage, "progress": job.progress, "eta_s": job.eta_s}
        self._offset, self._written = 0, float("-inf")

    def catch_up(self) -> None:
        """Take in what was reported before we came. It is no news: only the row learns the last of it."""
        events, self._offset = read_events(self._folder)
        reports = [report for event in events if (report := self._report(event)) is not None]
        if reports:
            self._keep(reports[-1], is_urgent=True)

    def look(self) -> None:
        """Take in what is new."""
        events, self._offset = read_events(self._folder, self._offset)
        for event in events:
            if event["type"] == "trial":
                trial = {name: value for name, value in event.items() if name not in ("type", "time")}
                self._rows.tell_more(self._id, "trial", trial)
            elif event["type"] == "note":
                note = {**self._last, "project_id": self._project_id, "note": str(event.get("text", ""))}
                self._rows.tell_more(self._id, "progress", note)
            elif (report := self._report(event)) is not None:
                self._rows.tell_more(self._id, "progress", {**report, "project_id": self._project_id})
                self._keep(report)

    def _report(self, event: Report) -> Report | None:
        """What an event says of the progress; None when it is of another type, or makes no sense."""
        if event["type"] != "progress":
            return None
        try:
            progress = float(event["progress"])
            eta = event.get("eta_s")
            eta_s = None if eta is None else (float(eta[0]), float(eta[1]))
        except (KeyError, TypeError, ValueError, IndexError):
            return None
        if not math.isfinite(progress):
            return None
        self._progress = max(self._progress, min(progress, 1.0))  # a second attempt begins where the first one was
        report = {"stage": str(event.get("stage", "")), "progress": self._progress, "eta_s": eta_s}
        self._last = report
        return report | {name: event[name] for name in ("step", "done", "total") if name in event}

    def _keep(self, report: Report, is_urgent: bool = False) -> None:
        now = self._clock()
        if not is_urgent and report["stage"] == self._stage and now - self._written < ROW_S:
            return
        self._stage, self._written = report["stage"], now
        values = {name: report[name] for name in ("stage", "progress", "eta_s")}
        with suppress(Conflict, NotThere):  # it ended meanwhile
            self._rows.change(self._id, only_if=("running", "cancelling"), **values)
