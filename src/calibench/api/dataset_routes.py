"""/datasets: samples with or without annotations, and whether they fit a model."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from calibench.api.checked_json import CheckedRoute
from calibench.api.parameters import LARGEST_ID, Door, Id, Leave, Listed
from calibench.settings import Frozen
from calibench.things.asked import Import, Rename
from calibench.things.kept import Deletion, Hindrance, KeptDataset

router = APIRouter(prefix="/datasets", tags=["datasets"], route_class=CheckedRoute)


class Fit(Frozen):
    """Whether a dataset suits a model."""

    fits: bool
    hindrance: Hindrance | None = Field(None, description="why not, and the way out")
    doubts: tuple[str, ...] = Field((), description="what to look at before accuracy is measured, a sentence each")


@router.get("", summary="List datasets")
def list_datasets(door: Door, page: Listed, response: Response) -> list[KeptDataset]:
    """Newest first."""
    found = door.datasets.all(page.search, limit=page.limit, offset=page.offset)
    return page.told(found, door.datasets.count(page.search), response)


@router.post("", summary="Import a dataset", status_code=201)
def import_dataset(door: Door, body: Import, response: Response) -> KeptDataset:
    """From an upload (an archive, or a table of texts), or from a path that the operator allowed.

    The dataset is there at once with state `importing`; follow its job, or `/events`, until it is `ready` or `failed`.
    """
    dataset = door.datasets.import_(body)
    response.headers["Location"] = f"/api/v1/datasets/{dataset.id}"
    return dataset


@router.get("/{id}", summary="Show a dataset")
def show_dataset(door: Door, id: Id) -> KeptDataset:
    """One dataset as it is now."""
    return door.datasets.get(id)


@router.patch("/{id}", summary="Rename a dataset")
def rename_dataset(door: Door, id: Id, body: Rename) -> KeptDataset:
    """With `version`: refused (409) when somebody else changed the dataset since."""
    return door.datasets.rename(id, body)


@router.get("/{id}/deletion", summary="What deleting a dataset would take along")
def show_dataset_deletion(door: Door, id: Id) -> Deletion:
    """The projects and jobs that go too, and the bytes that get free."""
    return door.datasets.would_delete(id)


@router.delete("/{id}", summary="Delete a dataset", status_code=204)
def delete_dataset(door: Door, id: Id, leave: Leave = False) -> None:
    """With all that `deletion` names; refused (409) while a job uses it.

    What jobs left on targets is removed there first.
    """
    door.datasets.delete(id, leave)


@router.get("/{id}/files", summary="List the files of a dataset")
def list_dataset_files(
    door: Door, id: Id, limit: Annotated[int, Query(ge=1, le=10_000, description="files at most")] = 1000
) -> list[str]:
    """The first of them, in order: paths inside the dataset."""
    return list(door.datasets.files(id, limit))


@router.get("/{id}/fit", summary="Whether a dataset fits a model")
def show_dataset_fit(door: Door, id: Id, model_id: Annotated[int, Query(ge=1, le=LARGEST_ID, examples=[1])]) -> Fit:
    """The task of the model decides; a dataset without annotations fits every model that takes its samples."""
    hindrance = door.datasets.fits(model_id, id)
    return Fit(fits=hindrance is None, hindrance=hindrance, doubts=door.datasets.doubts(model_id, id))
