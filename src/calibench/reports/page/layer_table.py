"""The table of layers, and what is shown of a layer when it is chosen."""

from typing import Any

from calibench.reports.page.figures import decibels, milliseconds, rounded
from calibench.reports.page.grid import Cell, Column, Grid, grid
from calibench.reports.page.time_spent import timed_layers
from calibench.reports.report import LayerRow, QuantizerRange, Report, WeightChannels

CHANNELS_SHOWN = 512
"""Channels in a chart of weights, evenly chosen: the chart is that many pixels wide."""

COLUMNS = (
    Column("No."),
    Column("Layer", is_number=False, kind="name"),
    Column("Type", is_number=False),
    Column("Decided", is_number=False),
    Column("Ran in", is_number=False),
    Column("Input as", is_number=False),
    Column("Scale in"),
    Column("Scale out"),
    Column("Inputs", "dB, predicted"),
    Column("Output", "dB, measured"),
    Column("FP32", "ms", kind="fp32"),
    Column("INT8", "ms", kind="int8"),
    Column("Why float", is_number=False, kind="text"),
)


def layer_table(report: Report) -> Grid:
    """Every layer that could be quantized, in the order of the graph."""
    rows = []
    for i, row in enumerate(report.layers):
        rows.append(
            (
                Cell(str(i + 1), i + 1),
                Cell(row.name),
                Cell(row.type),
                Cell(row.precision, tone=row.precision),
                Cell(row.runtime_precision or ""),
                *_scales(row),
                _decibels(row.input_db),
                _decibels(row.output_db),
                _time(row.fp32_ms),
                _time(row.int8_ms),
                Cell(row.reason or ""),
            )
        )
    return grid(COLUMNS, rows)


def _scales(row: LayerRow) -> tuple[Cell, Cell, Cell]:
    """How a layer of a Caffe network reads its input, and its scales."""
    found = row.scales
    if found is None:
        return Cell(), Cell(), Cell()
    leaves = Cell(f"{found.scale_out:.5g}", found.scale_out) if found.out_bits == 8 else Cell("float")
    return Cell(found.input), Cell(f"{found.scale_in:.5g}", found.scale_in), leaves


def layer_details(report: Report) -> list[dict[str, Any]]:
    """What the page shows of a chosen layer, one a layer; what is not known is not there."""
    kernels = {
        which: {name: layer.exec_type for layer in timed_layers(report, which) for name in _names(layer)}
        for which in ("fp32", "int8")
    }
    return [_detail(row, {which: known.get(row.name, "") for which, known in kernels.items()}) for row in report.layers]


def _names(layer: Any) -> tuple[str, ...]:
    return (*layer.original_names, layer.name)


def _detail(row: LayerRow, kernels: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": row.name,
        "type": row.type,
        "precision": row.precision,
        "reason": row.reason,
        "input_db": row.input_db,
        "output_db": row.output_db,
        "runtime_precision": row.runtime_precision,
        "output_precisions": row.output_precisions,
        "fp32_ms": row.fp32_ms,
        "int8_ms": row.int8_ms,
        "kernels": {which: name for which, name in kernels.items() if name} or None,
        "ranges": [_range(quantizer) for quantizer in row.quantizers] or None,
        "weights": _weights(row.weights) if row.weights else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _range(quantizer: QuantizerRange) -> dict[str, Any]:
    values: dict[str, Any] = {
        "input": quantizer.input,
        "levels": quantizer.levels,
        "channels": len(quantizer.low),
        "low": rounded([min(quantizer.low)])[0],
        "high": rounded([max(quantizer.high)])[0],
        "step": rounded(_ends(quantizer.step or _steps(quantizer))),
    }
    if quantizer.values:
        seen = quantizer.values
        values["seen"] = {"low": seen.low, "high": seen.high, "counts": list(seen.counts)}
    return values


def _steps(quantizer: QuantizerRange) -> tuple[float, ...]:
    ends = zip(quantizer.low, quantizer.high, strict=True)
    return tuple((high - low) / max(quantizer.levels - 1, 1) for low, high in ends)


def _ends(values: tuple[float, ...]) -> tuple[float, float]:
    return min(values), max(values)


def _weights(weights: WeightChannels) -> dict[str, Any]:
    every = -(-len(weights.largest) // CHANNELS_SHOWN) or 1
    return {
        "channels": weights.channels,
        "largest": rounded(weights.largest[::every]),
        "rms": rounded(weights.rms[::every]),
        "step": rounded(_ends(weights.step)) if weights.step else [],
        "error_db": [round(value, 1) for value in weights.error_db[::every]],
    }


def _decibels(value: float | None) -> Cell:
    return Cell() if value is None else Cell(decibels(value), value)


def _time(value: float | None) -> Cell:
    return Cell() if value is None else Cell(milliseconds(value), value)
