import numpy as np
import pytest
from one_layer import built, layer_of, run_layer

from calibench.caffe.layers.shaping import LAYERS
from calibench.errors import ModelError

IMAGE = np.random.default_rng(8).normal(0, 1, (2, 6, 4, 5)).astype(np.float32)


def run(text: str, *inputs: np.ndarray) -> np.ndarray:
    layer = layer_of(text)
    (found,) = run_layer(LAYERS[layer.type], layer, inputs)
    return found


FLAT = {
    "": (2, 120),
    "axis: 2": (2, 6, 20),
    "axis: 0": (240,),
    "axis: 1 end_axis: 2": (2, 24, 5),
    "axis: -2": (2, 6, 20),
}


@pytest.mark.parametrize("text", FLAT)
def test_flatten_makes_axes_one(text: str) -> None:
    found = run(f'type: "Flatten" flatten_param {{ {text} }}', IMAGE)
    np.testing.assert_array_equal(found, IMAGE.reshape(FLAT[text]))


RESHAPED = {
    "shape { dim: 0 dim: -1 }": (2, 120),
    "shape { dim: 0 dim: 3 dim: -1 dim: 5 }": (2, 3, 8, 5),
    "shape { dim: 0 dim: 0 dim: 5 dim: 4 }": (2, 6, 5, 4),
    "shape { dim: -1 }": (240,),
    "shape { dim: 2 dim: 3 } axis: 1 num_axes: 1": (2, 2, 3, 4, 5),
    "shape { dim: -1 } axis: -2": (2, 6, 4, 5),
    "shape { dim: 5 dim: 4 } axis: -3": (2, 6, 5, 4),
    "shape { dim: 1 } axis: 1 num_axes: 0": (2, 1, 6, 4, 5),
    "shape { dim: 1 } axis: -1 num_axes: 0": (2, 6, 4, 5, 1),
}


@pytest.mark.parametrize("text", RESHAPED)
def test_reshape_copies_infers_and_keeps_axes(text: str) -> None:
    found = run(f'type: "Reshape" reshape_param {{ {text} }}', IMAGE)
    np.testing.assert_array_equal(found, IMAGE.reshape(RESHAPED[text]))


@pytest.mark.parametrize(
    "text", ["shape { dim: 0 dim: -1 }", "shape { dim: 0 dim: -1 dim: 2 }", "shape { dim: 24 dim: -1 } axis: 1"]
)
def test_a_reshape_keeps_a_free_batch_free_and_knows_the_rest(text: str) -> None:
    graph, _ = built(LAYERS["Reshape"], layer_of(f'type: "Reshape" reshape_param {{ {text} }}'), [(-1, 6, 4, 5)])
    shape = graph.outputs[0].partial_shape
    assert shape[0].is_dynamic
    assert all(axis.is_static for axis in list(shape)[1:])


def test_a_reshape_to_another_number_of_values_is_refused() -> None:
    with pytest.raises(ModelError, match=r"the 240 values of an input of shape .* cannot be put into shape"):
        run('type: "Reshape" reshape_param { shape { dim: 7 dim: 7 } }', IMAGE)


def test_a_reshape_that_moves_channels_into_the_picture_is_refused() -> None:
    with pytest.raises(ModelError, match="pixelshuffler 2 moves channels into the picture"):
        run('type: "Reshape" reshape_param { shape { dim: 0 dim: -1 } pixelshuffler: 2 }', IMAGE)


def test_a_reshape_cannot_copy_an_axis_that_is_not_there() -> None:
    with pytest.raises(ModelError, match="copies the size of an axis that an input with 2 axes has not"):
        run('type: "Reshape" reshape_param { shape { dim: 0 dim: 0 dim: 0 } }', IMAGE[0, 0])


def test_crop_takes_the_size_of_the_second_bottom() -> None:
    like = np.zeros((2, 6, 2, 3), np.float32)
    np.testing.assert_array_equal(run('type: "Crop" crop_param { offset: 1 }', IMAGE, like), IMAGE[:, :, 1:3, 1:4])
    found = run('type: "Crop" crop_param { axis: 3 offset: 2 }', IMAGE, like)
    np.testing.assert_array_equal(found, IMAGE[:, :, :, 2:5])
    like = np.zeros((2, 3, 2, 3), np.float32)
    found = run('type: "Crop" crop_param { axis: 1 offset: 3 offset: 0 offset: 2 }', IMAGE, like)
    np.testing.assert_array_equal(found, IMAGE[:, 3:6, 0:2, 2:5])


def test_a_crop_that_reaches_beyond_is_refused() -> None:
    with pytest.raises(ModelError, match="reach beyond the input"):
        run('type: "Crop" crop_param { offset: 3 }', IMAGE, np.zeros((2, 6, 2, 3), np.float32))
    with pytest.raises(ModelError, match="there are 3 values `offset`"):
        run('type: "Crop" crop_param { offset: 0 offset: 0 offset: 0 }', IMAGE, np.zeros((2, 6, 2, 3), np.float32))


def test_tile_repeats_an_axis() -> None:
    found = run('type: "Tile" tile_param { axis: 2 tiles: 3 }', IMAGE)
    np.testing.assert_array_equal(found, np.tile(IMAGE, (1, 1, 3, 1)))


def test_shuffle_channel_deals_out_the_groups_in_turn() -> None:
    found = run('type: "ShuffleChannel" shuffle_channel_param { group: 3 }', IMAGE)
    np.testing.assert_array_equal(found, IMAGE[:, [0, 2, 4, 1, 3, 5]])


def test_batch_reindex_takes_the_numbered_samples() -> None:
    found = run('type: "BatchReindex"', IMAGE, np.array([1, 1, 0], np.float32))
    np.testing.assert_array_equal(found, IMAGE[[1, 1, 0]])
