"""/models: what is imported, its INT8 children, its accuracy settings."""

from typing import Any

from fastapi import APIRouter, Response
from starlette.responses import StreamingResponse

from calibench.api.checked_json import CheckedRoute
from calibench.api.parameters import Door, Id, Leave, Listed
from calibench.api.zip_stream import files_below, zip_answer
from calibench.things.asked import AccuracyForm, AskMachines, Import, Rename, TrySettings
from calibench.things.kept import Deletion, Job, KeptModel, Project
from calibench.things.machine_row import MachineRow

router = APIRouter(prefix="/models", tags=["models"], route_class=CheckedRoute)


@router.get("", summary="List models")
def list_models(door: Door, page: Listed, response: Response) -> list[KeptModel]:
    """Newest first; INT8 models name the FP32 model that they were made from in `parent_id`."""
    found = door.models.all(page.search, limit=page.limit, offset=page.offset)
    return page.told(found, door.models.count(page.search), response)


@router.post("", summary="Import a model", status_code=201)
def import_model(door: Door, body: Import, response: Response) -> KeptModel:
    """From uploads, or from a path that the operator allowed.

    The model is there at once with state `importing`; follow its job, or `/events`, until it is `ready` or `failed`.
    """
    model = door.models.import_(body)
    response.headers["Location"] = f"/api/v1/models/{model.id}"
    return model


@router.get("/{id}", summary="Show a model")
def show_model(door: Door, id: Id) -> KeptModel:
    """One model as it is now."""
    return door.models.get(id)


@router.patch("/{id}", summary="Rename a model")
def rename_model(door: Door, id: Id, body: Rename) -> KeptModel:
    """With `version`: refused (409) when somebody else changed the model since."""
    return door.models.rename(id, body)


@router.get("/{id}/deletion", summary="What deleting a model would take along")
def show_model_deletion(door: Door, id: Id) -> Deletion:
    """Its INT8 children, the projects and jobs that go too, and the bytes that get free."""
    return door.models.would_delete(id)


@router.delete("/{id}", summary="Delete a model", status_code=204)
def delete_model(door: Door, id: Id, leave: Leave = False) -> None:
    """With all that `deletion` names; refused (409) while a job uses it.

    What jobs left on targets is removed there first.
    """
    door.models.delete(id, leave)


@router.get("/{id}/family", summary="List a model's family")
def list_model_family(door: Door, id: Id) -> list[KeptModel]:
    """The FP32 parent first, then its INT8 children."""
    return list(door.models.family(id))


@router.get("/{id}/machines", summary="Compare machines")
def list_model_machines(door: Door, id: Id) -> list[MachineRow]:
    """Where the family of a model was measured, the fastest first: where INT8 pays, and why not where it does not."""
    return door.machines(id)


@router.post("/{id}/machines", summary="Measure on other machines", status_code=202)
def measure_model_elsewhere(door: Door, id: Id, body: AskMachines) -> list[Project]:
    """The projects that were missing there: that of the FP32 model, and that of its fastest INT8 model beside it.

    Their `job_id` can be waited for; what is there already stays as it is.
    """
    return door.measure_elsewhere(id, body.target_ids)


@router.get("/{id}/download", summary="Download a model", response_class=StreamingResponse)
def download_model(door: Door, id: Id) -> StreamingResponse:
    """All files of the model as a zip archive, stored and not compressed."""
    model = door.models.get(id)
    return zip_answer(f"{model.name}.zip", files_below(door.models.folder(id)))


@router.get("/{id}/settings", summary="Show accuracy settings")
def show_model_settings(door: Door, id: Id) -> dict[str, Any]:
    """How samples enter the model and how its answers are read: `inputs`, `task`, `metric`, `data`."""
    return door.models.settings(id)


@router.put("/{id}/settings", summary="Set accuracy settings")
def set_model_settings(door: Door, id: Id, body: AccuracyForm) -> KeptModel:
    """Takes the place of all earlier accuracy settings of the model; later baselines and calibrations use them."""
    return door.models.set_settings(id, body)


@router.post("/{id}/settings/trials", summary="Try accuracy settings", status_code=202)
def try_model_settings(door: Door, id: Id, body: TrySettings) -> Job:
    """A job that scores a few samples, draws some, and names the likely mistake; the answer is in its `result`."""
    return door.models.try_settings(id, body)
