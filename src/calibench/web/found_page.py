"""The search over everything: projects, models, datasets and targets whose names have the words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.things.kept import Target
from calibench.web import looks
from calibench.web.page_frame import frame, page
from calibench.web.target_looks import check_state
from calibench.web.words import state, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

MOST = 20
"""Things of a kind that are shown."""


def register(workbench: "Workbench") -> None:
    """`/search?words=`."""

    @page(workbench, "/search")
    def found(words: str = "") -> None:
        words = words.strip()[:100]
        with frame(workbench, f"Search: {words}" if words else "Search"):
            text(f"“{words}”" if words else "Search", "h1")
            groups = [
                ("Projects", "/projects", workbench.projects.all(search=words, archived=None, limit=MOST + 1)),
                ("Models", "/models", workbench.models.all(search=words)),
                ("Datasets", "/datasets", workbench.datasets.all(search=words)),
                ("Targets", "/targets", _targets(workbench, words)),
            ]
            for name, path, things in groups:
                if things and words:
                    _group(name, path, things)
            if not words:
                text("Type words of a name above.", "p").classes("quiet")
            elif not any(things for _, _, things in groups):
                text("No project, model, dataset or target has this in its name.", "p").classes("quiet")


def _targets(workbench: "Workbench", words: str) -> tuple[Target, ...]:
    return tuple(each for each in workbench.targets.all() if words.lower() in each.name.lower())


def _group(name: str, path: str, things: Sequence[Any]) -> None:
    with ui.element("section").classes("stack"):
        text(name, "h2")
        with ui.element("ul").classes("plain-list"):
            for thing in things[:MOST]:
                with ui.element("li").classes("line"):
                    ui.link(thing.name, f"{path}/{thing.id}").classes("name")
                    check_state(thing) if isinstance(thing, Target) else state(thing.state)
        if len(things) > MOST:
            text(f"{looks.count(MOST, name.lower())} are shown; more words find the rest.", "p").classes("quiet")
