"""One pass over the subset, as short as the values allow."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

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


class Collector(Protocol):
    """Other processes that measure: what `collect` gives, to the same bits."""

    def __call__(
        self, probed: ov.Model, layout: Layout, subset: Dataset, *, exact: bool, progress: Progress
    ) -> Collected:
        """Measure the subset.

        Args:
            probed: with the probe, taking the samples as they are; not compiled.

        Raises:
            DatasetError: as `collect`.
        """


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
    samples = (subset[i] for i in range(len(subset)))
    shards = (
        Statistics.of_sample(layout, number, outputs[0][layout.apart], outputs[1])
        for number, outputs in enumerate(infer_all(compiled, samples, first), first)
    )
    return gather(shards, len(subset), exact=exact, progress=progress)


def gather(shards: Iterable[Statistics], total: int, *, exact: bool, progress: Progress) -> Collected:
    """Merge shards of a subset in its order, until the ranges have settled.

    Args:
        shards: one ends at each of `LOOKS` that is not behind the subset.
        total: samples in all.

    Raises:
        DatasetError: there is no shard.
    """
    statistics: Statistics | None = None
    before: NDArray[np.float64] | None = None
    for shard in shards:
        statistics = shard if statistics is None else statistics.merge(shard)
        progress("statistics", statistics.count, total)
        if exact or statistics.count not in LOOKS:
            continue
        now = _ranges(statistics)
        if before is not None and statistics.count < total and _settled(before, now):
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
