"""Layers that change each value by itself: ReLU and its kin, and functions such as x^2 or exp(x).

Source of all formulas: the layers of BVLC Caffe 1.0 (forks where said).
"""

from collections.abc import Callable, Sequence
from math import e, log

import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, blob, constant, dims
from calibench.caffe.net import Layer

NATURAL = -1.0
"""The base of Exp and Log that stands for e."""


def relu(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """max(x, 0) + slope * min(x, 0)."""
    return [bent(inputs[0], layer.params.relu_param.negative_slope)]


def relu6(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """ReLU that ends at a threshold, 6 (a fork's)."""
    rule = layer.params.relu6_param
    if rule.negative_slope:
        return [ops.minimum(bent(inputs[0], rule.negative_slope), constant(rule.threshold)).output(0)]
    return [ops.clamp(inputs[0], 0.0, rule.threshold).output(0)]


def prelu(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """ReLU with a learned slope, one for each channel or one for all."""
    shared = layer.params.prelu_param.channel_shared
    slope = blob(layer, 0, (1,) if shared else (dims(inputs[0])[1],))
    return [ops.prelu(inputs[0], constant(slope)).output(0)]


def elu(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """x, or alpha * (exp(x) - 1) where x is negative."""
    return [ops.elu(inputs[0], layer.params.elu_param.alpha).output(0)]


def clip(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """x within min and max."""
    return [ops.clamp(inputs[0], layer.params.clip_param.min, layer.params.clip_param.max).output(0)]


def swish(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """x * sigmoid(beta * x)."""
    return [ops.swish(inputs[0], constant(layer.params.swish_param.beta)).output(0)]


def threshold(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """1 where x is greater than the threshold, else 0."""
    above = ops.greater(inputs[0], constant(layer.params.threshold_param.threshold))
    return [ops.convert(above, "f32").output(0)]


def power(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """(shift + scale * x) ^ power."""
    rule = layer.params.power_param
    value = _linear(inputs[0], rule.scale, rule.shift)
    if rule.power == 1:
        return [value if value is not inputs[0] else ops.multiply(value, constant(1.0)).output(0)]
    return [ops.power(value, constant(rule.power)).output(0)]


def exponential(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """base ^ (shift + scale * x)."""
    rule = layer.params.exp_param
    factor = log(_base(rule.base))
    return [ops.exp(_linear(inputs[0], factor * rule.scale, factor * rule.shift)).output(0)]


def logarithm(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """log_base(shift + scale * x)."""
    rule = layer.params.log_param
    value = ops.log(_linear(inputs[0], rule.scale, rule.shift)).output(0)
    return [_linear(value, 1 / log(_base(rule.base)), 0.0)]


def dropout(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """As it is in TEST; forks that do not scale in training (scale_train: false) scale here."""
    rule = layer.params.dropout_param
    return [inputs[0] if rule.scale_train else _linear(inputs[0], 1 - rule.dropout_ratio, 0.0)]


def bent(value: ov.Output, slope: float) -> ov.Output:
    """A ReLU, of a given slope where x is negative."""
    return (ops.prelu(value, constant([slope])) if slope else ops.relu(value)).output(0)


def _each(operation: Callable[[ov.Output], ov.Node]) -> Handler:
    """The handler of a layer without parameters that is one operation."""

    def handler(_layer: Layer, inputs: Sequence[ov.Output], _context: Context) -> list[ov.Output]:
        return [operation(inputs[0]).output(0)]

    return handler


def _linear(value: ov.Output, scale: float, shift: float) -> ov.Output:
    if scale != 1:
        value = ops.multiply(value, constant(scale)).output(0)
    return ops.add(value, constant(shift)).output(0) if shift != 0 else value


def _base(base: float) -> float:
    return e if base == NATURAL else base


LAYERS: dict[str, Handler] = {
    "ReLU": relu,
    "ReLU6": relu6,
    "PReLU": prelu,
    "ELU": elu,
    "Clip": clip,
    "Swish": swish,
    "Mish": _each(ops.mish),
    "Sigmoid": _each(ops.sigmoid),
    "TanH": _each(ops.tanh),
    "AbsVal": _each(ops.abs),
    "BNLL": _each(ops.softplus),
    "Threshold": threshold,
    "Power": power,
    "Exp": exponential,
    "Log": logarithm,
    "Dropout": dropout,
}
