"""From raw outputs to boxes and masks in the picture, with classes of the dataset."""

import numpy as np
import pytest

from calibench.datasets.frame import Frame
from calibench.datasets.truth import Objects, Truth
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.tasks.detect_objects import DETECTION
from calibench.evaluation.tasks.instance_segmentation import INSTANCES, masks_to_original
from calibench.evaluation.tasks.task import Context
from calibench.settings import TaskSettings

INPUT = (64, 128)  # height, width
PICTURE = (200, 200)
LETTERBOX = Frame(PICTURE, INPUT, 0.32, 0.32, 32.0, 0.0)  # the picture fills the middle of the input
BOX = (50.0, 25.0, 150.0, 125.0)  # in the picture: 48, 8, 80, 40 in the input
ANNOTATED = frozenset({"objects", "instances"})


def context(outputs, **more):
    settings = TaskSettings(**more.pop("settings", {}))
    shapes = {name: values.shape for name, values in outputs.items()}
    return Context(shapes, INPUT, annotated=more.pop("annotated", ANNOTATED), settings=settings, **more)


def boxes_and_labels(*rows):
    boxes = np.array([[*box, score] for box, score, _ in rows], np.float32)
    return {"boxes": boxes, "labels": np.array([label for _, _, label in rows], np.int64)}


def with_masks():
    outputs = boxes_and_labels(((48, 8, 80, 40), 0.9, 1))
    return {**outputs, "masks": np.repeat([[[1.0, 0.0]]], 2, axis=1).astype(np.float32)}  # the left half


def test_boxes_come_back_to_the_picture_with_its_classes():
    outputs = boxes_and_labels(((48, 8, 80, 40), 0.9, 1), ((0, 0, 20, 20), 0.8, 1), ((48, 8, 80, 40), 0.7, 2))
    task = DETECTION.make(context(outputs, classes=("b", "a"), metadata={"model_info/labels": "a b c"}))
    found = task.predict(outputs, LETTERBOX)
    np.testing.assert_allclose(found.boxes, [BOX], atol=1e-4)  # the second lies in the padding, the third is no class
    assert found.labels.tolist() == [0] and found.scores.tolist() == pytest.approx([0.9])
    assert task.kind == "detection" and list(task.metrics) == ["coco", "voc"]
    assert task.notes[0].startswith("decoder boxes-labels (")
    assert task.notes[1] == "classes by name, from the model's names: 2 of 2"


def test_what_was_found_is_judged():
    outputs = boxes_and_labels(((48, 8, 80, 40), 0.9, 0))
    task = DETECTION.make(context(outputs, classes=("a",)))
    truth = Truth(objects=Objects(np.array([BOX], np.float32), np.zeros(1, np.int64), np.zeros(1, np.bool_)))
    seen = Observation(outputs, outputs, truth, LETTERBOX, task.predict(outputs, LETTERBOX))
    for metric in task.metrics.values():
        summary = metric.score([metric.observe(seen)])
        assert summary.score == pytest.approx(100) and len(summary.classes) == 1


def test_without_a_frame_coordinates_stay():
    outputs = boxes_and_labels(((48, 8, 80, 40), 0.9, 0))
    found = DETECTION.make(context(outputs, classes=("a",))).predict(outputs, None)
    np.testing.assert_allclose(found.boxes, [(48, 8, 80, 40)])


def test_the_size_of_a_free_input_is_that_of_the_frame():
    rows = np.array([[[[0, 1, 0.9, 48 / 128, 8 / 64, 80 / 128, 40 / 64]]]], np.float32)
    free = Context({"out": (1, 1, -1, 7)}, None, annotated=ANNOTATED, classes=("a",))
    found = DETECTION.make(free).predict({"out": rows}, LETTERBOX)
    np.testing.assert_allclose(found.boxes, [BOX], atol=1e-3)
    with pytest.raises(SettingsError, match="size of the model's input is free"):
        DETECTION.make(free).predict({"out": rows}, None)


def test_detection_fits_where_boxes_are_annotated_and_a_decoder_reads_the_outputs():
    outputs = boxes_and_labels(((48, 8, 80, 40), 0.9, 1))
    assert DETECTION.fits(context(outputs)) and not INSTANCES.fits(context(outputs))
    assert not DETECTION.fits(context(outputs, annotated=frozenset({"label"})))
    assert not DETECTION.fits(context({"prob": np.zeros((1, 1000))}))
    assert INSTANCES.fits(context(with_masks()))


def test_asked_for_without_annotations_is_an_error():
    with pytest.raises(DatasetError, match="has no boxes with masks"):
        INSTANCES.make(context(with_masks(), annotated=frozenset()))
    with pytest.raises(SettingsError, match=r"No decoder fits the outputs prob \[1, 1000\]"):
        DETECTION.make(context({"prob": np.zeros((1, 1000))}))


def test_masks_come_back_to_the_picture():
    outputs = with_masks()
    task = INSTANCES.make(context(outputs, classes=("a", "b")))
    found = task.predict(outputs, LETTERBOX)
    wanted = np.zeros(PICTURE, np.bool_)
    wanted[25:125, 50:100] = True
    assert found.masks.shape == (1, *PICTURE)
    assert (found.masks[0] != wanted).sum() <= 200  # a pixel of the input is three of the picture
    assert list(task.metrics) == ["coco-masks", "coco", "voc"]
    truth = Truth(
        objects=Objects(
            np.array([BOX], np.float32),
            np.ones(1, np.int64),
            np.zeros(1, np.bool_),
            ([[50, 25, 100, 25, 100, 125, 50, 125]],),
        )
    )
    seen = Observation(outputs, outputs, truth, LETTERBOX, found)
    metric = task.metrics["coco-masks"]
    assert metric.score([metric.observe(seen)]).details["AP75"] == pytest.approx(100)


def test_masks_by_hand():
    masks = np.array([[[True, False], [False, True]]])
    shown = Frame((2, 6), (2, 2), 0.5, 1.0, -0.5, 0.0)  # the input shows the middle four columns of six
    wanted = [[False, True, True, False, False, False], [False, False, False, True, True, False]]
    np.testing.assert_array_equal(masks_to_original(masks, shown)[0], wanted)


def test_a_decoder_without_masks_is_no_instance_segmentation():
    with pytest.raises(SettingsError, match="The decoder boxes-labels finds no masks"):
        INSTANCES.make(context(boxes_and_labels(((48, 8, 80, 40), 0.9, 1)), classes=("a", "b")))


def test_a_named_decoder_that_looks_for_other_outputs_is_pointed_out():
    named = {"decoder": "yolov8", "class_numbers": "index"}
    task = DETECTION.make(context({"y": np.zeros((1, 300, 7, 9))}, classes=("a",), settings=named))
    assert "do not look like those of yolov8" in task.notes[-1]
