"""Scale moves from channels into weights where that is predicted to help, and only there."""

import numpy as np
import pytest
from calibrating import decibels, quantize, random_samples, run
from graphs import data, matmul, model
from hypothesis import given, settings
from hypothesis import strategies as st
from openvino import opset13 as ops

from calibench.quantizers.integers import make_grid
from calibench.quantizers.smoothing import choose_factors, relative_error, scale_channels
from calibench.statistics.statistics import TensorStatistics


def seen(rows):
    """Statistics of a tensor of which every position was kept."""
    rows = rows.astype(np.float32)
    low, high = rows.min(0), rows.max(0)
    ones = np.ones(rows.shape[1], np.float32)
    return TensorStatistics(low, high, rows.mean(0), float(low.min()), float(high.max()), rows, ones)


def whole_range(statistics):
    return make_grid(statistics.low.min(keepdims=True), statistics.high.max(keepdims=True), asymmetric=False)


def rows_of(channels=16, outlier=1.0, seed=0):
    rows = np.random.default_rng(seed).normal(size=(128, channels))
    rows[:, 3] *= outlier
    return rows


def matrix_of(channels=16, outputs=8, seed=1):
    return np.random.default_rng(seed).normal(size=(channels, outputs)).astype(np.float32)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.floats(1, 200))
def test_the_product_stays_the_same(seed, outlier):
    statistics, matrix = seen(rows_of(outlier=outlier, seed=seed)), matrix_of(seed=seed)
    factors = choose_factors(statistics, [matrix], whole_range)
    if factors is not None:
        before = statistics.rows.astype(np.float64) @ matrix
        after = (statistics.rows.astype(np.float64) / factors) @ (matrix * factors[:, None].astype(np.float64))
        np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9)
        assert (factors > 0).all()


def test_an_outlier_channel_is_smoothed_and_the_predicted_error_falls():
    statistics, matrix = seen(rows_of(outlier=100)), matrix_of()
    factors = choose_factors(statistics, [matrix], whole_range)
    assert factors is not None
    assert factors[3] == factors.max()
    smoothed = scale_channels(statistics, factors)
    before = relative_error(statistics, [matrix], whole_range(statistics))
    after = relative_error(smoothed, [matrix * factors[:, None]], whole_range(smoothed))
    assert after < 0.5 * before


def test_even_channels_are_left_alone():
    rows = np.random.default_rng(0).uniform(-1, 1, size=(256, 16))
    matrix = np.random.default_rng(1).choice([-1, 1], size=(16, 8)).astype(np.float32)
    assert choose_factors(seen(rows), [matrix], whole_range) is None


def test_nothing_is_chosen_without_rows_or_for_one_channel():
    empty = seen(rows_of())
    empty = TensorStatistics(**{**vars(empty), "rows": np.zeros((0, 16), np.float32)})
    assert choose_factors(empty, [matrix_of()], whole_range) is None
    assert choose_factors(seen(rows_of(4)[:, :1]), [matrix_of(1)], whole_range) is None


def test_all_readers_of_a_tensor_count():
    statistics = seen(rows_of(outlier=100))
    one = choose_factors(statistics, [matrix_of()], whole_range)
    heavy = matrix_of(seed=2)
    heavy[3] *= 1000
    both = choose_factors(statistics, [matrix_of(), heavy], whole_range)
    assert both is None or both[3] / np.median(both) < one[3] / np.median(one)


def test_statistics_of_divided_channels_are_those_of_the_divided_values():
    rows = rows_of(outlier=10)
    factors = np.random.default_rng(3).uniform(0.5, 4, 16).astype(np.float32)
    scaled, direct = scale_channels(seen(rows), factors), seen(rows.astype(np.float32) / factors)
    for name in ("low", "high", "mean", "rows"):
        np.testing.assert_allclose(getattr(scaled, name), getattr(direct, name), rtol=1e-5, atol=1e-6)
    assert scaled.low_mean == pytest.approx(direct.low_mean, rel=1e-5)
    assert scaled.high_mean == pytest.approx(direct.high_mean, rel=1e-5)


def test_a_channel_that_is_always_zero_does_no_harm():
    rows = rows_of(outlier=100)
    rows[:, 5] = 0
    factors = choose_factors(seen(rows), [matrix_of()], whole_range)
    assert np.isfinite(factors).all()
    assert (factors > 0).all()


# --- In the model


def network(readers=1):
    x = data(1, 12, 16)
    gain = np.ones(16, np.float32)
    gain[3] = 100
    uneven = ops.multiply(x, ops.constant(gain), name="uneven")
    ends = [matmul(uneven, ops.constant(uneven_matrix(i)), f"matmul{i}") for i in range(readers)]
    return model(ends, x)


def uneven_matrix(seed):
    """One channel counts little: it is large in the activations."""
    values = np.random.default_rng(seed).normal(size=(16, 8)).astype(np.float32)
    values[3] /= 100
    return values


@pytest.mark.parametrize("readers", [1, 2])
def test_smoothing_lowers_the_real_output_error_of_an_outlier_channel(readers):
    fp32 = network(readers)
    samples = random_samples(fp32, 40)
    found = {}
    for smoothing in (True, False):
        int8, quantization = quantize(fp32, samples, smoothing=smoothing)
        assert bool(quantization.factors) == smoothing
        found[smoothing] = decibels(fp32, int8, random_samples(fp32, seed=9))
    assert found[True] > found[False] + 6


def test_the_smoothed_model_has_one_multiplication_more_and_the_same_outputs_in_float():
    fp32 = network()
    samples = random_samples(fp32, 40)
    int8, _ = quantize(fp32, samples)
    names = {op.get_friendly_name() for op in int8.get_ops()}
    assert "uneven.0/smoothing" in names
    assert run(int8, samples)[0].shape == run(fp32, samples)[0].shape


def test_a_tensor_of_two_axes_is_not_smoothed():
    x = data(1, 16)
    gain = np.ones(16, np.float32)
    gain[3] = 100
    uneven = ops.multiply(x, ops.constant(gain), name="uneven")
    fp32 = model(matmul(uneven, (16, 8)), x)
    _, quantization = quantize(fp32, random_samples(fp32, 40))
    assert quantization.factors == {}
