"""Between a quantization and the scales that a prototxt holds, one set a layer.

A prototxt says less than a quantization: how a convolution or inner product reads its input, and in how many bits its
result leaves, for all that read it. So a quantizer in front of a residual addition or an average pooling can be said
only where a layer in front hands out just these 8 bits, and nobody wants more.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import openvino as ov

from calibench.caffe.fused_chain import fused_end, graph_index
from calibench.caffe.scales import OUTPUT_BYTES, OUTPUT_FLOAT, LayerScales
from calibench.models.graph import FloatArray, Port, TensorKey, WeightedLayer, constant_value, consumers, tensor
from calibench.quantizers.fit import Quantization, Quantizer
from calibench.quantizers.hoisting import hoist
from calibench.quantizers.insert import WeightOptions
from calibench.quantizers.integers import WEIGHT_LIMIT, Grid
from calibench.quantizers.pair_limits import pair_limits
from calibench.quantizers.restrict import placed_again
from calibench.quantizers.sites import FloatLayer, Placement

UNSIGNED_LIMIT, SIGNED_LIMIT, SIGNED_LOWEST = 255, 127, -128
"""What the largest value becomes, and the lowest of s8."""
SMALLEST_LARGEST = 1e-10
"""A tensor that never held more holds nothing: its scale stays a number that a text can hold."""
UNSAID = "a prototxt cannot say that its input is INT8: no INT8 layer hands it out in 8 bits to all that read it"


def scale_of(largest: float, signed: bool) -> float:
    """A float32 value that makes the largest |x| 255 (unsigned) or 127 (signed); 1 for a tensor that is always 0.

    It is one that its own grid gives back: text, scale and grid can be made from one another again and again.
    """
    if largest <= 0:
        return 1.0
    scale = np.float32(_limit(signed)) / np.float32(max(largest, SMALLEST_LARGEST))
    for _ in range(4):
        scale = np.float32(scale_in_grid(grid_of(float(scale), signed)))
    return float(scale)


def grid_of(scale: float, signed: bool) -> Grid:
    """The values that a tensor can take: [0, 255 / scale], or [-128 / scale, 127 / scale]."""
    low = SIGNED_LOWEST / np.float32(scale) if signed else 0.0
    return Grid(np.array([low], np.float32), np.array([_limit(signed) / np.float32(scale)], np.float32))


def scale_in_grid(grid: Grid) -> float:
    """The float32 scale behind a grid that is symmetric, signed or unsigned, and holds the whole tensor."""
    return float(np.float32(_limit(is_signed(grid))) / np.float32(grid.high[0]))


def is_signed(grid: Grid) -> bool:
    """Is it s8?"""
    return bool(grid.low.min() < 0)


def _limit(signed: bool) -> int:
    return SIGNED_LIMIT if signed else UNSIGNED_LIMIT


def scales_of(graph: ov.Model, quantization: Quantization, options: WeightOptions) -> dict[str, LayerScales]:
    """The scales of every INT8 layer, by its name, in the order of Caffe.

    Args:
        graph: the FP32 graph of `to_openvino`; not changed.
        quantization: one that `expressible` gave; without smoothing and ranges per channel.
    """
    index = graph_index(graph)
    handed_out = _handed_out(index, quantization)
    read = _quantizers_read(quantization)
    layers = {layer.name: layer for layer in quantization.placement.layers}
    found = {}
    for name in (each for each in index if each in layers):
        grid = read[Port(name, 0)].grid
        end = handed_out.get(name)
        found[name] = LayerScales(
            scale_in_grid(grid),
            is_signed(grid),
            _weight_scales(index[name], layers[name], options),
            scale_in_grid(end.grid) if end else 1.0,
            OUTPUT_BYTES if end else OUTPUT_FLOAT,
        )
    return found


def expressible(graph: ov.Model, quantization: Quantization) -> Quantization:
    """What scales can say of a quantization: other inputs than those of INT8 layers stay in float where they cannot.

    An input that is dropped is one more that reads a tensor in float, so that it may take others along.

    Args:
        graph: the FP32 graph of `to_openvino`; not changed.
    """
    index = graph_index(graph)
    while dropped := _unsaid(index, quantization):
        quantization = placed_again(quantization, without_ports(quantization.placement, graph, dropped, UNSAID))
    return quantization


def without_ports(placement: Placement, graph: ov.Model, ports: set[Port], reason: str) -> Placement:
    """The placement without some quantized inputs of operations that have no weights.

    Args:
        reason: why an operation stays in float that has no other quantized input.
    """
    points = tuple(
        replace(point, consumers=kept, aligned=tuple(port for port in point.aligned if port not in ports))
        for point in placement.points
        if (kept := tuple(port for port in point.consumers if port not in ports))
    )
    left = {port.operation for point in points for port in point.consumers}
    types = {op.get_friendly_name(): op.get_type_name() for op in graph.get_ops()}
    gone = dict.fromkeys(port.operation for port in ports if port.operation not in left)
    floats = tuple(FloatLayer(name, types[name], reason) for name in sorted(gone))
    return replace(placement, points=points, sites=hoist(graph, points), left_float=placement.left_float + floats)


def _unsaid(index: Mapping[str, Any], quantization: Quantization) -> set[Port]:
    """Quantized inputs of operations without weights that no layer in front hands out in 8 bits."""
    said = {quantizer.site.tensor for quantizer in _handed_out(index, quantization).values()}
    unsaid = {name for each in quantization.quantizers if each.site.tensor not in said for name in each.site.points}
    layers = {layer.name for layer in quantization.placement.layers}
    return {
        port
        for point in quantization.placement.points
        if point.tensor in unsaid
        for port in point.consumers
        if port.operation not in layers
    }


def _handed_out(index: Mapping[str, Any], quantization: Quantization) -> dict[str, Quantizer]:
    """By layer whose result leaves in 8 bits: the quantizer at the end of what its kernel computes."""
    standing = {each.site.tensor: each for each in quantization.quantizers}
    found = {}
    for layer in quantization.placement.layers:
        end, is_unsigned = fused_end(index, layer.name)
        quantizer = standing.get(end)
        if quantizer and _serves_all(index, quantizer) and is_signed(quantizer.grid) != is_unsigned:
            found[layer.name] = quantizer
    return found


def _serves_all(index: Mapping[str, Any], quantizer: Quantizer) -> bool:
    """Does everything that reads the tensor read it in INT8?"""
    readers = {Port(op.get_friendly_name(), i) for op, i in consumers(tensor(dict(index), quantizer.site.tensor))}
    return readers == set(quantizer.site.ports)


def _quantizers_read(quantization: Quantization) -> dict[Port, Quantizer]:
    """The quantizer behind every quantized input."""
    by_point: dict[TensorKey, Quantizer] = {name: q for q in quantization.quantizers for name in q.site.points}
    return {port: by_point[p.tensor] for p in quantization.placement.points for port in p.consumers}


def _weight_scales(op: Any, layer: WeightedLayer, options: WeightOptions) -> FloatArray:
    """float32 [output channels], or [1] for one scale a layer: limit over largest |w|; 0 where all weights are 0."""
    assert layer.weight_port is not None
    value = constant_value(op.input_value(layer.weight_port))
    assert value is not None
    weights = value.astype(np.float32)
    axes = layer.weight_axes if options.per_channel else tuple(range(weights.ndim))
    largest = np.abs(weights).max(axis=axes, keepdims=True)
    limit = pair_limits(op, layer, weights, axes) if options.guard else np.float32(WEIGHT_LIMIT)
    with np.errstate(divide="ignore", over="ignore"):
        scales = np.where(largest > 0, limit / largest, 0).astype(np.float32)
    return np.asarray(np.where(np.isfinite(scales), scales, 0), np.float32).reshape(-1)
