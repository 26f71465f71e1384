"""The page that compares two projects of a family: what changed, number by number and layer by layer."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.errors import SettingsError
from calibench.things.kept import Project
from calibench.web import compared_tables
from calibench.web.opened_project import OpenedProject, open_project
from calibench.web.page_frame import frame, page
from calibench.web.page_words import in_page
from calibench.web.project_actions import name_beside, siblings
from calibench.web.sample_cards import BOTH, sample_cards
from calibench.web.words import note, text
from calibench.workbench.compared_projects import compare_partner

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


def register(workbench: "Workbench") -> None:
    """`/compare`, with both projects in the query; without `b`, the partner that suggests itself."""

    @page(workbench, "/compare")
    def compare_page(a: int | None = None, b: int | None = None) -> None:
        if a is None and b is None:
            with frame(workbench, "Compare", [("Projects", "/")]):
                text("Compare", "h1")
                note("Open a project with INT8 models, and choose Compare there.")
            return
        first, second = _pair(workbench, a, b)
        opened = open_project(workbench, first)
        root = opened.family[0]
        with frame(workbench, "Compare", [("Projects", "/"), (root.name, f"/projects/{root.id}")]):
            text("Compare", "h1")
            _choices(names_of(workbench, _choosable(workbench, opened.family, second)), first, second)
            if second is None:
                note("There is nothing to compare with yet: calibrate the model first.")
            else:
                _compared(opened, open_project(workbench, second))


def _pair(workbench: "Workbench", a: int | None, b: int | None) -> tuple[int, int | None]:
    """Both projects; the FP32 one first where nobody says."""
    if a is not None and b is not None:
        return a, b
    known = a if a is not None else b
    assert known is not None
    partner = compare_partner(workbench.projects, known)
    project = workbench.projects.get(known)
    return (known, partner) if project.parent_id is None or partner is None else (partner, known)


def _choosable(workbench: "Workbench", family: tuple[Project, ...], other: int | None) -> tuple[Project, ...]:
    """The family, the same on other targets, and what was asked for beside it, though it cannot be compared."""
    projects = workbench.projects.all()
    roots = siblings(projects, family[0])
    ids = [each.id for each in roots]
    found = (*family, *roots, *(each for each in projects if each.parent_id in ids))
    if other is None or other in [each.id for each in found]:
        return found
    return (*found, workbench.projects.get(other))


def names_of(workbench: "Workbench", projects: Sequence[Project]) -> dict[int, str]:
    """What a field offers: the names of projects, with the target where they differ in it."""
    targets = {each.id: each.name for each in workbench.targets.all()}
    is_one = len({(each.target_id, each.device) for each in projects}) < 2
    return {each.id: each.name if is_one else f"{each.name}, on {_place(each, targets)}" for each in projects}


def _place(project: Project, targets: Mapping[int, str]) -> str:
    name = targets.get(project.target_id, "a target that was removed")
    return name if project.device == "CPU" else f"{name}, {project.device}"


def _choices(names: Mapping[int, str], a: int, b: int | None) -> None:
    """Two fields to choose from, and a button that changes sides."""

    def go(left: Any, right: Any) -> None:
        if left is not None and right is not None:
            ui.navigate.to(f"/compare?a={left}&b={right}")

    with ui.element("div").classes("compare-heads"):
        for title, value, turn in (("A", a, lambda id: go(id, b)), ("B", b, lambda id: go(a, id))):
            others = {id: name for id, name in names.items() if id == value or id not in (a, b)}
            field = ui.select(others, label=title, value=value).props("dense outlined").classes("dataset-field")
            field.on_value_change(lambda event, turn=turn: turn(event.value))
    if b is not None:
        ui.button("Change sides", icon="swap_horiz", on_click=lambda: go(b, a)).props("flat no-caps").classes(
            "own-width"
        )


def _compared(first: OpenedProject, second: OpenedProject) -> None:
    try:
        found = first.workbench.compare(first.id, second.id)
    except SettingsError as error:
        note(str(error), "bad", "error")
        return
    titles = _titles(first, second)
    for words in found.get("notes") or ():
        text(in_page(words), "p").classes("quiet measure")
    compared_tables.numbers_table(found["differences"], titles)
    compared_tables.points(found["points"], titles)
    compared_tables.layers(found["layers"], titles)
    compared_tables.settings(found.get("settings") or (), titles)
    _pictures(first, second)


def _titles(first: OpenedProject, second: OpenedProject) -> tuple[str, str]:
    """Names of both sides, with the target where they differ in it."""
    places = [_place(each.project, {each.target.id: each.target.name}) for each in (first, second)]
    ends = ["", ""] if places[0] == places[1] else [f", on {place}" for place in places]
    names = [name_beside(each.project, each.dataset.name) for each in (first, second)]
    return names[0] + ends[0], names[1] + ends[1]


def _pictures(first: OpenedProject, second: OpenedProject) -> None:
    """Of the INT8 models that are compared, where each differs from FP32."""
    for opened in (first, second):
        rows = opened.workbench.projects.pictures(opened.id) if opened.is_int8 else []
        if rows:
            text(f"Where {opened.project.name} answers otherwise than FP32", "h2")
            sample_cards(rows, BOTH, opened.project.headline.unit, at_once=4)
