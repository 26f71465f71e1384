"""/targets: the machines that calibrate and measure."""

from typing import Any

from fastapi import APIRouter, Response

from calibench.api.checked_json import CheckedRoute
from calibench.api.parameters import Door, Id, Stretch
from calibench.things.kept import Job, Target

router = APIRouter(prefix="/targets", tags=["targets"], route_class=CheckedRoute)


@router.get("", summary="List targets")
def list_targets(door: Door, page: Stretch, response: Response) -> list[Target]:
    """The local machine is there from the start."""
    return page.cut(door.targets.all(), response)


@router.get("/{id}", summary="Show a target")
def show_target(door: Door, id: Id) -> Target:
    """With what is known of the machine: processor, what of INT8 it can, cores, memory."""
    return door.targets.get(id)


@router.post("/{id}/check", summary="Look at a target", status_code=202)
def check_target(door: Door, id: Id) -> Job:
    """A job that describes the machine anew."""
    return door.targets.check(id)


@router.get("/{id}/load", summary="Show the load of a target")
def show_target_load(door: Door, id: Id) -> dict[str, Any]:
    """Processor, memory and disk at this moment."""
    return door.targets.load(id)
