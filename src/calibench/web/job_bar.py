"""One job with its bar: what it does, how far, how long; Cancel. The bar never goes backwards."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.things.kept import ENDED, Event, Job
from calibench.web import looks
from calibench.web.job_stages import StageLine, line_words, stages_of, target_of
from calibench.web.job_strip import with_progress
from calibench.web.live import follow
from calibench.web.page_words import in_page
from calibench.web.words import state, tell, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


class JobBar:
    """The bar on a page; it follows its job by itself."""

    def __init__(self, workbench: "Workbench", job: Job, has_link: bool = True) -> None:
        self.workbench, self.job = workbench, job
        self.target = target_of(workbench, job)
        self.stages = stages_of(job.kind, self.target)
        self.said: dict[str, Any] = workbench.jobs.said(job.id) if job.state in ("running", "cancelling") else {}
        with ui.element("div").classes("line apart"):
            with ui.element("div").classes("line"):
                self.state = ui.element("span").classes("job-state")
                self.words = text("").props("role=status")
                if self.target is not None:
                    with ui.element("span").classes("name"):
                        text("on ")
                        ui.link(self.target.name, f"/targets/{self.target.id}")
            with ui.element("div").classes("line"):
                if has_link:
                    ui.link("Job and log", f"/jobs/{job.id}")
                self.cancel = ui.button("Cancel", icon="stop", on_click=self._cancel).props("no-caps outline dense")
        self.bar = ui.linear_progress(job.progress, show_value=False, size="8px").props(
            'instant-feedback rounded aria-label="Progress"'
        )
        self.stage_line = StageLine(self.stages)
        self.note = text("", "p").classes("small job-note").props("role=status")
        self.shown: str | None = None
        follow(workbench, self._hear, "job", thing=job.id)
        self._show()

    def _hear(self, event: Event) -> None:
        if event.change == "progress":
            self._take_in(event.data)
            self.job = with_progress(self.job, event)
        elif event.change == "changed":
            now = self.workbench.jobs.get(event.id)
            self.job = now.model_copy(update={"progress": max(now.progress, self.job.progress)})
        self._show()

    def _take_in(self, told: Mapping[str, Any]) -> None:
        """A note stands until the stage is over, or another one comes."""
        if "note" in told:
            self.said["note"] = str(told["note"])
            return
        note = {"note": self.said["note"]} if "note" in self.said and told.get("stage") == self.job.stage else {}
        self.said = note | dict(told)

    def _show(self) -> None:
        job = self.job
        if self.shown != job.state:
            self.shown = job.state
            self.state.clear()
            with self.state:
                state(job.state)
        self.words.set_text(self._words())
        self.bar.value = job.progress
        is_going = job.state in ("running", "cancelling")
        note = in_page(str(self.said.get("note", ""))) if is_going else ""
        self.note.set_text(note)
        self.note.set_visibility(bool(note))
        self.stage_line.show(job.stage, job.progress)
        self.stage_line.row.set_visibility(bool(self.stages) and job.state not in ENDED)
        self.bar.set_visibility(job.state not in ENDED)
        self.cancel.set_visibility(job.state not in ENDED)
        self.cancel.set_enabled(job.state != "cancelling")

    def _words(self) -> str:
        job = self.job
        if job.state == "queued":
            before = (self.workbench.jobs.queue_place(job.id) or 1) - 1
            return f"{looks.count(before, 'job')} before it" if before > 0 else "It is next"
        if job.state == "running":
            words = line_words(job, self.said, self.stages)
            if not job.eta_s and job.stage != "queued":
                words += " · time left not known yet"
            return words + (" · resumed after an interruption" if job.attempt > 1 else "")
        return ""

    def _cancel(self) -> None:
        try:
            self.workbench.jobs.cancel(self.job.id)
        except CalibenchError as error:
            tell(error)
