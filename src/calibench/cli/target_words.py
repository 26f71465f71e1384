"""What a check of a target found, for a person."""

from collections.abc import Iterator, Mapping
from typing import Any

from calibench.targets.queue_faults import short_walltime
from calibench.things.kept import Cleaned, Target, TargetCache, jobs_go_on
from calibench.things.target_spec import QUEUES, QueueSettings

VNNI = ("avx512_vnni", "avx_vnni", "amx_int8")


def check_lines(target: Target) -> tuple[str, ...]:
    """Line by line: whether it answers, what it is, what is wrong and what mends it."""
    spec, machine = target.spec, target.machine or {}
    rows = [("target", f"{target.name}, {spec.address}")]
    is_lost = any(fault.cause == "unreachable" for fault in target.faults)
    rows.append(("reachable", "no" if is_lost else "yes"))
    if not is_lost and spec.host is not None:
        rows.append(("host key", "the one that was confirmed" if spec.host_key else "as in known_hosts"))
    if not is_lost:
        rows += _of_machine(machine)
        rows += [("host", _host(each)) for each in machine.get("hosts", ())]
        rows += [("worker", _worker(each)) for each in machine.get("workers", ())]
        rows += [("queue", _queue(each)) for each in machine.get("queues", ())]
    if spec.kind in QUEUES or spec.worker_queue is not None:
        rows.append(("asks for", asked_words(spec.queue)))
    lines = [f"{label:<10} {text}" for label, text in rows]
    for fault in target.faults:
        lines.append(f"Fault: {fault.sentence} {fault.mend}".rstrip())
    if short := short_walltime(spec.queue):
        lines.append(f"Note: {short}")
    if target.state == "good":
        is_queue = spec.kind in QUEUES or spec.worker_queue is not None
        lines.append("It is ready; its nodes are seen when a job begins." if is_queue else "It is ready.")
    return tuple(lines)


def _of_machine(machine: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "python" in machine:
        there = machine.get("calibench")
        has = f"Calibench {there} is there" if there else "Calibench is brought by the first job"
        yield "Python", f"{machine['python']}; {has}" if "openvino" not in machine else str(machine["python"])
    if "cpu" not in machine:
        return
    flags = machine.get("flags", ())
    yield (
        "disk",
        f"{_gigabytes(machine['disk_free_mb'])} GB free" + (f" at {machine['home']}" if "home" in machine else ""),
    )
    yield "CPU", str(machine["cpu"])
    vnni = "VNNI: INT8 runs at full speed" if set(flags) & set(VNNI) else "no VNNI: INT8 gains less"
    yield "INT8", f"{vnni}; {'AMX' if 'amx_int8' in flags else 'no AMX'} ({', '.join(flags) or 'flags unknown'})"
    yield "cores", f"{machine['physical_cores']} physical, {machine['logical_cores']} logical{_load(machine)}"
    yield "memory", f"{_gigabytes(machine['memory_free_mb'])} of {_gigabytes(machine['memory_mb'])} GB free"


def _host(machine: Mapping[str, Any]) -> str:
    """A machine on which workers are started."""
    if "cpu" not in machine:
        return f"{machine['address']}: not seen"
    parts = [
        f"{machine['cpu']} ({', '.join(machine.get('flags', ())) or 'flags unknown'})",
        f"{machine['physical_cores']} cores{_load(machine)}",
        f"{_gigabytes(machine['memory_free_mb'])} of {_gigabytes(machine['memory_mb'])} GB free",
    ]
    return f"{machine['address']}: {', '.join(parts)}"


def _worker(worker: Mapping[str, Any]) -> str:
    """A worker of a scheduler."""
    build = ", ".join(f"{what} {value}" for what, value in worker.get("build", {}).items())
    return f"{worker['address']}: {build or worker.get('error', '')}"


def _load(machine: Mapping[str, Any]) -> str:
    load = machine.get("load")
    return f"; load {load[0]:.1f}" if load else ""


def _gigabytes(mb: float) -> str:
    """Of 1000 million bytes, as pages show it; a machine counts in 1024 times 1024."""
    return f"{mb * 1.048576 / 1000:.1f}"


def asked_words(asked: QueueSettings) -> str:
    """What jobs ask their queue for."""
    parts = (
        f"queue {asked.queue}" if asked.queue else "the default queue",
        f"node type {asked.node_type}" if asked.node_type else "",
        f"{asked.cores} {'core' if asked.cores == 1 else 'cores'}",
        f"{asked.memory_mb} MB" if asked.memory_mb else "",
        f"{_time(asked.walltime_s)}" if asked.walltime_s else "as long as the queue lets them",
        f"account {asked.account}" if asked.account else "",
    )
    return ", ".join(part for part in parts if part)


def _time(seconds: float) -> str:
    """As --walltime takes it, with a blank."""
    return f"{seconds / 60:.3g} min" if seconds < 2 * 3600 else f"{seconds / 3600:.4g} h"


def _queue(queue: Mapping[str, Any]) -> str:
    longest = queue.get("walltime_s")
    parts = [
        f"{queue['name']}{' (default)' if queue.get('is_default') else ''}: {queue.get('state', '')}",
        f"{queue['nodes']} {'node' if queue['nodes'] == 1 else 'nodes'}"
        + ("" if queue.get("idle") is None else f", {queue['idle']} idle"),
        "no limit of time" if longest is None else f"at most {_time(longest)}",
        *((f"node types {', '.join(queue['features'])}",) if queue.get("features") else ()),
    ]
    return ", ".join(parts)


def cache_line(cache: TargetCache) -> str:
    """How much cleaning would free, of what."""
    return cache.told(lambda size: f"{size / 1e6:.1f} MB")


def cleaned_line(cleaned: Cleaned) -> str:
    """What a cleaning did."""
    freed = f"{cleaned.freed_bytes / 1e6:.1f} MB are free again. The next job brings what it needs."
    return f"{freed} {jobs_go_on(cleaned.jobs_kept)}".rstrip()
