"""/jobs: what runs, ran and waits."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field
from starlette.responses import PlainTextResponse

from calibench.api.checked_json import CheckedRoute
from calibench.api.parameters import LARGEST_ID, Door, Id, Leave, Stretch
from calibench.settings import Frozen
from calibench.things.kept import Job, JobKind, JobState

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=CheckedRoute)


class QueuePlace(Frozen):
    """Where a job stands in the queue."""

    place: int | None = Field(None, description="1 is the next to start; null: it does not wait")


@router.get("", summary="List jobs")
def list_jobs(
    door: Door,
    page: Stretch,
    response: Response,
    state: Annotated[list[JobState], Query(description="only these; may be given several times")] = [],  # noqa: B006
    kind: Annotated[JobKind | None, Query(description="only this kind")] = None,
    project_id: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="only of this project")] = None,
) -> list[Job]:
    """Newest first."""
    found = door.jobs.all(state, kind, project_id, page.limit, page.offset)
    return page.told(found, door.jobs.count(state, kind, project_id), response)


@router.get("/{id}", summary="Show a job")
def show_job(door: Door, id: Id) -> Job:
    """State, stage, progress, time left, and at the end what it found or why it failed."""
    return door.jobs.get(id)


@router.delete("/{id}", summary="Delete a job", status_code=204)
def delete_job(door: Door, id: Id, leave: Leave = False) -> None:
    """With its log; refused (409) while it runs. What it made stays; what it left on its target is removed there first.

    That takes seconds, and about 20 where the target does not answer.
    """
    door.jobs.delete(id, leave)


@router.post("/{id}/cancel", summary="Cancel a job", status_code=202)
def cancel_job(door: Door, id: Id) -> Job:
    """Stops within two seconds; nothing of its result is kept. Refused (409) when it has ended."""
    return door.jobs.cancel(id)


@router.post("/{id}/retry", summary="Retry a job", status_code=201)
def retry_job(door: Door, id: Id, response: Response) -> Job:
    """A new job that does the same; its `retry_of` names this one."""
    job = door.jobs.retry(id)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return job


@router.get("/{id}/log", summary="Read the log of a job", response_class=PlainTextResponse)
def show_job_log(
    door: Door, id: Id, last: Annotated[int, Query(ge=1, le=100_000, description="lines at most")] = 200
) -> str:
    """The last lines of what its process printed, as text."""
    return door.jobs.log(id, last)


@router.get("/{id}/trials", summary="List the trials of a search")
def list_job_trials(door: Door, id: Id) -> list[dict[str, Any]]:
    """Of an accuracy-aware calibration, while it runs too: a row for each model that was evaluated."""
    return door.jobs.trials(id)


@router.get("/{id}/place", summary="Show a job's place in the queue")
def show_job_place(door: Door, id: Id) -> QueuePlace:
    """How many jobs start until it has started, itself counted."""
    return QueuePlace(place=door.jobs.queue_place(id))
