"""The way in: /."""

from typing import TYPE_CHECKING

from nicegui import ui

from calibench.web.frame import frame

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


def register(workbench: "Workbench") -> None:
    """`/`"""

    @ui.page("/")
    def home() -> None:
        with frame(workbench, "Projects"):
            ui.label("Soon.")
