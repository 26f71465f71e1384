"""Reorg and Region of YOLOv2 against the definitions of Darknet, in plain NumPy."""

import numpy as np
import pytest
from one_layer import layer_of, run_layer

from calibench.caffe.layers.regions import region, reorg
from calibench.errors import ModelError


def _darknet_reorg(values: np.ndarray, stride: int) -> np.ndarray:
    """The memory of [C, H, W] is read as a picture of C / s^2 channels, whose squares become channels."""
    count, channels, height, width = values.shape
    fewer = channels // stride**2
    picture = values.reshape(count, fewer, height * stride, width * stride)
    found = np.zeros_like(values)
    for channel in range(channels):
        row, column = divmod(channel // fewer, stride)
        found[:, channel] = picture[:, channel % fewer, row::stride, column::stride]
    return found.reshape(count, channels * stride**2, height // stride, width // stride)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


@pytest.mark.parametrize(("stride", "shape"), [(2, (2, 8, 4, 6)), (3, (1, 18, 6, 3)), (1, (1, 2, 3, 4))])
def test_reorg_takes_the_order_of_darknet(stride: int, shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    layer = layer_of(f"type: 'Reorg' reorg_param {{ stride: {stride} }}")
    np.testing.assert_array_equal(
        run_layer(reorg, layer, [values], [(-1, *shape[1:])])[0], _darknet_reorg(values, stride)
    )


def test_a_picture_of_four_by_four_by_hand() -> None:
    values = np.arange(16, dtype=np.float32).reshape(1, 4, 2, 2)  # as memory: a picture of 4 x 4 with one channel
    found = run_layer(reorg, layer_of("type: 'Reorg' reorg_param { stride: 2 }"), [values])[0]
    # channel 0 holds the upper left of each square of the picture: 0, 2, 8, 10
    np.testing.assert_array_equal(found.reshape(16), [0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15])


def test_reversed_reorg_makes_squares_of_channels() -> None:
    picture = np.arange(2 * 4 * 6, dtype=np.float32).reshape(1, 2, 4, 6)
    squares = np.concatenate([picture[:, :, i::2, j::2] for i in range(2) for j in range(2)], axis=1)
    layer = layer_of("type: 'Reorg' reorg_param { stride: 2 reverse: true }")
    np.testing.assert_array_equal(run_layer(reorg, layer, [squares])[0], picture)


def test_reorg_refuses_channels_that_do_not_divide() -> None:
    with pytest.raises(ModelError, match="6 channels cannot be shared out among squares of stride 2"):
        run_layer(reorg, layer_of("type: 'Reorg' reorg_param { stride: 2 }"), [np.zeros((1, 6, 4, 4))])


@pytest.mark.parametrize("name", ["Region", "RegionYolo"])
def test_region_of_yolov2_has_sigmoid_and_softmax(name: str) -> None:
    values = np.random.default_rng(0).normal(size=(2, 2 * 8, 4, 6)).astype(np.float32)
    field = "region_param" if name == "Region" else "region_yolo_param"
    layer = layer_of(f"type: '{name}' {field} {{ classes: 3 coords: 4 num: 2 }}")
    expected = values.reshape(2, 2, 8, 4, 6).copy()
    for place in (0, 1, 4):
        expected[:, :, place] = _sigmoid(expected[:, :, place])
    powers = np.exp(expected[:, :, 5:])
    expected[:, :, 5:] = powers / powers.sum(axis=2, keepdims=True)
    found = run_layer(region, layer, [values], [(-1, 16, 4, 6)])[0]
    np.testing.assert_allclose(found, expected.reshape(2, -1), atol=1e-6)


def test_region_of_yolov3_has_a_sigmoid_for_every_class_and_the_anchors_of_its_mask() -> None:
    values = np.random.default_rng(0).normal(size=(1, 2 * 8, 3, 3)).astype(np.float32)
    layer = layer_of(
        "type: 'RegionYolo' region_yolo_param { classes: 3 coords: 4 num: 6 do_softmax: false mask: 3 mask: 4 }"
    )
    expected = values.reshape(1, 2, 8, 3, 3).copy()
    for place in (0, 1, 4, 5, 6, 7):
        expected[:, :, place] = _sigmoid(expected[:, :, place])
    np.testing.assert_allclose(run_layer(region, layer, [values])[0], expected.reshape(values.shape), atol=1e-6)


def test_region_refuses_another_number_of_channels() -> None:
    layer = layer_of("type: 'Region' region_param { classes: 20 num: 5 }")
    with pytest.raises(ModelError, match=r"5 boxes of 4 coordinates and 20 classes need 125 channels.*has 100"):
        run_layer(region, layer, [np.zeros((1, 100, 13, 13))])
