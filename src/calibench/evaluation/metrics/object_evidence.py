"""What is kept of one picture to judge found objects, and how well one picture was read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.errors import SettingsError
from calibench.evaluation.decoders.suppression import areas, overlaps
from calibench.evaluation.metrics.metric import Observation
from calibench.evaluation.prediction import Detections, nothing_found

FloatArray = NDArray[np.float32]
RunLengths = dict[str, Any]

MATCH = 0.5
"""Overlap from which a found object is the true one, in the value of a picture and in VOC's score."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The objects found in one picture, the surest first, and those that are there.

    Attributes:
        boxes: float32 [N, 4]; scores: float32 [N]; labels: int64 [N]; masks: run lengths of each, or ().
        true_boxes: float32 [M, 4]; true_labels: int64 [M]; is_ignored: bool [M]; true_masks: run lengths, or ().
        true_areas: float32 [M], pixels: of the mask where there is one, as in COCO's files, else of the box.
        size: height, width of the picture, pixels; (0, 0) where it is not known and no masks need it.
    """

    boxes: FloatArray
    scores: FloatArray
    labels: NDArray[np.int64]
    true_boxes: FloatArray
    true_labels: NDArray[np.int64]
    is_ignored: NDArray[np.bool_]
    true_areas: FloatArray
    masks: tuple[RunLengths, ...] = ()
    true_masks: tuple[RunLengths, ...] = ()
    size: tuple[int, int] = (0, 0)


def mask_library() -> Any:
    """The run lengths of faster-coco-eval.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        from faster_coco_eval.core import mask
    except ImportError:
        raise SettingsError(
            "Mean average precision needs faster-coco-eval. Install it: pip install 'calibench[datasets]'."
        ) from None
    return mask


def observe_boxes(seen: Observation) -> Evidence:
    """Boxes, and the areas of annotated masks, which sort objects into small, medium and large."""
    return _evidence(seen, with_masks=False)


def observe_masks(seen: Observation) -> Evidence:
    """Boxes and masks; a true object without a mask counts with its box."""
    return _evidence(seen, with_masks=True)


def _evidence(seen: Observation, with_masks: bool) -> Evidence:
    found = seen.prediction if isinstance(seen.prediction, Detections) else nothing_found()
    order = np.argsort(-found.scores, kind="stable")
    found, true, size = found.take(order), seen.truth.objects, (0, 0)
    if seen.frame is not None:
        size = seen.frame.original
    elif found.masks is not None:
        size = (found.masks.shape[1], found.masks.shape[2])
    if true is None:
        boxes, labels, ignored = np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.bool_)
    else:
        boxes, labels, ignored = true.boxes, true.labels, true.is_ignored
    drawn = () if true is None or size == (0, 0) else true.masks
    lengths = tuple(run_lengths(mask, box, size) for mask, box in zip(drawn, boxes, strict=False))
    sizes = np.asarray([mask_library().area(each) for each in lengths], np.float32) if lengths else areas(boxes)
    if with_masks and not lengths:
        lengths = tuple(run_lengths(None, box, size) for box in boxes)
    return Evidence(
        found.boxes,
        found.scores,
        found.labels,
        boxes,
        labels,
        ignored,
        sizes,
        _encoded(found) if with_masks else (),
        lengths if with_masks else (),
        size,
    )


def run_lengths(drawn: Any, box: FloatArray, size: tuple[int, int]) -> RunLengths:
    """One annotated mask, polygons or run lengths of any form, compressed; the box where there is none."""
    library, (height, width) = mask_library(), size
    if isinstance(drawn, dict):
        packed = isinstance(drawn["counts"], (str, bytes))
        return dict(drawn) if packed else dict(library.frPyObjects(drawn, height, width))
    if not drawn:
        left, top, right, bottom = (float(value) for value in box)
        drawn = [[left, top, right, top, right, bottom, left, bottom]]
    return dict(library.merge(library.frPyObjects(drawn, height, width)))


def _encoded(found: Detections) -> tuple[RunLengths, ...]:
    if found.masks is None or not len(found.masks):
        return ()
    stacked = np.asfortranarray(found.masks.transpose(1, 2, 0).astype(np.uint8))
    return tuple(mask_library().encode(stacked))


def value_of(evidence: Evidence) -> float:
    """How well one picture was read, 0..100: twice the agreement over all that should agree.

    100 * 2 * A / (M + S + F), where A is the sum of overlap * score over the objects that were found (the surest first;
    same class, an overlap of at least MATCH), M the number of true objects, S the sum of the scores of those found, and
    F the sum of score^2 over what is not there: sure mistakes cost much, doubtful ones little. A picture without
    objects gives 100 / (1 + F). What lies on an ignored object counts nowhere.

    It is a soft Dice coefficient; its mean is near to the metric in kind, not in size.
    """
    count = int((~evidence.is_ignored).sum())
    agreement, matched, wrong = 0.0, 0.0, 0.0
    overlap = _overlaps(evidence)
    same = evidence.labels[:, None] == evidence.true_labels[None]
    free = np.where(same, overlap, 0.0)
    for index, score in enumerate(evidence.scores.astype(float)):
        row = np.where(evidence.is_ignored, 0.0, free[index])
        best = int(row.argmax()) if len(row) else 0
        if len(row) and row[best] >= MATCH:
            agreement, matched = agreement + float(row[best]) * score, matched + score
            free[:, best] = 0.0
        elif not np.any(free[index, evidence.is_ignored] >= MATCH):
            wrong += score**2
    return 100 * 2 * agreement / (count + matched + wrong) if count else 100 / (1 + wrong)


def _overlaps(evidence: Evidence) -> FloatArray:
    """Intersection over union [N, M] of masks where there are any, else of boxes."""
    if evidence.masks and evidence.true_masks:
        crowd = [0] * len(evidence.true_masks)
        return np.asarray(mask_library().iou(list(evidence.masks), list(evidence.true_masks), crowd), np.float32)
    if evidence.true_masks and not evidence.masks:
        return np.zeros((len(evidence.scores), len(evidence.true_masks)), np.float32)
    return overlaps(evidence.boxes, evidence.true_boxes)


def class_count(evidence: Sequence[Evidence], least: int) -> int:
    """One more than the largest class that occurs, at least `least`."""
    largest = [int(each.max(initial=-1)) for seen in evidence for each in (seen.labels, seen.true_labels)]
    return max([least, *(number + 1 for number in largest)])
