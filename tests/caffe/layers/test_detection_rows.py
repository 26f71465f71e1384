"""DetectionOutput: two boxes by hand, and many settings against plain loops."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from one_layer import built, layer_of, run_layer
from ssd_by_hand import CORNER, CORNER_SIZE, Rules, rows_by_hand, sorted_rows

from calibench.caffe.layers.detection_rows import detection_output
from calibench.errors import ModelError

PRIORS = np.array([[[0.1, 0.1, 0.3, 0.3, 0.6, 0.6, 0.8, 0.8], [0.1] * 8]], np.float32)


def _rows(text: str, *inputs: np.ndarray) -> np.ndarray:
    """Filled rows [M, 7] of a layer whose batch is free; the end is checked."""
    shapes = [(-1, *array.shape[1:]) for array in inputs]
    shapes[2] = inputs[2].shape
    found = run_layer(detection_output, layer_of(text), inputs, shapes)[0]
    assert found.shape[:2] == (1, 1)
    ends = np.flatnonzero(found[0, 0, :, 0] < 0)
    return found[0, 0, : ends[0]] if len(ends) else found[0, 0]


def test_each_box_is_a_row_with_its_class_and_score() -> None:
    text = "detection_output_param { num_classes: 2 nms_param { nms_threshold: 0.5 } }"
    boxes, scores = np.array([[1, 0, 0, 0, 0, 0, 0, -1]]), np.array([[0.2, 0.8, 0.9, 0.1]])
    expected = [[0, 1, 0.8, 0.2, 0.1, 0.3, 0.3], [0, 1, 0.1, 0.6, 0.6, 0.8, 0.7]]
    np.testing.assert_allclose(_rows(text, boxes, scores, PRIORS), expected, atol=1e-6)


def test_of_two_boxes_that_overlap_the_surer_stays() -> None:
    text = "detection_output_param { num_classes: 2 nms_param { nms_threshold: 0.5 } }"
    priors = np.array([[[0.1, 0.1, 0.3, 0.3, 0.11, 0.1, 0.3, 0.3], [0.1] * 8]], np.float32)
    found = _rows(text, np.zeros((1, 8)), np.array([[0.2, 0.8, 0.1, 0.9]]), priors)
    np.testing.assert_allclose(found, [[0, 1, 0.9, 0.11, 0.1, 0.3, 0.3]], atol=1e-6)


def test_where_nothing_is_found_the_first_row_is_the_end() -> None:
    text = "detection_output_param { num_classes: 2 confidence_threshold: 0.95 }"
    assert not len(_rows(text, np.zeros((1, 8)), np.array([[0.2, 0.8, 0.1, 0.9]]), PRIORS))


def test_without_a_threshold_even_a_score_of_zero_is_a_row() -> None:
    text = "detection_output_param { num_classes: 2 }"
    assert len(_rows(text, np.zeros((1, 8)), np.array([[1.0, 0, 1, 0]]), PRIORS)) == 2


def test_the_samples_of_a_batch_are_numbered() -> None:
    text = "detection_output_param { num_classes: 2 confidence_threshold: 0.5 keep_top_k: 5 }"
    scores = np.array([[0.2, 0.8, 0.9, 0.1], [0.9, 0.1, 0.9, 0.1], [0.2, 0.8, 0.1, 0.9]])
    assert _rows(text, np.zeros((3, 8)), scores, PRIORS)[:, 0].tolist() == [0, 2, 2]


def test_what_is_drawn_is_no_input() -> None:
    text = "detection_output_param { num_classes: 2 visualize: true save_output_param { output_directory: 'x' } }"
    assert len(_rows(text, np.zeros((1, 8)), np.array([[0.2, 0.8, 0.1, 0.9]]), PRIORS, np.zeros((1, 3, 4, 4)))) == 2


def _case(rules: Rules, priors: int, images: int, seed: int, is_refined: bool) -> None:
    """Random inputs: the operation gives the rows of the loops."""
    numbers = np.random.default_rng(seed)
    corners = numbers.random((priors, 4)) * 0.5
    corners[:, 2:] += corners[:, :2] + 0.05
    variances = np.tile([0.1, 0.1, 0.2, 0.2], (priors, 1))
    table = np.stack([corners.ravel(), variances.ravel()])[None].astype(np.float32)
    located = 1 if rules.shared else rules.classes
    boxes, first = (numbers.normal(0, 0.3, (images, priors * 4 * located)).astype(np.float32) for _ in range(2))
    scores = numbers.permutation(images * priors * rules.classes).reshape(images, -1) / (
        images * priors * rules.classes
    )
    chances = numbers.random((images, priors * 2)).astype(np.float32)
    refined = (chances, first) if is_refined else ()
    inputs = [boxes, scores.astype(np.float32), table, *refined]
    found = sorted_rows(_rows(rules.text(), *inputs))
    expected = rows_by_hand(rules, boxes, inputs[1], table, refined)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5)


@given(
    rules=st.builds(
        Rules,
        classes=st.integers(2, 4),
        code=st.sampled_from([1, 2, 3]),
        shared=st.booleans(),
        in_target=st.booleans(),
        background=st.sampled_from([0, 1, -1]),
        threshold=st.sampled_from([0.01, 0.3]),
        top_k=st.sampled_from([-1, 4]),
        keep=st.sampled_from([-1, 3, 50]),
    ),
    priors=st.integers(1, 12),
    images=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60)
def test_rows_are_those_of_plain_loops(rules: Rules, priors: int, images: int, seed: int) -> None:
    _case(rules, priors, images, seed, is_refined=False)


@pytest.mark.parametrize("objectness", [0.01, 0.3])
@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("code", [1, 2])
def test_refinedet_moves_the_boxes_first_and_drops_what_is_no_object(code: int, images: int, objectness: float) -> None:
    rules = Rules(classes=3, code=code, keep=20, objectness=objectness)
    _case(rules, priors=10, images=images, seed=7, is_refined=True)


def test_the_loops_know_a_corner_from_a_size() -> None:
    """A guard of the reference: the codes differ on the same input."""
    boxes, scores = np.array([[1.0, 0, 0, 0, 0, 0, 0, -1]]), np.array([[0.2, 0.8, 0.9, 0.1]])
    rules = Rules(classes=2, code=CORNER)
    corner = rows_by_hand(rules, boxes, scores, PRIORS)
    size = rows_by_hand(replace(rules, code=CORNER_SIZE), boxes, scores, PRIORS)
    np.testing.assert_allclose(corner[0, 3], 0.2, atol=1e-6)
    np.testing.assert_allclose(size[0, 3], 0.12, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "inputs", "message"),
    [
        ("", 3, "num_classes is missing"),
        ("num_classes: 3", 3, "2 prior boxes need 6 scores, but there are 4"),
        ("num_classes: 2 share_location: false", 3, "2 prior boxes need 16 locations, but there are 8"),
        ("num_classes: 2 nms_param { eta: 0.9 }", 3, "eta 0.9 of nms_param is not supported"),
        ("num_classes: 2", 4, "4 inputs are not known; SSD has 3, RefineDet 5"),
    ],
)
def test_what_cannot_be_done_is_said(text: str, inputs: int, message: str) -> None:
    shapes = [(1, 8), (1, 4), (1, 2, 8), (1, 4), (1, 8)][:inputs]
    with pytest.raises(ModelError, match=message):
        built(detection_output, layer_of(f"detection_output_param {{ {text} }}"), shapes)
