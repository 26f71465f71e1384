"""Intersection over union of the classes of pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from calibench.datasets.truth import IGNORED, Truth
from calibench.errors import DatasetError
from calibench.evaluation.metrics.mean_iou import mean_iou
from calibench.evaluation.metrics.metric import Observation

TRUTH = np.array([[0, 0, 1], [1, 2, 255]], np.uint8)
FOUND = np.array([[0, 1, 1], [1, 0, 0]], np.int32)
MAPS = arrays.arrays(np.int32, (4, 5), elements=st.sampled_from([0, 1, 2, IGNORED]))


def seen(found, truth):
    return Observation({}, {}, Truth(pixels=np.asarray(truth)), prediction=np.asarray(found, np.int32))


def scored(metric, *pairs):
    return metric.score([metric.observe(seen(found, truth)) for found, truth in pairs])


def test_each_class_by_hand():
    # class 0: 1 of 3 pixels; class 1: 2 of 3; class 2: 0 of 1; the pixel 255 does not count
    summary = scored(mean_iou(4), (FOUND, TRUTH))
    assert [(row.label, row.score, row.count) for row in summary.classes] == [
        (0, pytest.approx(100 / 3), 2),
        (1, pytest.approx(200 / 3), 2),
        (2, 0.0, 1),
        (3, None, 0),
    ]
    assert summary.score == pytest.approx(100 / 3)
    assert summary.details == {"pixel accuracy": pytest.approx(60)}


def test_the_pixels_of_all_pictures_count_together():
    metric = mean_iou(2)
    first, second = ([[1, 1]], [[1, 0]]), ([[1, 0]], [[1, 0]])
    assert scored(metric, first).score == pytest.approx(25)
    assert scored(metric, second).score == 100
    # class 0: 1 of 2, class 1: 2 of 3
    assert scored(metric, first, second).score == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)


def test_the_value_of_a_picture_is_its_own_score():
    metric = mean_iou(4)
    evidence = metric.observe(seen(FOUND, TRUTH))
    assert metric.value(evidence) == metric.score([evidence]).score
    assert metric.value(metric.observe(seen([[0]], [[IGNORED]]))) == 0


def test_a_pixel_of_no_class_misses_its_class_and_is_no_other():
    summary = scored(mean_iou(2), ([[-1, 1, 0]], [[0, 1, 0]]))
    assert [row.score for row in summary.classes] == [50, 100]


def test_what_the_model_never_saw_does_not_count():
    assert scored(mean_iou(2), ([[IGNORED, 1, 0]], [[0, 1, 0]])).score == 100


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ([[0, 255]], 100),  # black and white
        ([[100, 200]], 100),  # gray borders are cut in the middle
        ([[0, 1]], 100),  # class numbers
        ([[0, 1], [0, 255]], 100),  # class numbers with a pixel that does not count
    ],
)
def test_a_mask_of_black_and_white_is_a_truth_of_two_classes(mask, expected):
    assert scored(mean_iou(2, is_mask=True), ([[0, 1]] * len(mask), np.uint8(mask))).score == expected


def test_a_wrong_size_and_a_wrong_class_are_said():
    with pytest.raises(DatasetError, match="A mask is 2 x 3 pixels, its picture 1 x 1"):
        scored(mean_iou(3), ([[0]], TRUTH))
    with pytest.raises(DatasetError, match="A mask holds class 2, but the dataset has 2 classes, 0 to 1"):
        scored(mean_iou(2), (FOUND, TRUTH))
    with pytest.raises(DatasetError, match="Give a dataset with masks"):
        mean_iou(2).observe(Observation({}, {}))


@given(MAPS)
def test_the_truth_itself_is_100(truth):
    summary = scored(mean_iou(3), (truth, truth))
    assert summary.score == (100 if (truth != IGNORED).any() else 0)


@given(st.lists(st.tuples(MAPS, MAPS), min_size=2, max_size=4))
def test_the_order_of_the_pictures_changes_nothing(pairs):
    metric = mean_iou(3)
    assert scored(metric, *pairs) == scored(metric, *reversed(pairs))
    assert 0 <= scored(metric, *pairs).score <= 100
