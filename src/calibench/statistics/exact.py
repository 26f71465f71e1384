"""Sums that do not depend on the order of adding, so that shards merge to the same bytes as the whole."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNIT = 2.0**-36
"""Value of the last bit, absolute: means of activations of size 1e-5 still keep six digits."""
LIMIT = 2.0**25
"""Larger values are clipped to this; a tensor that holds them is not quantized anyway."""
HALF = np.int64(2**31)


@dataclass(frozen=True)
class ExactSum:
    """A sum in fixed point, in two halves of int64 [N]: value = (high * 2**31 + low) * UNIT.

    Exact for up to 2**31 addends of at most LIMIT.
    """

    high: NDArray[np.int64]
    low: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "ExactSum":
        """The sum of one addend; float [N], NaN counts as LIMIT so that it is noticed."""
        clipped = np.nan_to_num(np.asarray(values, np.float64), nan=LIMIT, posinf=LIMIT, neginf=-LIMIT)
        units = np.rint(np.clip(clipped, -LIMIT, LIMIT) / UNIT).astype(np.int64)
        return cls(units // HALF, units % HALF)

    def plus(self, other: "ExactSum") -> "ExactSum":
        """The sum of both."""
        return ExactSum(self.high + other.high, self.low + other.low)

    def mean(self, count: int) -> NDArray[np.float64]:
        """The sum divided by `count`, float64 [N]."""
        return (self.high.astype(np.float64) * float(HALF) + self.low.astype(np.float64)) * (UNIT / count)
