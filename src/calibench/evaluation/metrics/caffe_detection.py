"""The layer DetectionEvaluate of Caffe's SSD as a metric: it takes the rows of DetectionOutput as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.frame import Frame
from calibench.datasets.truth import Objects
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.decoders.detection_output import rows_of
from calibench.evaluation.metrics.metric import PERCENT, ClassScore, Metric, Observation, Summary
from calibench.evaluation.metrics.object_evidence import Evidence, value_of
from calibench.evaluation.metrics.voc_curve import ASIDE, RIGHT, WRONG

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

NOT_THERE = -1
"""In place of the class of the dataset: the model's class is none of it."""
FLOAT = np.float32
"""Caffe keeps shares and overlaps in float32: a recall of 7/10 is below the double 0.7."""


@dataclass(frozen=True)
class DetectionLayer:
    """A DetectionEvaluate layer.

    Attributes:
        blob: its top, by which it is asked for.
        output: of the model, the rows of DetectionOutput.
        num_classes: with the background.
        background: class of the background; -1: there is none.
        overlap: from which a found object is the true one.
        counts_difficult: difficult objects count as any other.
        in_pixels: overlaps are taken in whole pixels of the original, as with a `name_size_file`.
    """

    blob: str
    output: str
    num_classes: int
    background: int = 0
    overlap: float = 0.5
    counts_difficult: bool = True
    in_pixels: bool = False


@dataclass(frozen=True, eq=False)
class Seen:
    """What is kept of one picture: the objects, and what each found one is worth.

    Attributes:
        objects: boxes as shares of the model's input, labels as the model numbers them; found ones the surest first.
        marks: int64 [N]: RIGHT, WRONG or ASIDE, of each found object.
    """

    objects: Evidence
    marks: IntArray


def caffe_detection(layer: DetectionLayer, numbers: Mapping[int, int]) -> Metric:
    """Mean over the labels that occur of the eleven-point average precision, percent.

    Args:
        numbers: class of the dataset -> the model's number of it.

    A found object is held against the true one of its label that it overlaps most, taken or not; what is held against a
    difficult one counts nowhere. Caffe itself takes the mean over all labels, and a label without any object counts 0
    there; that figure stands in the details where it differs.

    Source: DetectionEvaluate and the detection test of Intel's Caffe; Everingham et al. 2010, section 4.2.
    """
    classes = {number: label for label, number in numbers.items()}

    def observe(seen: Observation) -> Seen:
        found, true = _found(rows_of(seen.outputs[layer.output]), layer), _true(seen, layer, numbers)
        objects = Evidence(
            found[:, 3:],
            found[:, 2],
            found[:, 1].astype(np.int64),
            true.boxes,
            true.labels,
            true.is_ignored & (not layer.counts_difficult),
            np.zeros(len(true.labels), FLOAT),
        )
        size = seen.frame.original if layer.in_pixels and seen.frame is not None else None
        return Seen(objects, _marks(objects, layer.overlap, size))

    def score(evidence: Sequence[Seen]) -> Summary:
        return _summary(evidence, layer, classes)

    return Metric(layer.blob, PERCENT, True, "objects", observe, score, lambda seen: value_of(seen.objects))


def _found(rows: FloatArray, layer: DetectionLayer) -> FloatArray:
    """The rows by falling score; equal ones in the order of the model."""
    if np.any(rows[:, 1] == layer.background):
        raise SettingsError(
            f"--metric {layer.blob}: {layer.output} has objects of class {layer.background}, which is the background. "
            "Give the same background_label_id in DetectionOutput and DetectionEvaluate."
        )
    return rows[np.argsort(-rows[:, 2], kind="stable")]


def _true(seen: Observation, layer: DetectionLayer, numbers: Mapping[int, int]) -> Objects:
    """The annotated objects with boxes as shares of the model's input, labels as the model numbers them."""
    true = seen.truth.objects
    if true is None:
        return Objects(np.zeros((0, 4), FLOAT), np.zeros(0, np.int64), np.zeros(0, np.bool_))
    if seen.frame is None:
        raise SettingsError(f"--metric {layer.blob} needs pictures: of other inputs, boxes have no size to refer to.")
    labels = np.asarray([numbers.get(label, NOT_THERE) for label in true.labels.tolist()], np.int64)
    if np.any((labels < 0) | (labels >= layer.num_classes) | (labels == layer.background)):
        wrong = int(true.labels[(labels < 0) | (labels >= layer.num_classes) | (labels == layer.background)][0])
        raise DatasetError(
            f"an object has class {wrong} of the dataset, which is none of the {layer.num_classes} of {layer.blob}. "
            "Correct num_classes in the prototxt or the numbers in the label map."
        )
    return Objects(_shares(true.boxes, seen.frame), labels, true.is_ignored)


def _shares(boxes: FloatArray, frame: Frame) -> FloatArray:
    """Boxes in pixels of the original -> shares of the model's input, cut off at its border, as the data layer does."""
    scale = np.array([frame.scale_x, frame.scale_y] * 2, np.float64)
    sides = np.array([frame.size[1], frame.size[0]] * 2, np.float64)
    shares = (boxes * scale + np.array([frame.left, frame.top] * 2)) / sides
    return np.asarray(np.clip(shares, 0, 1), FLOAT)


def _marks(objects: Evidence, least: float, size: tuple[int, int] | None) -> IntArray:
    """Whether each found object is right, wrong or aside."""
    marks = np.full(len(objects.scores), WRONG, np.int64)
    taken: set[int] = set()
    overlap = _overlaps(objects.boxes, objects.true_boxes, size)
    overlap[objects.labels[:, None] != objects.true_labels[None]] = -1
    for index, row in enumerate(overlap):
        best = int(row.argmax()) if len(row) else 0
        if not len(row) or row[best] < FLOAT(least):
            continue
        if objects.is_ignored[best]:
            marks[index] = ASIDE
        elif best not in taken:
            marks[index] = RIGHT
            taken.add(best)
    return marks


def _overlaps(found: FloatArray, true: FloatArray, size: tuple[int, int] | None) -> FloatArray:
    """Intersection over union float32 [N, M]; with a size: in pixels, those at the right and lower edge included."""
    more = FLOAT(0 if size is None else 1)
    if size is not None:
        sides = np.array([size[1], size[0]] * 2, FLOAT)
        found, true = np.clip(found, 0, 1) * sides, np.clip(true, 0, 1) * sides
    shared = np.minimum(found[:, None, 2:], true[None, :, 2:]) - np.maximum(found[:, None, :2], true[None, :, :2])
    inner = np.where((shared >= 0).all(axis=2), (shared + more).prod(axis=2), FLOAT(0))
    areas = [np.where((boxes[:, 2:] >= boxes[:, :2]).all(axis=1), (boxes[:, 2:] - boxes[:, :2] + more).prod(axis=1), 0)
             for boxes in (found, true)]  # fmt: skip
    union = areas[0][:, None] + areas[1][None] - inner
    return np.asarray(np.divide(inner, union, out=np.zeros_like(inner), where=inner > 0), FLOAT)


def _summary(evidence: Sequence[Seen], layer: DetectionLayer, classes: Mapping[int, int]) -> Summary:
    labels = np.concatenate([np.zeros(0, np.int64), *(seen.objects.labels for seen in evidence)])
    scores = np.concatenate([np.zeros(0, FLOAT), *(seen.objects.scores for seen in evidence)])
    marks = np.concatenate([np.zeros(0, np.int64), *(seen.marks for seen in evidence)])
    order = np.argsort(-scores, kind="stable")
    labels, marks = labels[order], marks[order]
    true = [seen.objects.true_labels[~seen.objects.is_ignored] for seen in evidence]
    totals = np.bincount(np.concatenate([np.zeros(0, np.int64), *true]), minlength=layer.num_classes)
    rows, points = [], []
    for number, total in enumerate(totals.tolist()):
        if number == layer.background:
            continue
        points.append(100 * average_precision(marks[(labels == number) & (marks != ASIDE)], total))
        if number in classes:
            rows.append(ClassScore(classes[number], points[-1] if total else None, total))
    occurring = [value for value, total in zip(points, np.delete(totals, _background(layer)), strict=True) if total]
    rows.sort(key=lambda row: row.label)
    if not occurring:
        return Summary(float("nan"), tuple(rows))
    all_labels = {} if len(occurring) == len(points) else {f"over all {len(points)} labels": float(np.mean(points))}
    return Summary(float(np.mean(occurring)), tuple(rows), all_labels)


def _background(layer: DetectionLayer) -> list[int]:
    return [layer.background] if layer.background >= 0 else []


def average_precision(marks: IntArray, total: int) -> float:
    """Mean of the best precision at recalls of at least 0, 0.1 .. 1, 0..1.

    Args:
        marks: of the found objects of one label, the surest first: RIGHT or WRONG.
        total: true objects; with none, or nothing found, 0.
    """
    if not total or not len(marks):
        return 0.0
    right = np.cumsum(marks == RIGHT).astype(FLOAT)
    recall, precision = right / FLOAT(total), right / np.arange(1, len(marks) + 1, dtype=FLOAT)
    best = [precision[recall.astype(np.float64) >= place / 10].max(initial=0) for place in range(11)]
    return float(np.mean(best, dtype=np.float64))
