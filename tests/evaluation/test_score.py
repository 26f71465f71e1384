"""One model scored, and INT8 beside FP32."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.dataset import Arrays
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.judge import Judge
from calibench.evaluation.metrics.cosine import cosine
from calibench.evaluation.metrics.metric import mean_of
from calibench.evaluation.metrics.top_k import agreement, check_labels, top_k
from calibench.evaluation.score import compare as compare_samples
from calibench.evaluation.score import drop
from calibench.evaluation.score import score as score_samples
from calibench.evaluation.tasks.task import Task

NAMES = ["y"]
TASK = Task(
    "classification", lambda outputs, frame: None, {}, check=lambda outputs, labels: check_labels(labels, outputs)
)


def samples(labels):
    """Samples without content: only their annotations are looked at."""
    return Arrays([{}] * (len(labels) if labels else 9), labels)


def compare(reference, candidate, labels, metric, names):
    pairs = zip(reference, candidate, strict=True)
    return compare_samples(pairs, samples(labels), Judge(TASK, metric, names))


def score(outputs, labels, metric, names):
    return score_samples(outputs, samples(labels), Judge(TASK, metric, names))


def stream(*rows):
    return ((np.array([row], np.float32),) for row in rows)


FP32 = ([1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0])
INT8 = ([1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0])
LABELS = [0, 1, 2, 1]


def test_by_hand():
    found = compare(stream(*FP32), stream(*INT8), LABELS, top_k(1), NAMES)
    assert (found.baseline.score, found.int8.score) == (75, 50)
    assert found.drop_points == 25
    assert found.agreement == 75
    assert found.samples == 4
    assert found.cosine == pytest.approx(0.75)
    assert found.sqnr_db == found.sqnr_db_by_output["y"] == pytest.approx(10 * math.log10(4 / 2))
    assert found.baseline.values.tolist() == [100, 100, 100, 0]
    assert found.int8.values.tolist() == [100, 100, 0, 0]
    assert found.worse.tolist() == [0, 0, 100, 0]
    assert [row.score for row in found.int8.classes] == [100, 50, 0]
    assert found.baseline.values.dtype == np.float64


def test_one_model_alone():
    found = score(stream(*FP32), LABELS, top_k(1), NAMES)
    assert (found.score, found.unit, found.metric, found.not_finite) == (75, "%", "top1", 0)


def test_a_model_agrees_with_itself():
    found = compare(stream(*FP32), stream(*FP32), None, agreement(), NAMES)
    assert (found.baseline.score, found.int8.score, found.drop_points, found.cosine) == (100, 100, 0, 1)
    assert found.sqnr_db == math.inf


def test_agreement_as_metric_drops_by_what_disagrees():
    assert compare(stream(*FP32), stream(*INT8), None, agreement(), NAMES).drop_points == 25


def test_the_drop_is_positive_when_worse_whichever_way_the_metric_points():
    size = mean_of("size", "mm", False, "nothing", lambda seen: float(seen.outputs["y"].max()))
    found = compare(stream([1.0], [1.0]), stream([3.0], [1.0]), None, size, NAMES)
    assert (found.baseline.score, found.int8.score, found.drop_points) == (1, 2, 1)
    assert found.worse.tolist() == [2, 0]
    assert drop(3, 1, size) == -2
    assert drop(3, 1, top_k(1)) == 2


def test_outputs_without_classes_have_no_agreement():
    maps = [(np.ones((1, 2, 3, 3)),)] * 2
    found = compare(iter(maps), iter(maps), None, cosine(), NAMES)
    assert found.agreement is None
    assert found.baseline.score == 1


def test_every_output_has_its_sqnr():
    reference = [(np.array([[10.0, 0]]), np.array([[1.0]]))]
    candidate = [(np.array([[9.0, 0]]), np.array([[1.0]]))]
    found = compare(reference, candidate, None, cosine(), ["a", "b"])
    assert found.sqnr_db_by_output == {"a": pytest.approx(20), "b": math.inf}
    assert found.sqnr_db == pytest.approx(10 * math.log10(101))


def test_samples_that_are_not_finite_are_counted():
    found = compare(stream([1, 0], [0, 1]), stream([math.nan, 0], [0, 1]), [0, 1], top_k(1), NAMES)
    assert (found.baseline.not_finite, found.int8.not_finite) == (0, 1)
    assert (found.drop_points, found.sqnr_db, found.agreement) == (50, -math.inf, 50)


@given(st.permutations(range(4)))
def test_the_order_of_samples_changes_nothing(order):
    first = compare(stream(*FP32), stream(*INT8), LABELS, top_k(1), NAMES)
    mixed = compare(
        stream(*(FP32[i] for i in order)),
        stream(*(INT8[i] for i in order)),
        [LABELS[i] for i in order],
        top_k(1),
        NAMES,
    )
    assert mixed.drop_points == first.drop_points
    assert mixed.sqnr_db == pytest.approx(first.sqnr_db)


def test_streams_are_taken_in_step():
    taken = []

    def watched(name):
        for row in FP32:
            taken.append(name)
            yield (np.array([row], np.float32),)

    compare(watched("fp32"), watched("int8"), None, agreement(), NAMES)
    assert taken == ["fp32", "int8"] * 4


def test_no_samples_are_refused():
    with pytest.raises(DatasetError, match="no samples to evaluate"):
        compare([], [], None, agreement(), NAMES)
    with pytest.raises(DatasetError, match="no samples to evaluate"):
        score([], None, agreement(), NAMES)


def test_streams_of_different_length_are_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="zip"):
        compare(stream(*FP32), stream(*INT8[:2]), None, agreement(), NAMES)


@pytest.mark.parametrize("evaluate", [
    lambda labels: score(stream(*FP32), labels, top_k(1), NAMES),
    lambda labels: compare(stream(*FP32), stream(*FP32), labels, top_k(1), NAMES),
])  # fmt: skip
def test_labels_that_the_model_does_not_know_are_said_at_the_first_sample(evaluate):
    with pytest.raises(DatasetError) as error:
        evaluate([0, 1, 2, 3])
    assert str(error.value) == (
        "sample 3: Label 3, but the model has 3 classes, 0 to 2. The labels seem off by one: does one side count a "
        "background class? Begin the folder names with the class numbers of the model, or list its classes in "
        "labels.txt."
    )


def test_a_metric_that_does_not_fit_the_outputs_is_said():
    with pytest.raises(SettingsError, match="needs an output with one score per class"):
        score([(np.zeros((1, 2, 3, 3)),)], [0], top_k(1), NAMES)


def test_an_output_of_another_length_is_counted_and_compared_as_far_as_it_goes():
    reference = [(np.array([[10.0, 0], [1, 0]]),), (np.ones((1, 2)),)]
    candidate = [(np.array([[10.0, 0]]),), (np.ones((1, 2)),)]
    found = compare(reference, candidate, None, cosine(), NAMES)
    assert found.varying == {"y": 1}
    assert found.sqnr_db is None
    assert found.sqnr_db_by_output["y"] == pytest.approx(10 * math.log10(103))
    assert 0.99 < found.cosine < 1


def test_an_output_of_another_length_does_not_hide_the_noise_of_the_others():
    reference = [(np.ones((2, 2)), np.array([[10.0]])), (np.ones((1, 2)), np.array([[10.0]]))]
    candidate = [(np.ones((1, 2)), np.array([[9.0]])), (np.ones((1, 2)), np.array([[9.0]]))]
    found = compare(reference, candidate, None, cosine(), ["boxes", "count"])
    assert found.varying == {"boxes": 1}
    assert found.sqnr_db == pytest.approx(20)


def test_models_that_choose_no_class_have_no_agreement():
    task = Task("embedding", lambda outputs, frame: np.zeros(3), {})
    pairs = zip(stream(*FP32), stream(*INT8), strict=True)
    assert compare_samples(pairs, samples(None), Judge(task, cosine(), NAMES)).agreement is None
