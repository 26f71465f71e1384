"""Read from an INT8 graph what somebody decided: which layers are quantized, with which ranges and weights.

Any tool's graph will do: quantizers are FakeQuantize operations, weights are stored as integers or pass a FakeQuantize.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov

from calibench.models.graph import FloatArray, WeightedLayer, constant_value, is_constant, weighted_layer
from calibench.quantizers.hoisting import MOVES

MOST_STEPS = 16
"""Movements between a layer and its quantizer that are followed."""
BYTES = frozenset((ov.Type.i8, ov.Type.u8))


@dataclass(frozen=True, eq=False)
class FoundQuantizer:
    """A quantizer in front of an input of a layer.

    Attributes:
        input: index of the layer's input.
        low, high: float32 [1] per tensor or [C] per channel, of what goes in.
        levels: steps between them, plus one.
    """

    input: int
    low: FloatArray
    high: FloatArray
    levels: int


def found_quantizers(op: Any) -> tuple[FoundQuantizer, ...]:
    """The quantizers of a layer's activations, where only movement of values lies between."""
    found = []
    for port, value in enumerate(op.input_values()):
        node = _quantizer_above(value)
        if node is not None and not is_constant(value):
            ends = [constant_value(node.input_value(i)) for i in (1, 2)]
            flat = [end.astype(np.float32).reshape(-1) for end in ends if end is not None]
            if len(flat) == 2:
                low, high = np.broadcast_arrays(*flat)
                found.append(FoundQuantizer(port, low, high, int(node.get_attributes()["levels"])))
    return tuple(found)


def has_byte_weights(op: Any) -> bool:
    """Does a layer compute with constant weights of 8 bits?"""
    layer = weighted_layer(op)
    return layer is not None and layer.weight_port is not None and _is_rounded(op.input_value(layer.weight_port))


def is_int8(op: Any) -> bool:
    """Can a layer run in INT8: are its activations quantized, and its weights, where it has some, of 8 bits?

    Of an addition or a pooling one quantized input is enough: the other comes from the layer whose kernel adds it.
    """
    layer = weighted_layer(op)
    quantized = {each.input for each in found_quantizers(op)}
    if layer is None:
        return bool(quantized)
    return set(layer.activation_ports) <= quantized and (layer.weight_port is None or has_byte_weights(op))


def found_weights(op: Any) -> tuple[WeightedLayer, FloatArray] | None:
    """The weights that a layer computes with, rounded or not, float32; None where it has none."""
    layer = weighted_layer(op)
    if layer is None or layer.weight_port is None:
        return None
    value = constant_value(op.input_value(layer.weight_port))
    return None if value is None else (layer, value.astype(np.float32))


def _quantizer_above(output: Any) -> Any | None:
    for _ in range(MOST_STEPS):
        node = output.get_node()
        if node.get_type_name() == "FakeQuantize":
            return node
        if node.get_type_name() not in MOVES:
            return None
        output = node.input_value(0)
    return None


def _is_rounded(output: Any) -> bool:
    """Do constants pass a FakeQuantize, or are they stored as bytes, on the way here?"""
    return any(
        node.get_type_name() == "FakeQuantize"
        or (node.get_type_name() == "Constant" and node.get_output_element_type(0) in BYTES)
        for node in _above(output)
    )


def _above(output: Any) -> Iterator[Any]:
    """The chain of first inputs, from here to the constant."""
    for _ in range(MOST_STEPS):
        node = output.get_node()
        yield node
        if node.get_input_size() == 0:
            return
        output = node.input_value(0)
