import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from calibench.evaluation import interval
from calibench.evaluation.interval import bootstrap, drop_interval, fewest_samples, paired_normal, samples_needed
from calibench.evaluation.metrics.metric import Metric, Summary, mean_of
from calibench.evaluation.score import Score

TOP1 = mean_of("top1", "%", True, "label", lambda seen: 0.0)
PSNR = mean_of("psnr", "dB", True, "picture", lambda seen: 0.0)
ERROR = mean_of("cer", "%", False, "text", lambda seen: 0.0)


def score(values, metric=TOP1):
    values = np.asarray(values, np.float64)
    factor = 100.0 if metric.unit == "%" else 1.0
    return Score(metric.name, metric.unit, float(values.mean()), values, 0, evidence=tuple(values / factor))


def test_by_hand_for_values_without_a_bound() -> None:
    low, high = drop_interval(score([30.0, 32.0], PSNR), score([29.0, 29.0], PSNR), PSNR)
    error = np.sqrt(1.0 / 2)  # differences 1 and 3: mean 2, variance 1
    assert (low, high) == pytest.approx((2 - 1.96 * error, 2 + 1.96 * error), abs=1e-3)


def test_by_hand_for_shares() -> None:
    # 98 samples equal, 2 lost: Wald+2 with b + 0.5 = 2.5, c + 0.5 = 0.5, n + 2 = 102
    before, after = np.full(100, 100.0), np.array([0.0] * 2 + [100.0] * 98)
    low, high = drop_interval(score(before), score(after), TOP1)
    mean = (2.5 - 0.5) / 102
    error = np.sqrt(2.5 + 0.5 - (2.5 - 0.5) ** 2 / 102) / 102
    assert (low, high) == pytest.approx((100 * (mean - 1.96 * error), 100 * (mean + 1.96 * error)), abs=1e-3)


def test_no_difference_among_few_samples_is_no_certainty() -> None:
    few, many = (drop_interval(score([100.0] * n), score([100.0] * n), TOP1) for n in (10, 1000))
    assert few[0] < -10 and few[1] > 10
    assert -0.3 < many[0] < 0 < many[1] < 0.3


def test_a_sample_that_is_right_in_part_adds_no_sample_that_is_all_wrong() -> None:
    before, after = score([92.0, 93.0, 94.0, 95.0]), score([91.9, 92.8, 93.9, 94.8])
    low, high = drop_interval(before, after, TOP1)
    assert 0 < low < 0.15 < high < 0.3


def test_a_metric_where_lower_is_better_turns_the_sign() -> None:
    low, high = drop_interval(score([1.0] * 50, ERROR), score([21.0] * 50, ERROR), ERROR)
    assert low > 0 and high < 40


def test_what_cannot_be_told_is_none() -> None:
    assert drop_interval(score([100.0]), score([0.0]), TOP1) is None
    assert drop_interval(score([1.0, np.nan], PSNR), score([1.0, 1.0], PSNR), PSNR) is None


def test_a_score_that_is_no_mean_is_resampled_in_pairs() -> None:
    """The largest of all samples: both models get the same drawings, so that their difference never varies."""
    largest = Metric("largest", "", True, "nothing", lambda seen: 0, lambda e: Summary(max(e)), float)
    values = np.arange(20.0)
    before, after = (Score("largest", "", float(v.max()), v, 0, evidence=tuple(v)) for v in (values, values - 3))
    assert drop_interval(before, after, largest) == pytest.approx((3, 3))


def test_a_slow_metric_is_not_resampled(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 1.0))
    monkeypatch.setattr(interval, "perf_counter", lambda: next(clock))
    assert bootstrap(lambda chosen: 1.0, 10) is None


def test_resampling_agrees_with_the_normal_way() -> None:
    worse = np.random.default_rng(1).normal(0.5, 2.0, 400)
    found = bootstrap(lambda chosen: float(worse[chosen].mean()), worse.size)
    assert found == pytest.approx(paired_normal(worse), abs=0.05)


@given(arrays(np.float64, st.integers(2, 40), elements=st.floats(-100, 100)))
def test_the_interval_holds_the_mean_that_it_is_drawn_around(worse) -> None:
    low, high = paired_normal(worse)
    assert low - 1e-6 <= worse.mean() <= high + 1e-6


def test_needed_samples_by_hand() -> None:
    # one in 100 lost, one won: variance 2 * 100^2 / 100 = 200; (1.96 / 0.5)^2 * 200 = 3073.2
    worse = np.array([100.0, -100.0] + [0.0] * 98)
    assert samples_needed(worse, 0.5) == 3074
    assert samples_needed(worse, 1.0) == 769
    assert samples_needed(worse, 50.0) == 2


def test_with_so_many_samples_half_the_interval_is_the_limit() -> None:
    worse = np.random.default_rng(3).normal(0.2, 4.0, 500)
    count = samples_needed(worse, 0.25)
    low, high = paired_normal(np.resize(worse, count))
    assert (high - low) / 2 == pytest.approx(0.25, rel=0.02)


@pytest.mark.parametrize("limit", [0.1, 0.5, 1.0, 20.0])
def test_with_fewer_samples_than_the_fewest_not_even_the_same_answers_show_the_limit(limit: float) -> None:
    count = fewest_samples(limit)
    assert count is not None
    assert paired_normal(np.zeros(count), 100.0)[1] <= limit < paired_normal(np.zeros(count - 1), 100.0)[1]


def test_the_fewest_samples_by_hand() -> None:
    assert (fewest_samples(0.5), fewest_samples(99.0), fewest_samples(0.0)) == (390, 2, None)


def test_needed_samples_are_not_known_where_nothing_differs() -> None:
    assert samples_needed(np.zeros(100), 0.5) is None
    assert samples_needed(np.array([1.0, 2.0]), 0.0) is None
    assert samples_needed(np.array([1.0]), 0.5) is None
    assert samples_needed(np.array([1.0, np.nan]), 0.5) is None
