"""Turn a clone of the FP32 graph into the INT8 model: FakeQuantize on activations, INT8 constants for weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from calibench.models.graph import (
    FloatArray,
    Port,
    TensorKey,
    WeightedLayer,
    constant_value,
    consumers,
    operations,
    rank,
    tensor,
)
from calibench.quantizers.fit import Quantization, Quantizer
from calibench.quantizers.integers import ACTIVATION_LEVELS, WEIGHT_LIMIT, quantize_weights
from calibench.quantizers.pair_limits import pair_limits
from calibench.quantizers.weights import mean_output


@dataclass(frozen=True)
class WeightOptions:
    """How weights are stored.

    Attributes:
        guard: no pair of products may leave 16 bits, for CPUs without VNNI (see `pair_limits`).
    """

    per_channel: bool = True
    guard: bool = False


Shifts = Mapping[str, FloatArray]
"""float32 [output channels] by name of a weighted layer: what is added to its bias."""


def insert(graph: ov.Model, quantization: Quantization, options: WeightOptions, shifts: Shifts = {}) -> ov.Model:  # noqa: B006 - never changed
    """The INT8 model.

    Args:
        graph: normalised FP32 graph; not changed.
        shifts: what is added to the biases of quantized layers, after their own correction.
    """
    model = graph.clone()
    index = operations(model)
    read_from = _divide_channels(index, quantization)
    for quantizer in quantization.quantizers:
        source = read_from.get(quantizer.site.tensor) or tensor(index, quantizer.site.tensor)
        node = fake_quantize(source, quantizer)
        _name(node, f"{quantizer.site.tensor[0]}.{quantizer.site.tensor[1]}/quantizer")
        for port in quantizer.site.ports:
            index[port.operation].input(port.index).replace_source_output(node.output(0))
    inputs = tensors_read(quantization)
    for layer in quantization.placement.layers:
        if layer.weight_port is not None:
            _replace_weights(index[layer.name], layer, quantization, inputs, options)
        if layer.name in shifts:
            add_to_bias(index[layer.name], layer, shifts[layer.name])
    model.validate_nodes_and_infer_types()
    return model


def _divide_channels(index: dict[str, Any], quantization: Quantization) -> dict[TensorKey, Any]:
    """Put the smoothing in front of the quantizers; the divided tensors by the name of the original."""
    divided = {}
    for point in quantization.placement.points:
        factors = quantization.factors.get(point.tensor)
        if factors is not None:
            node = divide(tensor(index, point.tensor), factors, point.channel_axis)
            _name(node, f"{point.tensor[0]}.{point.tensor[1]}/smoothing")
            divided[point.tensor] = node.output(0)
    return divided


def fake_quantize(source: Any, quantizer: Quantizer) -> Any:
    """The node that brings a tensor, smoothed already, to the grid of a quantizer."""
    grid = quantizer.grid
    shape = _broadcast_shape(grid.low.size, quantizer.channel_axis, rank(source) or 1)
    low, high = (_constant(bound.reshape(shape), source) for bound in (grid.low, grid.high))
    return ops.fake_quantize(source, low, high, low, high, ACTIVATION_LEVELS)


def divide(source: Any, factors: FloatArray, axis: int) -> Any:
    """The node that divides the channels of a tensor by float32 [channels]."""
    shape = _broadcast_shape(factors.size, axis, rank(source) or 1)
    return ops.multiply(source, _constant(np.asarray(1 / factors, np.float32).reshape(shape), source))


def _broadcast_shape(size: int, axis: int | None, dims: int) -> list[int]:
    if axis is None or size == 1:
        return []
    return [size if i == axis else 1 for i in range(dims)]


def _constant(values: FloatArray, like: Any) -> Any:
    """A constant of the element type in which a tensor is computed: FP32, or FP16 in models stored that way."""
    return ops.constant(values.astype(like.get_element_type().to_dtype()))


def _name(node: Any, name: str) -> None:
    """Name an inserted node and its constants: names that OpenVINO makes up differ from run to run."""
    node.set_friendly_name(name)
    for number, value in enumerate(node.input_values()):
        if value.get_node().get_type_name() == "Constant":
            value.get_node().set_friendly_name(f"{name}/{number}")


@dataclass(frozen=True, eq=False)
class RoundedWeights:
    """The weights of one layer before and after rounding.

    Attributes:
        exact: float32, of the layer's own shape; with the smoothing of its input multiplied in.
        integers: int8, of the same shape.
        scale: float32, broadcasts to that shape: integers * scale is what the INT8 model computes with.
    """

    exact: FloatArray
    integers: NDArray[np.int8]
    scale: FloatArray


def tensors_read(quantization: Quantization) -> dict[Port, TensorKey]:
    """The measured tensor behind each input whose channels are those of the statistics."""
    return {port: point.tensor for point in quantization.placement.points for port in point.aligned}


def round_weights(
    op: Any, layer: WeightedLayer, quantization: Quantization, read: TensorKey | None, options: WeightOptions
) -> RoundedWeights:
    """What becomes of a layer's constant weights.

    Args:
        op: the layer in a clone of the FP32 graph.
        read: the measured tensor that the layer reads, where there is one.
    """
    assert layer.weight_port is not None
    value = constant_value(op.input_value(layer.weight_port))
    assert value is not None
    weights = value.astype(np.float32)
    factors = quantization.factors.get(read) if read else None
    if factors is not None:
        weights = weights * _along_input(layer, weights, factors)
    axes = layer.weight_axes if options.per_channel else tuple(range(weights.ndim))
    limit = pair_limits(op, layer, weights, axes) if options.guard else WEIGHT_LIMIT
    return RoundedWeights(weights, *quantize_weights(weights, axes, limit))


def _replace_weights(
    op: Any, layer: WeightedLayer, quantization: Quantization, inputs: dict[Port, TensorKey], options: WeightOptions
) -> None:
    """INT8 constant -> Convert -> Multiply in place of the weights, and the mean of the error put into the bias."""
    assert layer.weight_port is not None
    read = inputs.get(Port(layer.name, layer.activation_ports[0]))
    rounded = round_weights(op, layer, quantization, read, options)
    scaled = stored_weights(op, layer, rounded)
    op.input(layer.weight_port).replace_source_output(scaled.output(0))
    shift = bias_shift(op, layer, quantization, read, rounded)
    if shift is not None:
        add_to_bias(op, layer, shift)


def stored_weights(op: Any, layer: WeightedLayer, rounded: RoundedWeights) -> Any:
    """INT8 constant -> Convert -> Multiply, in the element type in which the layer computes; the last of the three."""
    stored = ops.constant(rounded.integers)
    stored.set_friendly_name(f"{layer.name}/weights")
    wide = ops.convert(stored, op.get_output_element_type(0).to_string())
    wide.set_friendly_name(f"{layer.name}/weights/convert")
    scaled = ops.multiply(wide, _constant(rounded.scale, op.output(0)))
    _name(scaled, f"{layer.name}/weights/scale")
    return scaled


def bias_shift(
    op: Any, layer: WeightedLayer, quantization: Quantization, read: TensorKey | None, rounded: RoundedWeights
) -> FloatArray | None:
    """float32 [output channels] that takes the mean of the rounding errors out again; None where nothing is done."""
    if not quantization.recipe.bias_correction or read is None:
        return None
    weights = rounded.integers * rounded.scale
    lost = mean_output(op, layer, rounded.exact - weights, quantization.means[read])
    moved = mean_output(op, layer, weights, quantization.shifts[read])
    if lost is None or moved is None or not (lost - moved).any():
        return None
    return np.asarray(lost - moved, np.float32)


def _along_input(layer: WeightedLayer, weights: FloatArray, factors: FloatArray) -> FloatArray:
    """Factors shaped to multiply the weights along the MatMul's summed axis."""
    shape = [1] * weights.ndim
    shape[layer.weight_axes[0]] = factors.size
    return factors.reshape(shape)


def shaped_shift(output: Any, layer: WeightedLayer, shift: FloatArray) -> FloatArray:
    """float32 [output channels] in a shape that can be added to the output of a layer."""
    dims = rank(output) or 1
    return shift.reshape(_broadcast_shape(shift.size, dims - 1 if layer.type == "MatMul" else 1, dims))


def add_to_bias(op: Any, layer: WeightedLayer, shift: FloatArray) -> None:
    """Add float32 [output channels] to a layer's bias; a layer without one gets it."""
    output = op.output(0)
    shaped = shaped_shift(output, layer, shift)
    readers = list(consumers(output))
    if len(readers) == 1 and readers[0][0].get_type_name() == "Add":
        addition, port = readers[0]
        bias = constant_value(addition.input_value(1 - port))
        if bias is not None:
            constant = _constant(bias.astype(np.float32) + shaped, output)
            name = f"{layer.name}/bias"
            taken = name == addition.get_friendly_name()  # as reading a Caffe network names it, and many exports do
            constant.set_friendly_name(f"{name}/values" if taken else name)
            addition.input(1 - port).replace_source_output(constant.output(0))
            return
    added = ops.add(output, _constant(shaped, output))
    _name(added, f"{layer.name}/bias")
    for reader, port in readers:
        reader.input(port).replace_source_output(added.output(0))
