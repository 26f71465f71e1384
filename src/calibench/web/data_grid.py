"""Tables of many rows: sorted, filtered and scrolled in the browser; cells are text, never HTML."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from calibench.web.looks import NOTHING

Row = dict[str, Any]
Options = dict[str, Any]

ROW_HEIGHT = 30
HEADINGS, FILTERS = 36, 42
"""Pixels of the two lines above the rows."""
ROOM_BELOW = 18
"""Pixels of the bar to scroll sideways."""
MOST_HEIGHT = 560


def words(field: str, title: str, **more: Any) -> Options:
    """A column of text."""
    return {
        "field": field,
        "headerName": title,
        "filter": "agTextColumnFilter",
        "tooltipField": field,
        ":tooltipValueGetter": "p => p.value == null ? null : String(p.value)",
        **more,
    }


SHORT = (
    "(v => { const s = Math.abs(v), d = s >= 100 ? 0 : s >= 10 ? 1 : s >= 0.1 || v === 0 ? 2 : 3; "
    "return v.toLocaleString('en-US', {minimumFractionDigits: d, maximumFractionDigits: d}); })"
)
"""`looks.short`, as the browser writes it."""


def numbers(field: str, title: str, digits: int | None = None, **more: Any) -> Options:
    """A column of numbers: on the right, a dash where there is none.

    Args:
        digits: behind the point; None: as everywhere, by `looks.short`.
    """
    written = f"{SHORT}(p.value)" if digits is None else f"p.value.toFixed({digits})"
    return {
        "field": field,
        "headerName": title,
        "filter": "agNumberColumnFilter",
        "type": "rightAligned",
        ":valueFormatter": f"p => typeof p.value === 'number' ? {written} : (p.value ?? '{NOTHING}')",
        **more,
    }


def grid(
    columns: Sequence[Options],
    rows: Sequence[Row],
    *,
    label: str,
    on_row: Callable[[Row], None] | None = None,
    has_filters: bool = True,
    most_height: int = MOST_HEIGHT,
) -> ui.aggrid:
    """A table.

    Args:
        label: what screen readers call it.
        on_row: called with the row that was chosen, by a click or by the space bar.
    """
    filters = {"floatingFilter": True, "suppressHeaderFilterButton": True} if has_filters else {"filter": False}
    shown = [column if has_filters else {**column, "filter": False} for column in columns]
    options: Options = {
        "columnDefs": shown,
        "rowData": list(rows),
        "rowHeight": ROW_HEIGHT,
        "headerHeight": HEADINGS,
        "defaultColDef": {"sortable": True, "resizable": True, "minWidth": 60} | filters,
        "suppressFieldDotNotation": True,
        "tooltipShowDelay": 400,
        "enableCellTextSelection": True,
        "overlayNoRowsTemplate": "<span>Nothing here</span>",
    }
    if on_row is not None:
        options["rowSelection"] = {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True}
    table = ui.aggrid(options, auto_size_columns=False).classes("grid")
    table.props["aria-label"] = label
    above = HEADINGS + (FILTERS if has_filters else 0)
    height = min(most_height, above + ROW_HEIGHT * max(2, len(rows)) + ROOM_BELOW)
    table.style(f"height: {height}px")
    if on_row is not None:
        table.on("selectionChanged", partial(_tell_chosen, table, on_row), [])
    return table


async def _tell_chosen(table: ui.aggrid, on_row: Callable[[Row], None]) -> None:
    row = await table.get_selected_row()
    if row is not None:
        on_row(row)


def find(table: ui.aggrid, what: str) -> None:
    """A field above a table that looks for words in all its columns."""
    field = ui.input(placeholder=f"Find {what}").props(f'dense outlined clearable type=search aria-label="Find {what}"')
    field.on_value_change(lambda event: table.run_grid_method("setGridOption", "quickFilterText", event.value or ""))
