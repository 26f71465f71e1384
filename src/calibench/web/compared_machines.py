"""One model on several targets: where INT8 pays, and why not where it does not; and the way to measure it on others."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nicegui import ui

from calibench.reports.int8_reasons import verdict
from calibench.things.kept import KeptModel
from calibench.things.machine_row import MachineRow, int8_features
from calibench.web import looks
from calibench.web.button_looks import FLAT
from calibench.web.measured_elsewhere import ask_where
from calibench.web.measured_spread import spread_words
from calibench.web.words import text

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

HEADS = ("Target", "INT8 features", "Cores", "FP32", "Default", "INT8", "Speed-up", "Latency")
NUMBERS = HEADS[2:]


def draw_machines(workbench: "Workbench", model: KeptModel) -> None:
    """The table, where the model was measured on more than one target; of one alone, the way to another."""
    rows = workbench.machines(model.id)
    if not rows:
        return
    if len(rows) == 1:
        with ui.element("div").classes("line quiet"):
            text(f"Measured on {rows[0].target} only.")
            _button(workbench, model, rows)
        return
    with ui.element("section").classes("stack"):
        with ui.element("div").classes("line apart"):
            text("Compare machines", "h2")
            _button(workbench, model, rows)
        with ui.element("div").classes("listing-frame"), ui.element("table").classes("listing") as table:
            table.props["aria-label"] = "The model on several targets"
            with ui.element("thead"), ui.element("tr"):
                for name in HEADS:
                    text(name, "th").props("scope=col").classes("number" if name in NUMBERS else "")
            with ui.element("tbody"):
                for row in rows:
                    _row(workbench, row, _datasets(rows))


def _button(workbench: "Workbench", model: KeptModel, rows: Sequence[MachineRow]) -> None:
    ui.button("Measure on other machines", icon="add", on_click=lambda: ask_where(workbench, model, rows)).props(FLAT)


def _datasets(rows: Sequence[MachineRow]) -> bool:
    """Whether the rows differ in their dataset, so that it must be named."""
    return len({row.dataset_id for row in rows}) > 1


def _row(workbench: "Workbench", row: MachineRow, is_dataset_named: bool) -> None:
    with ui.element("tr"):
        with ui.element("td") as cell:
            cell.props["data-label"] = "Target"
            device = "" if row.device == "CPU" else f", {row.device}"
            ui.link(f"{row.target}{device}", f"/projects/{row.project_id}").classes("name strong")
            if row.cpu:
                text(row.cpu, "div").classes("quiet small name")
            if is_dataset_named and row.project_id is not None:
                text(workbench.projects.get(row.project_id).name, "div").classes("quiet small name")
            if row.why:
                text(verdict(row.speedup, row.why), "div").classes("small warn name measure-small")
        words = (
            int8_features(row.flags) or looks.NOTHING,
            looks.NOTHING if row.cores is None else str(row.cores),
            looks.fps(row.fp32_fps),
            looks.fps(row.default_fps),
            looks.fps(row.int8_fps),
            "",
            looks.ms(row.latency_ms),
        )
        for name, word in zip(HEADS[1:], words, strict=True):
            with ui.element("td").classes("number" if name in NUMBERS else "") as cell:
                cell.props["data-label"] = name
                if name == "Speed-up":
                    _speedup(row)
                else:
                    text(word)
            if word == looks.NOTHING or (name == "Speed-up" and row.speedup is None):
                cell.classes("missing")


def _speedup(row: MachineRow) -> None:
    text(f"{looks.speedup(row.speedup)}{', slower' if looks.is_slower(row.speedup) else ''}")
    ends = None if row.speedup_low is None or row.speedup_high is None else (row.speedup_low, row.speedup_high)
    if words := spread_words(ends, row.speedup):
        text(words, "div").classes("quiet small")
