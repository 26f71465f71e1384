"""What came out of a project: report, points, layers, pictures, search, files."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import FileResponse, StreamingResponse

from calibench.api.parameters import Door, Id, IdQuery, Text
from calibench.api.security_headers import FOREIGN_PAGE
from calibench.api.zip_stream import files_below, saved_as, zip_answer
from calibench.settings import Frozen
from calibench.store.refused import NotThere

router = APIRouter(tags=["results"])

Rows = list[dict[str, Any]]
"""Rows with the fields of report.json, which docs/reference/report.md lists."""

DEPLOYED = ("model.xml", "model.bin", "deploy.py")
"""Of the files of a calibration, those that run the model."""


class Snippets(Frozen):
    """How to repeat a calibration."""

    cli: str
    python: str


class Export(Frozen):
    """A file that can be downloaded."""

    name: str
    path: str = ""
    size_bytes: int


@router.get("/projects/{id}/report", summary="Read the report")
def show_report(door: Door, id: Id) -> dict[str, Any]:
    """report.json of the newest result."""
    report = door.projects.report(id)
    if report is None:
        raise NotThere(f"Project {id} has no report yet. Run its job first.")
    return report


@router.get("/projects/{id}/points", summary="List measured points")
def list_points(door: Door, id: Id) -> Rows:
    """Throughput and latency by batch and streams, of each series: fp32, default, int8."""
    return door.projects.points(id)


@router.get("/projects/{id}/layers", summary="List layers")
def list_layers(door: Door, id: Id) -> Rows:
    """Name, type, time, precisions, error and the reason for each layer."""
    return door.projects.layers(id)


@router.get("/projects/{id}/layer", summary="Show a layer")
def show_layer(
    door: Door, id: Id, name: Annotated[Text, Query(max_length=2000, description="from `layers`", examples=["conv1"])]
) -> dict[str, Any]:
    """One of `layers`, with its weights per output channel and the histogram of its activations."""
    return door.projects.layer(id, name)


@router.get("/projects/{id}/advice", summary="Read the advice")
def list_advice(door: Door, id: Id) -> Rows:
    """What to know and to do, the most important first."""
    return door.projects.advice(id)


@router.get("/projects/{id}/precisions", summary="Show precision shares")
def show_precisions(door: Door, id: Id) -> dict[str, Any]:
    """How much of the time runs in which precision."""
    return door.projects.precisions(id)


@router.get("/projects/{id}/pictures", summary="List pictures that differ")
def list_pictures(door: Door, id: Id) -> Rows:
    """Samples where INT8 answers otherwise than FP32, with both predictions; pictures as data URIs."""
    return door.projects.pictures(id)


@router.get("/projects/{id}/search", summary="Read the search")
def show_search(door: Door, id: Id) -> dict[str, Any]:
    """Of an accuracy-aware calibration: trials, ranking of layers and the front."""
    search = door.projects.search(id)
    if search is None:
        raise NotThere(f"Project {id} has no search: only the accuracy-aware method makes one.")
    return search


@router.get("/projects/{id}/snippets", summary="How to repeat a calibration")
def show_snippets(door: Door, id: Id) -> Snippets:
    """A command line and a Python script that give the same model."""
    return Snippets.model_validate(door.projects.snippets(id))


@router.get("/projects/{id}/exports", summary="List files to download")
def list_exports(door: Door, id: Id) -> list[Export]:
    """The INT8 model, the report and what else the job wrote."""
    return [Export.model_validate(export) for export in door.projects.exports(id)]


@router.get("/projects/{id}/exports/{name}", summary="Download a file", response_class=FileResponse)
def download_export(
    door: Door, id: Id, name: Annotated[Text, Path(max_length=200, examples=["report.html"])]
) -> FileResponse:
    """One of those that `exports` lists."""
    path = door.projects.export(id, name)
    is_page = path.suffix == ".html"
    headers = {"Content-Security-Policy": FOREIGN_PAGE} if is_page else saved_as(name)
    return FileResponse(path, headers=headers)


@router.get("/projects/{id}/model.zip", summary="Download the project's model", response_class=StreamingResponse)
def download_project_model(
    door: Door,
    id: Id,
    only_model: Annotated[bool, Query(description="of an INT8 project: without report, search and front")] = False,
) -> StreamingResponse:
    """All files of the model as a zip archive, stored and not compressed."""
    project = door.projects.get(id)
    files = files_below(door.models.folder(project.model_id))
    if only_model and project.parent_id is not None:
        files = [(name, path) for name, path in files if name in DEPLOYED]
    return zip_answer(f"{project.name}.zip", files)


@router.get("/compare", summary="Compare two projects", tags=["results"])
def compare(door: Door, a: IdQuery, b: IdQuery) -> dict[str, Any]:
    """Headlines and their differences, layers side by side, the points of both."""
    return door.compare(a, b)
