"""Scores and agreements on answers that anyone can check."""

import numpy as np
import pytest
from benchmarks.zoo.families.craft import region_auc
from benchmarks.zoo.families.esrgan import psnr
from benchmarks.zoo.families.minilm import nearest_topic
from benchmarks.zoo.families.paddle import decode, exact_lines, same_text
from benchmarks.zoo.families.pedestrians import decode as decode_pedestrians
from benchmarks.zoo.families.saliency import overlap
from benchmarks.zoo.pictures.detections import Detections, average_precision, overlaps, suppress
from benchmarks.zoo.scoring import class_indices, same_class, top1


def votes(*classes: int) -> list[dict[str, np.ndarray]]:
    return [{"logits": np.eye(4, dtype=np.float32)[[chosen]]} for chosen in classes]


def steps(*classes: int) -> dict[str, np.ndarray]:
    return {"y": np.eye(6, dtype=np.float32)[list(classes)][None]}


def test_any_admitted_class_is_right() -> None:
    admitted = np.stack([class_indices(1, 2, room=3), class_indices(3, room=3), class_indices(0, room=3)])
    assert top1(votes(2, 3, 1), admitted) == pytest.approx(200 / 3)


def test_agreement_counts_equal_answers() -> None:
    assert same_class(votes(0, 1, 2, 3), votes(0, 1, 3, 2)) == 50


def test_a_line_joins_repetitions_and_drops_blanks() -> None:
    assert decode(steps(0, 3, 3, 0, 3, 2, 0)["y"]) == [3, 3, 2]


def test_a_line_is_read_exactly_or_not_and_spaces_do_not_count() -> None:
    written = np.stack([class_indices(1, 2, room=4), class_indices(1, 2, room=4)])
    assert exact_lines([steps(1, 5, 2), steps(1, 3)], written) == 50
    assert same_text([steps(1, 2), steps(1)], [steps(1, 1, 2), steps(2)]) == 50


def test_a_map_that_covers_half_of_the_object_has_half_the_overlap() -> None:
    mask = np.zeros((1, 224, 224), bool)
    mask[:, :100] = True
    found = np.zeros((1, 1, 224, 224), np.float32)
    found[..., :50, :] = 1
    assert overlap([{"map": found}], mask) == 50


def test_an_error_of_one_level_is_48_db() -> None:
    picture = np.full((1, 256, 256, 3), 100, np.uint8)
    assert psnr([{"output": picture + np.float32(1)}], picture) == pytest.approx(48.13, abs=0.01)


def test_scores_in_the_right_order_have_the_whole_area_under_the_curve() -> None:
    masks = np.zeros((1, 4, 4), bool)
    masks[:, 0] = True
    scores = np.where(masks, 0.2, 0.1)[..., None].repeat(2, axis=3).astype(np.float32)
    assert region_auc([{"scores": scores}], masks) == 100
    assert region_auc([{"scores": -scores}], masks) == 0


def test_texts_near_the_middle_of_their_topic_are_right() -> None:
    points = [[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9], [0.2, 0.8]]
    outputs = [{"embedding": np.array([point], np.float32)} for point in points]
    assert nearest_topic(outputs, np.array([0, 0, 1, 1, 1])) == 100
    assert nearest_topic(outputs, np.array([0, 0, 1, 1, 0])) < 100


def test_overlap_of_boxes_is_shared_area_over_covered_area() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], np.float32)
    np.testing.assert_allclose(overlaps(boxes[0], boxes), [1, 1 / 3, 0])


def test_the_weaker_of_two_boxes_of_a_class_is_dropped() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 9]], np.float32)
    kept = suppress(Detections(boxes, np.array([0.5, 0.9, 0.8]), np.array([1, 1, 2])))
    assert kept.scores.tolist() == [0.9, 0.8]


def test_precision_falls_with_a_stronger_wrong_box() -> None:
    truths = np.array([[[0, 0, 10, 10, 1], [0, 0, 0, 0, -1]]], np.float32)
    boxes = np.array([[50, 50, 60, 60], [0, 0, 10, 10]], np.float32)
    found = Detections(boxes, np.array([0.9, 0.8]), np.array([1, 1]))
    assert average_precision([found.take(np.array([1]))], truths, 1, 0.5) == 1
    assert average_precision([found], truths, 1, 0.5) == 0.5


def test_pedestrians_are_read_by_what_the_tensors_hold() -> None:
    boxes = np.array([[[0.0, 0.0, 0.5, 0.25], [0.5, 0.5, 1.0, 1.0]]], np.float32)
    found = decode_pedestrians(
        {
            "a": np.ones((1, 2), np.float32),
            "b": np.array([2.0], np.float32),
            "c": np.array([[0.1, 1.0]]),
            "d": boxes,
        }
    )
    assert found.scores.tolist() == [1.0, 0.1]
    assert found.classes.tolist() == [1, 1]
    assert found.boxes.tolist() == [[208, 208, 416, 416], [0, 0, 104, 208]]
