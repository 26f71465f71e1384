"""What lets the CPU plugin compute a residual addition inside the INT8 convolution: a limit in front of it.

The plugin takes an addition into a convolution's kernel where one of its inputs ends in a FakeQuantize that belongs to
a convolution. A shortcut that the next block reads too has none of its own: the convolution then hands out float32,
and a second kernel adds. A FakeQuantize between convolution and addition mends it, and this one changes nothing: what
it cuts off would be cut off behind the addition, and its steps are far smaller than those there.
See docs/explanation/caffe-int8-graph.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino.opset13 as ops

from calibench.caffe.fused_chain import is_residual, kernel_of, only_reader

LIMIT_LEVELS = 2**20 + 1
"""Steps of about 1/2000 of those behind the addition. No number that the runtime takes for one of integers."""
BYTE_LEVELS = 256
MOVED = frozenset(("MaxPool", "Reshape", "Transpose", "Squeeze", "Unsqueeze"))
"""Operations that may stand between a shortcut and its quantizer: they change no bounds."""


@dataclass(frozen=True)
class _Limit:
    """The input of an addition that a layer writes, and which of its values matter there."""

    addition: Any
    port: int
    low: np.float32
    high: np.float32


def limit_residuals(operations: Iterable[Any], layers: Iterable[str]) -> None:
    """Put the limits into an INT8 graph whose quantizers stand already.

    Args:
        operations: of the graph, which is changed.
        layers: names of those that run in INT8.
    """
    names = frozenset(layers)
    for limit in [found for op in operations if (found := _limit(op, names)) is not None]:
        source = limit.addition.input_value(limit.port)
        values = [ops.constant(each) for each in (limit.low, limit.high) * 2]
        node = ops.fake_quantize(source, *values, LIMIT_LEVELS)
        name = f"{source.get_node().get_friendly_name()}.{source.get_index()}/limit"
        node.set_friendly_name(name)
        for i, value in enumerate(values, 1):
            value.set_friendly_name(f"{name}/{i}")
        limit.addition.input(limit.port).replace_source_output(node.output(0))


def _limit(addition: Any, layers: frozenset[str]) -> _Limit | None:
    """None where the plugin fuses anyhow, cannot, or what is cut off would not be cut off behind."""
    if not is_residual(addition):
        return None
    for port in (1, 0):
        shortcut = _quantizer_above(addition.input_value(1 - port))
        if shortcut is None or kernel_of(addition.input_value(port)) not in layers:
            continue
        behind = _quantizer_behind(addition)
        if behind is None or _belongs_to_layer(shortcut, addition):
            return None
        (low, high), (lowest, highest) = _bounds(shortcut), _bounds(behind)
        # the sum of a value below `lowest - high` with any shortcut is below `lowest`; the same above
        return _Limit(addition, port, lowest - high, highest - low)
    return None


def _quantizer_above(output: Any) -> Any | None:
    """The quantizer of a shortcut, where only movement of values lies between."""
    node = output.get_node()
    while node.get_type_name() in MOVED:
        node = node.input_value(0).get_node()
    return node if _is_of_bytes(node) else None


def _quantizer_behind(addition: Any) -> Any | None:
    """The quantizer through which everything reads the addition, behind a ReLU without slope or none."""
    node = only_reader(addition.output(0))
    if node is not None and node.get_type_name() == "Relu":
        node = only_reader(node.output(0))
    return node if node is not None and _is_of_bytes(node) else None


def _is_of_bytes(node: Any) -> bool:
    return bool(node.get_type_name() == "FakeQuantize" and node.get_attributes()["levels"] == BYTE_LEVELS)


def _belongs_to_layer(shortcut: Any, addition: Any) -> bool:
    """Does a layer hand it to the addition alone? Then its own quantizer is what the plugin looks for."""
    is_only = only_reader(shortcut.output(0)) == addition
    return is_only and kernel_of(shortcut.input_value(0)) is not None


def _bounds(quantizer: Any) -> tuple[np.float32, np.float32]:
    low, high = (np.float32(quantizer.input_value(i).get_node().data.item()) for i in (3, 4))
    return low, high
