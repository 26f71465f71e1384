"""From many candidates to the objects of a picture: threshold, suppression of doubles, the surest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibench.evaluation.prediction import Detections
from calibench.settings import TaskSettings

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

MOST_CANDIDATES = 10_000
"""That suppression looks at, the surest: a hundred times what a picture may hold. Bounds time at a threshold of 0."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Boxes with one class each, the surest first, with the row that each came from (for its mask).

    Attributes:
        boxes: float32 [N, 4], left, top, right, bottom.
        scores: float32 [N]; labels: int64 [N]; rows: int64 [N].
    """

    boxes: FloatArray
    scores: FloatArray
    labels: IntArray
    rows: IntArray

    def detections(self) -> Detections:
        """Without masks."""
        return Detections(self.boxes, self.scores, self.labels)


def candidates(boxes: FloatArray, scores: FloatArray, settings: TaskSettings, skip: int | None = None) -> Candidates:
    """Every pair of a box and a class with a score over the threshold.

    Args:
        boxes: [N, 4]; scores: [N, C], 0..1. A score that is no number is under every threshold.
        skip: a class that is no object: background.
    """
    threshold = settings.score_threshold
    rows, labels = np.nonzero(scores > threshold)
    if skip is not None:
        rows, labels = rows[labels != skip], labels[labels != skip]
    values = scores[rows, labels]
    order = np.argsort(-values, kind="stable")[:MOST_CANDIDATES]
    rows, labels = rows[order], labels[order]
    return Candidates(
        np.asarray(boxes[rows], np.float32), np.asarray(values[order], np.float32), labels.astype(np.int64), rows
    )


def labelled(boxes: FloatArray, scores: FloatArray, labels: NDArray[np.generic], settings: TaskSettings) -> Candidates:
    """The same where every box has one class already: boxes [N, 4], scores [N], labels [N]."""
    rows = np.flatnonzero(scores > settings.score_threshold)
    rows = rows[np.argsort(-scores[rows], kind="stable")][:MOST_CANDIDATES]
    return Candidates(
        np.asarray(boxes[rows], np.float32),
        np.asarray(scores[rows], np.float32),
        labels[rows].astype(np.int64),
        rows.astype(np.int64),
    )


def surest(found: Candidates, settings: TaskSettings) -> Candidates:
    """At most `max_detections`."""
    return _take(found, np.arange(min(len(found.scores), settings.max_detections)))


def suppress(found: Candidates, settings: TaskSettings) -> Candidates:
    """Drop what overlaps a surer box of its class by more than `iou_threshold`; at most `max_detections`.

    Source: greedy non-maximum suppression, Felzenszwalb et al. 2010, section 7.2; per class.
    """
    rivals = {label: np.flatnonzero(found.labels == label) for label in np.unique(found.labels).tolist()}
    is_left, kept = np.ones(len(found.scores), np.bool_), list[int]()
    for best, label in enumerate(found.labels.tolist()):
        if not is_left[best]:
            continue
        kept.append(best)
        if len(kept) == settings.max_detections:
            break
        later = rivals[label][rivals[label] > best]
        doubles = overlaps(found.boxes[best : best + 1], found.boxes[later])[0] > settings.iou_threshold
        is_left[later[doubles]] = False
        rivals[label] = later[~doubles]
    return _take(found, np.array(kept, np.int64))


def overlaps(boxes: FloatArray, others: FloatArray) -> FloatArray:
    """Intersection over union, float32 [N, M], of boxes [N, 4] and [M, 4]; 0 where both are empty."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    union = areas(boxes)[:, None] + areas(others)[None] - shared
    return np.asarray(shared / np.where(union > 0, union, 1), np.float32)


def areas(boxes: FloatArray) -> FloatArray:
    """Float32 [N], pixels; 0 for a box whose sides are turned round."""
    return np.asarray(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1), np.float32)


def _take(found: Candidates, kept: IntArray) -> Candidates:
    return Candidates(found.boxes[kept], found.scores[kept], found.labels[kept], found.rows[kept])
