"""Convolution, Deconvolution, InnerProduct, Embed: what multiplies by learned weights.

The operation that multiplies has the name of the layer, its bias `<layer>/bias`: scales of INT8 layers are found by it.
Source: BVLC Caffe 1.0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, axis_of, blob, constant, dims, integers, known, named
from calibench.caffe.layers.activations import bent
from calibench.caffe.net import Layer
from calibench.errors import ModelError

DEPTHWISE = ("ConvolutionDepthwise", "DepthwiseConvolution")
"""Names by which forks call a convolution with a group for each channel."""


@dataclass(frozen=True)
class Window:
    """Kernel, stride, padding and dilation of each spatial axis."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]


def window(rule: Any, axes: int) -> Window:
    """The window of a convolution over a number of spatial axes, in whichever spelling the file has it.

    Raises:
        ModelError: a list has neither one number nor one for each axis.
    """
    return Window(
        _sizes(rule, "kernel_size", "kernel", axes),
        _sizes(rule, "stride", "stride", axes, 1),
        _sizes(rule, "pad", "pad", axes, 0),
        _sizes(rule, "dilation", "", axes, 1),
    )


def groups(layer: Layer) -> int:
    """Into how many groups a convolution divides its channels."""
    rule = layer.params.convolution_param
    return int(rule.num_output if layer.type in DEPTHWISE and rule.group == 1 else rule.group)


def convolution(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Weights [outputs, inputs / group, kernel ...]; several bottoms share them."""
    return [_convolve(layer, value, place) for place, value in enumerate(inputs)]


def _convolve(layer: Layer, value: ov.Output, place: int) -> ov.Output:
    rule, group, channels = layer.params.convolution_param, groups(layer), _channels(layer, value)
    if rule.fusion_type:
        raise ModelError("a convolution of fusion_type SUM_FUSION cannot be converted. Give the net before its fusion.")
    at = window(rule, len(dims(value)) - 2)
    weights = blob(layer, 0, (rule.num_output, channels // group, *at.kernel))
    pads, name = list(at.pad), _numbered(layer.name, place)
    if group == 1:
        node = ops.convolution(value, constant(weights), list(at.stride), pads, pads, list(at.dilation))
    else:
        grouped = constant(weights.reshape(group, rule.num_output // group, *weights.shape[1:]))
        node = ops.group_convolution(value, grouped, list(at.stride), pads, pads, list(at.dilation))
    return _with_bias(layer, named(node, name), name)


def deconvolution(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Weights [inputs, outputs / group, kernel ...]; size of the output: stride * (size - 1) + kernel - 2 * pad."""
    rule, group, value = layer.params.convolution_param, groups(layer), inputs[0]
    channels, at = _channels(layer, value), window(rule, len(dims(value)) - 2)
    weights = blob(layer, 0, (channels, rule.num_output // group, *at.kernel))
    options = {
        "strides": list(at.stride),
        "pads_begin": list(at.pad),
        "pads_end": list(at.pad),
        "dilations": list(at.dilation),
    }
    if group == 1:
        node = ops.convolution_backprop_data(value, constant(weights), **options)
    else:
        grouped = constant(weights.reshape(group, channels // group, *weights.shape[1:]))
        node = ops.group_convolution_backprop_data(value, grouped, **options)
    return [_with_bias(layer, named(node, layer.name), layer.name)]


def inner_product(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """All axes from `axis` on are one; weights [outputs, inputs], or the other way round with `transpose`."""
    rule, value = layer.params.inner_product_param, inputs[0]
    axis = axis_of(value, rule.axis)
    length = prod(known(value, each) for each in range(axis, len(dims(value))))
    if len(dims(value)) != axis + 1:
        value = ops.reshape(value, integers([0] * axis + [length]), True).output(0)
    shape = (length, rule.num_output) if rule.transpose else (rule.num_output, length)
    node = ops.matmul(value, constant(blob(layer, 0, shape)), False, not rule.transpose)
    found = named(node, layer.name)
    if rule.bias_term:
        bias = constant(blob(layer, 1, (rule.num_output,)).reshape([1] * axis + [rule.num_output]))
        found = named(ops.add(found, bias), f"{layer.name}/bias")
    return [_activated(rule, found, layer.name)]


def embed(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """The row of the weights that each input number names."""
    rule = layer.params.embed_param
    weights = constant(blob(layer, 0, (rule.input_dim, rule.num_output)))
    rows = ops.gather(weights, ops.convert(inputs[0], "i64"), integers(0)).output(0)
    return [ops.add(rows, constant(blob(layer, 1, (rule.num_output,)))).output(0) if rule.bias_term else rows]


def _with_bias(layer: Layer, value: ov.Output, name: str) -> ov.Output:
    rule = layer.params.convolution_param
    if rule.bias_term:
        bias = blob(layer, 1, (rule.num_output,)).reshape(1, -1, *[1] * (len(dims(value)) - 2))
        value = named(ops.add(value, constant(bias)), f"{name}/bias")
    return _activated(rule, value, name)


def _activated(rule: Any, value: ov.Output, name: str) -> ov.Output:
    """With the ReLU that Intel's fork can hold in the layer itself."""
    return named(bent(value, rule.negative_slope).get_node(), f"{name}/relu") if rule.relu else value


def _channels(layer: Layer, value: ov.Output) -> int:
    rule, group, channels = layer.params.convolution_param, groups(layer), known(value, 1)
    if axis_of(value, rule.axis) != 1:
        raise ModelError(f"a convolution over the channels of axis {rule.axis} cannot be converted, only of axis 1.")
    if channels % group or rule.num_output % group:
        raise ModelError(
            f"group {group} divides the {channels} input channels or the {rule.num_output} outputs unevenly."
        )
    return channels


def _sizes(rule: Any, repeated: str, stem: str, axes: int, default: int | None = None) -> tuple[int, ...]:
    """The number of each spatial axis: `<stem>_h` and `<stem>_w` where they are there, else the repeated field."""
    if stem and axes == 2 and (rule.HasField(f"{stem}_h") or rule.HasField(f"{stem}_w")):
        return (getattr(rule, f"{stem}_h"), getattr(rule, f"{stem}_w"))
    found = tuple(int(size) for size in getattr(rule, repeated))
    if not found and default is not None:
        found = (default,)
    if len(found) not in (1, axes):
        raise ModelError(f"{repeated} holds {len(found)} numbers; it needs one, or one for each of the {axes} axes.")
    return found if len(found) == axes else found * axes


def _numbered(name: str, place: int) -> str:
    return f"{name}#{place + 1}" if place else name


LAYERS: dict[str, Handler] = {
    "Convolution": convolution,
    **dict.fromkeys(DEPTHWISE, convolution),
    "Deconvolution": deconvolution,
    "InnerProduct": inner_product,
    "Embed": embed,
}
