"""The integer grids of the device, and how a range becomes one: the only place that knows -128, 127 and 255."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

ACTIVATION_LEVELS = 256
"""Always 256: with 255 the runtime rescales, which cost 8 dB and 14 % of the speed on EfficientNet-Lite0."""
WEIGHT_LIMIT = 127
"""Weights are -127..127: symmetric, so that their zero point is 0."""
GUARDED_WEIGHT_LIMIT = 63
"""Weights of one bit less, where the CPU adds pairs of products in 16 bits (no VNNI) and would overflow."""
SMALLEST_SCALE = np.float32(1e-12)
LARGEST_RANGE = 1e5
"""A tensor with larger values holds masks or is broken; it is not quantized."""
ASYMMETRIC_GAIN = 1.05
"""Asymmetric only where it makes the step at least this much smaller: a zero point is not free."""


@dataclass(frozen=True)
class Grid:
    """The 256 values that an activation can take, from `low` to `high` in equal steps; 0.0 is one of them.

    Attributes:
        low, high: float32 [1] per tensor or [C] per channel.
    """

    low: FloatArray
    high: FloatArray

    @property
    def scale(self) -> FloatArray:
        """float32, as low: one step."""
        return ((self.high - self.low) / np.float32(ACTIVATION_LEVELS - 1)).astype(np.float32)

    @property
    def zero_point(self) -> NDArray[np.int64]:
        """The integer that stands for 0.0: 0 for u8 [0, high], 128 above the lowest for s8 (that is, 0 as s8)."""
        return np.asarray(np.rint(-self.low / self.scale), np.int64)

    @property
    def is_symmetric(self) -> bool:
        """Is the zero point 0, as unsigned or as signed byte?"""
        return bool(np.isin(self.zero_point, (0, ACTIVATION_LEVELS // 2)).all())

    def apply(self, values: FloatArray) -> FloatArray:
        """The nearest value of the grid; channels on the last axis. Follows FakeQuantize of opset 1 (C++ reference)."""
        steps = np.rint((np.clip(values, self.low, self.high) - self.low) / self.scale)
        return np.asarray(steps * self.scale + self.low, np.float32)


def make_grid(low: NDArray[np.floating], high: NDArray[np.floating], *, asymmetric: bool) -> Grid:
    """The grid that holds a range, widened to contain 0.0 as one of its values.

    Args:
        low, high: float [1] or [C], low <= high, in the tensor's unit.
        asymmetric: the zero point may be other than 0 where that makes the step clearly smaller.

    Raises:
        ValueError: low > high, or a value is not finite.

    Source: OpenVINO FakeQuantize, opset 1; the alignment of zero follows Krishnamoorthi 2018 (arXiv:1806.08342).
    """
    low64, high64 = np.minimum(low, 0).astype(np.float64), np.maximum(high, 0).astype(np.float64)
    if not (np.isfinite(low64).all() and np.isfinite(high64).all()) or (np.asarray(low) > np.asarray(high)).any():
        raise ValueError("a range must be finite, with low <= high")
    steps = ACTIVATION_LEVELS - 1
    high64 = np.maximum(high64, low64 + steps * float(SMALLEST_SCALE))
    if (low64 >= 0).all():
        return _grid(np.zeros_like(high64), high64)
    half = ACTIVATION_LEVELS // 2
    symmetric = np.maximum(-low64 / half, high64 / (half - 1))
    aligned = _aligned_scale(low64, high64)
    if asymmetric and (symmetric > ASYMMETRIC_GAIN * aligned).any():
        below = np.rint(-low64 / aligned)
        return _grid(-below * aligned, (steps - below) * aligned)
    return _grid(-half * symmetric, (half - 1) * symmetric)


def _aligned_scale(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest step for which the whole range fits with 0.0 on the grid."""
    steps = ACTIVATION_LEVELS - 1
    below = np.clip(np.rint(-low / ((high - low) / steps)), 0, steps)
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.maximum(
            np.where(below > 0, -low / below, 0.0), np.where(below < steps, high / (steps - below), 0.0)
        )
    return np.asarray(np.maximum(needed, (high - low) / steps))


def _grid(low: NDArray[np.float64], high: NDArray[np.float64]) -> Grid:
    return Grid(low.astype(np.float32), high.astype(np.float32))


def quantize_weights(
    weights: FloatArray, axes: tuple[int, ...], limit: FloatArray | int = WEIGHT_LIMIT
) -> tuple[NDArray[np.int8], FloatArray]:
    """Weights as integers and the size of one step: weights = integers * scale.

    Args:
        weights: float32, any shape.
        axes: axes that one scale covers together.
        limit: the largest integer used; one for all, or float32 of the shape of the scale.

    Returns:
        int8 of the same shape, within [-limit, limit]; float32 scale with `axes` of length 1, > 0.
    """
    scale = np.maximum(np.abs(weights).max(axis=axes, keepdims=True) / np.asarray(limit, np.float32), SMALLEST_SCALE)
    integers = np.clip(np.rint(weights / scale), -limit, limit).astype(np.int8)
    return integers, scale.astype(np.float32)
