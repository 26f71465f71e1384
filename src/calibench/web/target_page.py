"""Targets: where it can run, and what that means for INT8."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.things.kept import Event, Target
from calibench.web import looks
from calibench.web.live import follow, gathered
from calibench.web.machine_facts import flag_words, int8_words
from calibench.web.page_frame import frame, page
from calibench.web.thing_page import fact
from calibench.web.words import said, tell, text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

LOOK_S = 2.0
"""Seconds between two looks at the load."""


def register(workbench: "Workbench") -> None:
    """`/targets`."""

    @page(workbench, "/targets")
    def targets() -> None:
        with frame(workbench, "Targets"):
            TargetPage(workbench)


class TargetPage:
    """The page below its head."""

    def __init__(self, workbench: "Workbench") -> None:
        self.workbench = workbench
        text("Targets", "h1")
        self.place = ui.element("div").classes("stack wide")
        self._again = gathered(self._draw, 0.5)
        follow(workbench, self._hear, "target")
        self._draw()

    def _hear(self, event: Event) -> None:
        self._again()

    def _draw(self) -> None:
        self.place.clear()
        with self.place:
            for target in self.workbench.targets.all():
                with ui.element("section").classes("panel"):
                    self._target(target)

    def _target(self, target: Target) -> None:
        machine = target.machine or {}
        with ui.element("div").classes("line apart"):
            text(target.name, "h2")
            ui.button("Check", icon="refresh", on_click=lambda: self._check(target)).props("no-caps outline dense")
        text(int8_words(machine), "p").classes("strong")
        with ui.element("dl").classes("facts"):
            for name, value in machine_rows(machine):
                fact(name, value)
            if target.checked is not None:
                fact("Looked at", looks.moment(target.checked))
        self._load(target)

    def _load(self, target: Target) -> None:
        with ui.element("div").classes("loads"):
            meters = [_meter(name) for name in ("Processor", "Memory")]
        rest = text("", "p").classes("quiet")

        def look() -> None:
            try:
                load = self.workbench.targets.load(target.id)
            except CalibenchError:
                return  # it was deleted; the page is drawn anew
            for (bar, words), key in zip(meters, ("cpu_percent", "memory_percent"), strict=True):
                value = float(load.get(key) or 0.0)
                bar.value = value / 100
                words.set_text(f"{value:.0f} %")
            rest.set_text(free_words(load))

        look()
        ui.timer(LOOK_S, look)

    def _check(self, target: Target) -> None:
        try:
            self.workbench.targets.check(target.id)
        except CalibenchError as error:
            tell(error)
        else:
            said(f"{target.name} is being looked at.")


def machine_rows(machine: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a machine is, line by line."""
    if "cpu" not in machine:
        return []
    devices = "; ".join(f"{name}: {', '.join(can)}" for name, can in machine.get("devices", {}).items())
    return [
        ("Processor", str(machine["cpu"])),
        ("Features for INT8", flag_words(machine)),
        ("Cores", f"{machine['physical_cores']} ({machine['logical_cores']} logical)"),
        ("Memory", looks.size(int(machine["memory_mb"]) * 2**20)),
        ("Devices", devices or "none"),
        ("System", str(machine["system"])),
        ("OpenVINO", str(machine.get("openvino", "comes with the first job")).partition("-")[0]),
    ]


def free_words(load: Mapping[str, Any]) -> str:
    """What is free, in a line."""
    memory, disk = (int(load.get(key) or 0) * 2**20 for key in ("memory_free_mb", "disk_free_mb"))
    return f"{looks.size(memory)} of memory and {looks.size(disk)} of the data folder's disk are free."


def _meter(name: str) -> tuple[ui.linear_progress, Any]:
    with ui.element("div").classes("load"):
        text(name)
        bar = ui.linear_progress(0, show_value=False, size="8px").props(f'rounded aria-label="{name}"')
        return bar, text("").classes("number")
