"""A dataset: its samples, classes and counts, and what is wrong with it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.store.refused import NotThere
from calibench.things.kept import Event, KeptDataset, Project
from calibench.web import looks
from calibench.web.asking import ask_name
from calibench.web.deleting import ask_deletion
from calibench.web.live import follow, gathered
from calibench.web.page_frame import frame, page, rename_page
from calibench.web.page_words import in_page
from calibench.web.paged_list import Column, Listing
from calibench.web.thing_page import draw_state, fact, say_deleted
from calibench.web.words import text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


@dataclass(frozen=True)
class ClassCount:
    """One class; `count` is None where it was not counted."""

    label: int
    name: str
    count: int | None


def register(workbench: "Workbench") -> None:
    """`/datasets/{id}`."""

    @page(workbench, "/datasets/{dataset_id}")
    def dataset_page(dataset_id: int) -> None:
        dataset = workbench.datasets.get(dataset_id)
        with frame(workbench, dataset.name, [("Datasets", "/datasets")]):
            DatasetPage(workbench, dataset_id)


def class_counts(dataset: KeptDataset) -> list[ClassCount]:
    """Classes by index with how often each occurs; those that never do stand last."""
    counts: dict[str, int] = dataset.facts.get("counts") or {}
    found = [
        ClassCount(label, name or f"class {label}", counts.get(str(label), 0) if counts else None)
        for label, name in enumerate(dataset.classes)
    ]
    return sorted(found, key=lambda each: each.count == 0)


class DatasetPage:
    """The page below its head; drawn anew when the dataset changes."""

    def __init__(self, workbench: "Workbench", dataset_id: int) -> None:
        self.workbench, self.id = workbench, dataset_id
        self.place = ui.element("div").classes("stack wide page-body")
        self._again = gathered(self._draw, 0.5)
        follow(workbench, self._hear, "dataset", thing=dataset_id)
        self._draw()

    def _hear(self, event: Event) -> None:
        if event.change != "progress":
            self._again()

    def _draw(self) -> None:
        self.place.clear()
        with self.place:
            try:
                self.dataset = self.workbench.datasets.get(self.id)
            except NotThere:
                say_deleted("dataset", "/datasets")
                return
            rename_page(self.dataset.name)
            self._head()
            draw_state(self.workbench, self.dataset)
            if self.dataset.state == "ready":
                self._problems()
                self._facts()
                self._projects()
                self._classes()

    def _head(self) -> None:
        with ui.element("div").classes("line apart head-of-page"):
            text(self.dataset.name, "h1")
            with ui.element("div").classes("line"):
                ui.button("Rename", icon="edit", on_click=self._rename).props("no-caps flat dense")
                ui.button("Delete", icon="delete", on_click=self._delete).props("no-caps flat dense")

    def _problems(self) -> None:
        problems = self.dataset.problems
        if not problems:
            return
        with ui.element("section").classes("note note-warn"):
            ui.icon("warning")
            with ui.element("div").classes("stack"):
                text(looks.count(len(problems), "problem") + " in its files", "h2")
                with ui.element("ul").classes("plain-list"):
                    for problem in problems:
                        text(in_page(problem), "li")

    def _facts(self) -> None:
        dataset, facts = self.dataset, self.dataset.facts
        with ui.element("section").classes("panel"):
            text("What it holds", "h2")
            with ui.element("dl").classes("facts"):
                fact("Format", f"{dataset.title} ({dataset.format})")
                fact("Samples", looks.count(dataset.samples, "picture" if dataset.has_pictures else "sample"))
                held = "" if dataset.annotated else "; INT8 is held against the answers of FP32"
                fact("Annotations", looks.annotations(dataset.annotated) + held)
                if dataset.classes:
                    fact("Classes", f"{len(dataset.classes):,}" + _source(facts))
                if facts.get("objects") is not None:
                    fact("Objects", f"{facts['objects']:,}")
                if facts.get("sizes"):
                    fact("Pictures", size_words(facts["sizes"]))
                if facts.get("columns"):
                    fact("Columns", ", ".join(str(each) for each in facts["columns"]))
                fact("On the disk", looks.size(dataset.size_bytes))
                fact("Imported", looks.moment(dataset.created))

    def _projects(self) -> None:
        used = [each for each in self.workbench.projects.all(archived=None) if self.id in _datasets(each)]
        with ui.element("section").classes("stack"):
            text("Projects that use it", "h2")
            if not used:
                text("None yet.", "p").classes("quiet")
            with ui.element("ul").classes("plain-list"):
                for project in used[:10]:
                    with ui.element("li"):
                        ui.link(project.name, f"/projects/{project.id}").classes("name")
                        role = "decides accuracy" if project.dataset_id == self.id else "sets the ranges"
                        text(f" {role}").classes("quiet")
            if len(used) > 10:
                text(f"and {len(used) - 10:,} more", "p").classes("quiet")

    def _classes(self) -> None:
        counts = class_counts(self.dataset)
        if not counts:
            return
        with ui.element("section").classes("stack"):
            text("Classes", "h2")
            Listing(_columns(max((each.count or 0 for each in counts), default=0)), lambda: counts, "Classes")

    def _rename(self) -> None:
        datasets = self.workbench.datasets
        ask_name("dataset", self.dataset.name, self.dataset.version, lambda asked: datasets.rename(self.id, asked))

    def _delete(self) -> None:
        sets = self.workbench.datasets
        ask_deletion(
            "dataset",
            self.dataset.name,
            lambda: sets.would_delete(self.id),
            lambda leave: sets.delete(self.id, leave),
            "/datasets",
        )


def size_words(sizes: list[int]) -> str:
    """Smallest to largest picture, of: smallest height and width, largest height and width."""
    low_h, low_w, high_h, high_w = sizes
    if (low_h, low_w) == (high_h, high_w):
        return f"{low_w} x {low_h} pixels"
    return f"{low_w} to {high_w} pixels wide, {low_h} to {high_h} high"


def _source(facts: dict[str, Any]) -> str:
    source = facts.get("label_source")
    if source == "alphabet":
        return (
            ", counted in the order of the alphabet. Where a model counts them in another order, put numbers in front "
            "of the folders' names (0_shirt, 1_boot), or the names in order into a file labels.txt, and import again."
        )
    return f", their order from {source}" if source else ""


def _datasets(project: Project) -> tuple[int | None, ...]:
    return project.dataset_id, project.calibration_dataset_id


def _columns(largest: int) -> tuple[Column[ClassCount], ...]:
    def bar(each: ClassCount) -> None:
        with ui.element("div").classes("count-track").props('aria-hidden="true"'):
            if each.count and largest:
                ui.element("div").classes("count-fill").style(f"width: {100 * each.count / largest:.1f}%")

    return (
        Column("Class", lambda each: each.name, lambda each: each.name.lower()),
        Column("Index", lambda each: str(each.label), lambda each: each.label),
        Column("Count", lambda each: looks.NOTHING if each.count is None else f"{each.count:,}",
               lambda each: each.count, is_number=True, begins_high=True),
        Column("", bar),
    )  # fmt: skip
