"""What a person does next with a result: calibrate the FP32 model, or take the INT8 model away."""

from nicegui import ui

from calibench.web.button_looks import FILLED
from calibench.web.link_button import link_button
from calibench.web.opened_project import OpenedProject


def draw(opened: OpenedProject) -> None:
    """One primary button below the numbers; none where nothing is next."""
    if opened.is_busy or opened.project.result is None:
        return
    if opened.is_int8:
        address = f"/api/v1/projects/{opened.id}/model.zip?only_model=true"
        ui.button("Download the INT8 model", icon="download", on_click=lambda: ui.download(address)).props(FILLED)
    elif not opened.project.is_archived and not opened.workbench.projects.hindrances(opened.id):
        address = f"/projects/{opened.id}/optimize"
        link_button("Calibrate to INT8", address, "speed").props(FILLED)
