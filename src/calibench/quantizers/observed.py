"""What the quantizers saw: a histogram of the sampled values of every tensor that is quantized."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calibench.models.graph import FloatArray, TensorKey
from calibench.quantizers.fit import Quantization
from calibench.quantizers.prepare import Measured

BINS = 64
"""Enough to see tails and peaks, few enough that a network of 300 layers stays a small file."""


@dataclass(frozen=True)
class Counts:
    """How often values occur: bins of equal width from `low` to `high`, in the unit in which the quantizer sees them.

    Where a tensor is smoothed that unit is after the division of its channels, as that of the quantizer's range is.
    """

    low: float
    high: float
    counts: tuple[int, ...]


def histograms(measured: Measured, quantization: Quantization) -> Mapping[TensorKey, Counts]:
    """By tensor, from the sampled rows of the statistics; wide enough for every sampled value and the whole range.

    Values of all channels are counted together. Only counts are kept, so that the rows can be let go.
    """
    ranges = {
        name: (float(quantizer.grid.low.min()), float(quantizer.grid.high.max()))
        for quantizer in quantization.quantizers
        for name in quantizer.site.points
    }
    return {name: count(measured[name].rows, *ranges[name]) for name in ranges}


def count(rows: FloatArray, low: float, high: float) -> Counts:
    """Count sampled values.

    Args:
        rows: float32, any shape; what is not finite is not counted.
        low, high: bins reach at least from here to there; low < high.
    """
    values = rows[np.isfinite(rows)].astype(np.float64)
    if values.size:
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    counts, _ = np.histogram(values, BINS, (low, high))
    return Counts(low, high, tuple(int(number) for number in counts))
