"""The sample, offered as long as it was not imported: a button, or how its job goes."""

from typing import TYPE_CHECKING

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.things.kept import ENDED, Event, Job
from calibench.web.job_bar import JobBar
from calibench.web.live import follow
from calibench.web.page_words import failure
from calibench.web.words import tell, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

SAMPLE = "The sample is a small network that classifies pictures, with a dataset to calibrate it and one to judge it."


class SampleOffer:
    """The panel on a page; drawn anew when its job begins and when it ends."""

    def __init__(self, workbench: "Workbench", title: str = "Or try it with the sample") -> None:
        self.workbench, self.title = workbench, title
        self.place = ui.element("div").classes("wide")
        self.shown: tuple[object, ...] | None = None
        follow(workbench, self._hear, "job")
        self._draw()

    def _hear(self, event: Event) -> None:
        is_there = not self.place.is_deleted  # what stands around it may have been drawn anew without it
        if is_there and event.change not in ("progress", "trial"):
            self._draw()

    def _draw(self) -> None:
        job = last_sample(self.workbench)
        now = () if job is None else (job.id, job.state in ENDED)
        if now == self.shown:
            return  # a button that is drawn anew while it is pressed does nothing
        self.shown = now
        self.place.clear()
        if job is not None and job.state == "done":
            return
        with self.place, ui.element("section").classes("panel sample"):
            text(self.title, "h2")
            text(SAMPLE, "p").classes("quiet")
            if job is not None and job.state not in ENDED:
                JobBar(self.workbench, job)
                return
            if job is not None and job.failure is not None:
                failure(job.failure)
            ui.button("Try it with the sample", icon="bolt", on_click=self._ask).props("no-caps outline")

    def _ask(self) -> None:
        try:
            self.workbench.sample()
        except CalibenchError as error:
            tell(error)


def last_sample(workbench: "Workbench") -> Job | None:
    """The job that imported the sample, or tried to."""
    found = workbench.jobs.all(kind="sample", limit=1)
    return found[0] if found else None
