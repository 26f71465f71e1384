"""How large the values of a tensor are: histograms of |x| that grow with their range, and the cut that KL chooses."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.models.graph import FloatArray

BITS = 12
BINS = 2**BITS
"""Twice the 2048 of the rule: bins are a power of two wide, and the largest value lies in the upper half of them."""
SMALLEST_EXPONENT, LARGEST_EXPONENT = -100, 120
"""Of two, for the largest value: what is smaller than 2**-100 is nothing, and no bin needs a subnormal width."""
CANDIDATES = 128
"""Cuts that are tried, a third of a percent of the range apart; more would take longer and find no other steps."""
NO_MASS = 1e-4
"""Bins that the rounded distribution leaves empty, where the true one has values, count as if they held this share of
a bin."""


@dataclass(frozen=True, eq=False)
class SizeHistogram:
    """Counts of |x|, zeros left out (a zero is exact on every grid); bin i holds [i, i + 1) * 2**exponent.

    Two histograms merge to what one of all values would be: widening a bin by a power of two moves no value over the
    border of another bin.

    Attributes:
        counts: int64 [BINS].
    """

    exponent: int
    counts: NDArray[np.int64]
    largest: float

    @classmethod
    def of(cls, values: FloatArray) -> "SizeHistogram":
        """Of float32 values of any shape, finite; may be empty."""
        sizes = np.abs(np.asarray(values, np.float32)).reshape(-1)
        largest = float(sizes.max(initial=0.0))
        power = int(np.frexp(largest)[1]) if largest else SMALLEST_EXPONENT
        exponent = min(max(power, SMALLEST_EXPONENT), LARGEST_EXPONENT) - BITS
        places = (sizes[sizes > 0] * np.float32(2.0**-exponent)).astype(np.int64)
        return cls(exponent, np.bincount(np.minimum(places, BINS - 1), minlength=BINS).astype(np.int64), largest)

    def merge(self, other: "SizeHistogram") -> "SizeHistogram":
        """The histogram of the values of both."""
        exponent = max(self.exponent, other.exponent)
        counts = _widened(self, exponent) + _widened(other, exponent)
        return SizeHistogram(exponent, counts, max(self.largest, other.largest))


def _widened(histogram: SizeHistogram, exponent: int) -> NDArray[np.int64]:
    """The counts in bins of another, larger width."""
    together = 2 ** min(exponent - histogram.exponent, BITS)
    counts = np.zeros(BINS, np.int64)
    counts[: BINS // together] = histogram.counts.reshape(-1, together).sum(1)
    return counts


def least_divergence(histogram: SizeHistogram, levels: int, smallest_share: float) -> float:
    """The size at which a tensor is cut off so that its distribution changes least; 0 where there is no value.

    Tried are cuts from `smallest_share` of the largest value to that value. What lies above a cut counts as if it were
    at the cut. The distribution is rounded to `levels` sizes, each spread evenly over those of its bins that are not
    empty, and the cut with the least Kullback-Leibler divergence wins; of equals, the largest.

    Args:
        levels: sizes that a grid can tell apart: 255 unsigned, 127 signed.

    Source: Migacz 2017, "8-bit Inference with TensorRT" (GTC), slides 36 to 39.
    """
    used = int(np.flatnonzero(histogram.counts)[-1]) + 1 if histogram.counts.any() else 0
    if used <= levels:
        return histogram.largest
    first = max(levels, int(np.ceil(smallest_share * used)))
    cuts = np.unique(np.linspace(first, used, min(CANDIDATES, used - first + 1)).astype(np.int64))
    found = divergences(histogram.counts[:used].astype(np.float64), cuts, levels)
    best = int(cuts[np.flatnonzero(found <= found.min())[-1]])
    return histogram.largest if best == used else min(best * 2.0**histogram.exponent, histogram.largest)


def divergences(counts: NDArray[np.float64], cuts: NDArray[np.int64], levels: int) -> NDArray[np.float64]:
    """From the distribution, clipped to its first bins, to the same rounded to `levels`, for every cut.

    Within a level all bins that are not empty are given the same, so that sums over levels do, from running sums over
    bins.

    Args:
        counts: float64 [bins].
        cuts: int64 [cuts], from `levels` to the number of bins.

    Returns:
        float64 [cuts], in nats; equal to the sum of p log(p / q) up to rounding.
    """
    edges = np.arange(levels + 1) * cuts[:, None] // levels
    held, filled = _running(counts)[edges], _running(counts > 0)[edges]
    held, filled = np.diff(held, axis=1), np.diff(filled, axis=1)
    share = held / np.maximum(filled, 1)
    last, beyond, total = counts[cuts - 1], counts.sum() - _running(counts)[cuts], counts.sum()
    at_cut = np.where(last > 0, share[:, -1], NO_MASS)
    given = held.sum(1) + np.where((last == 0) & (beyond > 0), NO_MASS, 0)
    entropy = _running(_times_log(counts, counts))[cuts - 1] + _times_log(last + beyond, last + beyond)
    cross = _times_log(held, share).sum(1) + _times_log(beyond, at_cut)
    return np.asarray((entropy - cross) / total - np.log(total) + np.log(given))


def _running(values: NDArray[Any]) -> NDArray[np.float64]:
    """float64 [n + 1]: sums of the first 0, 1, 2 ... values."""
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))


def _times_log(weight: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.float64]:
    """weight * log(value); 0 where the weight is 0."""
    return np.asarray(weight * np.log(np.where(weight > 0, value, 1.0)))
