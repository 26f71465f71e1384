import numpy as np
import pytest
from one_layer import layer_of, run_layer

from calibench.caffe.layers.enlarging import LAYERS, interp_size
from calibench.caffe.layers.pooling import pooling
from calibench.errors import ModelError

IMAGE = np.random.default_rng(6).normal(0, 1, (2, 3, 5, 7)).astype(np.float32)


def run(text: str, *inputs: np.ndarray) -> np.ndarray:
    layer = layer_of(text)
    (found,) = run_layer(LAYERS[layer.type], layer, inputs)
    return found


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear, corners on corners."""
    rows = np.linspace(0, image.shape[2] - 1, height) if height > 1 else np.zeros(1)
    columns = np.linspace(0, image.shape[3] - 1, width) if width > 1 else np.zeros(1)
    for axis, places in ((2, rows), (3, columns)):
        below = np.floor(places + 1e-9).astype(int)
        above, shape = np.minimum(below + 1, image.shape[axis] - 1), [1, 1, 1, 1]
        shape[axis] = -1
        share = (places - below).reshape(shape)
        image = image.take(below, axis) * (1 - share) + image.take(above, axis) * share
    return image


@pytest.mark.parametrize(("height", "width"), [(9, 13), (3, 4), (5, 7), (1, 1), (11, 2)])
def test_interp_puts_corners_on_corners(height: int, width: int) -> None:
    found = run(f'type: "Interp" interp_param {{ height: {height} width: {width} }}', IMAGE)
    np.testing.assert_allclose(found, resized(IMAGE, height, width), atol=1e-5)


SIZES = {
    "zoom_factor: 2": [9, 13],
    "shrink_factor: 2": [3, 4],
    "shrink_factor: 2 zoom_factor: 3": [7, 10],
    "height: 20 width: 30": [20, 30],
    "zoom_factor: 2 height: 20 width: 30": [9, 13],
}


@pytest.mark.parametrize("text", SIZES)
def test_the_size_behind_an_interp(text: str) -> None:
    assert interp_size(layer_of(f"interp_param {{ {text} }}").params.interp_param, [5, 7]) == SIZES[text]


def test_interp_cuts_a_border_off_first() -> None:
    found = run('type: "Interp" interp_param { zoom_factor: 2 pad_beg: -1 pad_end: -2 }', IMAGE)
    np.testing.assert_allclose(found, resized(IMAGE[:, :, 1:-2, 1:-2], 3, 7), atol=1e-5)


def test_interp_takes_the_size_of_a_second_bottom() -> None:
    found = run('type: "Interp"', IMAGE, np.zeros((1, 1, 6, 9), np.float32))
    np.testing.assert_allclose(found, resized(IMAGE, 6, 9), atol=1e-5)


def test_an_interp_without_a_size_is_refused() -> None:
    with pytest.raises(ModelError, match="the new size is not given"):
        run('type: "Interp"', IMAGE)
    with pytest.raises(ModelError, match="cut a border off, not add one"):
        run('type: "Interp" interp_param { zoom_factor: 2 pad_beg: 1 }', IMAGE)


def test_upsample_repeats_each_value() -> None:
    found = run('type: "Upsample" upsample_param { scale: 3 }', IMAGE)
    np.testing.assert_array_equal(found, IMAGE.repeat(3, 2).repeat(3, 3))


def test_upsample_puts_values_back_where_a_pooling_found_them() -> None:
    image = np.random.default_rng(1).permutation(72).reshape(1, 2, 6, 6).astype(np.float32)
    pool = layer_of('type: "Pooling" top: "p" top: "m" pooling_param { kernel_size: 2 stride: 2 }')
    largest, places = run_layer(pooling, pool, [image])
    found = run('type: "Upsample" upsample_param { scale: 2 }', largest, places)
    is_largest = np.isin(image, largest)
    np.testing.assert_array_equal(found, np.where(is_largest, image, 0))


def test_upsample_can_be_told_its_size() -> None:
    value, places = np.ones((1, 1, 2, 2), np.float32), np.array([[[[0, 3], [20, 8]]]], np.float32)
    found = run('type: "Upsample" upsample_param { upsample_h: 3 upsample_w: 7 }', value, places)
    assert found.shape == (1, 1, 3, 7)
    assert set(np.flatnonzero(found)) == {0, 3, 8, 20}
    found = run('type: "Upsample" upsample_param { scale: 2 pad_out_h: true }', value, places * 0)
    assert found.shape == (1, 1, 3, 4)
