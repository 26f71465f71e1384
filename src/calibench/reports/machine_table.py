"""One model on several machines, for a person at a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from calibench.reports.int8_reasons import verdict
from calibench.reports.table import fps
from calibench.things.machine_row import MachineRow, int8_features

SHORT = {"neither VNNI nor AMX": "neither", "VNNI + AMX": "VNNI+AMX"}
"""Under the heading that names both."""
HEAD = "Samples a second; factor over FP32 as the machine runs it, and of its rounds"
NAME = 8
"""Letters that the name of a target has at least, before it is folded."""


def render_machines(rows: Sequence[MachineRow]) -> RenderableType:
    """The numbers beside each other, then a line for each machine: what it is, and whether INT8 pays; 80 columns."""
    measured = [row for row in rows if not row.failure]
    parts: list[RenderableType] = [Text(HEAD, "dim"), _table(measured), Text()] if measured else []
    return Group(*parts, *(Text(line) for row in rows for line in _lines(row)))


def _table(rows: Sequence[MachineRow]) -> Table:
    has_other = any(row.default_fps != row.fp32_fps for row in rows)
    gap = 1 if has_other else 2  # with that column it would not fit 80 columns
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    table.add_column("target", overflow="fold", min_width=NAME)
    default = ("default",) if has_other else ()
    for heading in ("VNNI/AMX", "cores", "FP32", *default, "INT8", "factor", "range", "latency ms"):
        table.add_column(heading, justify="left" if heading == "VNNI/AMX" else "right", no_wrap=True)
    for row in rows:
        features = int8_features(row.flags)
        default = (_fps(row.default_fps),) if has_other else ()
        table.add_row(row.target, SHORT.get(features, features), "" if row.cores is None else str(row.cores),
                      _fps(row.fp32_fps), *default, _fps(row.int8_fps), *_factor(row), _ms(row.latency_ms))  # fmt: skip
    return table


def _lines(row: MachineRow) -> Iterator[str]:
    if row.failure:
        yield f"{row.target}: not measured. {row.failure}"
        return
    device = "" if row.device == "CPU" else f", {row.device}"
    said = verdict(row.speedup, row.why) or "whether INT8 pays is not known without --baseline."
    yield f"{row.target} ({row.cpu}{device}): {said}"


def _factor(row: MachineRow) -> tuple[str, str]:
    if row.speedup is None:
        return "", ""
    spread = "" if row.speedup_low is None else f"{row.speedup_low:.2f}..{row.speedup_high:.2f}"
    return f"{row.speedup:.2f}x", spread


def _fps(value: float | None) -> str:
    return "" if value is None else fps(value)


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
