"""The page of a project: what the model does on this machine, and what INT8 costs; the answer first, tables below."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.store.refused import NotThere
from calibench.things.kept import Event, Headline
from calibench.web import (
    export_tab,
    layers_tab,
    next_step,
    perform_tab,
    pictures_tab,
    project_actions,
    project_job,
    search_tab,
    settings_tab,
    time_tab,
)
from calibench.web.headline import show_headline
from calibench.web.hindrance_notes import hindrance_notes
from calibench.web.live import follow, gathered
from calibench.web.opened_project import OpenedProject, open_project
from calibench.web.page_frame import frame, page, rename_page
from calibench.web.verdict_note import show_verdict
from calibench.web.words import text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

TABS: tuple[tuple[str, str, Callable[[OpenedProject], None]], ...] = (
    ("perform", "Perform", perform_tab.draw),
    ("layers", "Layers", layers_tab.draw),
    ("time", "Time", time_tab.draw),
    ("pictures", "Pictures", pictures_tab.draw),
    ("search", "Search", search_tab.draw),
    ("settings", "Settings", settings_tab.draw),
    ("export", "Export", export_tab.draw),
)
"""Name in the address, title, what draws it."""

SEEN = """setTimeout(() => {
  const tab = document.querySelector('.project-tabs .q-tab--active'), box = tab?.closest('.q-tabs__content');
  if (!box) return;
  const [inner, outer] = [tab, box].map(each => each.getBoundingClientRect());
  box.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
}, 100)"""
"""On a phone the tabs are wider than the page: the one that is open must be among those that are seen.
Only the tabs are scrolled: the page itself begins at its top."""


def register(workbench: "Workbench") -> None:
    """`/projects/{id}`, with the tab in the query."""
    ui.add_css((Path(__file__).parent / "project.css").read_text(encoding="utf-8"), shared=True)

    @page(workbench, "/projects/{project_id}")
    def project_page(project_id: int, tab: str = "perform", sub: str = "") -> None:
        opened = open_project(workbench, project_id, {"sub": sub})
        with frame(workbench, opened.project.name, crumbs(opened)):
            ProjectPage(opened, tab).draw()


def crumbs(opened: OpenedProject) -> list[tuple[str, str]]:
    """The way to the project: of an INT8 project, through the FP32 project that it was calibrated in."""
    parent = opened.parent
    return [("Projects", "/"), *([(parent.name, f"/projects/{parent.id}")] if parent else [])]


class ProjectPage:
    """The page, and how it follows what happens: the numbers are drawn anew when a job of the project has ended."""

    def __init__(self, opened: OpenedProject, tab: str) -> None:
        self.opened = opened
        self.tab = tab if tab in [name for name, _, _ in TABS] else TABS[0][0]

    def draw(self) -> None:
        """Build it, and follow the project's events."""
        with ui.element("div").classes("stack project-top"):
            self.head, self.job, self.answer = (ui.element("div").classes("stack project-top") for _ in range(3))
        self.tabs = ui.tabs(on_change=self._choose).props("align=left dense no-caps outside-arrows")
        self.tabs.props('aria-label="Parts of the project"').classes("project-tabs")
        with self.tabs:
            for name, title, _ in TABS:
                ui.tab(name, title)
        self.tabs.props["model-value"] = self.tab
        self.panel = ui.element("div").classes("stack tab-content").props('role="tabpanel"')
        follow(self.opened.workbench, self._hear, "project", "job")
        self._again = gathered(self._read_again)
        self._draw_top()
        self._draw_job()
        self._draw_panel()
        ui.run_javascript(SEEN)

    def _hear(self, event: Event) -> None:
        if event.topic == "job":
            if event.change in ("created", "changed") and event.data.get("project_id") == self.opened.id:
                self._hear_of_job(event)
        elif event.id == self.opened.id:
            self._say_deleted() if event.change == "deleted" else self._again()

    def _hear_of_job(self, event: Event) -> None:
        """The bar follows its job by itself: only another job, or another state, draws the head anew."""
        job = self.opened.job
        if job is None or (job.id, job.state) != (event.id, event.data.get("state")):
            self._again()

    def _read_again(self) -> None:
        before = self.opened
        try:
            self.opened = open_project(before.workbench, before.id, before.draft)
        except NotThere:
            self._say_deleted()
            return
        self._draw_top()
        if _job_shown(before) != _job_shown(self.opened):
            self._draw_job()
        if _shown(before) != _shown(self.opened):
            self._draw_panel()

    def _say_deleted(self) -> None:
        for part in (self.head, self.job, self.answer):
            part.clear()
        self.tabs.set_visibility(False)
        self.panel.clear()
        with self.panel:
            text("This project was deleted.", "p")
            ui.link("To the projects", "/")

    def _choose(self, event: Any) -> None:
        self.tab = str(event.value)
        self.opened.draft.pop("sub", None)
        self._draw_panel()
        ui.run_javascript(f"history.replaceState(null, '', '?tab={quote(self.tab)}')")

    def _draw_top(self) -> None:
        opened = self.opened
        rename_page(opened.project.name)
        self.head.clear()
        with self.head:
            with ui.element("div").classes("title-line"):
                text(opened.project.name, "h1").classes("name")
                project_actions.draw(opened)
            project_actions.draw_parts(opened)
        self.answer.clear()
        with self.answer:
            if opened.project.result or opened.project.headline != Headline():
                why = str((opened.job and opened.job.result.get("why_no_score")) or "")
                if opened.verdict is not None:
                    show_verdict(opened.verdict)
                show_headline(opened.project.headline, opened.is_int8, why, opened.spread)
                next_step.draw(opened)
            if remarks := opened.workbench.projects.remarks(opened.id):
                hindrance_notes(opened.workbench, remarks)

    def _draw_job(self) -> None:
        self.job.clear()
        with self.job:
            project_job.draw(self.opened)

    def _draw_panel(self) -> None:
        self.panel.clear()
        draw = next(draw for name, _, draw in TABS if name == self.tab)
        with self.panel:
            try:
                draw(self.opened)
            except CalibenchError as error:
                text(str(error), "p").classes("note note-bad")


def _job_shown(opened: OpenedProject) -> tuple[Any, ...]:
    """What the part of the job is drawn anew for: while a job goes on, its bar follows it by itself.

    A person may stand on its Cancel with the keyboard when the queue lets the job begin.
    """
    job = opened.job
    return (job and job.id, opened.is_busy, job and not opened.is_busy and job.state, opened.project.is_archived)


def _shown(opened: OpenedProject) -> tuple[Any, ...]:
    """What a tab is drawn anew for."""
    job = opened.job
    return (opened.project.result, opened.project.is_archived, job and (job.id, job.state), len(opened.family))
