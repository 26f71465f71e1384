"""Boxes: what overlaps is suppressed, what is left is compared with the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.zoo.network import Array

SUPPRESSED = 0.6  # overlap from which the weaker of two boxes of a class is dropped
MATCH = 0.5  # overlap from which a box is right


@dataclass(frozen=True)
class Detections:
    """Boxes of one picture: `boxes` [N, 4] left, top, right, bottom in pixels; `scores` [N]; `classes` [N]."""

    boxes: Array
    scores: Array
    classes: Array

    def take(self, chosen: Array) -> "Detections":
        """Some of them, by index or mask."""
        return Detections(self.boxes[chosen], self.scores[chosen], self.classes[chosen])


def overlaps(box: Array, boxes: Array) -> Array:
    """Intersection over union of one box [4] with others [N, 4]; float [N]."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    area, areas = (box[2:] - box[:2]).prod(), (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    result: Array = shared / np.maximum(area + areas - shared, 1e-9)
    return result


def suppress(found: Detections) -> Detections:
    """Drop what overlaps a stronger box of its class; the rest, strongest first."""
    left, kept = np.argsort(-found.scores, kind="stable"), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        same = found.classes[left] == found.classes[best]
        left = left[~(same & (overlaps(found.boxes[best], found.boxes[left]) > SUPPRESSED))]
    return found.take(np.array(kept, np.int64))


def average_precision(found: Sequence[Detections], truths: Array, number: int, match: float) -> float:
    """Area under the curve of precision over recall for one class.

    Args:
        found: of each picture, strongest first.
        truths: float32 [pictures, N, 5], left, top, right, bottom, class; class -1 is no box.
        number: the class; must occur in the truths.
        match: smallest overlap of a right box.
    """
    scores: list[float] = []
    right: list[bool] = []
    for detections, truth in zip(found, truths, strict=True):
        own = detections.take(detections.classes == number)
        scores.extend(own.scores)
        right.extend(_matches(own, truth[truth[:, 4] == number, :4], match))
    order = np.argsort(-np.array(scores), kind="stable")
    hits = np.cumsum(np.array(right, bool)[order])
    recall = np.concatenate([[0], hits / (truths[..., 4] == number).sum()])
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float((np.diff(recall) * precision).sum())


def _matches(found: Detections, boxes: Array, match: float) -> list[bool]:
    """Whether each detection is the first for a true box that it overlaps enough."""
    taken, right = np.zeros(len(boxes), bool), []
    for box in found.boxes:
        values = np.where(taken, 0, overlaps(box, boxes)) if len(boxes) else np.zeros(1)
        best = int(values.argmax())
        right.append(bool(values[best] >= match))
        if right[-1]:
            taken[best] = True
    return right
