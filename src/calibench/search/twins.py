"""The INT8 twin of one layer, computed beside it from the same FP32 values."""

from dataclasses import dataclass
from typing import Any

import openvino as ov
import openvino.opset13 as ops
from openvino.utils.node_factory import NodeFactory

from calibench.models.graph import Port, WeightedLayer, operations
from calibench.quantizers.fit import Quantization, Quantizer
from calibench.quantizers.insert import (
    RoundedWeights,
    WeightOptions,
    bias_shift,
    divide,
    fake_quantize,
    round_weights,
    shaped_shift,
    stored_weights,
    tensors_read,
)
from calibench.quantizers.restrict import quantizable
from calibench.quantizers.sites import Point

_FACTORY = NodeFactory("opset13")


@dataclass(frozen=True)
class _Input:
    """How one input of a layer becomes INT8."""

    point: Point
    quantizer: Quantizer


@dataclass(frozen=True, eq=False)
class Twins:
    """Everything that a twin of any layer is made from; the weights of each layer are rounded once."""

    quantization: Quantization
    inputs: dict[Port, _Input]
    layers: dict[str, WeightedLayer]
    weights: dict[str, RoundedWeights]

    @property
    def names(self) -> tuple[str, ...]:
        """All quantized layers, in the order of the graph."""
        return quantizable(self.quantization)

    def ports(self, name: str) -> tuple[int, ...]:
        """Indices of a layer's quantized inputs."""
        return tuple(port.index for port in self.inputs if port.operation == name)

    def add(self, op: Any, values: dict[int, Any]) -> Any:
        """The output that a layer has in INT8, its bias corrected as `insert` does; the graph itself does not change.

        Args:
            op: the layer in a clone of the FP32 graph.
            values: by input index, what the twin reads in place of the layer's own inputs (before rounding).
        """
        layer = self.layers.get(op.get_friendly_name())
        read = [values.get(i, source) for i, source in enumerate(op.input_values())]
        for i in self.ports(op.get_friendly_name()):
            read[i] = self._rounded(Port(op.get_friendly_name(), i), read[i])
        if layer is not None and layer.weight_port is not None:
            read[layer.weight_port] = stored_weights(op, layer, self.weights[layer.name]).output(0)
        output = again(op, dict(enumerate(read)))
        return output if layer is None else self._corrected(op, layer, output)

    def _rounded(self, port: Port, source: Any) -> Any:
        point, quantizer = self.inputs[port].point, self.inputs[port].quantizer
        factors = self.quantization.factors.get(point.tensor)
        smoothed = source if factors is None else divide(source, factors, point.channel_axis).output(0)
        return fake_quantize(smoothed, quantizer).output(0)

    def _corrected(self, op: Any, layer: WeightedLayer, output: Any) -> Any:
        if layer.weight_port is None:
            return output
        read = tensors_read(self.quantization).get(Port(layer.name, layer.activation_ports[0]))
        shift = bias_shift(op, layer, self.quantization, read, self.weights[layer.name])
        if shift is None:
            return output
        values = shaped_shift(output, layer, shift).astype(output.get_element_type().to_dtype())
        return ops.add(output, ops.constant(values)).output(0)


def again(op: Any, values: dict[int, Any]) -> Any:
    """The output of a new operation like this one; `values`: by input index, what it reads in place of its inputs."""
    read = [values.get(i, source) for i, source in enumerate(op.input_values())]
    return _FACTORY.create(op.get_type_name(), read, op.get_attributes()).output(0)


def twins(graph: ov.Model, quantization: Quantization, options: WeightOptions) -> Twins:
    """Round the weights of every quantized layer, and look up what its inputs are rounded with.

    Args:
        graph: the normalised FP32 graph; not changed.
    """
    quantizers = {name: each for each in quantization.quantizers for name in each.site.points}
    index, read = operations(graph), tensors_read(quantization)
    layers = {layer.name: layer for layer in quantization.placement.layers}
    weights = {
        name: round_weights(index[name], layer, quantization, read.get(Port(name, layer.activation_ports[0])), options)
        for name, layer in layers.items()
        if layer.weight_port is not None
    }
    inputs = {
        port: _Input(point, quantizers[point.tensor])
        for point in quantization.placement.points
        for port in point.consumers
    }
    return Twins(quantization, inputs, layers, weights)
