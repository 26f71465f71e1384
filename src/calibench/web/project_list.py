"""Projects: what was tried. The way in, and on the first visit the three steps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.things.kept import Event, Job, JobState, Project
from calibench.web import looks
from calibench.web.first_visit import first_visit, shown_things
from calibench.web.headline import drop_words
from calibench.web.job_strip import line, with_progress
from calibench.web.link_button import link_button
from calibench.web.live import follow, gathered
from calibench.web.page_frame import frame, page
from calibench.web.paged_list import Column, Listing
from calibench.web.words import state, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

STATES = {
    "": "All states",
    "going": "Queued or running",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
GOING: tuple[JobState, ...] = ("queued", "running", "cancelling")


@dataclass(frozen=True)
class Row:
    """A project with the names of what it is made of."""

    project: Project
    model: str
    dataset: str
    target: str
    job: Job | None

    @property
    def words(self) -> str:
        """What a search looks through."""
        return f"{self.project.name} {self.model} {self.dataset} {self.target}".lower()


def register(workbench: "Workbench") -> None:
    """`/` and `/projects`."""

    @page(workbench, "/")
    def projects() -> None:
        with frame(workbench, "Projects"):
            ProjectList(workbench)

    @page(workbench, "/projects")
    def same_projects() -> None:
        projects()


def read_rows(workbench: "Workbench", is_archived: bool) -> list[Row]:
    """All projects, the newest first."""
    models = {each.id: each.name for each in workbench.models.all()}
    datasets = {each.id: each.name for each in workbench.datasets.all()}
    targets = {each.id: each.name for each in workbench.targets.all()}
    jobs = {each.id: each for each in workbench.jobs.all(states=GOING)}
    return [
        Row(
            project,
            models.get(project.model_id, looks.NOTHING),
            datasets.get(project.dataset_id, looks.NOTHING),
            targets.get(project.target_id, looks.NOTHING),
            jobs.get(project.job_id or 0),
        )
        for project in workbench.projects.all(archived=is_archived)
    ]


def is_shown(row: Row, words: str, wanted: str) -> bool:
    """Does a row pass the filters? All words must occur; `wanted` is a key of STATES."""
    now = row.project.state
    is_state = not wanted or now == wanted or (wanted == "going" and now in GOING)
    return is_state and all(word in row.words for word in words.lower().split())


class ProjectList:
    """The page below its head."""

    def __init__(self, workbench: "Workbench") -> None:
        self.workbench = workbench
        self.is_archived, self.words, self.wanted = False, "", ""
        self.shown: dict[int, tuple[ui.linear_progress, Any, Job]] = {}
        self.read_again: Callable[[], None] = gathered(self._read_again, 0.5)
        follow(workbench, self._hear, "project", "model", "dataset", "job")
        self.rows = read_rows(workbench, False)
        self.place = ui.element("div").classes("stack wide")
        self._draw()

    def _draw(self) -> None:
        self.place.clear()
        self.is_first_visit = not self.rows and not self.workbench.projects.count(archived=True)
        self.first_shown = shown_things(self.workbench) if self.is_first_visit else ()
        with self.place:
            if self.is_first_visit:
                first_visit(self.workbench)
            else:
                self._head()
                self.listing = Listing(self._columns(), self._chosen, "Projects", "No project matches.")

    def _head(self) -> None:
        with ui.element("div").classes("line apart"):
            text("Projects", "h1")
            link_button("New project", "/projects/new", "add").props("no-caps unelevated")
        with ui.element("div").classes("line filters").props('role="search"'):
            field = ui.input(placeholder="Filter by name, model or dataset").props(
                'dense outlined clearable debounce=150 aria-label="Filter projects"'
            )
            field.classes("filter-words").on_value_change(lambda event: self._filter(words=event.value or ""))
            chosen = ui.select(STATES, value="").props('dense outlined aria-label="State"').classes("filter-state")
            chosen.on_value_change(lambda event: self._filter(wanted=event.value))
            archive = ui.switch("Archive").props("dense")
            archive.on_value_change(lambda event: self._switch_archive(bool(event.value)))

    def _filter(self, **values: str) -> None:
        self.words, self.wanted = values.get("words", self.words), values.get("wanted", self.wanted)
        self._redraw(self.listing.restart)

    def _switch_archive(self, is_archived: bool) -> None:
        self.is_archived = is_archived
        self.rows = read_rows(self.workbench, is_archived)
        self._redraw(self.listing.restart)

    def _chosen(self) -> list[Row]:
        return [row for row in self.rows if is_shown(row, self.words, self.wanted)]

    def _redraw(self, draw: Callable[[], None]) -> None:
        self.shown.clear()
        draw()

    def _read_again(self) -> None:
        self.rows = read_rows(self.workbench, self.is_archived)
        if not self.is_first_visit:
            self._redraw(self.listing.refresh)
        elif self.rows or self.first_shown != shown_things(self.workbench):
            self._draw()  # not for every job: a button that is drawn anew while it is pressed does nothing

    def _hear(self, event: Event) -> None:
        if event.change in ("progress", "trial"):
            if event.change == "progress" and event.topic == "job" and event.id in self.shown:
                self._move(event)
        elif event.topic != "job" or self.is_first_visit:
            self.read_again()

    def _move(self, event: Event) -> None:
        bar, words, job = self.shown[event.id]
        job = with_progress(job, event)
        self.shown[event.id] = (bar, words, job)
        if not bar.is_deleted:  # the list is drawn anew in this moment
            bar.value = job.progress
            words.set_text(line(job))

    def _columns(self) -> tuple[Column[Row], ...]:
        return (
            Column("Project", _name, lambda row: row.project.name.lower()),
            Column("Speed-up", _speedup, lambda row: row.project.headline.speedup, is_number=True, begins_high=True),
            Column("Speed", _speed, lambda row: _fps(row.project), is_number=True, begins_high=True),
            Column("Accuracy", _accuracy, lambda row: _score(row.project), is_number=True, begins_high=True),
            Column("Size", _size, lambda row: _bytes(row.project), is_number=True),
            Column("State", self._state, lambda row: row.project.state),
        )

    def _state(self, row: Row) -> None:
        state(row.project.state)
        if row.job is not None and row.job.state == "running":
            with ui.element("div").classes("row-progress"):
                bar = ui.linear_progress(row.job.progress, show_value=False, size="4px").props(
                    'instant-feedback rounded aria-label="Progress"'
                )
                words = text(line(row.job)).classes("quiet small")
            self.shown[row.job.id] = (bar, words, row.job)


def _name(row: Row) -> None:
    ui.link(row.project.name, f"/projects/{row.project.id}").classes("name strong")
    text(f"{row.model} × {row.dataset} × {row.target}", "div").classes("quiet small name")  # noqa: RUF001


def _speedup(row: Row) -> str:
    speedup = row.project.headline.speedup
    return f"{looks.speedup(speedup)}{', slower' if looks.is_slower(speedup) else ''}"


def _fps(project: Project) -> float | None:
    return project.headline.int8_fps or project.headline.fp32_fps


def _speed(row: Row) -> str:
    head = row.project.headline
    before = head.default_fps or head.fp32_fps
    if head.int8_fps is None:
        return looks.fps(before)
    return f"{looks.short(before)} → {looks.fps(head.int8_fps)}" if before else looks.fps(head.int8_fps)


def _score(project: Project) -> float | None:
    head = project.headline
    return head.baseline if project.parent_id is None else head.int8


def _accuracy(row: Row) -> None:
    """The score of the project's own model; of INT8, with what it lost below it."""
    head = row.project.headline
    text(looks.score(_score(row.project), head.unit))
    if head.drop_points is not None:
        text(" ".join(drop_words(head.drop_points, head.unit)), "div").classes("quiet small")


def _bytes(project: Project) -> int | None:
    return project.headline.int8_bytes or project.headline.fp32_bytes


def _size(row: Row) -> str:
    return looks.size(_bytes(row.project))
