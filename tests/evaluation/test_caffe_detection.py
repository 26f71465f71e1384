"""Caffe's DetectionEvaluate: two pictures by hand, and against a plain reading of its definition."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.frame import Frame, same
from calibench.datasets.truth import Objects, Truth
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.metrics.caffe_detection import DetectionLayer, average_precision, caffe_detection
from calibench.evaluation.metrics.caffe_scores import score_layers
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.metrics.voc_curve import RIGHT, WRONG
from calibench.evaluation.tasks.task import Context
from calibench.evaluation.tasks.task_choice import choose_metric, choose_task
from calibench.settings import TaskSettings

SIDE = 100
ENTRY = {
    "blob": "detection_eval", "type": "DetectionEvaluate", "output": "out", "background_label_id": 0,
    "overlap_threshold": 0.5, "evaluate_difficult_gt": False, "num_classes": 4,
}  # fmt: skip
LAYER = DetectionLayer("detection_eval", "out", 4, counts_difficult=False)
NUMBERS = {0: 1, 1: 2, 2: 3}


def seen(found, true, frame=None):
    """Rows of the model's class, score and box in shares; rows of the dataset's class, box in pixels, difficult."""
    rows = [[0, label, score, *box] for label, score, *box in found] + [[-1] + [0] * 6]
    outputs = {"out": np.array(rows, np.float32).reshape(1, 1, -1, 7)}
    objects = Objects(
        np.array([row[1:5] for row in true], np.float32).reshape(-1, 4),
        np.array([row[0] for row in true], np.int64),
        np.array([len(row) > 5 and row[5] for row in true], np.bool_),
    )
    return Observation(outputs, outputs, Truth(objects=objects), frame or same(SIDE, SIDE))


def summary(pictures, layer=LAYER, numbers=NUMBERS):
    metric = caffe_detection(layer, numbers)
    return metric.score([metric.observe(each) for each in pictures])


ONE = ((0, 10, 10, 30, 30), (0, 60, 60, 80, 80), (1, 0, 0, 20, 20, True))
OTHER = ((1, 40, 40, 80, 80),)
FOUND_ONE = (
    (1, 0.9, 0.1, 0.1, 0.3, 0.3),  # right
    (1, 0.8, 0.1, 0.1, 0.3, 0.28),  # the same object again: wrong
    (2, 0.95, 0.0, 0.0, 0.2, 0.2),  # a difficult one: aside
)
FOUND_OTHER = (
    (2, 0.6, 0.4, 0.4, 0.8, 0.8),  # right
    (1, 0.85, 0.4, 0.4, 0.8, 0.8),  # of another label: wrong
    (3, 0.99, 0.0, 0.0, 1.0, 1.0),  # a label that nobody has: counts for none that occurs
)
PICTURES = (seen(FOUND_ONE, ONE), seen(FOUND_OTHER, OTHER))


def test_two_pictures_by_hand():
    # label 1: right, wrong, wrong of two objects: precision 1 up to a recall of 0.5, six of eleven points
    # label 2: the only one that counts is found: 1
    found = summary(PICTURES)
    assert found.score == pytest.approx(100 * (6 / 11 + 1) / 2)
    assert [(row.label, row.count) for row in found.classes] == [(0, 2), (1, 1), (2, 0)]
    assert [row.score for row in found.classes] == [pytest.approx(600 / 11), pytest.approx(100), None]
    assert found.details == {"over all 3 labels": pytest.approx(100 * (6 / 11 + 1) / 3)}


def test_difficult_objects_count_where_the_layer_says_so():
    found = summary(PICTURES, DetectionLayer("d", "out", 4, counts_difficult=True))
    assert [row.count for row in found.classes] == [2, 2, 0]
    assert found.classes[1].score == pytest.approx(100)
    missed = summary([seen((), ONE)], DetectionLayer("d", "out", 4, counts_difficult=True))
    assert missed.score == 0 and [row.score for row in missed.classes] == [0, 0, None]


def test_an_object_that_is_taken_is_still_the_one_that_is_overlapped_most():
    true = ((0, 0, 0, 40, 40), (0, 0, 20, 40, 60))
    found = (
        (1, 0.9, 0, 0, 0.4, 0.4),
        (1, 0.8, 0, 0.05, 0.4, 0.45),
    )  # overlaps the second by 0.45 only, the first by 0.78
    metric = caffe_detection(LAYER, NUMBERS)
    assert metric.observe(seen(found, true)).marks.tolist() == [RIGHT, WRONG]


def test_an_overlap_of_exactly_the_threshold_is_right():
    assert summary([seen([(1, 0.5, 0, 0, 0.5, 0.25)], [(0, 0, 0, 50, 50)])]).score == pytest.approx(100)
    assert summary([seen([(1, 0.5, 0, 0, 0.5, 0.24)], [(0, 0, 0, 50, 50)])]).score == 0


def test_with_sizes_of_pictures_overlaps_are_in_pixels_with_both_edges():
    # 5 x 2 of 5 x 5 pixels in shares is 0.4; both edges included 6 x 3 of 6 x 6 is 0.5
    found, true = [(1, 0.5, 0, 0, 0.05, 0.02)], [(0, 0, 0, 5, 5)]
    assert summary([seen(found, true)]).score == 0
    assert summary([seen(found, true)], DetectionLayer("d", "out", 4, in_pixels=True)).score == pytest.approx(100)


def test_boxes_are_compared_in_the_input_of_the_model():
    frame = Frame((50, 200), (100, 100), 0.5, 0.5, 0.0, 37.5)  # letterbox
    assert summary([seen([(1, 0.9, 0.1, 0.375, 0.5, 0.625)], [(0, 20, 0, 100, 50)], frame)]).score == pytest.approx(100)


def test_an_unsure_row_counts_as_any():
    """The tasks drop rows below a threshold; the layer must not."""
    assert summary([seen([(1, 1e-6, 0.1, 0.1, 0.3, 0.3)], ONE[:1])]).score == pytest.approx(100)


def test_without_any_object_there_is_no_score():
    assert np.isnan(summary([seen([(1, 0.9, 0, 0, 1, 1)], ())]).score)


def test_a_recall_in_float32_falls_short_of_seven_tenths():
    marks = np.array([RIGHT] * 7)
    assert average_precision(marks, 10) == pytest.approx(7 / 11)  # recalls 0 .. 0.6
    assert average_precision(marks[:6], 10) == pytest.approx(7 / 11)  # 6/10 in float32 is above the double 0.6


def caffe_ap(pairs, total):
    """Average precision as Caffe loops over it; pairs of score and whether it is right, in the order they came."""
    ordered = sorted(pairs, key=lambda pair: -pair[0])
    if not ordered or not total:
        return 0.0
    right = wrong = 0
    recall, precision = [], []
    for _, is_right in ordered:
        right, wrong = right + is_right, wrong + (not is_right)
        precision.append(np.float32(right) / np.float32(right + wrong))
        recall.append(np.float32(right) / np.float32(total))
    best, last = [0.0] * 11, len(ordered) - 1
    for j in range(10, -1, -1):
        for i in range(last, -1, -1):
            if float(recall[i]) < j / 10.0:
                last = i
                if j > 0:
                    best[j - 1] = best[j]
                break
            best[j] = max(best[j], precision[i])
    return sum(float(each) / 11 for each in best)


def caffe_score(pictures, classes):
    """The mean over labels that occur, by loops over labels and boxes."""
    values = []
    for label in range(1, classes):
        pairs, total = [], 0
        for found, true in pictures:
            own = [row for row in true if row[0] + 1 == label]
            total += sum(not row[5] for row in own)
            taken = set()
            for _, score, *box in sorted((row for row in found if row[0] == label), key=lambda row: -row[1]):
                overlaps = [overlap(np.float32(box), np.float32(row[1:5]) / np.float32(SIDE)) for row in own]
                best = int(np.argmax(overlaps)) if overlaps else -1
                if best < 0 or overlaps[best] < 0.5:
                    pairs.append((score, False))
                elif not own[best][5]:
                    pairs.append((score, best not in taken))
                    taken.add(best)
        if total:
            values.append(caffe_ap(pairs, total))
    return 100 * np.mean(values) if values else float("nan")


def overlap(one, other):
    width, height = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (areas[0] + areas[1] - width * height)


BOXES = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 4), st.integers(1, 4)).map(
    lambda box: (10 * box[0], 10 * box[1], 10 * (box[0] + box[2]), 10 * (box[1] + box[3]))
)
TRUE = st.tuples(st.integers(0, 2), BOXES, st.booleans()).map(lambda row: (row[0], *row[1], row[2]))
FOUND = st.tuples(st.integers(1, 3), st.sampled_from([0.1, 0.25, 0.5, 0.75]), BOXES).map(
    lambda row: (row[0], row[1], *(side / SIDE for side in row[2]))
)


@given(st.lists(st.tuples(st.lists(FOUND, max_size=8), st.lists(TRUE, max_size=5)), min_size=1, max_size=4))
def test_it_is_what_caffe_computes(pictures):
    wanted = caffe_score(pictures, 4)
    assert summary([seen(found, true) for found, true in pictures]).score == pytest.approx(wanted, nan_ok=True)


def context(**more):
    more = {"annotated": frozenset(("objects",)), "classes": ("a", "b", "c"), "class_ids": (1, 2, 3), **more}
    return Context({"out": (1, 1, -1, 7)}, (SIDE, SIDE), {"caffe/scores": json.dumps([ENTRY])}, **more)


def chosen(at):
    return choose_metric("detection_eval", choose_task(at), at)


def test_the_metric_is_found_by_the_name_of_its_top():
    metric = chosen(context())
    assert (metric.name, metric.unit, metric.needs) == ("detection_eval", "%", "objects")
    found = metric.score([metric.observe(each) for each in PICTURES])
    assert found.score == pytest.approx(100 * (6 / 11 + 1) / 2)
    assert metric.value(metric.observe(seen([(1, 1.0, 0.1, 0.1, 0.3, 0.3)], ONE[:1]))) == pytest.approx(100)


def test_a_detector_is_scored_by_its_own_layer_unless_another_metric_is_asked_for():
    at = context()
    assert choose_metric("auto", choose_task(at), at).name == "detection_eval"
    assert choose_metric("coco", choose_task(at), at).name == "coco"


def test_labels_are_matched_by_the_numbers_of_the_label_map():
    metric = chosen(context(classes=("c", "a"), class_ids=(3, 1)))
    true, found = [(1, 10, 10, 30, 30)], [(1, 0.9, 0.1, 0.1, 0.3, 0.3)]
    assert metric.score([metric.observe(seen(found, true))]).score == pytest.approx(100)


def test_without_numbers_labels_follow_the_background():
    metric = chosen(context(class_ids=()))
    assert metric.score([metric.observe(seen([(2, 0.9, 0.4, 0.4, 0.8, 0.8)], OTHER))]).score == pytest.approx(100)


def test_what_the_settings_say_of_numbers_comes_first():
    metric = chosen(context(class_ids=(3, 2, 1), settings=TaskSettings(class_numbers="index")))
    assert metric.score([metric.observe(seen([(1, 0.9, 0.1, 0.1, 0.3, 0.3)], ONE[:1]))]).score == pytest.approx(100)


def test_boxes_are_needed():
    with pytest.raises(DatasetError, match="Metric detection_eval needs boxes"):
        choose_metric("detection_eval", choose_task(context()), context(annotated=frozenset(("label",))))


def test_objects_of_the_background_are_refused():
    with pytest.raises(SettingsError, match="has objects of class 0, which is the background"):
        summary([seen([(0, 0.9, 0, 0, 1, 1)], ONE)])


def test_an_annotated_class_that_the_layer_does_not_have_is_said():
    with pytest.raises(
        DatasetError, match="an object has class 3 of the dataset, which is none of the 4 of detection_eval"
    ):
        summary([seen((), [(3, 0, 0, 9, 9)])])


def test_what_the_file_says_becomes_a_layer():
    said = [{**ENTRY, "name_size_file": "sizes.txt"}, {**ENTRY, "blob": "other", "background_label_id": 2**32 - 1}]
    of_file = {**said[1], "type": "EvalDetection", "blob": "unknown"}
    layers = score_layers({"caffe/scores": json.dumps([*said, of_file])})
    assert layers == {
        "detection_eval": DetectionLayer("detection_eval", "out", 4, 0, 0.5, False, True),
        "other": DetectionLayer("other", "out", 4, -1, 0.5, False),
    }
