"""The queues of a target, for its check and for forms: partitions of Slurm, queues of PBS."""

import re
from typing import Any

from calibench.errors import TargetError
from calibench.targets.link import Answer, Link
from calibench.targets.queue_dialect import NO_COMMAND, ask_queue, dialect_of, telling
from calibench.things.target_spec import TargetSpec

SINFO = "sinfo --noheader -o '%P|%a|%F|%l|%f|%m|%c'"
BREAK = "=== nodes ==="
PBS_LISTS = f"qstat -Q -f && echo '{BREAK}' && pbsnodes -a"


async def queues(link: Link, spec: TargetSpec) -> list[dict[str, Any]]:
    """What can be asked for.

    Returns:
        of each queue: name; is_default; is_open (takes and starts jobs); state, in words of the queue; nodes, and
        idle of them (None: not told); walltime_s, the longest (None: no limit); features of its nodes, which
        `node_type` chooses from (None: not told); cores and memory_mb of its largest node (None: not told).

    Raises:
        TargetError: the queue does not answer, with its own line.
    """
    name = dialect_of(spec).name
    answer = await ask_queue(link, SINFO if spec.kind == "slurm" else PBS_LISTS)
    if answer.code:
        raise _failed(f"{name} on {link.name}", answer)
    said = answer.out.decode(errors="replace")
    return _of_slurm(said) if spec.kind == "slurm" else _of_pbs(said)


def _failed(where: str, answer: Answer) -> TargetError:
    if answer.code == NO_COMMAND:
        return TargetError(f"{where}: its commands are not found ({telling(answer)}). Name a login node of the queue.")
    return TargetError(f"{where}: does not answer: {telling(answer)}.")


def _of_slurm(said: str) -> list[dict[str, Any]]:
    """A line for each kind of node of a partition becomes one entry for the partition."""
    from calibench.targets.slurm_dialect import limit_s

    found: dict[str, dict[str, Any]] = {}
    for row in said.splitlines():
        parts = row.strip().split("|")
        if len(parts) != 7:
            continue
        name, state, counts, limit, features, memory, cores = parts
        one = found.setdefault(name.rstrip("*"), _entry(name.rstrip("*")))
        one["is_default"], one["state"], one["is_open"] = name.endswith("*"), state, state == "up"
        _, idle, _, all_nodes = (int(count) for count in counts.split("/"))
        one["nodes"], one["idle"] = one["nodes"] + all_nodes, (one["idle"] or 0) + idle
        one["walltime_s"] = None if limit == "infinite" else limit_s(limit)
        one["features"] = sorted({*(one["features"] or ()), *re.findall(r"[^,()]+", features.replace("(null)", ""))})
        one["memory_mb"] = max(one["memory_mb"] or 0, int(memory.rstrip("+")))
        one["cores"] = max(one["cores"] or 0, int(cores.rstrip("+")))
    return list(found.values())


def _of_pbs(said: str) -> list[dict[str, Any]]:
    """Nodes of PBS belong to all queues, as far as it tells; routes lead to other queues and are left out."""
    from calibench.targets.pbs_dialect import attributes, limit_s

    listed, _, nodes_said = said.partition(BREAK)
    nodes = [attributes(f"\n{one}") for one in re.split(r"\n\s*\n", nodes_said.strip()) if one.strip()]
    found = []
    for part in re.split(r"^Queue:\s*", listed, flags=re.MULTILINE)[1:]:
        values = attributes(part)
        if values.get("queue_type", "Execution").lower().startswith("r"):
            continue
        enabled, started = (values.get(key, "True").lower() in ("true", "yes") for key in ("enabled", "started"))
        one = _entry(part.split("\n", 1)[0].strip()) | _of_nodes(nodes)
        one["is_open"] = enabled and started
        one["state"] = "open" if enabled and started else "takes jobs, starts none" if enabled else "closed"
        one["walltime_s"] = limit_s(values.get("resources_max.walltime"))
        found.append(one)
    return found


def _of_nodes(nodes: list[dict[str, str]]) -> dict[str, Any]:
    features: set[str] = set()
    for node in nodes:
        features |= set(re.findall(r"[^,\s]+", node.get("properties", "")))
        features |= {
            key.removeprefix("resources_available.")
            for key, value in node.items()
            if key.startswith("resources_available.") and value == "True"
        }
    cores = [node.get("resources_available.ncpus", node.get("np", "")) for node in nodes]
    memory = [_in_mb(node.get("resources_available.mem", "")) for node in nodes]
    return {
        "nodes": len(nodes),
        "idle": sum(node.get("state", "").split(",")[0].strip() == "free" for node in nodes),
        "features": sorted(features) or None,  # a PBS without properties may have node types by another name
        "cores": max((int(count) for count in cores if count.isdecimal()), default=None),
        "memory_mb": max((size for size in memory if size is not None), default=None),
    }


def _in_mb(text: str) -> int | None:
    match = re.fullmatch(r"(\d+)([kmgt]?)b", text.lower())
    powers = {"": -2, "k": -1, "m": 0, "g": 1, "t": 2}
    return None if match is None else int(int(match[1]) * 1024.0 ** powers[match[2]])


def _entry(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "is_default": False,
        "is_open": True,
        "state": "",
        "nodes": 0,
        "idle": None,
        "walltime_s": None,
        "features": None,
        "cores": None,
        "memory_mb": None,
    }
