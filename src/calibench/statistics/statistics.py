"""What was observed at the measured tensors: values that merge, in any order, to the same bytes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from calibench.inference.runner import Array
from calibench.models.graph import FloatArray, TensorKey
from calibench.statistics.exact import ExactSum

KEPT_SAMPLES = 32
"""Samples whose single values are kept for the search of ranges; later samples add to extremes and means alone."""


@dataclass(frozen=True)
class Layout:
    """Where each tensor's numbers lie in the flat arrays.

    Attributes:
        channels: channels of every tensor.
        positions: how many positions of every tensor are kept from one sample (each holds all channels).
    """

    tensors: tuple[TensorKey, ...]
    channels: tuple[int, ...]
    positions: tuple[int, ...]

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """int64 [tensors + 1]: first channel of each tensor in the flat arrays."""
        return np.concatenate(([0], np.cumsum(self.channels, dtype=np.int64)))

    @cached_property
    def apart(self) -> NDArray[np.int64]:
        """int64 [3 * all channels]: where minima, then maxima, then means lie in the first output of a probe."""
        channels = np.repeat(self.channels, self.channels)
        first = np.arange(len(channels)) + 2 * np.repeat(self.starts[:-1], self.channels)
        return np.concatenate([first + part * channels for part in range(3)])

    @cached_property
    def row_starts(self) -> NDArray[np.int64]:
        """int64 [tensors + 1]: first kept value of each tensor in the row of a sample."""
        sizes = np.multiply(self.channels, self.positions, dtype=np.int64)
        return np.concatenate(([0], np.cumsum(sizes)))


@dataclass(frozen=True)
class Statistics:
    """Statistics of all measured tensors over `count` samples.

    Attributes:
        low, high: float32 [all channels]; global extremes of every channel.
        mean: sums of the samples' channel means.
        low_mean, high_mean: sums of the samples' extremes, one a tensor.
        not_finite: int64 [tensors]; samples in which the tensor held NaN or infinity.
        rows: by number of the sample, float32 [all kept values].
    """

    layout: Layout
    count: int
    low: FloatArray
    high: FloatArray
    mean: ExactSum
    low_mean: ExactSum
    high_mean: ExactSum
    not_finite: NDArray[np.int64]
    rows: dict[int, FloatArray]

    @classmethod
    def of_sample(cls, layout: Layout, number: int, extremes: Array, rows: Array) -> "Statistics":
        """Statistics of a single sample.

        Args:
            number: its place in the subset; the first KEPT_SAMPLES keep their rows.
            extremes: float32 [3 * all channels]: minima, maxima, means.
        """
        positive_zeros = np.asarray(extremes, dtype=np.float32) + np.float32(0)  # -0.0 and 0.0 have no order
        low, high, mean = np.split(positive_zeros, 3)
        first = layout.starts[:-1]
        return cls(
            layout,
            1,
            low,
            high,
            ExactSum.of(mean),
            ExactSum.of(np.minimum.reduceat(low, first)),
            ExactSum.of(np.maximum.reduceat(high, first)),
            np.logical_or.reduceat(~np.isfinite(low + high + mean), first).astype(np.int64),
            {number: np.asarray(rows, dtype=np.float32)} if number < KEPT_SAMPLES else {},
        )

    def merge(self, other: "Statistics") -> "Statistics":
        """The statistics of the samples of both, which must be different samples."""
        return Statistics(
            self.layout,
            self.count + other.count,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.mean.plus(other.mean),
            self.low_mean.plus(other.low_mean),
            self.high_mean.plus(other.high_mean),
            self.not_finite + other.not_finite,
            self.rows | other.rows,
        )

    def tensor(self, index: int) -> "TensorStatistics":
        """The statistics of one tensor."""
        part = slice(self.layout.starts[index], self.layout.starts[index + 1])
        rows = slice(self.layout.row_starts[index], self.layout.row_starts[index + 1])
        kept = [self.rows[number][rows] for number in sorted(self.rows)]
        channels = self.layout.channels[index]
        return TensorStatistics(
            self.low[part],
            self.high[part],
            self.mean.mean(self.count)[part].astype(np.float32),
            float(self.low_mean.mean(self.count)[index]),
            float(self.high_mean.mean(self.count)[index]),
            np.concatenate(kept).reshape(-1, channels) if kept else np.zeros((0, channels), np.float32),
            np.ones(channels, np.float32),
        )


@dataclass(frozen=True)
class TensorStatistics:
    """What one tensor held.

    Attributes:
        low, high, mean: float32 [C] per channel.
        low_mean, high_mean: the samples' extremes of the whole tensor, averaged.
        rows: float32 [R, C]; sampled positions, all channels of each.
        importance: float32 [C]; how much noise in each channel counts for what follows.
    """

    low: FloatArray
    high: FloatArray
    mean: FloatArray
    low_mean: float
    high_mean: float
    rows: FloatArray
    importance: FloatArray
