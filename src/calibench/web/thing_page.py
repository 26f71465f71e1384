"""What pages of models and datasets share: how the import goes, that it failed, that the thing was deleted."""

from typing import TYPE_CHECKING

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.store.refused import NotThere
from calibench.things.kept import ENDED, Job, KeptDataset, KeptModel
from calibench.web.job_bar import JobBar
from calibench.web.link_button import link_button
from calibench.web.page_words import failure
from calibench.web.words import tell, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


OF_THE_FILE = ("ModelError", "DatasetError")
"""Failures that come again with the same file, however often it is tried."""


def draw_state(workbench: "Workbench", thing: KeptModel | KeptDataset) -> None:
    """The bar of an import that runs, or why it failed with the way out; nothing of a thing that is ready."""
    job = _job(workbench, thing.job_id)
    if thing.state == "importing" and job is not None and job.state not in ENDED:
        with ui.element("section").classes("panel").props('aria-label="Import"'):
            JobBar(workbench, job)
    elif thing.state == "failed" and thing.failure is not None:
        with failure(thing.failure), ui.element("div").classes("line"):
            if thing.failure.kind in OF_THE_FILE:
                address = "/models/import" if isinstance(thing, KeptModel) else "/datasets/import"
                link_button("Choose another file", address).props("no-caps outline dense")
            elif job is not None:
                ui.button("Retry", on_click=lambda: _retry(workbench, job.id)).props("no-caps outline dense")
            if job is not None:
                ui.link("See the log", f"/jobs/{job.id}")


def fact(name: str, value: str) -> None:
    """One line of a list of facts."""
    text(name, "dt")
    text(value, "dd")


def say_deleted(noun: str, path: str) -> None:
    """Instead of a page: the thing was deleted, here or elsewhere."""
    text(f"This {noun} was deleted.", "p")
    ui.link(f"To the {noun}s", path)


def _job(workbench: "Workbench", job_id: int | None) -> Job | None:
    try:
        return None if job_id is None else workbench.jobs.get(job_id)
    except NotThere:
        return None


def _retry(workbench: "Workbench", job_id: int) -> None:
    try:
        workbench.jobs.retry(job_id)
    except CalibenchError as error:
        tell(error)
