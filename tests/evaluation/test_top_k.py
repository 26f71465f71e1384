"""One class for each sample, and the likeness to FP32."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from calibench.datasets.truth import Truth
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.metrics.cosine import cosine_of
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.metrics.top_k import agreement, class_scores, is_class_shape, top_k

VECTORS = arrays.arrays(np.float32, (1, 6), elements=st.floats(-100, 100, width=32))


def seen(scores, label=None, reference=None):
    outputs = {"y": np.array([scores], np.float32)}
    return Observation(outputs, {"y": np.array([reference], np.float32)} if reference else outputs, Truth(label=label))


def value(metric, observation):
    """The share in 0..1 that one sample contributes."""
    return metric.value(metric.observe(observation)) / 100


@pytest.mark.parametrize(("k", "label", "share"), [(1, 2, 1), (1, 1, 0), (2, 1, 1), (2, 0, 0), (3, 0, 1), (9, 0, 1)])
def test_top_k_looks_for_the_label_among_the_k_highest(k, label, share):
    assert value(top_k(k), seen([0.1, 0.2, 0.7], label)) == share


def test_of_equal_scores_the_lower_class_counts_as_higher():
    assert [value(top_k(1), seen([5, 5, 5], label)) for label in range(3)] == [1, 0, 0]
    assert [value(top_k(2), seen([5, 5, 5], label)) for label in range(3)] == [1, 1, 0]


@given(VECTORS, st.integers(0, 5))
def test_top1_is_argmax_and_top_all_is_sure(scores, label):
    found = Observation({"y": scores}, {"y": scores}, Truth(label=label))
    assert value(top_k(1), found) == (scores.argmax() == label)
    assert value(top_k(6), found) == 1
    assert value(top_k(2), found) >= value(top_k(1), found)


def test_nan_is_never_right_and_agrees_with_nothing():
    nan = seen([math.nan, 1, 2], 2, [0, 1, 2])
    assert value(top_k(3), nan) == 0
    assert value(agreement(), nan) == 0


@pytest.mark.parametrize(
    ("shape", "is_class"),
    [
        ((1, 5), True), ((1, 5, 1, 1), True), ((-1, 5), True), ((5,), True), ((1, 1, 5), True),
        ((1, 1), False), ((1, 3, 8, 8), False), ((1, 7, 5), False), ((-1, -1), False), ((), False), ((1, 0), False),
        ((0, 5), False), ((5, 1), False), ((10, 1), False),
    ],
)  # fmt: skip
def test_one_score_per_class_is_known_by_its_shape(shape, is_class):
    assert is_class_shape(shape) == is_class


def test_the_first_output_with_classes_is_taken():
    outputs = {"map": np.zeros((1, 2, 4, 4)), "logits": np.arange(5)[None], "other": np.zeros((1, 9))}
    assert class_scores(outputs).tolist() == [0, 1, 2, 3, 4]
    assert class_scores({"map": np.zeros((1, 2, 4, 4))}) is None


def test_agreement_compares_the_highest_class():
    assert value(agreement(), seen([1, 3, 2], None, [0, 9, 1])) == 1
    assert value(agreement(), seen([1, 3, 2], None, [0, 1, 9])) == 0


def test_cosine_by_hand():
    one, other = {"a": np.array([[3.0, 0]])}, {"a": np.array([[4.0, 3.0]])}
    assert cosine_of(one, other) == pytest.approx(0.8)
    assert cosine_of({"a": np.zeros(3)}, {"a": np.zeros(3)}) == 1
    assert cosine_of({"a": np.zeros(3)}, {"a": np.ones(3)}) == 0
    assert cosine_of({"a": np.array([math.nan])}, {"a": np.ones(1)}) == 0
    assert cosine_of({"a": np.ones(2)}, {"a": np.ones((2, 1))}) == 0
    assert cosine_of({"a": np.ones(3)}, {"a": np.ones(4)}) == pytest.approx(0.75**0.5)
    assert cosine_of({"a": np.array([-math.inf, 2])}, {"a": np.array([-math.inf, 2])}) == 1


@given(VECTORS)
def test_a_vector_has_cosine_1_with_itself_and_minus_1_with_its_opposite(vector):
    assert cosine_of({"y": vector}, {"y": vector}) == pytest.approx(1)
    if vector.any():
        assert cosine_of({"y": -vector}, {"y": vector}) == pytest.approx(-1)


def test_a_missing_label_is_said():
    with pytest.raises(DatasetError, match=r"Metric top1 needs labels\. Give one folder per class"):
        value(top_k(1), seen([1, 2]))


def test_an_offset_moves_from_the_class_of_the_dataset_to_that_of_the_model():
    assert value(top_k(1, 1), seen([0, 0, 9], 1)) == 1
    assert value(top_k(1, -1), seen([0, 9, 0], 2)) == 1


def test_every_class_has_its_score():
    metric = top_k(1)
    found = metric.score([metric.observe(seen([1, 0], label)) for label in (0, 0, 1)])
    assert [(row.label, row.score, row.count) for row in found.classes] == [(0, 100, 2), (1, 0, 1)]
    assert found.score == pytest.approx(200 / 3)


def test_outputs_without_classes_are_said():
    maps = {"mask": np.zeros((1, 2, 4, 4))}
    with pytest.raises(SettingsError) as error:
        value(agreement(), Observation(maps, maps))
    assert "--metric agreement needs an output with one score per class; the model gives mask [1, 2, 4, 4]." in str(
        error.value
    )


def test_a_label_beyond_the_classes_is_said():
    with pytest.raises(DatasetError, match=r"Label 3, but the model has 3 classes, 0 to 2\. .* background class\?"):
        value(top_k(1), seen([1, 2, 3], 3))
    with pytest.raises(DatasetError, match=r"Label 7, but the model has 3 classes, 0 to 2\. Begin the folder names"):
        value(top_k(1), seen([1, 2, 3], 7))
