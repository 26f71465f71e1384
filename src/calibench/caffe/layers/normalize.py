"""Normalize (SSD) and Permute."""

from collections.abc import Sequence

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, axis_of, blob, constant, integers, known
from calibench.caffe.net import Layer
from calibench.errors import ModelError


def normalize(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """x / sqrt(sum of squares + eps) at each place or over the whole sample, times a learned factor.

    Source: Liu and others 2015 (arXiv:1506.04579), section 3.2; eps stands below the root as in Caffe's SSD branch.
    """
    params = layer.params.norm_param
    axes = [1, 2, 3] if params.across_spatial else [1]
    length = ops.normalize_l2(inputs[0], integers(axes), params.eps, "add")
    factors = 1 if params.channel_shared else known(inputs[0], 1)
    scale = blob(layer, 0, (factors,)).reshape(1, -1, 1, 1)
    return [ops.multiply(length, constant(scale)).output(0)]


def permute(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Axes in another order; those that `order` does not name follow in their own."""
    named = [axis_of(inputs[0], axis) for axis in layer.params.permute_param.order]
    if len(set(named)) != len(named):
        raise ModelError(f"order names an axis twice: {', '.join(map(str, named))}. Name each once.")
    rest = [axis for axis in range(len(inputs[0].partial_shape)) if axis not in named]
    return [ops.transpose(inputs[0], integers(np.array(named + rest, np.int64).tolist())).output(0)]


LAYERS: dict[str, Handler] = {"Normalize": normalize, "Permute": permute}
"""The types of layers of this file."""
