"""The integer grids: zero, steps, agreement with the runtime."""

import numpy as np
import openvino as ov
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openvino import opset13 as ops

from calibench.quantizers.integers import (
    ACTIVATION_LEVELS,
    GUARDED_WEIGHT_LIMIT,
    SMALLEST_SCALE,
    WEIGHT_LIMIT,
    Grid,
    make_grid,
    quantize_weights,
)

limits = st.floats(-1e4, 1e4, width=32)
ranges = st.tuples(limits, limits).map(sorted)


def grid_of(low, high, asymmetric=False):
    return make_grid(np.array([low]), np.array([high]), asymmetric=asymmetric)


def runtime(grid: Grid, values: np.ndarray) -> np.ndarray:
    """What the CPU makes of FakeQuantize with these limits; values [N, C]."""
    data = ops.parameter(list(values.shape), np.float32)
    low, high = ops.constant(grid.low), ops.constant(grid.high)
    model = ov.Model([ops.result(ops.fake_quantize(data, low, high, low, high, ACTIVATION_LEVELS))], [data])
    return ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([values])[0]


def test_a_range_that_is_never_negative_becomes_an_unsigned_byte():
    grid = grid_of(0, 2.55)
    np.testing.assert_allclose(grid.scale, 0.01, rtol=1e-6)
    assert grid.zero_point == 0
    np.testing.assert_allclose(grid.apply(np.float32([0, 0.004, 0.006, 2.55, 9])), [0, 0, 0.01, 2.55, 2.55], atol=1e-6)


def test_a_signed_range_becomes_a_signed_byte_with_zero_point_0():
    grid = grid_of(-1.27, 1.27)
    np.testing.assert_allclose([grid.low[0], grid.high[0]], [-1.28, 1.27], rtol=1e-6)
    assert grid.zero_point == 128  # counted from the lowest: 0 as s8
    assert grid.is_symmetric


def test_an_asymmetric_range_gets_the_smaller_step():
    symmetric, asymmetric = grid_of(-1, 10), grid_of(-1, 10, asymmetric=True)
    assert asymmetric.scale < 0.6 * symmetric.scale
    assert not asymmetric.is_symmetric
    assert grid_of(-10, 10, asymmetric=True).is_symmetric  # nothing to win


def test_a_range_on_one_side_of_zero_is_widened_to_it():
    assert grid_of(3, 5).low == 0
    assert grid_of(-5, -3).high >= 0


@given(ranges, st.booleans())
def test_zero_is_a_value_of_the_grid(limits, asymmetric):
    grid = grid_of(*limits, asymmetric=asymmetric)
    # float32 leaves the last bit of high - low; an integer kernel has 0 exactly
    assert abs(grid.apply(np.zeros(1, np.float32))) <= 1e-4 * grid.scale
    assert 0 <= grid.zero_point <= 255
    np.testing.assert_allclose(grid.zero_point * grid.scale, -grid.low, rtol=1e-4, atol=float(grid.scale[0]) * 1e-4)


@given(ranges, st.booleans(), st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_round_trip_is_off_by_at_most_half_a_step(limits, asymmetric, places):
    grid = grid_of(*limits, asymmetric=asymmetric)
    values = np.float32(limits[0] + (limits[1] - limits[0]) * np.array(places))
    off = np.abs(grid.apply(values).astype(np.float64) - values)
    assert (off <= grid.scale * 0.5001 + 1e-6 * np.abs(values)).all()


@given(ranges)
def test_symmetric_grids_have_zero_point_0_as_unsigned_or_signed_byte(limits):
    grid = grid_of(*limits)
    assert grid.is_symmetric
    assert grid.zero_point == (0 if limits[0] >= 0 else 128)


@given(ranges, st.booleans())
def test_quantizing_twice_changes_nothing(limits, asymmetric):
    grid = grid_of(*limits, asymmetric=asymmetric)
    once = grid.apply(np.linspace(*limits, 33, dtype=np.float32))
    np.testing.assert_allclose(grid.apply(once), once, rtol=1e-6, atol=1e-4 * float(grid.scale[0]))


@given(ranges)
def test_an_asymmetric_step_is_never_larger_than_the_symmetric_one(limits):
    assert grid_of(*limits, asymmetric=True).scale <= grid_of(*limits).scale * np.float32(1.00001)


@settings(max_examples=15, deadline=None)
@given(st.lists(ranges, min_size=3, max_size=3), st.booleans(), st.integers(0, 1000))
def test_the_grid_is_that_of_the_runtime(limits, asymmetric, seed):
    low, high = np.array(limits).T
    grid = make_grid(low, high, asymmetric=asymmetric)
    reach = np.maximum(high - low, 1)
    values = np.random.default_rng(seed).uniform(low - 0.2 * reach, high + 0.2 * reach, size=(200, 3))
    # a value half way between two steps may fall to either side: keep away from the ties
    values = values.astype(np.float32)
    place = (values.astype(np.float64) - grid.low) / grid.scale.astype(np.float64)
    values[np.abs(place % 1 - 0.5) < 1e-3] = 0
    ours, theirs = grid.apply(values), runtime(grid, values)
    span = np.maximum(np.abs(grid.low), np.abs(grid.high))
    assert (np.abs(ours - theirs) <= 1e-6 * span).all()


@pytest.mark.parametrize("limits", [(np.nan, 1), (0, np.nan), (-np.inf, 1), (0, np.inf), (2, 1), (-1, -2)])
@pytest.mark.parametrize("asymmetric", [False, True])
def test_no_grid_for_what_is_no_range(limits, asymmetric):
    with pytest.raises(ValueError, match="finite"):
        grid_of(*limits, asymmetric=asymmetric)


def test_one_bad_channel_is_enough_to_refuse():
    with pytest.raises(ValueError, match="finite"):
        make_grid(np.array([0.0, 0.0]), np.array([1.0, np.nan]), asymmetric=False)


@pytest.mark.parametrize("asymmetric", [False, True])
def test_a_tensor_that_is_always_zero_has_a_step(asymmetric):
    grid = grid_of(0, 0, asymmetric)
    assert grid.scale > 0
    assert grid.apply(np.zeros(3, np.float32)).tolist() == [0, 0, 0]


def test_every_channel_has_its_own_step():
    grid = make_grid(np.array([0.0, 0.0]), np.array([2.55, 255.0]), asymmetric=False)
    np.testing.assert_allclose(grid.scale, [0.01, 1], rtol=1e-6)
    np.testing.assert_allclose(grid.apply(np.float32([[0.013, 1.3]])), [[0.01, 1]], rtol=1e-5)


def test_weights_by_hand():
    integers, scale = quantize_weights(np.float32([[1.27, -0.64], [0, 0], [-254, 2]]), (1,))
    assert integers.dtype == np.int8
    assert integers.tolist() == [[127, -64], [0, 0], [-127, 1]]
    np.testing.assert_allclose(scale[:, 0], [0.01, SMALLEST_SCALE, 2], rtol=1e-6)


@given(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=12, max_size=12),
    st.sampled_from([(0,), (1,), (2,), (1, 2), (0, 1, 2)]),
    st.sampled_from([WEIGHT_LIMIT, GUARDED_WEIGHT_LIMIT]),
)
def test_weights_stay_within_the_limit_and_half_a_step(values, axes, limit):
    weights = np.float32(values).reshape(2, 3, 2)
    integers, scale = quantize_weights(weights, axes, limit)
    assert integers.shape == weights.shape
    assert scale.shape == tuple(1 if axis in axes else size for axis, size in enumerate(weights.shape))
    assert scale.dtype == np.float32
    assert np.isfinite(scale).all()
    assert (scale > 0).all()
    assert np.abs(integers.astype(int)).max() <= limit
    assert (np.abs(integers * scale - weights) <= 0.5001 * scale).all()
