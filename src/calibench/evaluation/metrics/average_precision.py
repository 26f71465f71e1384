"""Mean average precision as COCO takes it, of boxes and of masks, and as Pascal VOC takes it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.evaluation.metrics.metric import PERCENT, ClassScore, Metric, Summary
from calibench.evaluation.metrics.object_evidence import (
    Evidence,
    class_count,
    mask_library,
    observe_boxes,
    observe_masks,
    value_of,
)
from calibench.evaluation.metrics.voc_curve import curve, eleven_points, integral, judge

FloatArray = NDArray[np.float64]

AREAS = ("all", "small", "medium", "large")
"""COCO's ranges of size: below 32^2 pixels, below 96^2, above."""

MOST = 100
"""Found objects of a picture and class that COCO looks at."""


def coco_map(classes: int = 0) -> Metric:
    """Mean over classes and over overlaps 0.50, 0.55 .. 0.95 of the average precision of boxes, percent.

    Args:
        classes: how many the dataset has; classes that never occur get no score.

    Source: Lin et al. 2014 (arXiv:1405.0312) and the evaluation server of COCO; through faster-coco-eval. Ignored
    objects are crowds. Precision is read at 101 recalls.
    """
    return Metric("coco", PERCENT, True, "objects", observe_boxes, _coco_score("bbox", classes), value_of)


def mask_map(classes: int = 0) -> Metric:
    """The same with the overlap of masks."""
    return Metric("coco-masks", PERCENT, True, "instances", observe_masks, _coco_score("segm", classes), value_of)


def voc_map(classes: int = 0) -> Metric:
    """Mean over classes of the average precision of boxes at an overlap of 0.5, percent, as Pascal VOC takes it.

    The score is the area under the curve (VOC from 2010 on); with eleven points (2007) it stands in the details.
    Ignored objects are difficult ones: finding them counts nowhere.

    Source: Everingham et al. 2010, The Pascal Visual Object Classes Challenge, section 4.2. A found object is held
    against the true one that it overlaps most, also when that is taken already; COCO would look for another. So the
    matching is our own, and faster-coco-eval its check in the tests.
    """
    return Metric("voc", PERCENT, True, "objects", observe_boxes, lambda seen: _voc_score(seen, classes), value_of)


def _coco_score(kind: str, classes: int) -> Callable[[Sequence[Evidence]], Summary]:
    def score(evidence: Sequence[Evidence]) -> Summary:
        count = class_count(evidence, classes)
        present = sorted({int(label) for seen in evidence for label in seen.true_labels[~seen.is_ignored]})
        counts = _counts(evidence, count)
        if not present:
            return Summary(float("nan"), tuple(ClassScore(label, None, 0) for label in range(count)))
        result = _evaluated(kind, evidence, present)
        precision, recall = 100 * result["precision"], 100 * result["recall"]
        of_class = dict(zip(present, _mean(precision[:, :, :, 0, -1], (0, 1)), strict=True))
        rows = tuple(ClassScore(label, _number(of_class.get(label)), int(counts[label])) for label in range(count))
        return Summary(float(_mean(precision[..., 0, -1], None)), rows, _details(precision, recall))

    return score


def _details(precision: FloatArray, recall: FloatArray) -> dict[str, float]:
    """AP at overlaps of 0.5 and 0.75, by size, and the recall; what no object decides is left out."""
    found = {"AP50": _mean(precision[0, ..., 0, -1], None), "AP75": _mean(precision[5, ..., 0, -1], None)}
    for number, name in enumerate(AREAS[1:], 1):
        found[f"AP{name}"] = _mean(precision[..., number, -1], None)
    found["AR"] = _mean(recall[..., 0, -1], None)
    return {name: float(value) for name, value in found.items() if np.isfinite(value)}


def _mean(values: FloatArray, axis: tuple[int, ...] | None) -> Any:
    """Mean of what is decided; faster-coco-eval writes -1 (here -100) where it is not."""
    kept = np.where(values < 0, np.nan, values)
    decided = (~np.isnan(kept)).sum(axis=axis)
    return np.where(decided > 0, np.nansum(kept, axis=axis) / np.maximum(decided, 1), np.nan)


def _number(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _counts(evidence: Sequence[Evidence], classes: int) -> NDArray[np.int64]:
    """True objects of each class that count."""
    labels = [seen.true_labels[~seen.is_ignored] for seen in evidence]
    return np.bincount(np.concatenate([*labels, np.zeros(0, np.int64)]), minlength=classes)


def _evaluated(kind: str, evidence: Sequence[Evidence], labels: Sequence[int]) -> dict[str, FloatArray]:
    """Precision [overlaps, recalls, classes, sizes, 1] and recall [overlaps, classes, sizes, 1]; -1: undecided."""
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError:
        mask_library()  # says what to install
        raise
    images = [{"id": place, "height": seen.size[0], "width": seen.size[1]} for place, seen in enumerate(evidence, 1)]
    categories = [{"id": label + 1, "name": str(label)} for label in labels]
    sets = []
    for make in (_true_objects, _found_objects):
        objects = make(evidence, set(labels), kind == "segm")
        sets.append(COCO({"images": images, "categories": categories, "annotations": objects}))
    server = COCOeval_faster(*sets, iouType=kind)
    server.params.maxDets = [MOST]
    server.evaluate()
    server.accumulate()
    return {name: np.asarray(server.eval[name], np.float64) for name in ("precision", "recall")}


def _true_objects(evidence: Sequence[Evidence], labels: set[int], with_masks: bool) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for place, seen in enumerate(evidence, 1):
        boxes = _corner_and_sides(seen.true_boxes)
        rows = zip(boxes, seen.true_labels.tolist(), seen.is_ignored.tolist(), seen.true_areas.tolist(), strict=True)
        for number, (box, label, is_ignored, area) in enumerate(rows):
            if label in labels:
                row = {"id": len(made) + 1, "image_id": place, "category_id": label + 1, "bbox": box, "area": area}
                made.append({**row, "iscrowd": int(is_ignored)})
                if with_masks:
                    made[-1]["segmentation"] = seen.true_masks[number]
    return made


def _found_objects(evidence: Sequence[Evidence], labels: set[int], with_masks: bool) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for place, seen in enumerate(evidence, 1):
        boxes = _corner_and_sides(seen.boxes)
        for number, (box, label, score) in enumerate(
            zip(boxes, seen.labels.tolist(), seen.scores.tolist(), strict=True)
        ):
            if label not in labels or (with_masks and number >= len(seen.masks)):
                continue
            row = {"id": len(made) + 1, "image_id": place, "category_id": label + 1, "bbox": box, "score": score}
            if with_masks:
                row["segmentation"] = seen.masks[number]
                row["area"] = float(mask_library().area(seen.masks[number]))
            else:
                row["area"] = box[2] * box[3]
            made.append(row)
    return made


def _corner_and_sides(boxes: NDArray[np.float32]) -> list[list[float]]:
    exact = boxes.astype(np.float64)
    listed: list[list[float]] = np.concatenate([exact[:, :2], exact[:, 2:] - exact[:, :2]], axis=1).tolist()
    return listed


def _voc_score(evidence: Sequence[Evidence], classes: int) -> Summary:
    count = class_count(evidence, classes)
    judged, totals = judge(evidence), _counts(evidence, count).tolist()
    rows, points = [], []
    for label, total in enumerate(totals):
        recall, precision = curve(judged, label, total)
        rows.append(ClassScore(label, 100 * integral(recall, precision) if total else None, total))
        if total:
            points.append(100 * eleven_points(recall, precision))
    scores = [row.score for row in rows if row.score is not None]
    if not scores:
        return Summary(float("nan"), tuple(rows))
    return Summary(float(np.mean(scores)), tuple(rows), {"11 points": float(np.mean(points))})
