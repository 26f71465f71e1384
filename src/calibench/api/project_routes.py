"""/projects: a model x a dataset x a target; baseline, INT8 calibration, measurements."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from calibench.api.checked_json import CheckedRoute
from calibench.api.parameters import LARGEST_ID, Door, Id, Leave, Listed
from calibench.settings import Frozen
from calibench.things.asked import AskBenchmark, AskCalibration, AskEvaluation, AskPick, NewProject, Rename, Yes
from calibench.things.kept import Deletion, Hindrance, Job, Project

router = APIRouter(prefix="/projects", tags=["projects"], route_class=CheckedRoute)


class Archived(Frozen):
    """Put a project away, or take it back."""

    is_archived: Yes


class Hindrances(Frozen):
    """Why something is not possible; nothing listed: it is."""

    calibration: tuple[Hindrance, ...] = Field(description="why INT8 cannot be calibrated in this project")
    accuracy_aware: tuple[Hindrance, ...] = Field(description="why the accuracy-aware method cannot")
    remarks: tuple[Hindrance, ...] = Field((), description="what hinders nothing and should be known")


class Estimate(Frozen):
    """What a calibration would take."""

    images: int = Field(description="samples that the subset means")
    seconds: tuple[float, float] | None = Field(None, description="at least, at most; null: nothing to go by")


@router.get("", summary="List projects")
def list_projects(
    door: Door,
    page: Listed,
    response: Response,
    archived: Annotated[bool, Query(description="those that were put away, in place of the others")] = False,
) -> list[Project]:
    """Newest first."""
    found = door.projects.all(search=page.search, archived=archived, limit=page.limit, offset=page.offset)
    return page.told(found, door.projects.count(search=page.search, archived=archived), response)


@router.post("", summary="Create a project", status_code=201)
def create_project(door: Door, body: NewProject, response: Response) -> Project:
    """Starts the baseline at once unless `run_baseline` is false. The same choice again gives the same project."""
    return _at(door.projects.create(body), response)


@router.get("/{id}", summary="Show a project")
def show_project(door: Door, id: Id) -> Project:
    """With its headline: scores, drop, speeds, sizes."""
    return door.projects.get(id)


@router.patch("/{id}", summary="Rename a project")
def rename_project(door: Door, id: Id, body: Rename) -> Project:
    """With `version`: refused (409) when somebody else changed the project since."""
    return door.projects.rename(id, body)


@router.put("/{id}/archived", summary="Archive a project")
def archive_project(door: Door, id: Id, body: Archived) -> Project:
    """An archived project keeps its results and leaves the list."""
    return door.projects.archive(id, body.is_archived)


@router.get("/{id}/deletion", summary="What deleting a project would take along")
def show_project_deletion(door: Door, id: Id) -> Deletion:
    """INT8 projects, models and jobs that go too, and the bytes that get free."""
    return door.projects.would_delete(id)


@router.delete("/{id}", summary="Delete a project", status_code=204)
def delete_project(door: Door, id: Id, leave: Leave = False) -> None:
    """With all that `deletion` names; refused (409) while a job of it runs.

    What jobs left on targets is removed there first.
    """
    door.projects.delete(id, leave)


@router.get("/{id}/family", summary="List a project's family")
def list_project_family(door: Door, id: Id) -> list[Project]:
    """The FP32 project first, then the INT8 projects that were calibrated in it."""
    return list(door.projects.family(id))


@router.get("/{id}/hindrances", summary="Why INT8 cannot be calibrated here")
def show_project_hindrances(
    door: Door,
    id: Id,
    calibration_dataset_id: Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="null: the project's")] = None,
) -> Hindrances:
    """What the pages grey out, with the reason and the way out."""
    return Hindrances(
        calibration=door.projects.hindrances(id),
        accuracy_aware=door.projects.method_hindrances(id, calibration_dataset_id),
        remarks=door.projects.remarks(id),
    )


@router.post("/{id}/baseline", summary="Run the baseline", status_code=202)
def run_project_baseline(door: Door, id: Id) -> Job:
    """Scores the FP32 model and measures its speed; needed before a calibration."""
    return door.projects.baseline(id)


@router.post("/{id}/calibrations", summary="Calibrate to INT8", status_code=202)
def calibrate_project(door: Door, id: Id, body: AskCalibration, response: Response) -> Project:
    """The new INT8 project is there at once; its `job_id` is the job to follow."""
    return _at(door.projects.calibrate(id, body), response)


@router.post("/{id}/estimate", summary="Estimate a calibration")
def estimate_calibration(door: Door, id: Id, body: AskCalibration) -> Estimate:
    """How many samples the subset means and how long the calibration may take; nothing is started."""
    return Estimate.model_validate(door.projects.estimate(id, body))


@router.post("/{id}/benchmarks", summary="Measure speed", status_code=202)
def benchmark_project(door: Door, id: Id, body: AskBenchmark) -> Job:
    """Throughput and latency at every batch with every number of streams; where asked, beside an FP32 model."""
    return door.projects.benchmark(id, body)


@router.post("/{id}/evaluations", summary="Score on another dataset", status_code=202)
def evaluate_project(door: Door, id: Id, body: AskEvaluation) -> Job:
    """What `calibench evaluate` answers is in the `result` of the job."""
    return door.projects.evaluate(id, body)


@router.post("/{id}/picks", summary="Take another model of a search", status_code=202)
def pick_project(door: Door, id: Id, body: AskPick, response: Response) -> Project:
    """Out of the models that an accuracy-aware search has evaluated; a new project, made in seconds."""
    return _at(door.projects.pick(id, body), response)


def _at(project: Project, response: Response) -> Project:
    response.headers["Location"] = f"/api/v1/projects/{project.id}"
    return project
