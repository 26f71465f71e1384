"""Do both models find the same objects? For detectors where none are annotated."""

from collections.abc import Callable

import numpy as np

from calibench.datasets.frame import Frame
from calibench.evaluation.decoders.suppression import overlaps
from calibench.evaluation.metrics.metric import PERCENT, Metric, NamedOutputs, mean_of
from calibench.evaluation.prediction import Detections

LEAST_OVERLAP = 0.5
"""Of two boxes of one class that are the same object, as in VOC."""


def same_objects(decode: Callable[[NamedOutputs, Frame | None], Detections]) -> Metric:
    """How much of what both models find they find together, weighed with their scores; 100 when all is the same.

    Args:
        decode: outputs of one sample -> its objects.
    """
    return mean_of(
        "same-objects",
        PERCENT,
        True,
        "reference",
        lambda seen: likeness(decode(seen.outputs, seen.frame), decode(seen.reference, seen.frame)),
    )


def likeness(found: Detections, wanted: Detections) -> float:
    """0..1: twice the smaller score of every pair, over all scores of both; 1 where neither finds anything.

    Pairs are of one class and overlap by LEAST_OVERLAP; the surest of `wanted` chooses first, what overlaps it most.

    Source: Dice 1945, Measures of the amount of ecologic association between species, with scores for counts.
    """
    total = float(np.sum(found.scores, dtype=np.float64) + np.sum(wanted.scores, dtype=np.float64))
    if total == 0.0:
        return 1.0
    table = overlaps(wanted.boxes, found.boxes)
    table = np.where(wanted.labels[:, None] == found.labels[None], table, 0.0)
    shared = 0.0
    for row, score in zip(table, wanted.scores, strict=True):
        best = int(row.argmax()) if row.size else -1
        if best >= 0 and row[best] >= LEAST_OVERLAP:
            shared += 2.0 * min(float(score), float(found.scores[best]))
            table[:, best] = 0.0
    return shared / total
