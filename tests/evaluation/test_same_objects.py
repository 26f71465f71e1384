"""Do FP32 and INT8 find the same objects?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.errors import DatasetError
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.metrics.same_objects import same_objects, shared_scores
from calibench.evaluation.prediction import Detections, nothing_found
from calibench.evaluation.tasks.task import Context
from calibench.evaluation.tasks.task_choice import choose_metric, choose_task
from calibench.settings import TaskSettings

HERE, MOVED, ELSEWHERE = (0, 0, 10, 10), (0, 0, 10, 8), (50, 50, 60, 60)
TF = {"detection_boxes": (1, 9, 4), "detection_scores": (1, 9), "detection_classes": (1, 9), "num_detections": (1,)}


def likeness(found, wanted):
    """0..1, by the metric itself."""
    metric = same_objects(lambda outputs, frame: outputs)
    return metric.value(metric.observe(Observation(found, wanted))) / 100


def objects(*rows):
    """Rows of box, score, label; the surest first."""
    boxes, scores, labels = zip(*rows, strict=True) if rows else ((), (), ())
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32), np.array(labels, np.int64)
    )


@pytest.mark.parametrize(
    ("found", "wanted", "share"),
    [
        (objects((HERE, 0.8, 1)), objects((HERE, 0.8, 1)), 1),
        (objects((MOVED, 0.8, 1)), objects((HERE, 0.8, 1)), 1),
        (objects((HERE, 0.4, 1)), objects((HERE, 0.8, 1)), 2 / 3),
        (objects((HERE, 0.8, 2)), objects((HERE, 0.8, 1)), 0),
        (objects((ELSEWHERE, 0.8, 1)), objects((HERE, 0.8, 1)), 0),
        (objects(), objects((HERE, 0.8, 1)), 0),
        (objects((HERE, 0.8, 1)), objects(), 0),
        (objects(), objects(), 1),
        (objects((HERE, 0.75, 1), (ELSEWHERE, 0.25, 1)), objects((HERE, 0.75, 1)), 1.5 / 1.75),
        (objects((HERE, 0.5, 1)), objects((HERE, 0.5, 1), (MOVED, 0.5, 1)), 2 / 3),  # one object is one
    ],
)
def test_by_hand(found, wanted, share):
    assert likeness(found, wanted) == pytest.approx(share)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.0625, 1, width=32), st.integers(0, 2)), max_size=6))
def test_a_model_finds_what_it_finds(rows):
    rows = {(20 * place, label): score for place, score, label in rows}
    found = objects(*[((left, 0, left + 10, 10), score, label) for (left, label), score in rows.items()])
    assert likeness(found, found) == pytest.approx(1)
    assert likeness(nothing_found(), found) == (0 if rows else 1)


def test_pictures_on_which_nobody_is_sure_weigh_little():
    metric = same_objects(lambda outputs, frame: outputs)
    sure, unsure, other = (objects(row) for row in ((HERE, 0.75, 1), (HERE, 0.25, 1), (ELSEWHERE, 0.25, 1)))
    assert shared_scores(other, unsure) == (0, 0.5)
    evidence = [metric.observe(Observation(*pair)) for pair in ((sure, sure), (other, unsure))]
    assert metric.score(evidence).score == 75
    assert [metric.value(each) for each in evidence] == [100, 0]
    assert (metric.unit, metric.needs) == ("%", "reference")


@pytest.mark.parametrize("annotated", [frozenset(), frozenset({"label"})], ids=["nothing", "classes"])
def test_a_detector_without_annotated_objects_is_held_against_fp32(annotated):
    context = Context(TF, (64, 64), annotated=annotated)
    task = choose_task(context)
    assert (task.kind, choose_metric("auto", task, context).name) == ("detection", "same-objects")
    assert task.notes == (
        "decoder tf-detection (TensorFlow object detection API); no objects are annotated, so INT8 is "
        "held against those of FP32",
    )


@pytest.mark.parametrize(
    "outputs",
    [{"scores": (1, 5), "labels": (1, 10)}, {"y": (-1, -1, 97)}, {"y": (1, 5)}, {"y": (1, 21, 65, 65)}],
    ids=["two heads of classes", "steps of a text line", "classes", "classes of pixels"],
)
def test_other_models_are_no_detectors(outputs):
    assert choose_task(Context(outputs, (64, 64))).kind != "detection"


def test_findings_are_no_classes_where_the_batch_is_fixed():
    outputs = {"boxes": (-1, 4), "scores": (-1, 1)}
    context = Context(outputs, is_batch_free=False)
    assert choose_metric("auto", choose_task(context), context).name == "cosine"
    assert choose_metric("auto", choose_task(Context(outputs)), Context(outputs)).name == "agreement"


def test_detection_can_be_asked_for_and_its_other_metrics_say_what_they_need():
    context = Context(TF, (64, 64), settings=TaskSettings(kind="detection"))
    task = choose_task(context)
    assert choose_metric("auto", task, context).name == "same-objects"
    with pytest.raises(DatasetError, match="Metric coco needs boxes"):
        choose_metric("coco", task, context)


def test_a_task_of_another_kind_is_not_overruled():
    assert choose_task(Context(TF, (64, 64), settings=TaskSettings(kind="custom"))).kind == "custom"
