"""Why something is not possible, as text that screen readers read too, with the button that mends it."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.things.kept import Hindrance
from calibench.web.button_looks import FILLED
from calibench.web.words import tell, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

CALL = re.compile(r"(?:POST|PUT) /api/v1/projects/(\d+)/(baseline|archived)")
"""REST calls that a hindrance may name as the way out, and a page can do itself."""


def hindrance_notes(workbench: "Workbench", hindrances: Sequence[Hindrance], name: str = "") -> None:
    """One note a hindrance.

    Args:
        name: id of the whole in the page, for `aria-describedby` of what is greyed out.
    """
    with ui.element("div").classes("stack hindrances") as notes:
        for hindrance in hindrances:
            with ui.element("div").classes("note note-info"):
                ui.icon("info").props('aria-hidden="true"')
                with ui.element("div").classes("line"):
                    text(hindrance.sentence)
                    _way_out(workbench, hindrance)
    if name:
        notes.props["id"] = name


def _way_out(workbench: "Workbench", hindrance: Hindrance) -> None:
    call = CALL.fullmatch(hindrance.link)
    if call:
        project_id, deed = int(call[1]), call[2]
        ui.button(hindrance.action or "Do it", on_click=lambda: _do(workbench, project_id, deed)).props(FILLED)
    elif hindrance.link.startswith("/") and not hindrance.link.startswith("//"):
        ui.link(hindrance.action or "See it", hindrance.link)


def _do(workbench: "Workbench", project_id: int, deed: str) -> None:
    try:
        if deed == "baseline":
            workbench.projects.baseline(project_id)
        else:
            workbench.projects.archive(project_id, False)
    except CalibenchError as error:
        tell(error)
