"""Caffe's Accuracy layer: by hand, ties, ignored labels, and against a plain reading of its definition."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.dataset import Arrays
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError, ModelError, SettingsError
from calibench.evaluation.difficulty import margin
from calibench.evaluation.judge import Judge
from calibench.evaluation.metrics.caffe_accuracy import AccuracyLayer, caffe_accuracy
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.tasks.task import Context
from calibench.evaluation.tasks.task_choice import choose_metric, choose_task

LABELS = frozenset(("label",))
TOP5 = {"blob": "accuracy-top5", "type": "Accuracy", "output": "fc", "top_k": 5, "axis": 1, "ignore_label": None}
TOP1 = {**TOP5, "blob": "accuracy-top1", "top_k": 1}


def context(*entries, outputs=None, annotated=LABELS, **more):
    outputs = {"fc": (-1, 10)} if outputs is None else outputs
    return Context(outputs, annotated=annotated, metadata={"caffe/scores": json.dumps(entries)}, **more)


def chosen(name, at):
    return choose_metric(name, choose_task(at), at)


def accuracy(rows, labels, k=1, ignore=None):
    """The metric, what it keeps of each sample, and its score in percent."""
    layer = AccuracyLayer("accuracy", "fc", k, 1, ignore)
    metric = caffe_accuracy(layer, (-1, len(rows[0])))
    evidence = []
    for row, label in zip(rows, labels, strict=True):
        outputs = {"other": np.zeros((1, 4), np.float32), "fc": np.array([row], np.float32)}
        evidence.append(metric.observe(Observation(outputs, outputs, Truth(label=label))))
    return metric, evidence, metric.score(evidence)


def caffe_share(rows, labels, k, ignore):
    """As the layer is defined: sort pairs of score and class downwards, look at the first k."""
    right, count = 0, 0
    for row, label in zip(rows, labels, strict=True):
        if label == ignore:
            continue
        pairs = sorted(((float(value), number) for number, value in enumerate(row)), reverse=True)
        right += label in [number for _, number in pairs[:k]]
        count += 1
    return 100 * right / count if count else float("nan")


@pytest.mark.parametrize(("k", "label", "share"), [(1, 2, 100), (1, 1, 0), (2, 1, 100), (2, 0, 0), (3, 0, 100)])
def test_the_label_is_looked_for_among_the_k_highest(k, label, share):
    metric, evidence, summary = accuracy([[0.1, 0.2, 0.7]], [label], k)
    assert summary.score == share == metric.value(evidence[0])
    assert (metric.unit, metric.needs, metric.higher_is_better) == ("%", "label", True)


def test_of_equal_scores_the_higher_class_counts_as_higher():
    assert [accuracy([[5, 5, 5]], [label])[2].score for label in range(3)] == [0, 0, 100]
    assert [accuracy([[5, 5, 5]], [label], 2)[2].score for label in range(3)] == [0, 100, 100]


def test_ignored_labels_do_not_count():
    metric, evidence, summary = accuracy([[0, 1], [0, 1], [1, 0]], [1, 255, 1], ignore=255)
    assert summary.score == 50
    assert [(row.label, row.count) for row in summary.classes] == [(1, 2)]
    assert metric.value(evidence[1]) == 100  # no model can differ on it
    assert np.isnan(accuracy([[0, 1]], [255], ignore=255)[2].score)


def test_a_score_that_is_no_number_is_not_right():
    assert accuracy([[np.nan, 1, 2]], [2], 3)[2].score == 0


@given(
    st.integers(2, 5).flatmap(
        lambda classes: st.tuples(
            st.lists(st.lists(st.integers(-2, 2), min_size=classes, max_size=classes), min_size=1, max_size=8),
            st.lists(st.integers(0, classes - 1), min_size=8, max_size=8),
            st.integers(1, classes),
            st.sampled_from([None, 0, 255]),
        )
    )
)
def test_it_is_what_caffe_computes(drawn):
    rows, labels, k, ignore = drawn
    labels = labels[: len(rows)]
    found = accuracy(rows, labels, k, ignore)[2].score
    assert found == pytest.approx(caffe_share(rows, labels, k, ignore), nan_ok=True)


def test_the_metric_of_a_top_is_found_by_its_name():
    at = context(TOP5, TOP1)
    assert [chosen(name, at).name for name in ("accuracy-top5", "accuracy-top1")] == ["accuracy-top5", "accuracy-top1"]


def test_auto_takes_the_smallest_top_k_and_the_first_of_equal_ones():
    assert chosen("auto", context(TOP5, TOP1)).name == "accuracy-top1"
    assert chosen("auto", context(TOP1, {**TOP1, "blob": "second"})).name == "accuracy-top1"


def test_auto_takes_no_layer_of_use_to_other_annotations():
    assert chosen("auto", context(TOP1, annotated=frozenset())).name == "agreement"
    of_pixels = {**TOP1, "output": "score"}
    both = {"fc": (-1, 10), "score": (-1, 10, 8, 8)}
    assert chosen("auto", context(of_pixels, outputs=both)).name == "top1"


def test_an_unknown_name_answers_with_the_known_ones():
    with pytest.raises(SettingsError) as error:
        chosen("accuracy", context(TOP5, TOP1))
    assert str(error.value) == (
        "--metric accuracy: there is no such metric for classification. Known: accuracy-top5, accuracy-top1, top1, "
        "top5, topK (such as top3), agreement, cosine, package.module:function."
    )


def test_a_name_with_a_colon_or_of_a_metric_of_ours_is_the_layer():
    for name in ("net:0", "agreement"):
        assert chosen(name, context({**TOP1, "blob": name})).needs == "label"


def test_missing_labels_are_said():
    with pytest.raises(DatasetError, match="Metric accuracy-top1 needs a class for every sample"):
        chosen("accuracy-top1", context(TOP1, annotated=frozenset()))


def test_a_layer_that_compares_pixels_is_refused():
    with pytest.raises(SettingsError) as error:
        chosen("accuracy-top1", context(TOP1, outputs={"fc": (-1, 10, 8, 8)}))
    assert str(error.value) == (
        "--metric accuracy-top1: this Accuracy layer compares a class for every pixel of fc [?, 10, 8, 8]. Take metric "
        "mean-iou with a dataset of masks, or metric agreement."
    )


@pytest.mark.parametrize("shape", [(-1, 10), (16, 10), (-1, 10, 1, 1), (1, 1, 10)])
def test_one_class_a_sample_has_many_shapes(shape):
    axis = 2 if shape == (1, 1, 10) else 1
    outputs = {"fc": np.zeros([1, *shape[1:]], np.float32)}
    metric = chosen("accuracy-top1", context({**TOP1, "axis": axis}, outputs={"fc": shape}))
    assert metric.observe(Observation(outputs, outputs, Truth(label=9)))[0] == 1  # all equal: the last is the highest


def test_more_places_than_classes_are_refused():
    with pytest.raises(SettingsError, match=r"accuracy-top5: top_k is 5, but fc has 3 classes\."):
        chosen("accuracy-top5", context(TOP5, outputs={"fc": (-1, 3)}))


def test_what_the_file_says_must_be_readable():
    for text in ("[", '[{"type": "Accuracy"}]', "3"):
        with pytest.raises(ModelError, match="says of its scores"):
            choose_metric("auto", choose_task(context()), Context({"fc": (1, 10)}, metadata={"caffe/scores": text}))
    with pytest.raises(ModelError, match="reads prob, which is none of the model's outputs: fc"):
        chosen("accuracy-top1", context({**TOP1, "output": "prob"}))


def judged(labels, ignore=None, offset=0):
    layer = AccuracyLayer("accuracy-top1", "fc", 1, 1, ignore)
    metric = caffe_accuracy(layer, (-1, 10), offset)
    samples = Arrays([{"x": np.zeros((1, 1), np.float32)}] * len(labels), labels, "arrays")
    judge = Judge(choose_task(context(TOP1)), metric, ("fc",))
    judge.check({"fc": np.zeros((1, 10), np.float32)}, samples)


def test_a_label_that_is_no_class_is_said_with_its_sample():
    with pytest.raises(DatasetError) as error:
        judged([0, 9, 10, -1])
    assert str(error.value) == (
        "sample 2: Label 10, but fc has 10 classes, 0 to 9. Correct the label in the dataset, or have it ignored: "
        "ignore_label in the layer of accuracy-top1."
    )
    with pytest.raises(DatasetError, match="sample 1: Label -1"):
        judged([0, -1])
    judged([0, 255, 9], ignore=255)
    judged([-1, 8], offset=1)


def test_the_margin_is_that_of_the_output_that_the_layer_reads():
    outputs = {"loss1": np.array([[0, 7, 9]], np.float32), "fc": np.array([[0, 4, 9]], np.float32)}
    task = choose_task(context(TOP1))
    assert margin(Judge(task, chosen("accuracy-top1", context(TOP1)), tuple(outputs)), outputs) == 5
    assert margin(Judge(task, chosen("top1", context(TOP1)), tuple(outputs)), outputs) == 2
