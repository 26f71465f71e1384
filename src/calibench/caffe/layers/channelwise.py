"""BatchNorm, Scale, Bias where they are not folded into a convolution; Axpy, which multiplies channels by an input.

Source: BVLC Caffe 1.0; Axpy: SENet's fork.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray

from calibench.caffe.affine import Affine, affine_of, fork_norm, stored_norm, uses_stored
from calibench.caffe.handler import Context, Handler, axis_of, blob, constant, dims, integers, known
from calibench.caffe.layers.activations import bent
from calibench.caffe.net import Layer
from calibench.errors import ModelError


def batch_norm(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """(x - mean) / sqrt(variance + eps) with stored mean and variance; those of the batch if the file says so."""
    value, rule = inputs[0], layer.params.batch_norm_param
    if uses_stored(layer):
        normed = apply(value, stored_norm(layer, known(value, 1)))
    else:
        normed = _norm_by_batch(value, rule.eps)
    return [bent(normed, 0.0) if rule.relu else normed]


def bn(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Gain and bias of forks, behind the norm where mean and variance are stored too."""
    return [apply(inputs[0], fork_norm(layer, known(inputs[0], 1)))]


def scale(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """x times a blob, or a second bottom, from `axis` on; then a bias."""
    rule, value = layer.params.scale_param, inputs[0]
    folded = affine_of(layer, known(value, 1)) if len(dims(value)) > 1 else None
    if folded is not None:
        return [apply(value, folded)]
    axis = axis_of(value, rule.axis)
    factor, shape = _operand(layer, inputs, axis, rule.num_axes)
    scaled = ops.multiply(value, factor).output(0)
    if not rule.bias_term:
        return [scaled]
    bias = blob(layer, 0 if len(inputs) > 1 else 1, shape)
    return [ops.add(scaled, constant(_aligned(bias, axis, len(dims(value))))).output(0)]


def bias(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """x plus a blob, or a second bottom, from `axis` on."""
    rule, value = layer.params.bias_param, inputs[0]
    shift, _shape = _operand(layer, inputs, axis_of(value, rule.axis), rule.num_axes)
    return [ops.add(value, shift).output(0)]


def axpy(_layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """scale * x + y; bottoms: scale [N, C] or [N, C, 1, 1], x, y."""
    factor, value, other = inputs
    missing = len(dims(value)) - len(dims(factor))
    if missing:
        factor = ops.unsqueeze(factor, integers(list(range(2, 2 + missing)))).output(0)
    return [ops.add(ops.multiply(value, factor), other).output(0)]


def apply(value: ov.Output, affine: Affine) -> ov.Output:
    """gain * x + shift; what changes nothing is left out."""
    rank = len(dims(value))
    if np.any(affine.gain != 1) or not np.any(affine.shift):
        value = ops.multiply(value, _by_channel(affine.gain, rank)).output(0)
    return ops.add(value, _by_channel(affine.shift, rank)).output(0) if np.any(affine.shift) else value


def _by_channel(values: NDArray[Any], rank: int) -> ov.Output:
    return constant(values.astype(np.float32).reshape(1, -1, *[1] * (rank - 2)))


def _operand(layer: Layer, inputs: Sequence[ov.Output], axis: int, count: int) -> tuple[ov.Output, tuple[int, ...]]:
    """What is multiplied or added, aligned to the input, and its own shape ((-1, ...) where parts are not known)."""
    sizes = dims(inputs[0])
    if len(inputs) > 1:
        own = dims(inputs[1])
        behind = len(sizes) - axis - len(own)
        if behind < 0:
            raise ModelError(f"the second bottom has {len(own)} axes, more than the first has from axis {axis} on.")
        new_axes = [*range(axis), *range(axis + len(own), len(sizes))]
        return (ops.unsqueeze(inputs[1], integers(new_axes)).output(0) if new_axes else inputs[1]), tuple(own)
    end = len(sizes) if count == -1 else axis + count
    shape = tuple(known(inputs[0], each) for each in range(axis, end))
    return constant(_aligned(blob(layer, 0, shape), axis, len(sizes))), shape


def _aligned(values: NDArray[Any], axis: int, rank: int) -> NDArray[Any]:
    return values.reshape(*[1] * axis, *values.shape, *[1] * (rank - axis - values.ndim)) if values.ndim else values


def _norm_by_batch(value: ov.Output, eps: float) -> ov.Output:
    axes = integers([0, *range(2, len(dims(value)))])
    return ops.mvn(value, axes, True, eps, "inside_sqrt").output(0)


LAYERS: dict[str, Handler] = {"BatchNorm": batch_norm, "BN": bn, "Scale": scale, "Bias": bias, "Axpy": axpy}
