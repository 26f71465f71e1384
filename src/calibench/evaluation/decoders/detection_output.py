"""Outputs in which suppression has been done inside the model: rows, or boxes with scores and labels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.evaluation.decoders.decoder import (
    Counting,
    Decoder,
    agrees,
    output_of,
    shapes_of,
    short,
    size_of,
)
from calibench.evaluation.decoders.suppression import labelled, surest
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.task import Context

FloatArray = NDArray[np.float32]
Array = NDArray[np.generic]

ROW = 7
"""Columns of DetectionOutput: picture, class, score, left, top, right, bottom; a picture of -1 ends the rows."""


def in_pixels(boxes: Array, context: Context, default: str) -> FloatArray:
    """Left, top, right, bottom [N, 4] as `box_units` says, or in the default "pixels" or "normalized" -> pixels."""
    units = context.settings.box_units
    if (default if units == "auto" else units) == "pixels":
        return np.asarray(boxes, np.float32)
    height, width = size_of(context)
    return np.asarray(boxes * np.array([width, height, width, height], np.float32), np.float32)


def _rows_output(context: Context) -> str | None:
    """The one output that has rows of seven."""
    found = [
        name
        for name, shape in shapes_of(context).items()
        if agrees(shape, 1, 1, None, ROW) and shape[-1] == ROW and shape[1] == 1
    ]
    return found[0] if len(found) == 1 and len(shapes_of(context)) == 1 else None


def rows_of(values: Array) -> FloatArray:
    """The filled rows of DetectionOutput, float32 [M, 7]."""
    rows = np.asarray(values, np.float32).reshape(-1, ROW)
    ends = np.flatnonzero(rows[:, 0] < 0)
    return rows[: ends[0]] if len(ends) else rows


def _decode_rows(outputs: NamedOutputs, context: Context) -> Detections:
    rows = rows_of(outputs[output_of(context, "rows") or next(iter(shapes_of(context)))])
    boxes = in_pixels(rows[:, 3:], context, "normalized")
    return surest(labelled(boxes, rows[:, 2], rows[:, 1], context.settings), context.settings).detections()


def _decode_end_to_end(outputs: NamedOutputs, context: Context) -> Detections:
    """Rows of picture, left, top, right, bottom, class, score, in pixels."""
    rows = np.asarray(outputs[next(iter(shapes_of(context)))], np.float32).reshape(-1, ROW)
    boxes = in_pixels(rows[:, 1:5], context, "pixels")
    return surest(labelled(boxes, rows[:, 6], rows[:, 5], context.settings), context.settings).detections()


TF_NAMES = ("detection_boxes", "detection_scores", "detection_classes")


def _tf_outputs(context: Context) -> dict[str, str]:
    """The outputs of the TensorFlow object detection API by their short names."""
    return {short(name): name for name in context.outputs if short(name).startswith(("detection_", "num_detections"))}


def decode_tf(outputs: NamedOutputs, context: Context) -> Any:
    """Candidates from the TensorFlow object detection API: top, left, bottom, right as shares; classes from 1."""
    names = _tf_outputs(context)
    boxes, scores, labels = (np.asarray(outputs[names[name]], np.float32)[0] for name in TF_NAMES)
    if "num_detections" in names:
        filled = int(np.asarray(outputs[names["num_detections"]]).ravel()[0])
        boxes, scores, labels = boxes[:filled], scores[:filled], labels[:filled]
    pixels = in_pixels(boxes[:, [1, 0, 3, 2]], context, "normalized")
    return surest(labelled(pixels, scores, np.rint(labels), context.settings), context.settings)


def _scored_boxes(context: Context) -> str | None:
    """The output with left, top, right, bottom and score: [N, 5] or [1, N, 5]."""
    named = output_of(context, "boxes", "boxes", "dets", "bboxes")
    if named is not None and context.outputs[named][-1:] == (5,):
        return named
    found = [name for name, shape in shapes_of(context).items() if len(shape) in (2, 3) and shape[-1] == 5]
    return found[0] if len(found) == 1 else None


def labels_of(context: Context, boxes: str | None) -> str | None:
    """The output with a class for each of the boxes."""
    named = output_of(context, "labels", "labels", "label", "classes", "class", "det_classes")
    singles = single_columns(context, boxes)
    return named or (singles[0] if len(singles) == 1 else None)


def _has_maps(context: Context) -> bool:
    return any(len(shape) >= 3 and shape[-1] not in (4, 5) for shape in shapes_of(context).values())


def _decode_boxes_labels(outputs: NamedOutputs, context: Context) -> Detections:
    source = _scored_boxes(context) or ""
    boxes, name = np.asarray(outputs[source], np.float32).reshape(-1, 5), labels_of(context, source)
    labels = np.zeros(len(boxes), np.int64) if name is None else np.asarray(outputs[name]).reshape(-1)
    pixels = in_pixels(boxes[:, :4], context, "pixels")
    return surest(labelled(pixels, boxes[:, 4], labels, context.settings), context.settings).detections()


def _four_columns(context: Context) -> str | None:
    named = output_of(context, "boxes", "boxes", "bboxes", "det_boxes")
    found = [name for name, shape in shapes_of(context).items() if len(shape) in (2, 3) and shape[-1] == 4]
    return named if named in found else found[0] if len(found) == 1 else None


def single_columns(context: Context, boxes: str | None) -> list[str]:
    """Outputs with one number a box, [N] or [1, N], apart from counts and from the boxes themselves."""
    found = {
        name: shape
        for name, shape in shapes_of(context).items()
        if "num" not in short(name) and name != boxes and (len(shape) == 1 or (len(shape) == 2 and shape[0] in (1, -1)))
    }
    if len(found) > 2:  # a count that does not say so
        found = {name: shape for name, shape in found.items() if shape not in ((1,), (1, 1))}
    return list(found)


def scores_and_labels(outputs: NamedOutputs, context: Context, boxes: str | None) -> tuple[FloatArray, Array]:
    """Scores [N] and labels [N] by their names; where those say nothing, whole numbers are the labels."""
    singles = single_columns(context, boxes)
    scores, labels = (
        output_of(context, "scores", "scores", "score", "conf"),
        output_of(context, "labels", "label", "class"),
    )
    if scores not in singles or labels not in singles or scores == labels:
        whole = [name for name in singles if np.issubdtype(np.asarray(outputs[name]).dtype, np.integer)]
        labels = whole[0] if len(whole) == 1 else max(singles, key=lambda name: float(np.max(outputs[name], initial=0)))
        scores = next(name for name in singles if name != labels)
    return np.asarray(outputs[scores], np.float32).reshape(-1), np.asarray(outputs[labels]).reshape(-1)


def _decode_boxes_scores_labels(outputs: NamedOutputs, context: Context) -> Detections:
    source = _four_columns(context) or ""
    boxes = np.asarray(outputs[source], np.float32).reshape(-1, 4)
    scores, labels = scores_and_labels(outputs, context, source)
    counts = [name for name in context.outputs if "num" in short(name)]
    filled = int(np.asarray(outputs[counts[0]]).ravel()[0]) if counts else len(scores)
    pixels = in_pixels(boxes[:filled], context, "pixels")
    found = labelled(pixels, scores[:filled], labels[:filled], context.settings)
    return surest(found, context.settings).detections()


def _boxes_scores_labels_fit(context: Context) -> bool:
    boxes = _four_columns(context)
    return boxes is not None and len(single_columns(context, boxes)) == 2 and not _has_maps(context)


def _boxes_labels_fit(context: Context) -> bool:
    boxes = _scored_boxes(context)
    is_pair = len(shapes_of(context)) == 2 and not _has_maps(context)
    return boxes is not None and is_pair and labels_of(context, boxes) is not None


def _from_one(context: Context) -> Counting:
    return Counting(None, "first")


def _without_batch(context: Context) -> Counting:
    """Exports of torchvision have no batch axis and count a background; the others have one and do not."""
    name = _four_columns(context)
    return Counting(None, "first" if name is not None and len(context.outputs[name]) == 2 else "none")


DETECTION_OUTPUT = Decoder(
    "detection-output",
    "rows of DetectionOutput, as SSD has them",
    lambda context: _rows_output(context) is not None,
    _decode_rows,
    _from_one,
)
TF_DETECTION = Decoder(
    "tf-detection",
    "TensorFlow object detection API",
    lambda context: set(TF_NAMES) <= set(_tf_outputs(context)),
    lambda outputs, context: decode_tf(outputs, context).detections(),
    _from_one,
)
END_TO_END_ROWS = Decoder(
    "yolov7-end2end",
    "rows of picture, box, class and score, as YOLOv7 exports them with suppression inside",
    lambda context: [shape[1:] for shape in shapes_of(context).values()] == [(ROW,)],
    _decode_end_to_end,
    lambda context: Counting(),
)
BOXES_LABELS = Decoder(
    "boxes-labels",
    "boxes with scores [N, 5] and labels [N], as MMDetection and Open Model Zoo export them",
    _boxes_labels_fit,
    _decode_boxes_labels,
    lambda context: Counting(),
)
BOXES_SCORES_LABELS = Decoder(
    "boxes-scores-labels",
    "boxes [N, 4], scores [N] and labels [N]: torchvision, RT-DETR, EfficientNMS",
    _boxes_scores_labels_fit,
    _decode_boxes_scores_labels,
    _without_batch,
)
