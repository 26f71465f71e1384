"""Jobs: what waits, what runs, what was done."""

from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.things.kept import ENDED, Event, Job, JobState
from calibench.web import looks
from calibench.web.asking import dialog
from calibench.web.deleting import deletion_buttons
from calibench.web.job_bar import JobBar
from calibench.web.live import follow, gathered
from calibench.web.page_frame import frame, page
from calibench.web.page_words import in_page
from calibench.web.paged_list import Column, Listing
from calibench.web.words import state, tell, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

FILTERS: dict[str, tuple[JobState, ...]] = {
    "All": (),
    "Done": ("done",),
    "Failed": ("failed",),
    "Cancelled": ("cancelled",),
}
MOST = 1000
"""Ended jobs that are listed; older ones are found through their project."""


def register(workbench: "Workbench") -> None:
    """`/jobs`."""

    @page(workbench, "/jobs")
    def jobs() -> None:
        with frame(workbench, "Jobs"):
            JobList(workbench)


class JobList:
    """The page below its head."""

    def __init__(self, workbench: "Workbench") -> None:
        self.workbench = workbench
        self.wanted = "All"
        text("Jobs", "h1")
        self._again = gathered(self._read_again, 0.3)
        follow(workbench, self._hear, "job")
        self.going = ui.element("div").classes("stack wide")
        self._draw_going()
        with ui.element("div").classes("line apart"):
            text("Ended", "h2")
            choice = ui.toggle(list(FILTERS), value="All").props(
                'no-caps unelevated padding="3px 12px" aria-label="State"'
            )
            choice.on_value_change(lambda event: self._filter(str(event.value)))
        self.listing: Listing[Job] = Listing(self._columns(), self._ended, "Ended jobs", "No such job.")

    def _filter(self, wanted: str) -> None:
        self.wanted = wanted
        self.listing.restart()

    def _hear(self, event: Event) -> None:
        if event.change not in ("progress", "trial"):
            self._again()

    def _read_again(self) -> None:
        self._draw_going()
        self.listing.refresh()

    def _ended(self) -> tuple[Job, ...]:
        return self.workbench.jobs.all(states=FILTERS[self.wanted] or ENDED, limit=MOST)

    def _draw_going(self) -> None:
        running = self.workbench.jobs.running()
        waiting = sorted(self.workbench.jobs.all(states=("queued",)), key=self._place)
        self.going.clear()
        with self.going:
            text(f"Running ({len(running)})", "h2")
            if not running:
                text("Nothing runs now.", "p").classes("quiet")
            for job in running:
                with ui.element("section").classes("panel"):
                    ui.link(job.title, f"/jobs/{job.id}").classes("name strong")
                    JobBar(self.workbench, job, has_link=False)
            text(f"Queue ({len(waiting)})", "h2")
            if not waiting:
                text("Nothing waits.", "p").classes("quiet")
            else:
                with ui.element("ol").classes("queue"):
                    for place, job in enumerate(waiting, start=1):
                        self._waiting(place, job)

    def _place(self, job: Job) -> tuple[int, int]:
        return self.workbench.jobs.queue_place(job.id) or 0, job.id

    def _waiting(self, place: int, job: Job) -> None:
        with ui.element("li").classes("line apart"):
            with ui.element("span").classes("name"):
                text(f"{place}. ").props('aria-hidden="true"').classes("quiet")
                ui.link(job.title, f"/jobs/{job.id}")
            cancel = ui.button("Cancel", icon="close", on_click=lambda: self._do("cancel", job))
            cancel.props("no-caps flat dense").props["aria-label"] = f"Cancel {job.title}"

    def _columns(self) -> tuple[Column[Job], ...]:
        return (
            Column("Job", _title, lambda job: job.title.lower()),
            Column("Kind", lambda job: looks.KIND_WORDS[job.kind], lambda job: job.kind, is_tight=True),
            Column("Ended", lambda job: looks.moment(job.ended) if job.ended else looks.NOTHING,
                   lambda job: job.ended, is_tight=True, begins_high=True),
            Column("Took", took, _seconds, is_number=True, begins_high=True),
            Column("State", _state, lambda job: job.state),
            Column("", self._buttons),
        )  # fmt: skip

    def _buttons(self, job: Job) -> None:
        with ui.element("div").classes("line row-buttons"):
            if job.state != "done":
                retry = ui.button("Retry", on_click=lambda: self._do("retry", job)).props("no-caps flat dense")
                retry.props["aria-label"] = f"Retry {job.title}"
            delete = ui.button("Delete", on_click=lambda: ask_job_deletion(self.workbench, job))
            delete.props("no-caps flat dense").props["aria-label"] = f"Delete {job.title}"

    def _do(self, deed: str, job: Job) -> None:
        try:
            getattr(self.workbench.jobs, deed)(job.id)
        except CalibenchError as error:
            tell(error)


def ask_job_deletion(workbench: "Workbench", job: Job, leads_to: str | None = None) -> None:
    """Ask before a job and its log are deleted."""

    try:
        left_on = workbench.jobs.left_on(job.id)
    except CalibenchError as error:
        tell(error)
        return
    with dialog("Delete this job?") as opened:
        text(job.title, "p").classes("name strong")
        text("Its log goes with it; what it made stays.", "p")
        if left_on:
            text(f"It may still run on {left_on}, or have files there: that is ended and removed first.", "p")
        targets = [left_on] if left_on else []
        deletion_buttons(opened, targets, lambda leave: workbench.jobs.delete(job.id, leave), leads_to)


def took(job: Job) -> str:
    """How long a job ran."""
    seconds = _seconds(job)
    return looks.NOTHING if seconds is None else looks.duration(seconds)


def _seconds(job: Job) -> float | None:
    return None if job.started is None or job.ended is None else (job.ended - job.started).total_seconds()


def _title(job: Job) -> None:
    ui.link(job.title, f"/jobs/{job.id}").classes("name")


def _state(job: Job) -> Any:
    state(job.state)
    if job.state == "failed" and job.failure is not None:
        text(in_page(job.failure.message), "div").classes("small quiet name reason-of-failure")
