"""What every rule promises, whatever its tuning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibench.quantizers.fit import DROWNED
from calibench.quantizers.integers import make_grid
from calibench.quantizers.ranges import RULES, Range, extremes, mse, per_channel, typical, weak_channels
from calibench.statistics.statistics import TensorStatistics


def seen(rows, low_mean=None, high_mean=None, importance=None):
    rows = np.asarray(rows, np.float32)
    low, high = rows.min(0), rows.max(0)
    return TensorStatistics(
        low,
        high,
        rows.mean(0),
        float(low.min()) if low_mean is None else low_mean,
        float(high.max()) if high_mean is None else high_mean,
        rows,
        np.ones(rows.shape[1], np.float32) if importance is None else np.float32(importance),
    )


rows = st.lists(st.lists(st.floats(-1e3, 1e3, width=32), min_size=3, max_size=3), min_size=1, max_size=30)


@settings(deadline=None)
@given(rows, st.sampled_from(sorted(RULES)), st.booleans())
def test_a_range_holds_zero_and_no_more_than_was_seen(values, rule, asymmetric):
    statistics = seen(values)
    found = RULES[rule](statistics, asymmetric)
    assert found.low.shape == found.high.shape == (1,)
    assert min(0, statistics.low.min()) - 1e-3 <= found.low[0] <= 0
    assert 0 <= found.high[0] <= max(0, statistics.high.max()) + 1e-3
    make_grid(found.low, found.high, asymmetric=asymmetric)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("asymmetric", [False, True])
def test_a_tensor_that_was_never_negative_keeps_zero_as_its_lowest_value(rule, asymmetric):
    assert rule(seen(np.random.default_rng(0).uniform(0.5, 2, (50, 4))), asymmetric).low.tolist() == [0]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_works_without_sampled_rows(rule):
    statistics = TensorStatistics(
        np.float32([-1]), np.float32([2]), np.float32([0]), -1, 2, np.zeros((0, 1), np.float32), np.ones(1, np.float32)
    )
    found = rule(statistics, False)
    assert (found.low[0], found.high[0]) == (-1, 2)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("value", [0.0, 3.0, -3.0])
def test_a_constant_tensor_has_a_range_that_holds_it(rule, value):
    found = rule(seen(np.full((20, 2), value)), False)
    grid = make_grid(found.low, found.high, asymmetric=False)
    np.testing.assert_allclose(grid.apply(np.float32([value])), value, atol=float(grid.scale[0]))


def test_extremes_and_typical_by_hand():
    statistics = seen([[-4, 1], [2, 8]], low_mean=-2, high_mean=6)
    assert (extremes(statistics, False).low[0], extremes(statistics, False).high[0]) == (-4, 8)
    assert (typical(statistics, False).low[0], typical(statistics, False).high[0]) == (-2.5, 6.5)


def test_mse_gives_up_a_lone_outlier_that_counts_nothing():
    values = np.random.default_rng(0).normal(size=(4000, 4))
    values[7, 2] = 40
    ignored = mse(seen(values, importance=[1, 1, 1e-6, 1]), False)
    kept = mse(seen(values, importance=[1, 1, 1e6, 1]), False)
    assert ignored.high[0] < kept.high[0]


def test_ranges_join_to_the_smallest_that_holds_both():
    one, two = Range(np.array([-1.0]), np.array([5.0])), Range(np.array([-3.0]), np.array([2.0]))
    assert (one.join(two).low.tolist(), one.join(two).high.tolist()) == ([-3], [5])
    channels = Range(np.array([-9.0, 0.0]), np.array([1.0, 1.0]))
    assert (one.join(channels).low.tolist(), channels.join(one).high.tolist()) == ([-9], [5])


def test_ranges_of_channels_are_wider_than_what_was_seen_but_not_than_the_whole():
    statistics = seen([[-1, 0, -8], [1, 2, 8]])
    found = per_channel(statistics, Range(np.array([-8.0]), np.array([8.0])))
    assert (found.low <= np.minimum(statistics.low, 0)).all()
    assert (found.high >= statistics.high).all()
    assert found.low.min() == -8
    assert found.high.max() == 8
    assert found.high[0] > 1


def test_channels_of_very_different_size_need_ranges_of_their_own():
    values = np.random.default_rng(0).normal(size=(200, 8))
    grid = make_grid(np.array([-4.0]), np.array([4.0]), asymmetric=False)
    assert weak_channels(seen(values), grid) > DROWNED
    assert weak_channels(seen(values * np.array([1, 1, 1, 1, 1, 0.02, 0.02, 0.02])), grid) < DROWNED


def test_channels_that_never_move_do_not_ask_for_ranges_of_their_own():
    values = np.random.default_rng(0).normal(size=(200, 8)) * np.array([1, 1, 1, 1, 0, 0, 0, 0])
    grid = make_grid(np.array([-4.0]), np.array([4.0]), asymmetric=False)
    assert weak_channels(seen(values), grid) > DROWNED
    assert weak_channels(seen(values * 0), grid) == np.inf
