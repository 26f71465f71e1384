import numpy as np
import pytest
from one_layer import layer_of, run_layer

from calibench.caffe.layers.channelwise import LAYERS
from calibench.errors import ModelError

RANDOM = np.random.default_rng(3)
IMAGE = RANDOM.normal(0, 1, (2, 3, 4, 5)).astype(np.float32)
MEAN, VARIANCE = np.array([0.5, -1, 2]), np.array([0.25, 1, 4])
GAIN, SHIFT = np.array([2, -1, 0.5]), np.array([1, 0, -3])


def channels(values: np.ndarray) -> np.ndarray:
    return values[None, :, None, None]


def run(text: str, blobs: list[object], *inputs: np.ndarray) -> np.ndarray:
    layer = layer_of(text, blobs)
    (found,) = run_layer(LAYERS[layer.type], layer, inputs)
    return found


NORMED = (IMAGE - channels(MEAN)) / np.sqrt(channels(VARIANCE) + 1e-5)
BATCH_NORM = 'type: "BatchNorm" bottom: "x"'


def test_stored_sums_are_divided_by_their_factor() -> None:
    found = run(BATCH_NORM, [MEAN * 999.98, VARIANCE * 999.98, [999.98]], IMAGE)
    np.testing.assert_allclose(found, NORMED, atol=2e-6)


def test_a_factor_of_0_stands_for_nothing_stored() -> None:
    found = run(BATCH_NORM + "batch_norm_param { eps: 0.25 }", [MEAN, VARIANCE, [0]], IMAGE)
    np.testing.assert_allclose(found, IMAGE / 0.5, atol=2e-6)


def test_intels_batch_norm_holds_gain_and_bias_too() -> None:
    found = run(BATCH_NORM, [MEAN, VARIANCE, [1], GAIN, SHIFT], IMAGE)
    np.testing.assert_allclose(found, NORMED * channels(GAIN) + channels(SHIFT), atol=5e-6)
    found = run(BATCH_NORM, [MEAN, VARIANCE, [1], GAIN], IMAGE)
    np.testing.assert_allclose(found, NORMED * channels(GAIN), atol=5e-6)


def test_intels_batch_norm_can_end_in_a_relu() -> None:
    found = run(BATCH_NORM + "batch_norm_param { relu: true }", [MEAN, VARIANCE, [1]], IMAGE)
    np.testing.assert_allclose(found, np.maximum(NORMED, 0), atol=2e-6)


def test_a_batch_norm_that_is_told_so_takes_the_statistics_of_the_batch() -> None:
    found = run(BATCH_NORM + "batch_norm_param { use_global_stats: false }", [], IMAGE)
    mean, variance = IMAGE.mean((0, 2, 3), keepdims=True), IMAGE.var((0, 2, 3), keepdims=True)
    np.testing.assert_allclose(found, (IMAGE - mean) / np.sqrt(variance + 1e-5), atol=5e-6)


def test_bn_of_segnet_is_gain_and_bias() -> None:
    blobs = [each.reshape(1, 3, 1, 1) for each in (GAIN, SHIFT)]
    found = run('type: "BN" bottom: "x"', blobs, IMAGE)
    np.testing.assert_allclose(found, IMAGE * channels(GAIN) + channels(SHIFT), atol=2e-6)


def test_bn_of_pspnet_stands_behind_a_norm() -> None:
    blobs = [each.reshape(1, 3, 1, 1) for each in (GAIN, SHIFT, MEAN, VARIANCE)]
    found = run('type: "BN" bottom: "x"', blobs, IMAGE)
    np.testing.assert_allclose(found, NORMED * channels(GAIN) + channels(SHIFT), atol=5e-6)


def test_a_scale_multiplies_channels_and_adds_a_bias() -> None:
    found = run('type: "Scale" bottom: "x" scale_param { bias_term: true }', [GAIN, SHIFT], IMAGE)
    np.testing.assert_allclose(found, IMAGE * channels(GAIN) + channels(SHIFT), atol=2e-6)


def test_a_scale_of_several_axes() -> None:
    factors = RANDOM.normal(0, 1, (4, 5)).astype(np.float32)
    found = run('type: "Scale" bottom: "x" scale_param { axis: 2 num_axes: -1 }', [factors], IMAGE)
    np.testing.assert_allclose(found, IMAGE * factors, atol=2e-6)


def test_a_scale_by_one_number() -> None:
    found = run('type: "Scale" bottom: "x" scale_param { num_axes: 0 }', [np.array(3.0)], IMAGE)
    np.testing.assert_allclose(found, IMAGE * 3, atol=2e-6)


def test_a_scale_by_a_second_bottom_begins_at_its_axis() -> None:
    factors = RANDOM.normal(0, 1, (2, 3)).astype(np.float32)
    found = run('type: "Scale" bottom: "x" bottom: "f" scale_param { axis: 0 }', [], IMAGE, factors)
    np.testing.assert_allclose(found, IMAGE * factors[:, :, None, None], atol=2e-6)


def test_a_scale_by_a_second_bottom_has_its_bias_in_the_first_blob() -> None:
    factors = RANDOM.normal(0, 1, (3,)).astype(np.float32)
    text = 'type: "Scale" bottom: "x" bottom: "f" scale_param { bias_term: true }'
    found = run(text, [SHIFT], IMAGE, factors)
    np.testing.assert_allclose(found, IMAGE * channels(factors) + channels(SHIFT), atol=2e-6)


def test_a_bias_is_added_to_channels_or_from_its_axis_on() -> None:
    np.testing.assert_allclose(run('type: "Bias" bottom: "x"', [SHIFT], IMAGE), IMAGE + channels(SHIFT), atol=2e-6)
    rows = RANDOM.normal(0, 1, (4,)).astype(np.float32)
    found = run('type: "Bias" bottom: "x" bottom: "b" bias_param { axis: 2 }', [], IMAGE, rows)
    np.testing.assert_allclose(found, IMAGE + rows[:, None], atol=2e-6)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1, 1)])
def test_axpy_multiplies_channels_and_adds(shape: tuple[int, ...]) -> None:
    factors = RANDOM.normal(0, 1, shape).astype(np.float32)
    found = run('type: "Axpy"', [], factors, IMAGE, IMAGE * 2)
    np.testing.assert_allclose(found, factors.reshape(2, 3, 1, 1) * IMAGE + IMAGE * 2, atol=2e-6)


def test_a_second_bottom_with_too_many_axes_is_refused() -> None:
    with pytest.raises(ModelError, match="the second bottom has 4 axes, more than the first has from axis 1 on"):
        run('type: "Scale" bottom: "x" bottom: "f"', [], IMAGE, IMAGE)
