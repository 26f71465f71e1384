"""Layers: every layer with its time and precisions; the chosen one with its reason, ranges, activations, weights."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.web import looks
from calibench.web.data_grid import find, grid, numbers, words
from calibench.web.help_mark import WORDS as HELP
from calibench.web.layer_detail import show_layer
from calibench.web.opened_project import NO_LAYERS, OpenedProject, Row
from calibench.web.words import text

PARTS = {"all": "All", "int8": "INT8", "float": "Float"}


def draw(opened: OpenedProject) -> None:
    """The table; the chosen layer slides in at the right."""
    kept = opened.layers
    if not kept:
        has_not_run = opened.project.result is None
        text("Layers are shown here when the model has run." if has_not_run else NO_LAYERS, "p").classes("note")
        return
    is_twice = opened.is_default_fp32
    rows = [layer_row(i, {**layer, "default_ms": None} if is_twice else layer) for i, layer in enumerate(kept)]
    text(f"{summary(rows)} Choose one by a click, or by the space bar, to see its ranges.", "p").classes("quiet")
    tools = ui.element("div").classes("line")
    sheet = LayerSheet()
    table = grid(columns(rows), rows, label="Layers", on_row=lambda row: sheet.show(whole(opened, kept[row["place"]])))
    table.on("keydown.escape", sheet.hide)
    with tools:
        find(table, "a layer")
        if any(row["decided"] for row in rows):
            _part_choice(table, rows)


def whole(opened: OpenedProject, layer: Row) -> Row:
    """A layer with the weights of its channels, which the list leaves out."""
    if not layer.get("weights"):
        return layer
    try:
        return opened.workbench.projects.layer(opened.id, str(layer["name"]))
    except CalibenchError:  # the result was replaced meanwhile; the page is drawn anew at once
        return layer


class LayerSheet:
    """What slides in at the right of the page: one layer."""

    def __init__(self) -> None:
        self.box = ui.element("aside").classes("sheet").props('aria-label="The chosen layer" aria-live="polite"')
        self.box.on("keydown.escape", self.hide)
        self.box.set_visibility(False)

    def show(self, layer: Mapping[str, Any]) -> None:
        """Draw a layer."""
        self.box.clear()
        with self.box:
            close = ui.button(icon="close", on_click=self.hide).props('flat round dense color=none aria-label="Close"')
            close.classes("sheet-close")
            show_layer(layer)
        self.box.set_visibility(True)

    def hide(self) -> None:
        """Slide out."""
        self.box.set_visibility(False)


def _part_choice(table: ui.aggrid, rows: list[Row]) -> None:
    def show(part: str) -> None:
        shown = [row for row in rows if part == "all" or (row["decided"] == "INT8") == (part == "int8")]
        table.run_grid_method("setGridOption", "rowData", shown)

    choice = ui.toggle(PARTS, value="all", on_change=lambda event: show(event.value))
    choice.props('no-caps dense unelevated aria-label="Which layers"').classes("subtabs")


def columns(rows: list[Row]) -> list[dict[str, Any]]:
    """The columns that have something to say."""
    found = [
        words("name", "Name", flex=2, minWidth=150),
        words("type", "Type", width=118),
        numbers("time", "Time, ms", width=88),
        numbers("fp32", "FP32, ms", width=90),
        numbers("default", "Default, ms", width=104, headerTooltip=HELP["default precision"]),
        words("runtime", "Ran in", width=84, headerTooltip="The precision in which the runtime computed the layer"),
        words("output", "Gives", width=84, headerTooltip="The precision of what the layer gives on"),
        words("decided", "Decided", width=92),
        words("reason", "Why float", flex=2, minWidth=150),
    ]
    return [each for each in found if any(row[each["field"]] not in (None, "") for row in rows)]


def layer_row(place: int, layer: Mapping[str, Any]) -> Row:
    """A layer of the Workbench as a row; `place` finds it again."""
    is_int8 = layer.get("int8_ms") is not None or layer.get("precision") is not None
    return {
        "place": place,
        "name": layer["name"],
        "type": layer["type"],
        "time": layer.get("time_ms"),
        "fp32": layer.get("fp32_ms") if is_int8 else None,
        "default": layer.get("default_ms"),
        "runtime": layer.get("runtime_precision") or ("" if layer.get("ran", True) else "did not run"),
        "output": layer.get("output_precisions") or "",
        "decided": {"int8": "INT8", "float": "float"}.get(str(layer.get("precision")), ""),
        "reason": layer.get("reason") or "",
    }


def summary(rows: list[Row]) -> str:
    """How many layers, how many in INT8, how long."""
    parts = [looks.count(len(rows), "layer")]
    decided = [row for row in rows if row["decided"]]
    if decided:
        parts.append(f"{sum(row['decided'] == 'INT8' for row in decided)} in INT8")
    time_ms = sum(row["time"] or 0.0 for row in rows)
    if time_ms:
        parts.append(
            f"{looks.ms(time_ms)} in all with the counters on, which make an inference longer than its latency"
        )
    return ", ".join(parts) + "."
