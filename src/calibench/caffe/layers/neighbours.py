"""Layers that weigh values against their neighbours: LRN, MVN, Softmax. Source: BVLC Caffe 1.0."""

from collections.abc import Sequence

import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, axis_of, dims, integers
from calibench.caffe.net import Layer

WITHIN_CHANNEL = 1
"""Value of `norm_region`; 0 is across channels."""


def lrn(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """x / (k + alpha * mean of squares) ^ beta, over neighbouring channels or pixels; k is 1 over pixels."""
    rule = layer.params.lrn_param
    within = rule.norm_region == WITHIN_CHANNEL
    axes, k = ([2, 3], 1.0) if within else ([1], rule.k)
    return [ops.lrn(inputs[0], integers(axes), rule.alpha, rule.beta, k, rule.local_size).output(0)]


def mvn(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """(x - mean) / (deviation + eps) of each plane, or of all channels together."""
    rule, rank = layer.params.mvn_param, len(dims(inputs[0]))
    axes = integers(list(range(1 if rule.across_channels else 2, rank)))
    if not rule.normalize_variance:
        return [ops.subtract(inputs[0], ops.reduce_mean(inputs[0], axes, True)).output(0)]
    return [ops.mvn(inputs[0], axes, True, rule.eps, "outside_sqrt").output(0)]


def softmax(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """exp(x) / sum of exp(x) along an axis."""
    return [ops.softmax(inputs[0], axis_of(inputs[0], layer.params.softmax_param.axis)).output(0)]


LAYERS: dict[str, Handler] = {"LRN": lrn, "MVN": mvn, "Softmax": softmax}
