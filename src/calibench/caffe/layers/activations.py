"""Layers that change each value by itself: ReLU and its kin."""

from collections.abc import Sequence

import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, blob, constant, dims
from calibench.caffe.net import Layer


def relu(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """max(x, 0) + slope * min(x, 0)."""
    slope = layer.params.relu_param.negative_slope
    if slope == 0:
        return [ops.relu(inputs[0]).output(0)]
    return [ops.prelu(inputs[0], constant([slope])).output(0)]


def relu6(_layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """x within 0 and 6."""
    return [ops.clamp(inputs[0], 0.0, 6.0).output(0)]


def prelu(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """ReLU with a learned slope, one for each channel or one for all."""
    shared = layer.params.prelu_param.channel_shared
    slope = blob(layer, 0, (1,) if shared else (dims(inputs[0])[1],))
    return [ops.prelu(inputs[0], constant(slope)).output(0)]


LAYERS: dict[str, Handler] = {"ReLU": relu, "ReLU6": relu6, "PReLU": prelu}
