"""How large the values of a tensor are: histograms of |x| that grow with their range, and the cut that KL chooses."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibench.models.graph import FloatArray

BITS = 12
BINS = 2**BITS
"""Twice the 2048 of the rule: bins are a power of two wide, and the largest value lies in the upper half of them."""
SMALLEST_EXPONENT, LARGEST_EXPONENT = -100, 120
"""Of two, for the largest value: what is smaller than 2**-100 is nothing, and no bin needs a subnormal width."""
CANDIDATES = 512
"""Cuts that are tried between none and the whole range: closer ones differ by less than the rounding of a scale."""
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
    counts = histogram.counts.astype(np.float64)
    found = np.array([_divergence(counts[:used], int(cut), levels) for cut in cuts])
    best = int(cuts[np.flatnonzero(found <= found.min())[-1]])
    return histogram.largest if best == used else min(best * 2.0**histogram.exponent, histogram.largest)


def _divergence(counts: NDArray[np.float64], cut: int, levels: int) -> float:
    """From the distribution, clipped to its first `cut` bins, to the same rounded to `levels`."""
    inside = counts[:cut]
    starts = np.arange(levels) * cut // levels
    filled = inside > 0
    share = np.add.reduceat(inside, starts) / np.maximum(np.add.reduceat(filled, starts, dtype=np.int64), 1)
    rounded = np.where(filled, np.repeat(share, np.diff(starts, append=cut)), 0.0)
    true = inside.copy()
    true[-1] += counts[cut:].sum()
    held = true > 0
    given = np.where(rounded[held] > 0, rounded[held], NO_MASS)
    true = true[held] / true.sum()
    return float((true * np.log(true / (given / given.sum()))).sum())
