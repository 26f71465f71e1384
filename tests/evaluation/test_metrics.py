"""What is measured on every sample."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.metrics import (
    Observation,
    agreement,
    choose_metric,
    class_scores,
    cosine_of,
    is_class_shape,
    top_k,
)

LOGITS = [(1, 5)]
VECTORS = arrays.arrays(np.float32, (1, 6), elements=st.floats(-100, 100, width=32))


def seen(scores, label=None, reference=None):
    outputs = {"y": np.array([scores], np.float32)}
    return Observation(outputs, {"y": np.array([reference], np.float32)} if reference else outputs, label)


@pytest.mark.parametrize(("k", "label", "value"), [(1, 2, 1), (1, 1, 0), (2, 1, 1), (2, 0, 0), (3, 0, 1), (9, 0, 1)])
def test_top_k_looks_for_the_label_among_the_k_highest(k, label, value):
    assert top_k(k).value(seen([0.1, 0.2, 0.7], label)) == value


def test_of_equal_scores_the_lower_class_counts_as_higher():
    assert [top_k(1).value(seen([5, 5, 5], label)) for label in range(3)] == [1, 0, 0]
    assert [top_k(2).value(seen([5, 5, 5], label)) for label in range(3)] == [1, 1, 0]


@given(VECTORS, st.integers(0, 5))
def test_top1_is_argmax_and_top_all_is_sure(scores, label):
    found = Observation({"y": scores}, {"y": scores}, label)
    assert top_k(1).value(found) == (scores.argmax() == label)
    assert top_k(6).value(found) == 1
    assert top_k(2).value(found) >= top_k(1).value(found)


def test_nan_is_never_right_and_agrees_with_nothing():
    nan = seen([math.nan, 1, 2], 2, [0, 1, 2])
    assert top_k(3).value(nan) == 0
    assert agreement().value(nan) == 0


@pytest.mark.parametrize(
    ("shape", "is_class"),
    [
        ((1, 5), True), ((1, 5, 1, 1), True), ((-1, 5), True), ((5,), True), ((1, 1, 5), True),
        ((1, 1), False), ((1, 3, 8, 8), False), ((1, 7, 5), False), ((-1, -1), False), ((), False), ((1, 0), False),
        ((0, 5), False),
    ],
)  # fmt: skip
def test_one_score_per_class_is_known_by_its_shape(shape, is_class):
    assert is_class_shape(shape) == is_class


def test_the_first_output_with_classes_is_taken():
    outputs = {"map": np.zeros((1, 2, 4, 4)), "logits": np.arange(5)[None], "other": np.zeros((1, 9))}
    assert class_scores(outputs).tolist() == [0, 1, 2, 3, 4]
    assert class_scores({"map": np.zeros((1, 2, 4, 4))}) is None


def test_agreement_compares_the_highest_class():
    assert agreement().value(seen([1, 3, 2], None, [0, 9, 1])) == 1
    assert agreement().value(seen([1, 3, 2], None, [0, 1, 9])) == 0


def test_cosine_by_hand():
    one, other = {"a": np.array([[3.0, 0]])}, {"a": np.array([[4.0, 3.0]])}
    assert cosine_of(one, other) == pytest.approx(0.8)
    assert cosine_of({"a": np.zeros(3)}, {"a": np.zeros(3)}) == 1
    assert cosine_of({"a": np.zeros(3)}, {"a": np.ones(3)}) == 0
    assert cosine_of({"a": np.array([math.nan])}, {"a": np.ones(1)}) == 0
    assert cosine_of({"a": np.ones(2)}, {"a": np.ones(3)}) == 0
    assert cosine_of({"a": np.array([-math.inf, 2])}, {"a": np.array([-math.inf, 2])}) == 1


@given(VECTORS)
def test_a_vector_has_cosine_1_with_itself_and_minus_1_with_its_opposite(vector):
    assert cosine_of({"y": vector}, {"y": vector}) == pytest.approx(1)
    if vector.any():
        assert cosine_of({"y": -vector}, {"y": vector}) == pytest.approx(-1)


@pytest.mark.parametrize(
    ("name", "is_annotated", "shapes", "chosen"),
    [
        ("auto", True, LOGITS, "top1"),
        ("auto", False, LOGITS, "agreement"),
        ("auto", True, [(1, 3, 8, 8)], "cosine"),
        ("top5", True, LOGITS, "top5"),
        ("agreement", True, LOGITS, "agreement"),
        ("cosine", False, [(1, 3, 8, 8)], "cosine"),
    ],
)
def test_a_metric_is_chosen_by_name(name, is_annotated, shapes, chosen):
    metric = choose_metric(name, is_annotated, shapes)
    assert metric.name == chosen
    assert metric.higher_is_better
    assert metric.needs_labels == chosen.startswith("top")


@pytest.mark.parametrize("name", ["top", "top0", "top-1", "acc", "", "topx", "Top1"])
def test_an_unknown_metric_answers_with_the_known_ones(name):
    with pytest.raises(SettingsError) as error:
        choose_metric(name, True, LOGITS)
    assert str(error.value) == (
        f"--metric {name}: there is no such metric. "
        "Known: auto, top1, topK (such as top5), agreement, cosine, package.module:function."
    )


def test_labels_that_are_needed_and_missing_are_said():
    sentence = "Metric top1 needs labels. Give one folder per class, or take metric agreement."
    with pytest.raises(DatasetError) as error:
        choose_metric("top1", False, LOGITS)
    assert str(error.value) == sentence
    with pytest.raises(DatasetError) as error:
        top_k(1).value(seen([1, 2]))
    assert str(error.value) == sentence


def test_outputs_without_classes_are_said():
    maps = {"mask": np.zeros((1, 2, 4, 4))}
    with pytest.raises(SettingsError) as error:
        agreement().value(Observation(maps, maps, 0))
    assert "--metric agreement needs an output with one score per class; the model gives mask [1, 2, 4, 4]." in str(
        error.value
    )


def test_a_label_beyond_the_classes_is_said():
    with pytest.raises(DatasetError, match=r"Label 3, but the model has 3 classes, 0 to 2\. .* background class\?"):
        top_k(1).value(seen([1, 2, 3], 3))
    with pytest.raises(DatasetError, match=r"Label 7, but the model has 3 classes, 0 to 2\. Begin the folder names"):
        top_k(1).value(seen([1, 2, 3], 7))
