"""How large integers of weights may be on a CPU without VNNI, output channel by output channel.

Such a CPU multiplies four neighbouring input channels at a time and adds the products in pairs of 16 bits, which
saturate. An activation is at most 255, so that two weights of one sign may come to 128 together. One bit less for all
(-63..63) is safe whatever the weights; most channels bear more, because their two largest weights do not meet.
"""

from typing import Any

import numpy as np

from calibench.models.graph import FloatArray, WeightedLayer, matmul_inner_axis
from calibench.quantizers.integers import GUARDED_WEIGHT_LIMIT, WEIGHT_LIMIT

TOGETHER = 4
"""Input channels that the kernels multiply at a time; any two of them are taken as a pair."""
INPUT_AXES = {
    "Convolution": 1,
    "GroupConvolution": 2,
    "ConvolutionBackpropData": 0,
    "GroupConvolutionBackpropData": 1,
}


def pair_limits(op: Any, layer: WeightedLayer, weights: FloatArray, axes: tuple[int, ...]) -> FloatArray:
    """The largest integers with which no pair of products leaves 16 bits.

    A depthwise layer with one output a channel has a kernel of its own, that adds in 32 bits: it keeps all 8. Where the
    channels do not come in whole fours, neighbours may belong to two places of the kernel, so that any two weights of
    the output channel are a pair.

    Args:
        weights: float32, of the layer's own shape.
        axes: axes that one scale covers together.

    Returns:
        float32 whole numbers from 63 to 127, `axes` of length 1.
    """
    largest = np.abs(weights).max(axis=axes, keepdims=True)
    if layer.is_depthwise and weights.shape[1] == 1:
        return np.full(largest.shape, WEIGHT_LIMIT, np.float32)
    sums = np.maximum(_pairs(op, layer, weights, axes), _pairs(op, layer, -weights, axes))
    # Two roundings add at most 1 to a sum of 127.
    share = np.maximum(sums / np.maximum(largest, np.finfo(np.float32).tiny), 1)
    limits = np.clip(np.floor(WEIGHT_LIMIT / share), GUARDED_WEIGHT_LIMIT, WEIGHT_LIMIT)
    return np.asarray(limits, np.float32)


def _pairs(op: Any, layer: WeightedLayer, weights: FloatArray, axes: tuple[int, ...]) -> FloatArray:
    """The largest sum of two positive weights that may meet, `axes` of length 1."""
    positive = np.maximum(weights, 0)
    axis = _input_axis(op, layer, weights.ndim)
    count = weights.shape[axis]
    if count % TOGETHER:
        kept = [i for i in range(weights.ndim) if i not in axes]
        rows = positive.transpose(*kept, *axes).reshape(*(weights.shape[i] for i in kept), -1)
        found = _two_largest(rows, rows.ndim - 1)
    else:
        split = (*weights.shape[:axis], count // TOGETHER, TOGETHER, *weights.shape[axis + 1 :])
        found = _two_largest_of_four(np.moveaxis(positive.reshape(split), axis + 1, 0)).max(axis=axes)
    return np.asarray(np.expand_dims(found, axes), np.float32)


def _two_largest(values: FloatArray, axis: int) -> FloatArray:
    if values.shape[axis] < 2:
        return np.asarray(values.sum(axis))
    top = np.partition(values, values.shape[axis] - 2, axis)
    return np.asarray(np.take(top, (-2, -1), axis).sum(axis))


def _two_largest_of_four(values: FloatArray) -> FloatArray:
    """The same along the first axis, of length 4: many times as fast."""
    left, right, third, fourth = values
    first, second = np.maximum(left, right), np.maximum(third, fourth)
    pairs = first + second, left + right, third + fourth
    return np.asarray(np.maximum(np.maximum(*pairs[:2]), pairs[2]))


def _input_axis(op: Any, layer: WeightedLayer, dims: int) -> int:
    """The axis of the weights along which the input's channels lie."""
    if layer.type == "MatMul":
        assert layer.weight_port is not None
        return int(matmul_inner_axis(op, layer.weight_port, dims))
    return INPUT_AXES[layer.type]
