import numpy as np
import pytest
from one_layer import layer_of, run_layer

from calibench.caffe.layers.neighbours import LAYERS

IMAGE = np.random.default_rng(9).normal(0, 2, (2, 6, 4, 5)).astype(np.float32)


def run(text: str) -> np.ndarray:
    layer = layer_of(text)
    (found,) = run_layer(LAYERS[layer.type], layer, [IMAGE])
    return found


def test_lrn_across_channels_divides_by_the_neighbours_and_k() -> None:
    found = run('type: "LRN" lrn_param { local_size: 3 alpha: 0.6 beta: 0.75 k: 2 }')
    squares = np.pad(IMAGE.astype(np.float64) ** 2, ((0, 0), (1, 1), (0, 0), (0, 0)))
    sums = squares[:, :-2] + squares[:, 1:-1] + squares[:, 2:]
    np.testing.assert_allclose(found, IMAGE / (2 + 0.6 / 3 * sums) ** 0.75, atol=1e-5)


def test_lrn_within_a_channel_divides_by_the_square_around() -> None:
    found = run('type: "LRN" lrn_param { local_size: 3 alpha: 0.6 beta: 0.5 k: 9 norm_region: WITHIN_CHANNEL }')
    squares = np.pad(IMAGE.astype(np.float64) ** 2, ((0, 0), (0, 0), (1, 1), (1, 1)))
    sums = sum(squares[:, :, y : y + 4, x : x + 5] for y in range(3) for x in range(3))
    np.testing.assert_allclose(found, IMAGE / (1 + 0.6 / 9 * sums) ** 0.5, atol=1e-5)  # k does not count here


@pytest.mark.parametrize(("text", "axes"), [("", (2, 3)), ("across_channels: true", (1, 2, 3))])
def test_mvn_adds_eps_to_the_deviation(text: str, axes: tuple[int, ...]) -> None:
    found = run(f'type: "MVN" mvn_param {{ eps: 0.5 {text} }}')
    mean, deviation = IMAGE.mean(axes, keepdims=True), IMAGE.std(axes, keepdims=True)
    np.testing.assert_allclose(found, (IMAGE - mean) / (deviation + 0.5), atol=1e-5)
    found = run(f'type: "MVN" mvn_param {{ normalize_variance: false {text} }}')
    np.testing.assert_allclose(found, IMAGE - mean, atol=1e-5)


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_softmax_sums_to_1_along_its_axis(axis: int) -> None:
    found = run(f'type: "Softmax" softmax_param {{ axis: {axis} }}')
    shares = np.exp(IMAGE.astype(np.float64))
    np.testing.assert_allclose(found, shares / shares.sum(axis, keepdims=True), atol=1e-6)
