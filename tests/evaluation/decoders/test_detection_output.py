"""Outputs with suppression inside the model, against outputs made from known boxes."""

import numpy as np
import pytest
from known_objects import SIZES, assert_found, context_of, known_objects

from calibench.errors import SettingsError
from calibench.evaluation.decoders.decoders import choose_decoder

CLASSES = 4
CASES = [(seed, size) for seed in range(3) for size in SIZES]


def shares(known, size):
    return [known.left / size[1], known.top / size[0], known.right / size[1], known.bottom / size[0]]


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_detection_output_ends_at_the_first_empty_row(seed, size):
    known = known_objects(seed, size, CLASSES)
    rows = np.zeros((1, 1, 200, 7), np.float32)
    for row, each in zip(rows[0, 0], known, strict=False):
        row[:] = 0, each.label + 1, each.score, *shares(each, size)
    rows[0, 0, len(known)] = [-1, 3, 0.9, 0, 0, 1, 1]
    rows[0, 0, len(known) + 1] = [0, 3, 0.9, 0, 0, 1, 1]  # left over from another picture
    context = context_of({"detection_out": rows}, size)
    decoder = choose_decoder(context)
    assert decoder.name == "detection-output" and decoder.counting(context).background == "first"
    assert_found(decoder.decode({"detection_out": rows}, context), known, labels_from=1)


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_tensorflow_boxes_begin_with_the_top_and_classes_with_one(seed, size):
    known = known_objects(seed, size, CLASSES)
    boxes, scores, classes = np.zeros((1, 100, 4)), np.full((1, 100), 0.5), np.ones((1, 100))
    for place, each in enumerate(known):
        left, top, right, bottom = shares(each, size)
        boxes[0, place], scores[0, place], classes[0, place] = [top, left, bottom, right], each.score, each.label + 1
    outputs = {
        "detection_boxes:0": boxes.astype(np.float32),
        "raw_detection_boxes:0": boxes[:, ::-1].astype(np.float32),
        "detection_scores:0": scores.astype(np.float32),
        "detection_classes:0": classes.astype(np.float32),
        "num_detections:0": np.array([len(known)], np.float32),
    }
    context = context_of(outputs, size)
    decoder = choose_decoder(context)
    assert decoder.name == "tf-detection"
    assert_found(decoder.decode(outputs, context), known, labels_from=1)


@pytest.mark.parametrize(("seed", "size"), CASES)
@pytest.mark.parametrize("has_batch", [False, True])
def test_boxes_with_scores_and_labels_in_two_outputs(seed, size, has_batch):
    known = known_objects(seed, size, CLASSES)
    boxes = np.zeros((100, 5), np.float32)
    labels = np.zeros(100, np.int64)
    for place, each in enumerate(known):
        boxes[place] = each.left, each.top, each.right, each.bottom, each.score
        labels[place] = each.label
    outputs = {"boxes": boxes[None], "labels": labels[None]} if has_batch else {"boxes": boxes, "labels": labels}
    free = {"boxes": (0, 1) if has_batch else (0,), "labels": (0, 1) if has_batch else (0,)} if seed else {}
    context = context_of(outputs, size, free)
    decoder = choose_decoder(context)
    assert decoder.name == "boxes-labels" and decoder.counting(context).background == "none"
    assert_found(decoder.decode(outputs, context), known)


@pytest.mark.parametrize(("seed", "size"), CASES)
@pytest.mark.parametrize("names", [("boxes", "scores", "labels"), ("2530", "2533", "2532")])
@pytest.mark.parametrize("has_batch", [False, True])
def test_boxes_scores_and_labels_in_three_outputs(seed, size, names, has_batch):
    known = known_objects(seed, size, CLASSES)
    boxes = np.array([[each.left, each.top, each.right, each.bottom] for each in known], np.float32)
    scores = np.array([each.score for each in known], np.float32)
    labels = np.array([each.label for each in known], np.int64)
    values = [boxes[None], scores[None], labels[None]] if has_batch else [boxes, scores, labels]
    outputs = dict(zip(names, values, strict=True))
    axes = (0, 1) if has_batch else (0,)
    context = context_of(outputs, size, dict.fromkeys(names, axes) if seed else {})
    decoder = choose_decoder(context)
    assert decoder.name == "boxes-scores-labels"
    assert decoder.counting(context).background == ("none" if has_batch else "first")
    assert_found(decoder.decode(outputs, context), known)


def test_a_count_says_how_many_rows_are_filled():
    size = (320, 320)
    known = known_objects(3, size, CLASSES)
    outputs = {
        "num_dets": np.array([[2]], np.int32),
        "det_boxes": np.array([[[k.left, k.top, k.right, k.bottom] for k in known]], np.float32),
        "det_scores": np.array([[k.score for k in known]], np.float32),
        "det_classes": np.array([[k.label for k in known]], np.int32),
    }
    context = context_of(outputs, size)
    assert_found(choose_decoder(context).decode(outputs, context), known[:2])


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_rows_of_yolov7_with_suppression_inside(seed, size):
    known = known_objects(seed, size, CLASSES)
    rows = np.array([[0, k.left, k.top, k.right, k.bottom, k.label, k.score] for k in known], np.float32)
    context = context_of({"output": rows}, size)
    decoder = choose_decoder(context)
    assert decoder.name == "yolov7-end2end"
    assert_found(decoder.decode({"output": rows}, context), known)


def test_at_most_max_detections_and_nothing_under_the_threshold():
    size = (320, 320)
    known = known_objects(3, size, CLASSES)
    rows = np.array([[[[0, k.label, k.score, *shares(k, size)] for k in known]]], np.float32)
    for settings, kept in (({"max_detections": 2}, known[:2]), ({"score_threshold": known[3].score}, known[:3])):
        context = context_of({"out": rows}, size, settings=settings)
        assert_found(choose_decoder(context).decode({"out": rows}, context), kept[: len(kept)])


@pytest.mark.parametrize("count", [0, 1])
def test_empty_outputs_give_no_objects(count):
    outputs = {"boxes": np.zeros((count, 5), np.float32), "labels": np.zeros(count, np.int64)}
    context = context_of(outputs, (320, 320))
    assert_found(choose_decoder(context).decode(outputs, context), [])


def test_output_names_can_be_told():
    size = (320, 320)
    known = known_objects(3, size, CLASSES)
    values = np.array([k.score for k in known], np.float32), np.array([k.label for k in known], np.float32)
    outputs = {
        "a": np.array([[k.left, k.top, k.right, k.bottom] for k in known], np.float32),
        "b": values[1],
        "c": values[0],
    }
    context = context_of(outputs, size, settings={"outputs": {"boxes": "a", "labels": "b", "scores": "c"}})
    assert_found(choose_decoder(context).decode(outputs, context), known)


def test_a_told_name_that_is_no_output_is_an_error():
    outputs = {"a": np.zeros((5, 4)), "b": np.zeros(5), "c": np.zeros(5)}
    context = context_of(outputs, (320, 320), settings={"outputs": {"boxes": "box"}})
    with pytest.raises(SettingsError, match="boxes is box, but the model has no such output"):
        choose_decoder(context)
