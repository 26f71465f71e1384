"""How busy the targets of a server are, for a list on a terminal."""

from typing import TYPE_CHECKING

from calibench.things.kept import Target, TargetLoad

if TYPE_CHECKING:
    from calibench.client.client import Client


def loads_of(client: "Client", targets: list[Target]) -> list[TargetLoad]:
    """The load of each; all are looked at at the same time."""
    for target in targets:
        client.targets.load(target.id, wait_s=0)
    return [client.targets.load(target.id) for target in targets]


def load_words(load: TargetLoad) -> str:
    """In a word or two: '0.4 of 4 cores', '3 of 12 nodes idle, 1 job'; what is older than a minute says so."""
    busy = "" if load.cpu_percent is None else f"{load.cpu_percent:.0f} %"
    if load.load is not None and load.cores is not None:
        busy = f"{load.load:.1f} of {load.cores} cores"
    if load.nodes is not None:
        busy = "" if load.idle_nodes is None else f"{load.idle_nodes} of {load.nodes} nodes idle"
    jobs = load.running + load.queued
    parts = [busy, f"{jobs} job{'' if jobs == 1 else 's'}" if jobs else ""]
    parts += ["cannot be reached now"] if load.trouble else []
    parts += [f"{_ago(load.age_s)} ago"] if busy and load.age_s is not None and load.age_s >= 60 else []
    return ", ".join(part for part in parts if part)


def _ago(seconds: float) -> str:
    for unit, name in ((86_400, "d"), (3600, "h")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 60:.0f} min"
