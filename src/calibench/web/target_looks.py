"""How a target looks in lists, forms and on its page: its kind, how its last check ended, what it has for INT8."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from calibench.things import machine_row
from calibench.things.kept import ENDED, Event, Job, Target
from calibench.things.target_spec import QUEUES, TargetKind
from calibench.web import looks
from calibench.web.words import text

KINDS: Mapping[TargetKind, str] = {
    "local": "This machine",
    "ssh": "SSH machine",
    "slurm": "Slurm queue",
    "pbs": "PBS queue",
    "dask": "Dask cluster",
}
CHECKS = {
    "good": ("check_circle", "Good", "state-done"),
    "faulty": ("error", "Faults", "state-failed"),
    "unchecked": ("help_outline", "Not checked", ""),
}
"""State of a target: icon, word, class of its colour."""
MB = 2**20


def check_state(target: Target) -> ui.element:
    """How its last check ended, as icon and word."""
    icon, words, colour = CHECKS[target.state]
    with ui.element("span").classes(f"state {colour}") as element:
        ui.icon(icon).props('aria-hidden="true"')
        text(words)
    return element


def int8_features(machine: Mapping[str, Any]) -> str:
    """VNNI and AMX in a word or two."""
    return machine_row.int8_features(machine.get("flags")) or looks.NOTHING


def address_words(target: Target) -> str:
    """Where it is, in a line; of a queue, which one."""
    if target.spec.is_here:
        return "where this server runs"
    if target.kind not in QUEUES:
        return target.spec.address
    login = target.spec.address.removeprefix(target.kind).strip() or "submitted by this machine"
    queue = target.spec.queue.queue
    return f"{login}{f', queue {queue}' if queue else ''}"


def machine_rows(machine: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a machine is, line by line; what is not known has no line."""
    rows: list[tuple[str, str]] = []
    if "cpu" in machine:
        rows.append(("Processor", str(machine["cpu"])))
    if "physical_cores" in machine:
        rows.append(("Cores", f"{machine['physical_cores']} ({machine['logical_cores']} logical)"))
    if "memory_mb" in machine:
        rows.append(("Memory", looks.size(int(machine["memory_mb"]) * MB)))
    if "devices" in machine:
        devices = "; ".join(f"{name}: {', '.join(can)}" for name, can in machine["devices"].items())
        rows.append(("Devices", devices or "none"))
    if "system" in machine:
        rows.append(("System", str(machine["system"])))
    if "python" in machine:
        rows.append(("Python", str(machine["python"])))
    if "cpu" in machine:
        rows.append(("OpenVINO", str(machine.get("openvino", "comes with the first job")).partition("-")[0]))
    return rows


def worker_rows(machine: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the last check of a cluster saw: its workers, or the machines on which they are started."""
    rows = [(each["address"], _host_words(each)) for each in machine.get("hosts", ())]
    for each in machine.get("workers", ()):
        build = ", ".join(f"{what} {value}" for what, value in each.get("build", {}).items())
        rows.append((each["address"], build or str(each.get("error", ""))))
    return rows


def _host_words(machine: Mapping[str, Any]) -> str:
    if "cpu" not in machine:
        return "not seen"
    return f"{machine['cpu']} ({', '.join(machine.get('flags', ()))}), {machine['physical_cores']} cores"


def check_of(jobs: tuple[Job, ...], target_id: int) -> Job | None:
    """The check of a target that goes on."""
    return next((each for each in jobs if each.target_id == target_id and each.state not in ENDED), None)


class News:
    """Which events draw a page of targets anew: of a target any, of a job only another state, not each step of it."""

    def __init__(self) -> None:
        self._states: dict[int, str] = {}

    def counts(self, event: Event) -> bool:
        """Whether it says something that such a page shows."""
        if event.change in ("progress", "trial"):
            return False
        if event.topic != "job":
            return True
        before, now = self._states.get(event.id), str(event.data.get("state", event.change))
        self._states[event.id] = now
        return before != now
