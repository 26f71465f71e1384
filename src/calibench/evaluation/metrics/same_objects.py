"""Do both models find the same objects? For detectors where none are annotated."""

from collections.abc import Callable, Sequence

import numpy as np

from calibench.datasets.frame import Frame
from calibench.evaluation.decoders.suppression import overlaps
from calibench.evaluation.metrics.metric import PERCENT, Metric, NamedOutputs, Observation, Summary
from calibench.evaluation.prediction import Detections

LEAST_OVERLAP = 0.5
"""Of two boxes of one class that are the same object, as in VOC."""


def same_objects(decode: Callable[[NamedOutputs, Frame | None], Detections]) -> Metric:
    """How much of what both models find they find together, weighed with their scores; 100 when all is the same.

    Of all pictures together, so that those on which neither model is sure of anything weigh little.

    Args:
        decode: outputs of one sample -> its objects.
    """

    def observe(seen: Observation) -> tuple[float, float]:
        return shared_scores(decode(seen.outputs, seen.frame), decode(seen.reference, seen.frame))

    def score(evidence: Sequence[tuple[float, float]]) -> Summary:
        return Summary(_percent(sum(shared for shared, _ in evidence), sum(total for _, total in evidence)))

    return Metric("same-objects", PERCENT, True, "reference", observe, score, lambda evidence: _percent(*evidence))


def shared_scores(found: Detections, wanted: Detections) -> tuple[float, float]:
    """Twice the smaller score of every pair, and all scores of both.

    Pairs are of one class and overlap by LEAST_OVERLAP; the surest of `wanted` chooses first, what overlaps it most.

    Source: Dice 1945, Measures of the amount of ecologic association between species, with scores for counts.
    """
    total = float(np.sum(found.scores, dtype=np.float64) + np.sum(wanted.scores, dtype=np.float64))
    table = overlaps(wanted.boxes, found.boxes)
    table = np.where(wanted.labels[:, None] == found.labels[None], table, 0.0)
    shared = 0.0
    for row, score in zip(table, wanted.scores, strict=True):
        best = int(row.argmax()) if row.size else -1
        if best >= 0 and row[best] >= LEAST_OVERLAP:
            shared += 2.0 * min(float(score), float(found.scores[best]))
            table[:, best] = 0.0
    return shared, total


def _percent(shared: float, total: float) -> float:
    """100 where neither model finds anything."""
    return 100.0 * shared / total if total > 0 else 100.0
