"""/targets: the machines, queues and clusters that calibrate and measure."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from calibench.api.checked_json import CheckedRoute
from calibench.api.parameters import Door, Id, Stretch
from calibench.things.asked import AskHost, AskTarget, ChangeTarget
from calibench.things.kept import Cleaned, HostKey, Job, Target, TargetCache, TargetLoad

WAIT_S = 5.0
"""A new connection takes about one, over a long way three."""

router = APIRouter(prefix="/targets", tags=["targets"], route_class=CheckedRoute)
host_keys = APIRouter(prefix="/host-keys", tags=["targets"], route_class=CheckedRoute)


@router.get("", summary="List targets")
def list_targets(door: Door, page: Stretch, response: Response) -> list[Target]:
    """The local machine is there from the start."""
    return page.cut(door.targets.all(), response)


@router.post("", summary="Add a target", status_code=201)
def add_target(door: Door, body: AskTarget) -> Target:
    """Kept unchecked: `check` looks at it. Without `spec.host_key`, known_hosts of the server decides."""
    return door.targets.add(body)


@host_keys.post("", summary="Show the key of a host")
def show_host_key(door: Door, body: AskHost) -> HostKey:
    """Of a target that is not added yet. Compare the fingerprint, then send `key` as `spec.host_key`."""
    return door.targets.host_key_at(body)


@router.get("/{id}", summary="Show a target")
def show_target(door: Door, id: Id) -> Target:
    """With what is known of the machine: processor, what of INT8 it can, cores, memory."""
    return door.targets.get(id)


@router.patch("/{id}", summary="Change a target")
def change_target(door: Door, id: Id, body: ChangeTarget) -> Target:
    """What is not sent stays; reached in another way, it is unchecked. With `version`: 409 when somebody changed it."""
    return door.targets.change(id, body)


@router.delete("/{id}", summary="Remove a target", status_code=204)
def remove_target(door: Door, id: Id) -> None:
    """Refused (409) while projects are of it; nothing is done there, `clean` does."""
    door.targets.remove(id)


@router.get("/{id}/host-key", summary="Show the key of a target's host")
def show_target_host_key(door: Door, id: Id) -> HostKey:
    """As the host shows it now, trusted or not."""
    return door.targets.host_key(id)


@router.get("/{id}/cache", summary="What cleaning a target would remove")
def show_target_cache(door: Door, id: Id) -> TargetCache:
    """In bytes on the disk there; takes seconds. Refused (409) where `clean` is."""
    return door.targets.cache(id)


@router.post("/{id}/clean", summary="Clean a target")
def clean_target(door: Door, id: Id) -> Cleaned:
    """Remove there what Calibench keeps: environments, files, what is left of jobs. Refused (409) while a job runs.

    Jobs that go on there all the same, such as those of another Calibench, stay with what they need.
    """
    return door.targets.clean(id)


@router.post("/{id}/check", summary="Look at a target", status_code=202)
def check_target(door: Door, id: Id) -> Job:
    """A job that looks whether it answers and what it is; `state` and `faults` of the target tell what it found."""
    return door.targets.check(id)


@router.get("/{id}/load", summary="Show the load of a target")
def show_target_load(
    door: Door,
    id: Id,
    wait_s: Annotated[
        float, Query(ge=0, le=30, description="seconds to wait for a look at another machine; 0: what is known")
    ] = WAIT_S,
) -> TargetLoad:
    """Processor, memory, disk, nodes of a queue, and jobs of this server; `age_s` says how old that is.

    What is older than 20 s is looked at, over one connection that stays open as long as somebody asks. A machine that
    does not answer is told of as it was seen last, with `trouble`, and asked less often. Of a target that was never
    checked, or that is a scheduler of Dask, only checks know.
    """
    return door.targets.load(id, wait_s)
