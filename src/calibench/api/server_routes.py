"""The server itself: health, version, machine, the sample, events."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import StreamingResponse

from calibench import __version__
from calibench.api.parameters import Door
from calibench.api.sent_events import HEARTBEAT_S, sent_events
from calibench.settings import Frozen
from calibench.things.kept import Job, TargetLoad

router = APIRouter(tags=["server"])


class Health(Frozen):
    """The server answers."""

    status: Literal["ok"] = "ok"


class Version(Frozen):
    """What runs here."""

    version: str = Field(description="of Calibench")
    api: Literal["v1"] = "v1"


class ThisMachine(Frozen):
    """The machine that the server runs on."""

    target_id: int = Field(description="the target that it is")
    machine: dict[str, Any] | None = Field(None, description="as in report.json; null until it was looked at")
    load: TargetLoad = Field(description="processor, memory and disk at this moment")
    running_jobs: int = Field(description="that this machine works on")


@router.get("/health", summary="Whether the server answers")
def show_health() -> Health:
    """Needs no token."""
    return Health()


@router.get("/version", summary="Show the version")
def show_version() -> Version:
    """Of Calibench, and of this API."""
    return Version(version=__version__)


@router.get("/machine", summary="Show this machine")
def show_machine(door: Door) -> ThisMachine:
    """What it is and what it does now."""
    target = door.targets.local()
    load = door.targets.load(target.id)
    return ThisMachine(
        target_id=target.id,
        machine=target.machine,
        load=load,
        running_jobs=load.running,
    )


@router.post("/sample", summary="Import the sample", status_code=202)
def import_sample(door: Door) -> Job:
    """A small network and two datasets, to try everything with; the earlier job where they are there already."""
    return door.sample()


@router.get("/events", summary="Follow what happens", response_class=StreamingResponse)
async def follow_events(
    door: Door,
    heartbeat_s: Annotated[float, Query(gt=0.05, le=60, description="seconds between signs of life")] = HEARTBEAT_S,
) -> StreamingResponse:
    """Server-sent events: `event` is the topic (model, dataset, target, project, job, upload), `data` an Event as JSON.

    Each connection begins with `event: ready`. Read then by GET what you show, and follow; after a break do the same:
    `Last-Event-ID` is not looked at.
    """
    return StreamingResponse(
        sent_events(door.hub, heartbeat_s),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
