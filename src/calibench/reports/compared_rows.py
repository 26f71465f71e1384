"""The rows of a comparison: layers of two files, matched by name, with the ranges that stand in the INT8 file."""

from collections.abc import Mapping
from typing import Any

import openvino as ov

from calibench.models.graph import NOT_LAYERS, WEIGHTED, is_float, operations
from calibench.models.normalise import normalise
from calibench.quantizers.hoisting import MOVES
from calibench.quantizers.read_back import FoundQuantizer, found_quantizers, found_weights, has_byte_weights, is_int8
from calibench.reports.layer_rows import describe_channels
from calibench.reports.report import LayerRow, QuantizerRange, WeightChannels

RESCALED_DB = 12.0
"""Weights that differ more than rounding explains were scaled (smoothing) or trained: no error of rounding is told."""

ABSENT = "the INT8 file has no layer of this name"
COMPRESSED = "its weights are INT8, its input is not, so that it computes in float"
FLOAT_INPUT = "no quantizer at its input in the INT8 file"
FLOAT_WEIGHTS = "its input is quantized, its weights are not"

ONE_INPUT = "only one of its inputs is quantized"
MOVING = MOVES | NOT_LAYERS | {"Concat", "Split", "VariadicSplit", "FakeQuantize"}
"""Operations that compute nothing: they run in whatever precision their values have."""


def alike(fp32: ov.Model, int8: ov.Model) -> ov.Model:
    """The FP32 graph normalised, or as it was read where the INT8 graph shares more names of layers with that.

    INT8 files are made from either, by tool.
    """
    wanted = {op.get_friendly_name() for op in int8.get_ops() if op.get_type_name() in WEIGHTED}
    return max((normalise(fp32), fp32), key=lambda graph: len(wanted & operations(graph).keys()))


def compared_rows(fp32: ov.Model, int8: ov.Model) -> tuple[LayerRow, ...]:
    """Every layer with weights, and whatever has quantized inputs, in the order of the FP32 graph."""
    index: Mapping[str, Any] = operations(int8)
    rows = []
    for op in fp32.get_ordered_ops():
        name, kind = op.get_friendly_name(), op.get_type_name()
        other = index.get(name)
        same = other if other is not None and other.get_type_name() == kind else None
        weighted = kind in WEIGHTED and is_float(op.output(0))
        if weighted or (kind not in MOVING and same is not None and is_int8(same)):
            rows.append(_row(op, same))
    return tuple(rows)


def unmatched(rows: tuple[LayerRow, ...]) -> int:
    """How many layers the INT8 file does not have under their name."""
    return sum(row.reason == ABSENT for row in rows)


def _row(op: Any, other: Any | None) -> LayerRow:
    name, kind = op.get_friendly_name(), op.get_type_name()
    if other is None:
        return LayerRow(name=name, type=kind, precision="float", reason=ABSENT)
    found = found_quantizers(other)
    ranges = tuple(_range(each) for each in found)
    if is_int8(other):
        weights = _weights(op, other)
        return LayerRow(name=name, type=kind, precision="int8", quantizers=ranges, weights=weights)
    is_product = kind == "MatMul" and found_weights(other) is None
    reason = (ONE_INPUT if is_product else FLOAT_WEIGHTS) if found else FLOAT_INPUT
    if not found and has_byte_weights(other):
        reason = COMPRESSED
    return LayerRow(name=name, type=kind, precision="float", reason=reason)


def _range(found: FoundQuantizer) -> QuantizerRange:
    low, high = (tuple(float(value) for value in bound) for bound in (found.low, found.high))
    step = tuple((upper - lower) / (found.levels - 1) for lower, upper in zip(low, high, strict=True))
    return QuantizerRange(input=found.input, low=low, high=high, levels=found.levels, step=step)


def _weights(op: Any, other: Any) -> WeightChannels | None:
    exact, stored = found_weights(op), found_weights(other)
    if exact is None or stored is None or exact[1].shape != stored[1].shape:
        return None
    channels = describe_channels(exact[0], exact[1], stored[1])
    is_rescaled = sorted(channels.error_db)[len(channels.error_db) // 2] < RESCALED_DB
    return channels.model_copy(update={"error_db": ()}) if is_rescaled else channels
