"""Suppression: by hand, and against the plain loop over all pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.evaluation.decoders.suppression import candidates, overlaps, suppress, surest
from calibench.settings import TaskSettings


def test_overlap_by_hand():
    boxes = np.array([[0, 0, 2, 2], [5, 5, 5, 5]], np.float32)
    others = np.array([[1, 0, 3, 2], [0, 0, 2, 2], [5, 5, 5, 5]], np.float32)
    np.testing.assert_allclose(overlaps(boxes, others), [[1 / 3, 1, 0], [0, 0, 0]], atol=1e-6)


def test_a_box_can_be_two_classes():
    boxes = np.array([[0, 0, 9, 9]], np.float32)
    found = candidates(boxes, np.array([[0.2, 0.6, 0.001]], np.float32), TaskSettings())
    assert found.labels.tolist() == [1, 0] and found.rows.tolist() == [0, 0]


def test_background_is_no_class_and_a_score_that_is_no_number_no_object():
    scores = np.array([[0.9, np.nan, 0.5]], np.float32)
    assert candidates(np.zeros((1, 4), np.float32), scores, TaskSettings(), skip=0).labels.tolist() == [2]


@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.5, 1.0]), st.integers(1, 20))
def test_suppression_is_the_plain_loop(seed, threshold, most):
    random = np.random.default_rng(seed)
    low = random.uniform(0, 60, (40, 2))
    boxes = np.concatenate([low, low + random.uniform(5, 60, (40, 2))], axis=1).astype(np.float32)
    settings = TaskSettings(iou_threshold=threshold, max_detections=most)
    found = candidates(boxes, random.uniform(0, 1, (40, 2)).astype(np.float32), settings)
    kept: list[int] = []
    for index in range(len(found.scores)):
        rivals = [each for each in kept if found.labels[each] == found.labels[index]]
        near = [overlaps(found.boxes[each : each + 1], found.boxes[index : index + 1])[0, 0] for each in rivals]
        if all(overlap <= threshold for overlap in near):
            kept.append(index)
    result = suppress(found, settings)
    np.testing.assert_array_equal(result.scores, found.scores[kept[:most]])
    np.testing.assert_array_equal(result.rows, found.rows[kept[:most]])


@pytest.mark.parametrize("keep", [suppress, surest])
def test_nothing_stays_nothing(keep):
    empty = candidates(np.zeros((0, 4), np.float32), np.zeros((0, 3), np.float32), TaskSettings())
    assert len(keep(empty, TaskSettings()).detections().scores) == 0
