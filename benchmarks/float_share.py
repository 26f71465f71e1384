"""Which share of the multiply-adds of an INT8 graph is computed in float; for graphs of ours and of others."""

from collections.abc import Mapping
from typing import Any

import openvino as ov

from calibench.models.graph import WEIGHTED, multiply_adds_of
from calibench.models.ports import port_name

PASSING = frozenset((
    "Reshape", "Transpose", "Squeeze", "Unsqueeze", "MaxPool", "Relu", "PRelu", "Clamp", "Pad", "StridedSlice", "Slice",
    "Split", "VariadicSplit", "Gather", "ShuffleChannels", "DepthToSpace", "SpaceToDepth", "BatchToSpace",
    "SpaceToBatch", "Interpolate", "Convert",
))  # fmt: skip
"""Operations that INT8 values pass: the runtime moves the rounding in front of them behind them."""
SCALING = frozenset(("Multiply", "Subtract", "Add"))
INTEGERS = frozenset(("i8", "u8", "i4", "u4"))


def float_share(graph: ov.Model, sample: Mapping[str, Any]) -> float:
    """Percent of the multiply-adds in convolutions and matrix products whose operands are not both in INT8.

    Args:
        sample: gives the shapes of the inputs.
    """
    copy = graph.clone()
    copy.reshape({port: list(sample[port_name(port)].shape) for port in copy.inputs})
    counts = {op: multiply_adds_of(op) for op in copy.get_ordered_ops() if op.get_type_name() in WEIGHTED}
    in_float = sum(count for op, count in counts.items() if not is_int8(op))
    return 100.0 * in_float / max(sum(counts.values()), 1)


def float_layers(graph: ov.Model) -> frozenset[str]:
    """Names of the convolutions and matrix products that are computed in float."""
    ops = (op for op in graph.get_ordered_ops() if op.get_type_name() in WEIGHTED)
    return frozenset(op.get_friendly_name() for op in ops if not is_int8(op))


def is_int8(op: Any) -> bool:
    """Whether both operands of a convolution or a MatMul come rounded to INT8."""
    return all(_is_rounded(op.input_value(port)) for port in range(2))


def _is_rounded(value: Any) -> bool:
    """Whether a tensor holds INT8 values, maybe scaled and moved."""
    node = value.get_node()
    kind = node.get_type_name()
    if kind == "FakeQuantize":
        return True
    if kind == "Constant":
        return str(node.get_element_type().get_type_name()) in INTEGERS
    if kind == "Concat":
        return all(_is_rounded(each) for each in node.input_values())
    if kind in PASSING:
        return _is_rounded(node.input_value(0))
    return kind in SCALING and _is_constant(node.input_value(1)) and _is_scaled_integer(node.input_value(0))


def _is_scaled_integer(value: Any) -> bool:
    """Whether a chain of constants, conversions and scales begins with stored integers."""
    node = value.get_node()
    kind = node.get_type_name()
    if kind == "Constant":
        return str(node.get_element_type().get_type_name()) in INTEGERS
    return (kind in SCALING or kind in PASSING) and _is_scaled_integer(node.input_value(0))


def _is_constant(value: Any) -> bool:
    node = value.get_node()
    while node.get_type_name() in ("Convert", "Reshape"):
        node = node.input_value(0).get_node()
    return bool(node.get_type_name() == "Constant")
