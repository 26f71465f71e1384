import numpy as np
import pytest
from one_layer import layer_of, run_layer

from calibench.caffe.layers.joining import LAYERS
from calibench.errors import ModelError

RANDOM = np.random.default_rng(7)
ONE, OTHER, THIRD = RANDOM.normal(0, 1, (3, 2, 6, 4)).astype(np.float32)


def run(text: str, *inputs: np.ndarray) -> list[np.ndarray]:
    layer = layer_of(text)
    return run_layer(LAYERS[layer.type], layer, inputs)


def test_eltwise_adds_multiplies_or_takes_the_maximum_of_all_bottoms() -> None:
    (found,) = run('type: "Eltwise"', ONE, OTHER, THIRD)
    np.testing.assert_allclose(found, ONE + OTHER + THIRD, atol=1e-6)
    (found,) = run('type: "Eltwise" eltwise_param { operation: PROD stable_prod_grad: false }', ONE, OTHER, THIRD)
    np.testing.assert_allclose(found, ONE * OTHER * THIRD, atol=1e-6)
    (found,) = run('type: "Eltwise" eltwise_param { operation: MAX }', ONE, OTHER, THIRD)
    np.testing.assert_allclose(found, np.maximum(np.maximum(ONE, OTHER), THIRD), atol=1e-6)


def test_eltwise_adds_with_coefficients() -> None:
    (found,) = run('type: "Eltwise" eltwise_param { coeff: 1 coeff: -1 coeff: 0.5 }', ONE, OTHER, THIRD)
    np.testing.assert_allclose(found, ONE - OTHER + THIRD / 2, atol=1e-6)


def test_there_is_a_coefficient_for_each_bottom() -> None:
    with pytest.raises(ModelError, match="there are 2 values `coeff` for 3 bottoms"):
        run('type: "Eltwise" eltwise_param { coeff: 1 coeff: -1 }', ONE, OTHER, THIRD)


@pytest.mark.parametrize("text", ["axis: 2", "concat_dim: 2", "axis: -1"])
def test_concat_knows_its_axis_in_all_spellings(text: str) -> None:
    one, other = ONE[:, :, None], OTHER[:, :, None]
    (found,) = run(f'type: "Concat" concat_param {{ {text} }}', one, other)
    np.testing.assert_array_equal(found, np.concatenate([one, other], -1 if text == "axis: -1" else 2))


def test_a_concat_that_stands_for_permute_and_flatten_too() -> None:
    one, other = RANDOM.normal(0, 1, (2, 6, 5, 4)), RANDOM.normal(0, 1, (2, 3, 2, 2))
    flat = [value.astype(np.float32).transpose(0, 2, 3, 1).reshape(2, -1) for value in (one, other)]
    (found,) = run('type: "Concat" concat_param { axis: 1 per_fla_fuse: true }', one, other)
    np.testing.assert_array_equal(found, np.concatenate(flat, 1)[:, :, None, None])


def test_along_another_axis_it_stands_for_itself() -> None:
    one, other = ONE[:, :, None], OTHER[:, :, None]
    (found,) = run('type: "Concat" concat_param { axis: 2 per_fla_fuse: true }', one, other)
    np.testing.assert_array_equal(found, np.concatenate([one, other], 2))


def test_slice_divides_evenly_or_at_points() -> None:
    parts = run('type: "Slice" top: "a" top: "b" top: "c"', ONE)
    for part, expected in zip(parts, np.split(ONE, 3, 1), strict=True):
        np.testing.assert_array_equal(part, expected)
    parts = run('type: "Slice" top: "a" top: "b" top: "c" slice_param { slice_point: 1 slice_point: 4 }', ONE)
    for part, expected in zip(parts, np.split(ONE, [1, 4], 1), strict=True):
        np.testing.assert_array_equal(part, expected)
    parts = run('type: "Slice" top: "a" top: "b" slice_param { slice_dim: 2 }', ONE)
    for part, expected in zip(parts, np.split(ONE, 2, 2), strict=True):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("points", ["slice_point: 4 slice_point: 1", "slice_point: 2", "slice_point: 2 slice_point: 9"])
def test_points_that_do_not_divide_are_refused(points: str) -> None:
    with pytest.raises(ModelError, match="do not divide 6 values among 3 tops"):
        run(f'type: "Slice" top: "a" top: "b" top: "c" slice_param {{ {points} }}', ONE)


def test_an_uneven_slice_is_refused() -> None:
    with pytest.raises(ModelError, match="the 6 values of axis 1 cannot be divided evenly among 4 tops"):
        run('type: "Slice" top: "a" top: "b" top: "c" top: "d"', ONE)


def test_split_gives_each_top_the_same() -> None:
    first, second = run('type: "Split" top: "a" top: "b"', ONE)
    np.testing.assert_array_equal(first, ONE)
    np.testing.assert_array_equal(second, ONE)
