"""How sure an accuracy drop is: the interval that other samples of the same sort would probably stay in."""

from collections.abc import Callable
from math import ceil
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from calibench.evaluation.metrics.metric import PERCENT, Metric
from calibench.evaluation.score import Score

Z95 = 1.959964
"""Standard deviations on both sides of the mean that hold 95 % of a normal distribution."""
ROUNDS = 400
"""Resamplings: the ends of the interval move by about a twentieth of its width from seed to seed."""
FEWEST_ROUNDS = 40
"""With fewer the ends of the interval are chance."""
SECONDS = 10.0
"""Most that resampling may take; a metric whose score takes longer gets fewer rounds."""

Interval = tuple[float, float]


def drop_interval(baseline: Score, int8: Score, metric: Metric) -> Interval | None:
    """The drop of INT8 with 95 % confidence, in the unit of the metric, positive when INT8 is worse.

    Both models see the same samples, so that the differences count and not the spread of the scores. Where the score is
    the mean over the samples: normal, and where every sample is right or wrong, with half a sample added for every way
    to win, lose or stay, so that no difference among few samples is not taken for certainty. Else: the samples are
    drawn anew, for both models the same ones. None for fewer than two samples, values that are no numbers, or a metric
    too slow to resample.

    Source: Agresti and Min 2005 (Statistics in Medicine 24:729), Wald+2; Efron 1979 (paired bootstrap).
    """
    sign = 1.0 if metric.higher_is_better else -1.0
    worse = sign * (baseline.values - int8.values)
    if worse.size < 2 or not np.isfinite(worse).all():
        return None
    if all(np.isclose(each.values.mean(), each.score, rtol=0, atol=1e-6) for each in (baseline, int8)):
        both = np.concatenate([baseline.values, int8.values])
        is_yes_or_no = metric.unit == PERCENT and bool(np.isin(both, (0.0, 100.0)).all())
        return paired_normal(worse, 100.0 if is_yes_or_no else 0.0)

    def drop(chosen: NDArray[np.int64]) -> float:
        scores = (metric.score([each.evidence[i] for i in chosen]).score for each in (baseline, int8))
        return sign * (next(scores) - next(scores))

    return bootstrap(drop, worse.size)


def paired_normal(worse: NDArray[np.float64], largest: float = 0.0) -> Interval:
    """Mean +- 1.96 standard errors.

    Args:
        worse: float64 [N], N >= 2; by how much every sample is worse.
        largest: most that one sample can be worse or better, where that is bounded: half a sample each of +largest and
            -largest and one of 0 are added; 0: nothing is added.
    """
    added = 2 if largest else 0
    count = worse.size + added
    mean = float(worse.sum()) / count
    square = (float(np.square(worse).sum()) + largest**2) / count
    error = float(np.sqrt(max(square - mean**2, 0.0) / count))
    return mean - Z95 * error, mean + Z95 * error


def samples_needed(worse: NDArray[np.float64], limit: float) -> int | None:
    """How many samples of the same sort tell a drop of `limit` from no drop, with 95 % confidence.

    With so many, half the width of the paired normal interval is `limit`: 0 is no longer in the interval of a drop that
    large. Where the score is no mean of the values, such as mean average precision, it is an estimate.

    Args:
        worse: float64 [N]; by how much every sample is worse, in the unit of the metric.
        limit: >= 0, in the same unit.

    Returns:
        At least 2; None where it cannot be told: fewer than two samples, values that are no numbers, no sample that
        differs from another, or a limit of 0, which no number of samples tells from noise.
    """
    if worse.size < 2 or limit <= 0 or not np.isfinite(worse).all():
        return None
    spread = float(worse.std())
    return max(2, ceil((Z95 * spread / limit) ** 2)) if spread else None


def fewest_samples(limit: float) -> int | None:
    """How many samples that are right or wrong `samples_needed` is at least, whatever the model: as if none changed.

    With fewer, the half samples that `paired_normal` adds alone make its interval wider than `limit`.

    Args:
        limit: >= 0, percentage points.

    Returns:
        At least 2; None for a limit of 0.
    """
    return max(2, ceil(100.0 * Z95 / limit) - 2) if limit > 0 else None


def bootstrap(drop: Callable[[NDArray[np.int64]], float], count: int) -> Interval | None:
    """The middle 95 % of the drops of `count` samples drawn with replacement, again and again; seed 0."""
    random = np.random.default_rng(0)
    start = perf_counter()
    drops = [drop(np.arange(count))]
    rounds = min(ROUNDS, int(SECONDS / max(perf_counter() - start, 1e-6)))
    if rounds < FEWEST_ROUNDS:
        return None
    drops = [drop(random.integers(0, count, count)) for _ in range(rounds)]
    found = np.asarray(drops, np.float64)
    found = found[np.isfinite(found)]  # a drawing may hold no annotated object at all
    if found.size < FEWEST_ROUNDS:
        return None
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)
