"""Precision over recall of one class, as Pascal VOC takes it.

Source: Everingham et al. 2010, The Pascal Visual Object Classes (VOC) Challenge, sections 4.2 and 4.4, and the
development kits of 2007 (eleven points) and 2010 to 2012 (area).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibench.evaluation.decoders.suppression import overlaps
from calibench.evaluation.metrics.object_evidence import MATCH, Evidence

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

RIGHT, WRONG, ASIDE = 1, 0, -1


@dataclass(frozen=True, eq=False)
class Judged:
    """All found objects of a set, the surest first: labels int64 [N], marks int64 [N]."""

    labels: IntArray
    marks: IntArray


def judge(evidence: Sequence[Evidence]) -> Judged:
    """Mark every found object as right, wrong or aside; with the same score they stand in the order of the pictures."""
    scores = np.concatenate([np.zeros(0), *(seen.scores for seen in evidence)])
    labels = np.concatenate([np.zeros(0, np.int64), *(seen.labels for seen in evidence)])
    marks = np.concatenate([np.zeros(0, np.int64), *(_marks(seen) for seen in evidence)])
    order = np.argsort(-scores, kind="stable")
    return Judged(labels[order], marks[order])


def curve(judged: Judged, label: int, total: int) -> tuple[FloatArray, FloatArray]:
    """Recall [N] and precision [N] of a class after each of its found objects; `total`: how many there are."""
    marks = judged.marks[(judged.labels == label) & (judged.marks != ASIDE)]
    right = np.cumsum(marks == RIGHT)
    return right / max(total, 1), right / np.arange(1, len(marks) + 1)


def _marks(seen: Evidence) -> IntArray:
    """Each found object is held against the true one of its class that it overlaps most; the surest gets it."""
    marks = np.full(len(seen.scores), WRONG, np.int64)
    if not len(seen.true_labels) or not len(marks):
        return marks
    is_same = seen.labels[:, None] == seen.true_labels[None]
    overlap = np.where(is_same, overlaps(seen.boxes, seen.true_boxes), -1)
    best = overlap.argmax(axis=1)
    near = np.flatnonzero(overlap.max(axis=1) >= MATCH)
    first = near[np.unique(best[near], return_index=True)[1]]
    marks[first] = RIGHT
    marks[near[seen.is_ignored[best[near]]]] = ASIDE
    return marks


def integral(recall: FloatArray, precision: FloatArray) -> float:
    """Area under the curve, 0..1, each precision raised to the best one at a higher recall."""
    raised = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.diff(np.concatenate([[0.0], recall]))
    return float((steps * raised).sum())


def eleven_points(recall: FloatArray, precision: FloatArray) -> float:
    """Mean of the best precision at recalls of at least 0, 0.1 .. 1, 0..1."""
    at = [precision[recall >= share - 1e-12].max(initial=0.0) for share in np.linspace(0, 1, 11)]
    return float(np.mean(at))
