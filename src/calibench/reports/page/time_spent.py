"""Where the time goes: the runtime's layers before and after, by type, by precision, and the slowest."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from calibench.reports.page.figures import milliseconds, number
from calibench.reports.page.grid import Cell, Column, Grid, grid
from calibench.reports.report import LayerRow, Report, TimedLayer

SLOWEST = 15
"""Layers in the list of the slowest: more than two screens nobody reads."""


@dataclass(frozen=True)
class Spent:
    """Milliseconds of one kind of layer in both models; 0 where a model has none."""

    name: str
    fp32_ms: float
    int8_ms: float


def timed_layers(report: Report, which: str) -> tuple[TimedLayer, ...]:
    """The layers as they ran in the `fp32` or the `int8` model, from the runtime or else from the table of layers."""
    return report.runtime_layers.get(which) or tuple(_timed(row, which) for row in report.layers if _ms(row, which))


def by_type(report: Report) -> list[Spent]:
    """By type of the operation, the longest first."""
    return _spent(report, lambda layer: layer.type)


def by_precision(report: Report) -> list[Spent]:
    """By the precision in which a layer computes, the longest first."""
    return _spent(report, lambda layer: layer.precision or "unknown")


def spent_table(spent: Iterable[Spent], title: str) -> Grid:
    """The bars of a chart as numbers."""
    rows = [
        (
            Cell(each.name),
            Cell(milliseconds(each.fp32_ms), each.fp32_ms),
            Cell(milliseconds(each.int8_ms), each.int8_ms),
        )
        for each in spent
    ]
    columns = [Column(title, is_number=False, kind="label"), Column("FP32", "ms", kind="fp32")]
    return grid([*columns, Column("INT8", "ms", kind="int8")], rows)


def slowest(report: Report) -> Grid:
    """The layers that take the longest in INT8, with their time before."""
    after = timed_layers(report, "int8")
    total = sum(layer.time_ms for layer in after)
    before = {name: layer for layer in timed_layers(report, "fp32") for name in (*layer.original_names, layer.name)}
    longest = sorted(after, key=lambda layer: -layer.time_ms)[:SLOWEST]
    top = longest[0].time_ms if longest else 0.0
    rows = []
    for layer in longest:
        same = next((before[name] for name in (layer.name, *layer.original_names) if name in before), None)
        share = 100 * layer.time_ms / total if total else 0.0
        rows.append(
            (
                Cell(layer.name),
                Cell(layer.type),
                Cell(layer.exec_type),
                Cell(layer.precision),
                Cell(milliseconds(same.time_ms), same.time_ms) if same else Cell(),
                Cell(milliseconds(layer.time_ms), layer.time_ms, share=layer.time_ms / top if top else 0, tone="int8"),
                Cell(number(share, 1), share),
            )
        )
    return grid(COLUMNS, rows)


COLUMNS = (
    Column("Layer", is_number=False, kind="name"),
    Column("Type", is_number=False),
    Column("Kernel", is_number=False, kind="code"),
    Column("Ran in", is_number=False),
    Column("FP32", "ms", kind="fp32"),
    Column("INT8", "ms", kind="int8"),
    Column("Share", "% of INT8"),
)


def totals(report: Report) -> tuple[float, float]:
    """Milliseconds of all layers: FP32, INT8."""
    before, after = (sum(layer.time_ms for layer in timed_layers(report, which)) for which in ("fp32", "int8"))
    return before, after


def _spent(report: Report, kind: Callable[[TimedLayer], str]) -> list[Spent]:
    sums: dict[str, list[float]] = {}
    for place, which in enumerate(("fp32", "int8")):
        for layer in timed_layers(report, which):
            sums.setdefault(kind(layer), [0.0, 0.0])[place] += layer.time_ms
    found = [Spent(name, *times) for name, times in sums.items() if max(times) > 0]
    return sorted(found, key=lambda each: -max(each.fp32_ms, each.int8_ms))


def _ms(row: LayerRow, which: str) -> float | None:
    return row.fp32_ms if which == "fp32" else row.int8_ms


def _timed(row: LayerRow, which: str) -> TimedLayer:
    precision = "F32" if which == "fp32" else row.runtime_precision or ""
    return TimedLayer(name=row.name, type=row.type, time_ms=_ms(row, which) or 0.0, precision=precision)
