"""A job: how far, how long, what it says; live while it runs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.store.refused import NotThere
from calibench.things.kept import ENDED, Event, Job, Project
from calibench.web import looks
from calibench.web.job_bar import JobBar
from calibench.web.job_list import ask_job_deletion, took
from calibench.web.link_button import link_button
from calibench.web.live import follow, gathered
from calibench.web.page_frame import frame, page
from calibench.web.page_words import failure, in_page
from calibench.web.search_chart import search_chart
from calibench.web.thing_page import OF_THE_FILE, fact, say_deleted
from calibench.web.words import note, state, tell, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

LOG_LINES = 200
LEFT_THERE = "could not be removed there"
"""What a cancelled job says when another machine could not be reached to stop it."""
LOG_S = 1.0
"""Seconds between two looks at the log of a job that runs."""

IMPORTS: dict[str, str] = {"import-model": "models", "import-dataset": "datasets"}
"""Kinds of jobs that come to nothing by the fault of a file, and where another one is chosen."""


def register(workbench: "Workbench") -> None:
    """`/jobs/{id}`."""

    @page(workbench, "/jobs/{job_id}")
    def job_page(job_id: int) -> None:
        job = workbench.jobs.get(job_id)
        with frame(workbench, job.title, [("Jobs", "/jobs")]):
            JobPage(workbench, job)


class JobPage:
    """The page below its head; drawn anew when the state of the job changes."""

    def __init__(self, workbench: "Workbench", job: Job) -> None:
        self.workbench, self.job = workbench, job
        self.show_trials: Callable[[], None] = lambda: None
        self.place = ui.element("div").classes("stack wide page-body")
        follow(workbench, self._hear, "job", thing=job.id)
        self._draw()

    def _hear(self, event: Event) -> None:
        if event.change == "trial":
            self.show_trials()
        elif event.change != "progress":
            before = self.job.state
            try:
                self.job = self.workbench.jobs.get(self.job.id)
            except NotThere:
                self.place.clear()
                with self.place:
                    say_deleted("job", "/jobs")
                return
            if self.job.state != before:
                self._draw()

    def _draw(self) -> None:
        self.place.clear()
        with self.place:
            with ui.element("div").classes("line apart head-of-page"):
                text(self.job.title, "h1")
                self._buttons()
            if self.job.state in ENDED:
                state(self.job.state)
            else:
                with ui.element("section").classes("panel").props('aria-label="Progress of the job"'):
                    JobBar(self.workbench, self.job, has_link=False)
            self._outcome()
            self._links()
            self._trials()
            self._log()
            self._facts()

    def _buttons(self) -> None:
        if self.job.state not in ENDED:
            return
        with ui.element("div").classes("line"):
            if self.job.kind in IMPORTS and self.job.failure is not None and self.job.failure.kind in OF_THE_FILE:
                address = f"/{IMPORTS[self.job.kind]}/import"
                link_button("Choose another file", address).props("no-caps outline dense")
            elif self.job.state != "done":
                ui.button("Retry", icon="replay", on_click=self._retry).props("no-caps outline dense")
            ui.button(
                "Delete", icon="delete", on_click=lambda: ask_job_deletion(self.workbench, self.job, "/jobs")
            ).props("no-caps flat dense")

    def _outcome(self) -> None:
        job = self.job
        if job.state == "failed" and job.failure is not None:
            failure(job.failure)
        elif job.state == "cancelled":
            note("It was cancelled; nothing of its result was kept.", "plain", "cancel")
            if left := left_there(self.workbench, job):
                note(in_page(left), "warn", "warning")

    def _links(self) -> None:
        with ui.element("div").classes("line"):
            for name, path in links(self.workbench, self.job):
                ui.link(name, path).classes("name")

    def _trials(self) -> None:
        self.show_trials = lambda: None
        project = _project(self.workbench, self.job)
        is_search = project is not None and project.ask.get("method") == "accuracy-aware"
        if self.job.kind != "calibrate" or not is_search or project is None:
            return
        limit = project.ask.get("max_drop")
        with ui.element("section").classes("stack").props('aria-label="Models that the search tried"'):
            text("What the search tried", "h2")
            words = text("", "p").classes("quiet").props("role=status")
            chart = ui.echart(search_chart((), (), limit, {}), renderer="svg").classes("chart trials")

        def show() -> None:
            trials = self.workbench.jobs.trials(self.job.id)
            words.set_text(trial_words(trials, self.job.state not in ENDED))
            chart.set_visibility(bool(trials))
            chart.options.update(search_chart(trials, (), limit, {}))
            chart.update()

        self.show_trials = gathered(show, 0.5)
        show()

    def _log(self) -> None:
        with ui.element("section").classes("stack"):
            with ui.element("div").classes("line apart"):
                text("Log", "h2")
                ui.link("The whole log", f"/api/v1/jobs/{self.job.id}/log?last=100000", new_tab=True)
            log = text("", "pre").classes("log").props('tabindex=0 role=log aria-label="End of the log"')
        shown = {"log": ""}

        def look() -> None:
            try:
                now = self.workbench.jobs.log(self.job.id, LOG_LINES)
            except NotThere:
                return  # the event of its deletion draws the page anew
            if now != shown["log"] or not now:
                shown["log"] = now
                log.set_text(
                    now or "Nothing was printed yet." if self.job.state not in ENDED else now or "It is empty."
                )
                ui.run_javascript(
                    f"{{const log = getHtmlElement({log.id}); if (log) log.scrollTop = log.scrollHeight}}"
                )

        look()
        if self.job.state not in ENDED:
            ui.timer(LOG_S, look)

    def _facts(self) -> None:
        job = self.job
        with ui.element("dl").classes("facts"):
            fact("Kind", looks.KIND_WORDS[job.kind])
            fact("Asked for", looks.moment(job.created))
            if job.started is not None:
                fact("Started", looks.moment(job.started))
            if job.ended is not None:
                fact("Ended", f"{looks.moment(job.ended)}, after {took(job)}")
            if job.attempt > 1:
                fact("Attempts", f"{job.attempt}; it was interrupted and resumed")
            if job.retry_of is not None:
                fact("Retry of", f"job {job.retry_of}")

    def _retry(self) -> None:
        try:
            again = self.workbench.jobs.retry(self.job.id)
        except CalibenchError as error:
            tell(error)
        else:
            ui.navigate.to(f"/jobs/{again.id}")


def links(workbench: "Workbench", job: Job) -> list[tuple[str, str]]:
    """What a job works for: name and path."""
    found = []
    for noun, thing_id, book in (
        ("project", job.project_id, workbench.projects),
        ("model", job.model_id, workbench.models),
        ("dataset", job.dataset_id, workbench.datasets),
        ("target", job.target_id, workbench.targets),
    ):
        if thing_id is not None:
            try:
                found.append((f"{noun.capitalize()} {book.get(thing_id).name}", f"/{noun}s/{thing_id}"))
            except NotThere:
                continue  # it was deleted since
    return found


def trial_words(trials: list[dict[str, Any]], is_going: bool) -> str:
    """How the search stands, or has ended, in a sentence."""
    if not trials:
        return "No model was evaluated yet."
    held = sum(bool(each.get("holds")) for each in trials)
    left = trials[-1].get("left")
    words = f"{looks.count(len(trials), 'model')} evaluated, {held} within the limit."
    return words + (f" At most {left} more." if left and is_going else "")


def left_there(workbench: "Workbench", job: Job) -> str:
    """Why something of a cancelled job may go on where it was done; '': nothing does."""
    said = str(workbench.jobs.said(job.id).get("note", "")) if job.state == "cancelled" else ""
    return said if LEFT_THERE in said else ""


def _project(workbench: "Workbench", job: Job) -> Project | None:
    try:
        return None if job.project_id is None else workbench.projects.get(job.project_id)
    except NotThere:
        return None
