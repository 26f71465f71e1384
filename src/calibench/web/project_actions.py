"""What can be done with a project as a whole, and what it is made of: model, dataset, target, its family."""

from collections.abc import Iterable
from functools import partial

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.things.kept import Project
from calibench.web import looks
from calibench.web.asking import ask_name
from calibench.web.button_looks import OUTLINE
from calibench.web.deleting import ask_deletion
from calibench.web.headline import drop_words
from calibench.web.link_button import link_button
from calibench.web.measured_spread import ABOUT
from calibench.web.opened_project import OpenedProject
from calibench.web.words import tell, text


def draw(opened: OpenedProject) -> None:
    """Buttons beside the name."""
    project = opened.project
    with ui.element("div").classes("line"):
        if opened.is_int8 and opened.parent and project.result:
            address = f"/compare?a={opened.parent.id}&b={project.id}"
            link_button("Compare with FP32", address).props(OUTLINE)
        with ui.button(icon="more_vert").props('flat dense round color=none aria-label="More"'), ui.menu():
            rename = partial(opened.workbench.projects.rename, opened.id)
            ui.menu_item("Rename", lambda: ask_name("project", project.name, project.version, rename))
            word = "Take out of the archive" if project.is_archived else "Archive"
            ui.menu_item(word, lambda: _archive(opened))
            ui.menu_item("Delete", lambda: delete(opened))


def draw_parts(opened: OpenedProject) -> None:
    """One line: of what the project is made, and its relatives."""
    project = opened.project
    with ui.element("div").classes("line quiet project-parts"):
        _part("Model", opened.model.name, f"/models/{opened.model.id}")
        _part("Dataset", opened.dataset.name, f"/datasets/{opened.dataset.id}")
        _part("Target", f"{opened.target.name}, {project.device}", f"/targets/{opened.target.id}")
    if project.is_archived:
        with ui.element("div").classes("note"):
            text("This project is archived: it can be read, not changed.")
    _family(opened)
    _elsewhere(opened)


def _part(title: str, name: str, address: str) -> None:
    with ui.element("span").classes("name"):
        text(f"{title} ")
        ui.link(name, address)


def _family(opened: OpenedProject) -> None:
    """FP32 project and INT8 projects, side by side."""
    if len(opened.family) < 2:
        return
    with ui.element("nav").classes("family").props('aria-label="Projects of this model"'):
        for each in opened.family:
            with ui.link(target=f"/projects/{each.id}").classes("family-link") as link:
                link.props["title"] = each.name
                text(name_beside(each, opened.dataset.name)).classes("name")
                text(family_words(each)).classes("quiet")
            if each.id == opened.id:
                link.props('aria-current="page"')


def _elsewhere(opened: OpenedProject) -> None:
    """The same model and dataset on other targets, or other devices."""
    root, targets = opened.family[0], {each.id: each.name for each in opened.workbench.targets.all()}
    projects = opened.workbench.projects.all()
    others = siblings(projects, root)
    if not others:
        return
    with ui.element("div").classes("line quiet elsewhere"):
        text("The same on")
        for each in others:
            here = f"{targets.get(each.target_id, '')}{'' if each.device == 'CPU' else f', {each.device}'}"
            like = alike(projects, opened.project, each)
            ui.link(here, f"/projects/{(like or each).id}").classes("name")
            if like is not None:
                compare = ui.link("(compare)", f"/compare?a={opened.id}&b={like.id}")
                compare.props["aria-label"] = f"Compare with {here}"


def alike(projects: Iterable[Project], project: Project, root: Project) -> Project | None:
    """What in another place was asked for as a project was: the FP32 project there, or one of its INT8 projects.

    Args:
        root: the FP32 project there.
    """
    if project.parent_id is None:
        return root
    return next((each for each in projects if each.parent_id == root.id and each.ask == project.ask), None)


def siblings(projects: Iterable[Project], root: Project) -> list[Project]:
    """FP32 projects of the same model and dataset in other places."""
    same = (root.model_id, root.dataset_id)
    return [
        each
        for each in projects
        if each.id != root.id and each.parent_id is None and (each.model_id, each.dataset_id) == same
    ]


def name_beside(project: Project, dataset: str) -> str:
    """Its name among relatives, which have the dataset in common."""
    return project.name.removesuffix(f" on {dataset}") or project.name


def family_words(project: Project) -> str:
    """How a relative did, in a few words."""
    head = project.headline
    if project.parent_id is None:
        return f"FP32, {looks.score(head.baseline, head.unit)}" if head.baseline is not None else "FP32"
    if project.state != "done":
        return looks.STATE_WORDS[project.state].lower()
    parts = [speed_in_short(head.speedup)] if head.speedup else []
    parts += [" ".join(drop_words(head.drop_points, head.unit))] if head.drop_points is not None else []
    return ", ".join(parts) or "INT8"


def speed_in_short(speedup: float) -> str:
    """A speed-up where its spread is not known: a few percent are no difference."""
    return "about as fast" if abs(speedup - 1) < ABOUT else looks.how_fast(speedup)


def _archive(opened: OpenedProject) -> None:
    try:
        opened.workbench.projects.archive(opened.id, not opened.project.is_archived)
    except CalibenchError as error:
        tell(error)


def delete(opened: OpenedProject) -> None:
    """Say what would go with the project, and delete it when that is confirmed."""
    projects, name = opened.workbench.projects, opened.project.name
    ask_deletion(
        "project", name, lambda: projects.would_delete(opened.id), lambda leave: projects.delete(opened.id, leave), "/"
    )
