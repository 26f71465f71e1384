"""Move scale from uneven activation channels into the weights, only where that is predicted to help.

A MatMul input of a transformer often has a few channels that are far larger than the rest; one step for all drowns
the rest. Dividing the channels and multiplying the weights' rows leaves the product as it was.
Source: Xiao et al. 2022 (arXiv:2211.10438); here the exponent is chosen for every tensor by itself.
"""

from collections.abc import Callable, Sequence

import numpy as np

from calibench.quantizers.integers import FloatArray, Grid, quantize_weights
from calibench.statistics.statistics import TensorStatistics

EXPONENTS = (0.5, 0.6, 0.7, 0.8, 0.9)
GAIN = 0.95
"""Smoothing must lower the predicted error at least to this share: a Multiply is not free."""
LARGEST_FACTOR = np.float32(100.0)
ROWS = 256
"""Sampled rows on which a prediction is made."""

Fit = Callable[[TensorStatistics], Grid]


def choose_factors(statistics: TensorStatistics, matrices: Sequence[FloatArray], fit: Fit) -> FloatArray | None:
    """Factors float32 [C] by which the channels are divided, or None where smoothing does not pay.

    Args:
        matrices: weights [C, outputs] of every layer that reads the tensor.
        fit: the range rule that will be used, so that all candidates are judged alike.
    """
    if statistics.rows.shape[0] == 0 or statistics.rows.shape[1] < 2:
        return None
    candidates = [_factors(statistics, matrices, exponent) for exponent in EXPONENTS]
    errors = [_after(statistics, matrices, f, fit) for f in candidates]
    best = int(np.argmin(errors))
    if errors[best] > GAIN * estimate(statistics, matrices, fit(statistics)):
        return None
    smoothed = scale_channels(statistics, candidates[best])
    after = relative_error(smoothed, scale_rows(matrices, candidates[best]), fit(smoothed))
    return candidates[best] if after < GAIN * relative_error(statistics, matrices, fit(statistics)) else None


def scale_rows(matrices: Sequence[FloatArray], factors: FloatArray) -> list[FloatArray]:
    """The weights that undo a division of their input's channels."""
    return [np.asarray(matrix * factors[:, None]) for matrix in matrices]


def _after(statistics: TensorStatistics, matrices: Sequence[FloatArray], factors: FloatArray, fit: Fit) -> float:
    smoothed = scale_channels(statistics, factors)
    return estimate(smoothed, scale_rows(matrices, factors), fit(smoothed))


def estimate(statistics: TensorStatistics, matrices: Sequence[FloatArray], grid: Grid) -> float:
    """Noise power of the outputs from that of every channel and every weight, without computing the outputs."""
    rows = _some_rows(statistics)
    noise = ((grid.apply(rows) - rows).astype(np.float64) ** 2).mean(0)
    power = (rows.astype(np.float64) ** 2).mean(0)
    total = 0.0
    for matrix in matrices:
        _, scale = quantize_weights(matrix, (0,))
        total += float(noise @ (matrix.astype(np.float64) ** 2).sum(1))
        total += float(power.sum() * (scale.astype(np.float64) ** 2).sum() / 12)
    return total


def _some_rows(statistics: TensorStatistics) -> FloatArray:
    return statistics.rows[:: max(1, statistics.rows.shape[0] // ROWS)]


def scale_channels(statistics: TensorStatistics, factors: FloatArray) -> TensorStatistics:
    """The statistics of the tensor after its channels are divided by `factors`.

    The averaged extremes of the samples are not known for the divided tensor: the global ones stand in for them,
    shrunk by the same share as before.
    """
    low, high = statistics.low / factors, statistics.high / factors
    share_low = _share(statistics.low_mean, float(statistics.low.min()))
    share_high = _share(statistics.high_mean, float(statistics.high.max()))
    return TensorStatistics(
        low,
        high,
        statistics.mean / factors,
        float(low.min()) * share_low,
        float(high.max()) * share_high,
        statistics.rows / factors,
        statistics.importance * factors**2,
    )


def relative_error(statistics: TensorStatistics, matrices: Sequence[FloatArray], grid: Grid) -> float:
    """Noise over signal of the layers' outputs, predicted on the sampled rows with quantized inputs and weights."""
    rows = _some_rows(statistics)
    quantized = grid.apply(rows)
    total = 0.0
    for matrix in matrices:
        integers, scale = quantize_weights(matrix, (0,))
        exact = rows @ matrix
        noise = quantized @ (integers * scale) - exact
        signal = float(((exact - exact.mean(0)) ** 2).sum())
        total += float(((noise - noise.mean(0)) ** 2).sum()) / max(signal, 1e-30)
    return total / max(1, len(matrices))


def _factors(statistics: TensorStatistics, matrices: Sequence[FloatArray], exponent: float) -> FloatArray:
    activations = np.maximum(np.maximum(-statistics.low, statistics.high), 1e-5)
    weights = np.maximum(np.max([np.abs(matrix).max(1) for matrix in matrices], axis=0), 1e-5)
    raw = activations**exponent / weights ** (1 - exponent)
    centred = raw / np.exp(np.log(raw).mean())
    return np.asarray(np.clip(centred, 1 / LARGEST_FACTOR, LARGEST_FACTOR), np.float32)


def _share(mean: float, extreme: float) -> float:
    return mean / extreme if extreme else 1.0
