"""Two projects side by side in tables and charts: numbers with their difference, points, layers, settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from calibench.web import looks
from calibench.web.data_grid import find, grid, numbers, words
from calibench.web.layer_charts import deltas_chart, time_by_type
from calibench.web.point_charts import compared_chart
from calibench.web.words import text

Row = Mapping[str, Any]
Titles = tuple[str, str]


def numbers_table(rows: Sequence[Row], titles: Titles) -> None:
    """Accuracy, throughput, latency, size, with the difference; the better side stands out."""
    with ui.element("div").classes("listing-frame"), ui.element("table").classes("listing compare-table") as table:
        table.props["aria-label"] = "Numbers side by side"
        with ui.element("thead"), ui.element("tr"):
            for title, kind in (("", ""), (titles[0], "number"), (titles[1], "number"), ("Difference", "number")):
                text(title, "th").props('scope="col"').classes(f"{kind} name")
        with ui.element("tbody"):
            for row in rows:
                _number_row(row, titles)


def _number_row(row: Row, titles: Titles) -> None:
    unit, better = str(row.get("unit") or ""), row.get("better")
    with ui.element("tr"):
        text(str(row["what"]), "th").props('scope="row"')
        for side, title in zip("ab", titles, strict=True):
            cell = text(value_words(row.get(side), unit), "td").classes("number")
            cell.props["data-label"] = title
            if better == side:
                cell.classes("good")
        cell = text(difference_words(row), "td").classes("number")
        cell.props["data-label"] = "Difference"


def value_words(value: float | None, unit: str) -> str:
    """A number with its unit; a dash where it was not measured."""
    if value is None:
        return looks.NOTHING
    if unit == "bytes":
        return looks.size(int(value))
    if unit == "samples/s":
        return looks.fps(value)
    if unit == "ms":
        return looks.ms(value)
    return looks.score(value, unit) if unit else f"{value:,.0f}"


def difference_words(row: Row) -> str:
    """The difference with its sign, and in percent where that says something."""
    change, unit = row.get("difference"), str(row.get("unit") or "")
    if change is None:
        return looks.NOTHING
    if not change:
        return "none"
    sign = "+" if change > 0 else "-"
    size = abs(change)
    said = f"{size:.2f} points" if unit == "%" else value_words(size, unit)
    percent = row.get("percent")
    return f"{sign}{said}" + (f" ({percent:+.0f} %)" if percent is not None and unit != "%" else "")


def points(of: Mapping[str, Sequence[Row]], titles: Titles) -> None:
    """Throughput against latency, of both."""
    if not any(of.values()):
        return
    text("Throughput against latency", "h2")
    chart = ui.echart(compared_chart(of, titles), renderer="svg").classes("chart")
    chart.props('role="img" aria-label="Throughput against latency of both projects"')


def layers(rows: Sequence[Row], titles: Titles) -> None:
    """Layers side by side, with the difference in time; what has changed can be shown alone."""
    if not rows:
        return
    changed = [row for row in rows if row.get("is_changed")]
    by_type = time_by_type(_timed(rows))
    text("Time by type of layer", "h2")
    text("Layers of FP32 models are timed in exact FP32, whatever the device takes by default.", "p").classes(
        "quiet measure"
    )
    chart = ui.echart(deltas_chart(by_type, titles), renderer="svg").style(f"height: {90 + 40 * len(by_type)}px")
    chart.classes("chart-wide").props('role="img" aria-label="Time by type of layer of both projects"')
    text("Layers side by side", "h2")
    said = f"{looks.count(len(rows), 'layer')}, {len(changed)} in another precision or in one of the two only."
    text(f"{said} A is {titles[0]}, B is {titles[1]}.", "p").classes("quiet measure")
    tools = ui.element("div").classes("line")
    shown = [layer_row(row) for row in rows]
    table = grid(_columns(), shown, label="Layers side by side")
    with tools:
        find(table, "a layer")
        box = ui.checkbox("Only what has changed")
        box.on_value_change(
            lambda event: table.run_grid_method(
                "setGridOption", "rowData", [row for row in shown if row["is_changed"] or not event.value]
            )
        )


def _columns() -> tuple[dict[str, Any], ...]:
    return (
        words("name", "Name", flex=3, minWidth=200),
        words("type", "Type", width=130),
        numbers("a_ms", "A, ms", width=95),
        numbers("b_ms", "B, ms", width=95),
        numbers("difference", "Difference, ms", width=128),
        words("a_precision", "A runs in", width=105),
        words("b_precision", "B runs in", width=105),
        words("b_output", "B gives", width=95),
    )


def layer_row(row: Row) -> dict[str, Any]:
    """A pair of layers as a row; 'not executed' where it ran in one of the two only."""
    ran = {side: row.get(f"in_{side}", row.get(f"{side}_ms") is not None) for side in "ab"}
    return {
        "name": row["name"],
        "type": row["type"],
        **{f"{side}_ms": row.get(f"{side}_ms") for side in "ab"},
        "difference": row.get("difference_ms"),
        **{f"{side}_precision": (row.get(f"{side}_precision") or "") if ran[side] else "not executed" for side in "ab"},
        "b_output": row.get("b_output") or "",
        "is_changed": bool(row.get("is_changed")),
    }


def _timed(rows: Sequence[Row]) -> dict[str, list[Row]]:
    return {side: [{"type": row["type"], "time_ms": row.get(f"{side}_ms")} for row in rows] for side in "ab"}


def settings(rows: Sequence[Row], titles: Titles) -> None:
    """Settings that differ."""
    text("Settings that differ", "h2")
    if not rows:
        text("None.", "p").classes("quiet")
        return
    with ui.element("div").classes("listing-frame"), ui.element("table").classes("listing compare-table"):
        with ui.element("thead"), ui.element("tr"):
            for title in ("Setting", *titles):
                text(title, "th").props('scope="col"').classes("name")
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    text(str(row["name"]), "th").props('scope="row"').classes("mono")
                    for side, title in zip("ab", titles, strict=True):
                        cell = text(setting_words(row.get(side)), "td").classes("mono name")
                        cell.props["data-label"] = title


def setting_words(value: Any) -> str:
    """A value of a setting on one line."""
    if value in (None, [], {}, ""):
        return looks.NOTHING
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return str(value)
