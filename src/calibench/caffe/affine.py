"""Layers that are gain * x + shift for each channel in TEST: BatchNorm, Scale, Bias, linear Power.

One formula for the handlers, which compute such a layer, and for folding, which computes it into the weights in front.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.caffe.handler import blob
from calibench.caffe.net import Layer

DoubleArray = NDArray[np.float64]

PSP_BLOBS = 4
"""A layer `BN` with so many blobs holds slope, bias, mean and variance (PSPNet); with two slope and bias (SegNet)."""


@dataclass(frozen=True, eq=False)
class Affine:
    """gain * x + shift.

    Attributes:
        gain, shift: float64 [C], or [1] for all channels.
    """

    gain: DoubleArray
    shift: DoubleArray

    def then(self, later: "Affine") -> "Affine":
        """Both as one."""
        return Affine(later.gain * self.gain, later.gain * self.shift + later.shift)


def affine_of(layer: Layer, channels: int) -> Affine | None:
    """What a layer does to each channel of axis 1; None where it does something else.

    Raises:
        ModelError: a blob is missing or does not fit.
    """
    rule = layer.params
    match layer.type:
        case "BatchNorm" if uses_stored(layer) and not rule.batch_norm_param.relu:
            return stored_norm(layer, channels)
        case "BN":
            return fork_norm(layer, channels)
        case "Scale" if _is_by_channel(layer, rule.scale_param):
            return _scale(layer, channels)
        case "Bias" if _is_by_channel(layer, rule.bias_param):
            shift = blob(layer, 0, _shape(rule.bias_param, channels))
            return Affine(np.ones(1), _double(shift))
        case "Power" if rule.power_param.power == 1:
            return Affine(
                np.array([rule.power_param.scale], np.float64), np.array([rule.power_param.shift], np.float64)
            )
    return None


def uses_stored(layer: Layer) -> bool:
    """Whether a BatchNorm takes mean and variance from its blobs, as it does in TEST unless told otherwise."""
    rule = layer.params.batch_norm_param
    return bool(rule.use_global_stats) if rule.HasField("use_global_stats") else True


def stored_norm(layer: Layer, channels: int) -> Affine:
    """Blobs: mean and variance, both times a factor; the factor, 0 for nothing stored; Intel's: gain and bias too.

    Raises:
        ModelError: a blob is missing or does not fit.

    Source: BVLC Caffe 1.0, batch_norm_layer.cpp.
    """
    mean, variance = (_double(blob(layer, number, (channels,))) for number in (0, 1))
    factor = float(blob(layer, 2, (1,))[0])
    weight = 1 / factor if factor else 0.0
    gain = 1 / np.sqrt(variance * weight + layer.params.batch_norm_param.eps)
    normed = Affine(gain, -mean * weight * gain)
    extra = [_double(blob(layer, number, (channels,))) for number in range(3, min(len(layer.blobs), 5))]
    return normed.then(Affine(extra[0], extra[1] if len(extra) > 1 else np.zeros(1))) if extra else normed


def fork_norm(layer: Layer, channels: int) -> Affine:
    """A layer `BN`: slope and bias, behind the norm where mean and variance are stored too.

    Raises:
        ModelError: a blob is missing or does not fit.
    """
    slope, bias, *stored = (_double(blob(layer, number, (channels,))) for number in range(max(2, len(layer.blobs))))
    if len(stored) + 2 < PSP_BLOBS:
        return Affine(slope, bias)
    gain = 1 / np.sqrt(stored[1] + layer.params.bn_param.eps)
    return Affine(gain, -stored[0] * gain).then(Affine(slope, bias))


def _scale(layer: Layer, channels: int) -> Affine:
    rule = layer.params.scale_param
    shape = _shape(rule, channels)
    shift = _double(blob(layer, 1, shape)) if rule.bias_term else np.zeros(1)
    return Affine(_double(blob(layer, 0, shape)), shift)


def _is_by_channel(layer: Layer, rule: Any) -> bool:
    """One blob over axis 1, or one number for all."""
    axis, count = rule.axis, rule.num_axes
    return len(layer.bottoms) == 1 and (count == 0 or (axis == 1 and count == 1))


def _shape(rule: Any, channels: int) -> tuple[int, ...]:
    return () if rule.num_axes == 0 else (channels,)


def _double(values: NDArray[np.float32]) -> DoubleArray:
    return np.atleast_1d(values.astype(np.float64))
