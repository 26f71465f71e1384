"""The thin bar below the head of every page: what runs now, how far it is; a click leads to it."""

from typing import TYPE_CHECKING

from nicegui import ui

from calibench.things.kept import Event, Job
from calibench.web import looks
from calibench.web.live import follow
from calibench.web.words import text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench


def job_strip(workbench: "Workbench") -> None:
    """Draw the bar; it is not to be seen while nothing runs."""
    strip = ui.link(target="/jobs").classes("job-strip")
    with strip:
        bar = ui.linear_progress(0, show_value=False, size="3px").props('instant-feedback aria-label="Running job"')
        with ui.element("div").classes("job-strip-text"):
            title, rest = text("").classes("job-strip-title"), text("")

    shown: dict[str, Job | int | None] = {"job": None, "others": 0}

    def draw() -> None:
        job, others = shown["job"], shown["others"]
        strip.set_visibility(isinstance(job, Job))
        if isinstance(job, Job):
            bar.value = job.progress
            strip.props["href"] = f"/jobs/{job.id}"
            title.set_text(job.title)
            rest.set_text(line(job) + (f" · and {others} more" if others else ""))

    def read() -> None:
        running = workbench.jobs.running()
        shown["job"], shown["others"] = (running[0], len(running) - 1) if running else (None, 0)
        draw()

    def hear(event: Event) -> None:
        job = shown["job"]
        if event.change != "progress":
            read()
        elif isinstance(job, Job) and job.id == event.id:
            shown["job"] = with_progress(job, event)
            draw()

    follow(workbench, hear, "job")
    read()


def line(job: Job) -> str:
    """How far a running job is, in one line: percent, stage, time left."""
    if job.stage == "done":  # its result is put into its place
        return f"{looks.percent(job.progress)} · finishing"
    parts = (looks.percent(job.progress), job.stage or "starting", looks.eta(job.eta_s))
    return " · ".join(part for part in parts if part)


def with_progress(job: Job, event: Event) -> Job:
    """The job as a progress event has it; its bar never goes backwards."""
    eta = event.data.get("eta_s")
    return job.model_copy(
        update={
            "stage": event.data.get("stage", job.stage),
            "progress": max(job.progress, float(event.data.get("progress", 0.0))),
            "eta_s": tuple(eta) if eta else None,
        }
    )
