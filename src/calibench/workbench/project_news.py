"""A project follows its last job: queued, running, done. The INT8 model that the job makes follows it too."""

from collections.abc import Callable

from calibench.store.refused import Conflict, NotThere
from calibench.things.kept import ENDED, Event, Failure, Job, JobKind, KeptModel, Project
from calibench.workbench.shelf import Shelf

MAKING: tuple[JobKind, ...] = ("calibrate", "pick")
"""Jobs that make the model of their project."""
LOST = Failure(
    kind="JobError", message="The calibration ended without a word: the server was stopped. Calibrate it again."
)


class ProjectNews:
    """Listens to jobs, and writes what they mean into the rows of projects and their INT8 models."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._unsubscribe: Callable[[], None] = lambda: None

    def listen(self) -> None:
        """Begin."""
        self._unsubscribe = self._shelf.hub.subscribe(self._hear)

    def stop(self) -> None:
        """End."""
        self._unsubscribe()

    def catch_up(self) -> None:
        """Mend what a server that was killed has left: projects that wait for a job which is not there."""
        for project in self._shelf.store.all(Project, where={"state": ("queued", "running", "cancelling")}):
            job = _job(self._shelf, project.job_id)
            if job is not None:
                follow(self._shelf, job)
            else:
                self._shelf.change(Project, project.id, state="failed")
        for model in self._shelf.store.all(KeptModel, where={"state": "importing"}):
            job = _job(self._shelf, model.job_id)
            if model.parent_id is not None and (job is None or job.state in ENDED):
                self._shelf.change(KeptModel, model.id, state="failed", failure=LOST)

    def _hear(self, event: Event) -> None:
        if event.topic == "job" and event.change in ("created", "changed"):
            job = Job.model_validate(event.data)
            if job.project_id is not None:
                follow(self._shelf, job)


def follow(shelf: Shelf, told: Job) -> None:
    """Bring the project of a job, and the model that the job makes, to where the job is now.

    Args:
        told: may be older than what the store has; that decides.
    """
    try:
        with shelf.together():
            job = shelf.store.get(Job, told.id)
            project = shelf.store.get(Project, job.project_id or 0)
            if (project.job_id or 0) > job.id:
                return  # a later job speaks for the project
            if (project.job_id, project.state) != (job.id, job.state):
                shelf.change(Project, project.id, job_id=job.id, state=job.state)
            if job.kind in MAKING and job.model_id is not None and job.state not in ENDED:
                _make_again(shelf, shelf.store.get(KeptModel, job.model_id), job)
    except (NotThere, Conflict):
        return  # deleted meanwhile: nobody waits for the news


def _make_again(shelf: Shelf, model: KeptModel, job: Job) -> None:
    if model.tree is None and (model.job_id, model.state) != (job.id, "importing"):
        shelf.change(KeptModel, model.id, job_id=job.id, state="importing", failure=None)


def _job(shelf: Shelf, id: int | None) -> Job | None:
    try:
        return None if id is None else shelf.store.get(Job, id)
    except NotThere:
        return None
