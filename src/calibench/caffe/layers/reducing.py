"""Layers that make one value of many: ArgMax, Reduction. Source: BVLC Caffe 1.0."""

from collections.abc import Sequence

import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, axis_of, constant, dims, integers, known
from calibench.caffe.net import Layer
from calibench.errors import ModelError

SUM, ABSOLUTE_SUM, SQUARE_SUM, MEAN = 1, 2, 3, 4
"""Values of `operation`."""


def argmax(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Places of the largest values along an axis, or of all values of a sample; of equal ones the later comes first."""
    rule, value = layer.params.argmax_param, inputs[0]
    if rule.HasField("axis"):
        axis = axis_of(value, rule.axis)
        values, places = _largest(value, axis, rule.top_k)
        return [values if rule.out_max_val else places]
    rank = len(dims(value))
    values, places = _largest(ops.reshape(value, integers([0, -1]), True).output(0), 1, rule.top_k)
    new_axes = [1, *range(3, max(rank, 3))]
    rows = [ops.unsqueeze(each, integers(new_axes)).output(0) for each in (places, values)]
    return [ops.concat(rows, 1).output(0) if rule.out_max_val else rows[0]]


def _largest(value: ov.Output, axis: int, count: int) -> tuple[ov.Output, ov.Output]:
    """The largest values, largest first, and their places as float32."""
    size = known(value, axis)
    if not 1 <= count <= size:
        raise ModelError(f"top_k {count} has to lie between 1 and the {size} values.")
    # TopK prefers the earlier of two equal values, Caffe the later: it sees the values from behind
    turned = ops.slice(value, integers([-1]), integers([-size - 1]), integers([-1]), integers([axis]))
    found = ops.topk(turned, integers(count), axis, "max", "value", "i32", True)
    places = ops.subtract(constant(size - 1), ops.convert(found.output(1), "f32"))
    return found.output(0), places.output(0)


def reduction(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Sum, sum of absolute values or squares, or mean over all axes from `axis` on, times a coefficient."""
    rule, value = layer.params.reduction_param, inputs[0]
    axes = integers(list(range(axis_of(value, rule.axis), len(dims(value)))))
    operation = {SUM: ops.reduce_sum, ABSOLUTE_SUM: ops.reduce_l1, MEAN: ops.reduce_mean}.get(rule.operation)
    if operation is None:
        value, operation = ops.multiply(value, value).output(0), ops.reduce_sum
    found = operation(value, axes, False).output(0)
    return [found if rule.coeff == 1 else ops.multiply(found, constant(rule.coeff)).output(0)]


LAYERS: dict[str, Handler] = {"ArgMax": argmax, "Reduction": reduction}
