"""Layers that join or divide blobs: Eltwise, Concat, Slice, Split. Source: BVLC Caffe 1.0."""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, axis_of, constant, dims, integers, known
from calibench.caffe.net import Layer
from calibench.errors import ModelError

PRODUCT, SUM, MAXIMUM = 0, 1, 2
"""Values of `operation`."""


def eltwise(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Product, sum (each bottom times its coefficient) or maximum of bottoms of one shape."""
    rule = layer.params.eltwise_param
    if rule.operation == SUM:
        inputs = _weighted(inputs, list(rule.coeff))
    join = {PRODUCT: ops.multiply, SUM: ops.add, MAXIMUM: ops.maximum}[rule.operation]
    return [reduce(lambda left, right: join(left, right).output(0), inputs)]


def _weighted(inputs: Sequence[ov.Output], coefficients: list[float]) -> list[ov.Output]:
    if coefficients and len(coefficients) != len(inputs):
        raise ModelError(f"there are {len(coefficients)} values `coeff` for {len(inputs)} bottoms.")
    pairs = zip(inputs, coefficients or [1.0] * len(inputs), strict=True)
    return [value if factor == 1 else ops.multiply(value, constant(factor)).output(0) for value, factor in pairs]


def concat(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """The bottoms one behind the other along an axis."""
    rule = layer.params.concat_param
    axis = axis_of(inputs[0], rule.concat_dim if rule.HasField("concat_dim") else rule.axis)
    if rule.per_fla_fuse and axis == 1 and all(len(dims(value)) == 4 for value in inputs):
        inputs = [_with_channels_last(value) for value in inputs]
    return [ops.concat(list(inputs), axis).output(0)]


def _with_channels_last(value: ov.Output) -> ov.Output:
    """[N, C, H, W] -> [N, H*W*C, 1, 1]: Permute and Flatten, which Intel Caffe leaves to the Concat behind them."""
    count = known(value, 1) * known(value, 2) * known(value, 3)
    turned = ops.transpose(value, integers([0, 2, 3, 1]))
    return ops.reshape(turned, integers([0, count, 1, 1]), True).output(0)


def slice_apart(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Parts of the bottom along an axis: between the points, or of equal size."""
    rule, tops = layer.params.slice_param, len(layer.tops)
    axis = axis_of(inputs[0], rule.slice_dim if rule.HasField("slice_dim") else rule.axis)
    size, points = known(inputs[0], axis), list(rule.slice_point)
    if not points and size % tops:
        raise ModelError(f"the {size} values of axis {axis} cannot be divided evenly among {tops} tops.")
    if points and (len(points) != tops - 1 or sorted({0, *points, size}) != [0, *points, size]):
        raise ModelError(f"the values `slice_point` {points} do not divide {size} values among {tops} tops.")
    edges = [0, *points, size] if points else [size // tops * part for part in range(tops + 1)]
    lengths = [end - begin for begin, end in pairwise(edges)]
    return list(ops.variadic_split(inputs[0], integers(axis), integers(lengths)).outputs())


def split(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """The bottom for each top."""
    return [inputs[0]] * len(layer.tops)


LAYERS: dict[str, Handler] = {"Eltwise": eltwise, "Concat": concat, "Slice": slice_apart, "Split": split}
