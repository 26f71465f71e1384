"""PriorBox: by hand, against the OpenVINO operation, and (in `test_reference_cases`) against a genuine Caffe."""

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from one_layer import built, layer_of

from calibench.caffe.layers.prior_boxes import prior_box
from calibench.errors import ModelError


def _boxes(text: str, grid: tuple[int, int] = (1, 2), image: tuple[int, int] = (100, 200)) -> np.ndarray:
    """Boxes and variances, float32 [1, 2, values]."""
    _, values = built(prior_box, layer_of(f"prior_box_param {{ {text} }}"), [(-1, 8, *grid), (-1, 3, *image)])
    return np.array(values[0].get_node().get_data())


def test_one_size_on_two_places() -> None:
    found = _boxes("min_size: 20")
    assert found.shape == (1, 2, 8)
    # the middles lie at x = 50 and 150 of 200, y = 50 of 100
    np.testing.assert_allclose(found[0, 0], [0.2, 0.4, 0.3, 0.6, 0.7, 0.4, 0.8, 0.6], rtol=1e-6)
    np.testing.assert_array_equal(found[0, 1], np.float32(0.1))


def test_the_larger_square_stands_behind_the_smaller_and_before_the_ratios() -> None:
    text = "min_size: 10 max_size: 40 aspect_ratio: 4 img_size: 100 step: 100 variance: 0.1 variance: 0.2 "
    found = _boxes(text + "variance: 0.3 variance: 0.4", grid=(1, 1))
    sides = found[0, 0].reshape(-1, 4)[:, 2:] - found[0, 0].reshape(-1, 4)[:, :2]
    np.testing.assert_allclose(sides, [[0.1, 0.1], [0.2, 0.2], [0.2, 0.05], [0.05, 0.2]], rtol=1e-5)
    np.testing.assert_allclose(found[0, 1].reshape(-1, 4), [[0.1, 0.2, 0.3, 0.4]] * 4)


def test_a_ratio_is_used_once_and_its_inverse_only_when_flipped() -> None:
    text = "min_size: 10 aspect_ratio: 1 aspect_ratio: 2 aspect_ratio: 2 aspect_ratio: 0.5"
    assert _boxes(text, grid=(1, 1)).shape == (1, 2, 3 * 4)
    assert _boxes(text + " flip: false", grid=(1, 1)).shape == (1, 2, 3 * 4)
    assert _boxes("min_size: 10 aspect_ratio: 2 flip: false", grid=(1, 1)).shape == (1, 2, 2 * 4)


def test_clip_keeps_boxes_within_the_picture() -> None:
    wide = _boxes("min_size: 300")
    assert wide[0, 0].min() < 0 < 1 < wide[0, 0].max()
    np.testing.assert_array_equal(_boxes("min_size: 300 clip: true")[0, 0], wide[0, 0].clip(0, 1))


def test_a_fraction_of_a_size_is_cut_off_as_in_caffe() -> None:
    np.testing.assert_array_equal(_boxes("min_size: 20.9 max_size: 30.7"), _boxes("min_size: 20 max_size: 30"))


def test_steps_and_offset_move_the_middles() -> None:
    found = _boxes("min_size: 10 step_h: 8 step_w: 16 offset: 0 img_h: 100 img_w: 200", grid=(2, 2))
    middles = (found[0, 0].reshape(-1, 4)[:, :2] + found[0, 0].reshape(-1, 4)[:, 2:]) / 2 * [200, 100]
    np.testing.assert_allclose(middles, [[0, 0], [16, 0], [0, 8], [16, 8]], atol=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "min_size is missing"),
        ("min_size: 10 max_size: 20 max_size: 30", "1 min_size stand against 2 max_size"),
        ("min_size: 10 variance: 0.1 variance: 0.2", "variance has 2 values; give 1 or 4"),
        ("min_size: 10 step: 8 step_h: 8", "step and step_h/step_w exclude each other"),
        ("min_size: 10 img_h: 8", "img_h, img_w or img_size is not above 0"),
    ],
)
def test_what_caffe_refuses_is_refused(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        _boxes(text)


def test_a_grid_of_unknown_size_is_refused() -> None:
    with pytest.raises(ModelError, match="axis 2 of an input of shape"):
        built(prior_box, layer_of("prior_box_param { min_size: 10 }"), [(-1, 8, -1, -1), (-1, 3, 100, 200)])


@given(
    sizes=st.lists(st.integers(5, 60), min_size=1, max_size=3),
    has_most=st.booleans(),
    ratios=st.lists(st.sampled_from([1.0, 1.5, 2.0, 3.0]), max_size=3, unique=True),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    offset=st.sampled_from([0.0, 0.5]),
)
@example(sizes=[30], has_most=True, ratios=[2.0, 3.0], flags=(True, True, True), offset=0.0)
def test_the_operation_of_openvino_gives_the_same_boxes(
    sizes: list[int], has_most: bool, ratios: list[float], flags: tuple[bool, bool, bool], offset: float
) -> None:
    flip, clip, has_step = flags
    offset = offset if has_step else 0.5  # the operation knows no other where the step follows from the sizes
    most = [size + 20 for size in sizes] if has_most else []
    words = [f"min_size: {size}" for size in sizes] + [f"max_size: {size}" for size in most]
    words += [f"aspect_ratio: {ratio}" for ratio in ratios] + ["step: 16"] * has_step
    found = _boxes(" ".join([*words, f"flip: {flip} clip: {clip} offset: {offset}".lower()]), (3, 4), (60, 90))
    shapes = [ops.constant(np.array(size, np.int64)) for size in ((3, 4), (60, 90))]
    attributes = {
        "min_size": [float(size) for size in sizes],
        "max_size": [float(size) for size in most],
        "aspect_ratio": ratios,
        "flip": flip,
        "clip": clip,
        "step": 16.0 * has_step,
        "offset": offset,
        "variance": [0.1],
        "min_max_aspect_ratios_order": True,
    }
    operation = ops.prior_box(*shapes, attributes)
    expected = ov.Core().compile_model(ov.Model([ops.result(operation)], []), "CPU")([])[0]
    np.testing.assert_allclose(found[0], expected, atol=2e-6)
