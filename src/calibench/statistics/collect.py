"""One pass over the subset, as short as the values allow."""

from dataclasses import dataclass

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from calibench.datasets.dataset import Dataset
from calibench.errors import DatasetError
from calibench.inference.runner import infer_all
from calibench.progress import Progress
from calibench.statistics.statistics import Layout, Statistics

LOOKS = tuple(2**power for power in range(4, 32))
"""Counts of samples at which the ranges are compared with those at half the count: 16, 32, 64, ..."""
SETTLED = 0.1
"""A range that moved less than this share of itself between two looks has settled."""
SETTLED_TENSORS = 0.9
"""Share of the tensors that must have settled."""


@dataclass(frozen=True)
class Collected:
    """Statistics of the prefix of the subset that was needed; `has_settled`: it was not all of it."""

    statistics: Statistics
    has_settled: bool


def collect(
    compiled: ov.CompiledModel, layout: Layout, subset: Dataset, *, exact: bool, progress: Progress, first: int = 0
) -> Collected:
    """Measure the subset in its order; stop at 32, 64, 128 ... samples when the ranges have settled.

    The decision depends on the merged prefix alone, so that any number of streams or shards stops at the same sample.

    Args:
        compiled: a model with a probe (`add_probe`).
        exact: measure every sample; so must every shard do whose statistics are merged.
        first: number of the first sample, for a shard that begins further on.

    Raises:
        DatasetError: there is no sample, or one cannot be read.
    """
    total = len(subset)
    statistics: Statistics | None = None
    before: NDArray[np.float64] | None = None
    for number, outputs in enumerate(infer_all(compiled, (subset[i] for i in range(total)))):
        sample = Statistics.of_sample(layout, first + number, outputs[0][layout.apart], outputs[1])
        statistics = sample if statistics is None else statistics.merge(sample)
        progress("statistics", number + 1, total)
        if exact or number + 1 not in LOOKS:
            continue
        now = _ranges(statistics)
        if before is not None and number + 1 < total and _settled(before, now):
            return Collected(statistics, True)
        before = now
    if statistics is None:
        raise DatasetError("The calibration subset holds no sample. Give a larger dataset or subset.")
    return Collected(statistics, False)


def _ranges(statistics: Statistics) -> NDArray[np.float64]:
    """float64 [2, tensors]: half way between the mean of the samples' extremes and the global ones."""
    first = statistics.layout.starts[:-1]
    low = np.minimum.reduceat(statistics.low, first) + statistics.low_mean.mean(statistics.count)
    high = np.maximum.reduceat(statistics.high, first) + statistics.high_mean.mean(statistics.count)
    return np.stack((low, high)) / 2


def _settled(before: NDArray[np.float64], now: NDArray[np.float64]) -> bool:
    moved = np.abs(now - before).max(0) / np.maximum(now[1] - now[0], 1e-12)
    return bool((moved < SETTLED).mean() >= SETTLED_TENSORS)
