"""From what was observed to a range: the rules, each a function of one tensor's statistics."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibench.quantizers.integers import ACTIVATION_LEVELS, Grid
from calibench.statistics.statistics import TensorStatistics

VALUES = 16384
"""Sampled values that the search of a range looks at; the error of a range is settled to 1 % with these."""
SHARES = np.concatenate((np.linspace(1.0, 0.5, 11), np.linspace(0.45, 0.15, 7)))
"""Shares of the full range that the search tries."""
EXTREMES = 0.3
"""How many rows the extremes of the channels count for."""
TOWARDS = 0.25
"""How far `typical` goes from the mean of the samples' extremes to the global ones."""
PERCENTILE = 99.99


@dataclass(frozen=True)
class Range:
    """Extremes of what a quantizer must hold, float64 [1] per tensor or [C] per channel."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def join(self, other: "Range") -> "Range":
        """The smallest range that holds both; per tensor unless both are per channel."""
        if self.low.size != other.low.size:
            return self.whole().join(other.whole())
        return Range(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def whole(self) -> "Range":
        """The range of all channels together."""
        return Range(self.low.min(keepdims=True), self.high.max(keepdims=True))


Rule = Callable[[TensorStatistics, bool], Range]
"""A rule takes the statistics of a tensor and whether its grid may be asymmetric."""


def extremes(statistics: TensorStatistics, asymmetric: bool) -> Range:
    """The smallest and the largest value seen."""
    return _range(statistics, float(statistics.low.min()), float(statistics.high.max()))


def typical(statistics: TensorStatistics, asymmetric: bool) -> Range:
    """What a usual sample reaches: the mean of the samples' extremes, and a quarter of the way to the global ones.

    The mean alone clips where samples differ in scale.
    """
    low = (1 - TOWARDS) * statistics.low_mean + TOWARDS * float(statistics.low.min())
    high = (1 - TOWARDS) * statistics.high_mean + TOWARDS * float(statistics.high.max())
    return _range(statistics, low, high)


def percentile(statistics: TensorStatistics, asymmetric: bool) -> Range:
    """What holds all but a ten-thousandth of the sampled values on each side."""
    if statistics.rows.size == 0:
        return extremes(statistics, asymmetric)
    low, high = np.percentile(statistics.rows, (100 - PERCENTILE, PERCENTILE))
    return _range(statistics, float(low), float(high))


def mse(statistics: TensorStatistics, asymmetric: bool) -> Range:
    """The shares of both extremes with the least squared error, each channel weighted by its importance.

    The error is that of clipping, summed over the values, plus that of rounding, step**2 / 12 for every value that is
    neither clipped nor zero (zero is exact). Source: Banner et al. 2019 (arXiv:1810.05723), section 3; the weights
    are those of `input_importance`. The extremes of every channel count as two more rows: what the sampled rows
    missed must not be cut off for nothing.
    """
    full = extremes(statistics, asymmetric)
    values, weights = _sampled(statistics)
    if values.size == 0:
        return full
    lows, highs = float(full.low[0]) * SHARES, float(full.high[0]) * SHARES
    clipped = _clipping(-values, weights, -lows)[:, None] + _clipping(values, weights, highs)[None, :]
    steps = _steps(lows[:, None], highs[None, :], asymmetric)
    error = clipped + weights[values != 0].sum() * steps**2 / 12
    low, high = np.unravel_index(np.argmin(error), error.shape)
    return Range(lows[[low]], highs[[high]])


def _clipping(
    values: NDArray[np.float64], weights: NDArray[np.float64], limits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weighted squared error of cutting values at each limit, float64 as limits."""
    order = np.argsort(-values)
    ordered, weighted = values[order], weights[order]
    count = np.searchsorted(-ordered, -limits)  # values above each limit
    total, sums, squares = (np.concatenate(([0.0], np.cumsum(weighted * ordered**power)))[count] for power in (0, 1, 2))
    return np.asarray(squares - 2 * limits * sums + limits**2 * total)


def _steps(low: NDArray[np.float64], high: NDArray[np.float64], asymmetric: bool) -> NDArray[np.float64]:
    """Size of a step for every pair of limits, as `make_grid` would choose it."""
    aligned = (high - low) / (ACTIVATION_LEVELS - 1)
    symmetric = np.maximum(-low, high) / (ACTIVATION_LEVELS // 2 - 0.5)
    return aligned if asymmetric else np.where(low < 0, symmetric, aligned)


RULES: dict[str, Rule] = {"typical": typical, "extremes": extremes, "mse": mse, "percentile": percentile}


def per_channel(statistics: TensorStatistics, whole: Range, widen: float = 1.3) -> Range:
    """Every channel's own extremes, widened because few samples do not reach them, within the tensor's range."""
    low = np.maximum(statistics.low.astype(np.float64) * widen, whole.low)
    high = np.minimum(statistics.high.astype(np.float64) * widen, whole.high)
    return Range(np.minimum(low, 0), np.maximum(high, 0))


def weak_channels(statistics: TensorStatistics, grid: Grid) -> float:
    """How far the weaker channels stand above the rounding noise of one common step: dB, at the lower quartile.

    Channels that never move do not count; inf when none does.
    """
    if statistics.rows.shape[0] < 2:
        return np.inf
    noise = float(grid.scale.max()) ** 2 / 12
    variance = statistics.rows.astype(np.float64).var(0)
    alive = variance > 1e-3 * noise  # a channel that never moves has nothing to lose
    if not alive.any():
        return np.inf
    return float(np.percentile(10 * np.log10(variance[alive] / noise), 25))


def _range(statistics: TensorStatistics, low: float, high: float) -> Range:
    """A per-tensor range; a tensor that was never negative keeps 0 as its lowest value."""
    low = 0.0 if float(statistics.low.min()) >= 0 else low
    return Range(np.array([min(low, 0.0)]), np.array([max(high, 0.0)]))


def _sampled(statistics: TensorStatistics) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and their weights, float64 [n]: some rows, and the extremes of every channel as two more."""
    rows = statistics.rows[:: max(1, statistics.rows.size // VALUES)]
    values = np.concatenate((rows, statistics.low[None], statistics.high[None])).astype(np.float64)
    counts = np.concatenate((np.ones(len(rows)), (EXTREMES, EXTREMES)))
    weights = np.outer(counts, statistics.importance.astype(np.float64))
    return values.reshape(-1), weights.reshape(-1)
