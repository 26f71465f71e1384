"""The family of a model: the FP32 parent and its INT8 children with what they cost and gain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nicegui import ui

from calibench.things.kept import Headline, KeptModel, Project
from calibench.web import looks
from calibench.web.headline import is_default_fp32
from calibench.web.help_mark import help_mark
from calibench.web.words import text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

EXPLAINED = {"Scheme": "Scheme", "Default": "default precision"}
"""Headings with a mark that explains them."""
HEADS = ("Model", "Method", "Scheme", "Dataset", "Accuracy", "Drop", "FP32", "Default", "INT8", "Size", "")
NUMBERS = ("Accuracy", "Drop", "FP32", "Default", "INT8", "Size")


@dataclass(frozen=True)
class Member:
    """One line: a model in one of its projects; `target`: where it was measured, where the family was on several."""

    model: KeptModel
    project: Project | None
    dataset: str
    target: str = ""

    @property
    def head(self) -> Headline:
        """The numbers; empty where it is in no project."""
        return self.project.headline if self.project is not None else Headline()


def members(workbench: "Workbench", family: Sequence[KeptModel]) -> list[Member]:
    """Parent first, then the children; a model has a line for each of its projects."""
    datasets = {each.id: each.name for each in workbench.datasets.all()}
    projects = sorted(workbench.projects.all(), key=lambda each: each.id)
    ids = [each.id for each in family]
    is_one = len({each.target_id for each in projects if each.model_id in ids}) < 2
    targets = {} if is_one else {each.id: each.name for each in workbench.targets.all()}
    found = []
    for model in family:
        own = [
            each for each in projects if each.model_id == model.id and (each.parent_id is None) == (not model.parent_id)
        ]
        found += [
            Member(model, each, datasets.get(each.dataset_id, ""), targets.get(each.target_id, "")) for each in own
        ] or [Member(model, None, "")]
    return found


def draw_family(workbench: "Workbench", family: Sequence[KeptModel], here: int) -> None:
    """The table."""
    found = members(workbench, family)
    with ui.element("section").classes("stack"):
        with text("Family", "h2"):
            help_mark("Family")
        with ui.element("div").classes("listing-frame"), ui.element("table").classes("listing") as table:
            table.props["aria-label"] = "The FP32 model and its INT8 models"
            with ui.element("thead"), ui.element("tr"):
                for name in HEADS:
                    with text(name, "th").props("scope=col").classes("number" if name in NUMBERS else ""):
                        if name in EXPLAINED:
                            help_mark(EXPLAINED[name])
            with ui.element("tbody"):
                for member in found:
                    _row(member, here, found)
        if len(family) == 1 and not family[0].is_quantized:
            text("No INT8 model was made from it yet.", "p").classes("quiet")


def _row(member: Member, here: int, found: Sequence[Member]) -> None:
    model, project, head = member.model, member.project, member.head
    is_child = model.parent_id is not None
    with (
        ui.element("tr")
        .props('aria-current="true"' if model.id == here else "")
        .classes("here" if model.id == here else "")
    ):
        with _cell("Model"), ui.element("div").classes("child" if is_child else ""):
            ui.link(model.name, f"/models/{model.id}").classes("name")
        _word("Method", model.method or looks.NOTHING)
        _word("Scheme", model.preset or looks.NOTHING)
        with _cell("Dataset"):
            if project is not None:
                ui.link(member.dataset or project.name, f"/projects/{project.id}").classes("name")
                if member.target:
                    text(f"on {member.target}", "div").classes("quiet small name")
            else:
                text("in no project")
        _word("Accuracy", looks.score(head.int8 if is_child else head.baseline, head.unit))
        _word("Drop", looks.drop(head.drop_points, head.unit))
        _word("FP32", looks.fps(head.fp32_fps))
        _word("Default", "as FP32" if is_default_fp32(head) else looks.fps(head.default_fps))
        _word("INT8", looks.fps(head.int8_fps))
        _word("Size", looks.size(head.int8_bytes if is_child and head.int8_bytes else model.size_bytes))
        with _cell(""):
            parent = next(
                (each.project for each in found if project and each.project and each.project.id == project.parent_id),
                None,
            )
            if parent is not None and project is not None:
                ui.link("Compare", f"/compare?a={parent.id}&b={project.id}")


def _cell(name: str) -> ui.element:
    cell = ui.element("td").classes("number" if name in NUMBERS else "")
    cell.props["data-label"] = name
    return cell


def _word(name: str, words: str) -> None:
    with _cell(name) as cell:
        text(words)
    if words == looks.NOTHING:
        cell.classes("missing")
