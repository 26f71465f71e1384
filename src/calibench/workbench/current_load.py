"""How busy a target is: this machine now, another one as the newest of its last check and the looks since found it."""

import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from calibench.targets.target_check import UNREACHABLE
from calibench.things.kept import Job, Target, TargetLoad
from calibench.things.target_spec import QUEUES
from calibench.workbench.load_looks import Seen
from calibench.worker.lanes import ON_TARGET, Targets, is_away

MB = 1024 * 1024


def load_here(folder: Path) -> TargetLoad:
    """This machine now; its processor since the last call.

    Args:
        folder: on the disk that is looked at.
    """
    memory = psutil.virtual_memory()
    return TargetLoad(
        cpu_percent=psutil.cpu_percent(interval=None),
        load=round(psutil.getloadavg()[0], 2),
        cores=psutil.cpu_count(),
        memory_percent=memory.percent,
        memory_free_mb=memory.available // MB,
        disk_free_mb=shutil.disk_usage(folder).free // MB,
        as_of=datetime.now(UTC),
        age_s=0.0,
    )


def load_there(target: Target, seen: Seen) -> TargetLoad:
    """Another machine, a queue or a cluster."""
    machine, as_of, trouble = _newest(target, seen)
    memory, free = machine.get("memory_mb"), machine.get("memory_free_mb")
    load, cores = next(iter(machine.get("load") or ()), None), machine.get("logical_cores")
    nodes = _nodes(target, machine.get("queues") or ())
    return TargetLoad(
        cpu_percent=min(100.0, 100 * load / cores) if load is not None and cores else None,
        load=load,
        cores=cores,
        memory_percent=100 * (1 - free / memory) if memory and free is not None else None,
        memory_free_mb=free,
        disk_free_mb=machine.get("disk_free_mb"),
        nodes=nodes[0],
        idle_nodes=nodes[1],
        as_of=as_of,
        age_s=None if as_of is None else max(0.0, (datetime.now(UTC) - as_of).total_seconds()),
        trouble=trouble,
        is_being_looked_at=seen.is_going,
    )


def with_jobs(load: TargetLoad, target: Target, jobs: Iterable[Job], targets: Targets) -> TargetLoad:
    """A load with those of jobs, none of which has ended, that the target works on or will."""
    own = [job for job in jobs if _is_of(job, target, targets)]
    queued = sum(job.state == "queued" for job in own)
    return load.model_copy(update={"queued": queued, "running": len(own) - queued})


def _is_of(job: Job, target: Target, targets: Targets) -> bool:
    """A calibration that is spread over a cluster keeps this machine busy as well."""
    if target.spec.is_here:
        return not is_away(job, targets.get(job.target_id or 0))
    return job.target_id == target.id and job.kind in ON_TARGET


def _newest(target: Target, seen: Seen) -> tuple[Mapping[str, Any], datetime | None, str]:
    """What was seen last, when, and why not since."""
    fault = next((each for each in target.faults if each.cause == UNREACHABLE), None)
    checked = None if fault is not None else target.checked  # what is known of one that did not answer is older
    is_look_newer = seen.tried is not None and (target.checked is None or seen.tried >= target.checked)
    trouble = seen.trouble if is_look_newer else "" if fault is None else fault.sentence
    if seen.at is not None and (checked is None or seen.at >= checked):
        return seen.machine or {}, seen.at, trouble
    return (target.machine or {}) if checked is not None else {}, checked, trouble


def _nodes(target: Target, queues: Iterable[Mapping[str, Any]]) -> tuple[int | None, int | None]:
    """Nodes, and those of them that are idle, of the queue that a target asks for."""
    if not (target.kind in QUEUES or target.spec.worker_queue is not None):
        return None, None
    known, asked = list(queues), target.spec.queue.queue
    chosen = [each for each in known if (each["name"] == asked if asked else each.get("is_default"))]
    chosen = chosen or ([] if asked else known)
    idle = [each["idle"] for each in chosen if each.get("idle") is not None]
    return (sum(int(each["nodes"]) for each in chosen), sum(idle) if idle else None) if chosen else (None, None)
