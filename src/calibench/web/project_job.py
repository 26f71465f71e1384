"""The job of a project on its page: the bar while it runs, one sentence and the ways out where it came to nothing."""

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.things.kept import Job
from calibench.web import looks
from calibench.web.button_looks import FILLED, FLAT, OUTLINE
from calibench.web.job_bar import JobBar
from calibench.web.job_page import left_there
from calibench.web.link_button import link_button
from calibench.web.opened_project import OpenedProject
from calibench.web.page_words import in_page
from calibench.web.project_actions import delete
from calibench.web.words import tell, text


def draw(opened: OpenedProject) -> None:
    """What the last job of the project has to say; nothing where it is done."""
    job = opened.job
    if job is None or job.state == "done":
        return
    with ui.element("section").props('aria-label="Job"'):
        if opened.is_busy:
            with ui.element("div").classes("panel job-panel"):
                JobBar(opened.workbench, job)
        else:
            _came_to_nothing(opened, job)


def _came_to_nothing(opened: OpenedProject, job: Job) -> None:
    is_failed = job.state == "failed"
    with ui.element("div").classes(f"note {'note-bad' if is_failed else ''} job-failed").props('role="alert"'):
        ui.icon("error" if is_failed else "cancel").props('aria-hidden="true"')
        with ui.element("div").classes("stack"):
            text(failure_words(job, left_there(opened.workbench, job)), "p")
            with ui.element("div").classes("line"):
                if opened.is_int8 and job.kind == "calibrate" and not opened.project.is_archived:
                    address = f"/projects/{opened.id}/optimize"
                    link_button("Configure again", address).props(FILLED)
                ui.button("Retry", on_click=lambda: _retry(opened, job)).props(OUTLINE)
                link_button("Log", f"/jobs/{job.id}").props(FLAT)
                ui.button("Delete", on_click=lambda: delete(opened)).props(FLAT)


def failure_words(job: Job, left: str = "") -> str:
    """Why a job came to nothing.

    Args:
        left: why something of one that was cancelled may go on where it was done.
    """
    title = looks.KIND_WORDS.get(job.kind, "The job")
    if job.state == "cancelled":
        return f"{title}: cancelled before it was done. {in_page(left) or 'Nothing of it was kept.'}"
    return f"{title} failed. {in_page(job.failure.message) if job.failure else 'Its log says why.'}"


def _retry(opened: OpenedProject, job: Job) -> None:
    try:
        opened.workbench.jobs.retry(job.id)
    except CalibenchError as error:
        tell(error)
