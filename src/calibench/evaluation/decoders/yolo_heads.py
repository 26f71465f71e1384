"""YOLO without anchors to set: one row for every cell, or the objects already chosen."""

import numpy as np
from numpy.typing import NDArray

from calibench.evaluation.class_names import names_in
from calibench.evaluation.decoders.cell_grids import all_places, exponential, from_middle, strides_of
from calibench.evaluation.decoders.decoder import Counting, Decoder, output_of, shapes_of, size_of
from calibench.evaluation.decoders.detection_output import in_pixels
from calibench.evaluation.decoders.mask_pasting import masks_from_prototypes
from calibench.evaluation.decoders.suppression import Candidates, candidates, labelled, suppress, surest
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.task import Context, Shape

FloatArray = NDArray[np.float32]

BOX = 4
MOST_CHOSEN = 1000
"""Rows of an output with the objects already chosen; 300 as a rule. A small input (320) has 2100 cells already."""


def _is_detector(context: Context) -> bool:
    """Exports say what else they are: pose, oriented boxes and classifiers are read by no decoder here."""
    return context.metadata.get("framework/task", "detect") in ("detect", "segment")


def prototypes(context: Context) -> tuple[str, Shape] | None:
    """The output [1, M, h, w] that masks are mixed from."""
    named = output_of(context, "prototypes", "proto", "protos")
    found = [(name, shape) for name, shape in shapes_of(context).items() if len(shape) == 4 and shape[1] > 1]
    if named is not None:
        return named, context.outputs[named]
    return found[0] if len(found) == 1 else None


def _head(context: Context) -> tuple[str, Shape] | None:
    """The one output of rank 3, where there is nothing else but prototypes."""
    heads = [(name, shape) for name, shape in shapes_of(context).items() if len(shape) == 3]
    rest = len(shapes_of(context)) - len(heads)
    is_alone = rest == 0 or (rest == 1 and prototypes(context) is not None)
    return heads[0] if len(heads) == 1 and is_alone and _is_detector(context) else None


def _coefficients(context: Context) -> int:
    found = prototypes(context)
    return 0 if found is None else found[1][1]


def _fits_columns(context: Context) -> bool:
    head = _head(context)
    if head is None or head[1][1] < BOX + 1 + _coefficients(context):
        return False
    width, count = head[1][1:]
    if count < 0 or context.input_size is None:
        return count < 0 or count > 4 * width
    return strides_of(count, context.input_size) is not None or ("framework/task" in context.metadata and count > width)


def _fits_rows(context: Context, each: int) -> bool:
    head = _head(context)
    if head is None or head[1][2] < BOX + 2 + _coefficients(context):
        return False
    count = head[1][1]
    if count < 0:
        return each == 3 and head[1][2] > BOX + 2
    return strides_of(count, context.input_size, each) is not None


def _fits_chosen(context: Context) -> bool:
    head = _head(context)
    if head is None or head[1][2] != BOX + 2 + _coefficients(context):
        return False
    is_cells = any(strides_of(head[1][1], context.input_size, each) for each in (1, 3))
    return head[1][1] <= MOST_CHOSEN and not is_cells


def _decode_columns(outputs: NamedOutputs, context: Context) -> Detections:
    """Middle, sides and a score a class, in pixels, one column a cell.

    Source: Jocher et al., Ultralytics YOLOv8 (2023): the head decodes its boxes itself.
    """
    name, _ = _head(context) or next(iter(context.outputs.items()))
    values = np.asarray(outputs[name], np.float32)[0].T
    classes = _class_count(context, values.shape[1] - BOX)
    boxes = in_pixels(from_middle(values[:, :2], values[:, 2:BOX]), context, "pixels")
    kept = suppress(candidates(boxes, values[:, BOX : BOX + classes], context.settings), context.settings)
    return _with_masks(kept, values, outputs, context)


def _decode_rows(outputs: NamedOutputs, context: Context) -> Detections:
    """Middle, sides, a score for "object" and one a class, in pixels, one row a cell and anchor.

    Source: Jocher et al., YOLOv5 (2020), Wang et al., YOLOv7 (arXiv:2207.02696): decoded inside the model.
    """
    name, _ = _head(context) or next(iter(context.outputs.items()))
    values = np.asarray(outputs[name], np.float32)[0]
    boxes = in_pixels(from_middle(values[:, :2], values[:, 2:BOX]), context, "pixels")
    return _scored_rows(boxes, values, outputs, context)


def _decode_yolox(outputs: NamedOutputs, context: Context) -> Detections:
    """Offsets from a cell in cells and logarithms of sides in cells; scores are in 0..1 already.

    An export can have decoded them: then middles reach beyond any number of cells.

    Source: Ge et al. 2021, YOLOX (arXiv:2107.08430), section 2.1; YOLOv6 (arXiv:2209.02976) for decoded rows.
    """
    name, _ = _head(context) or next(iter(context.outputs.items()))
    values = np.asarray(outputs[name], np.float32)[0]
    size = size_of(context)
    middles, sides = values[:, :2], values[:, 2:BOX]
    if float(middles.max(initial=0)) <= max(size) / 4:
        places, strides = all_places(size, strides_of(len(values), size) or (8, 16, 32))
        middles, sides = (middles + places) * strides, exponential(sides) * strides
    return _scored_rows(from_middle(middles, sides), values, outputs, context)


def _scored_rows(boxes: FloatArray, values: FloatArray, outputs: NamedOutputs, context: Context) -> Detections:
    classes = _class_count(context, values.shape[1] - BOX - 1)
    scores = values[:, BOX : BOX + 1] * values[:, BOX + 1 : BOX + 1 + classes]
    return _with_masks(
        suppress(candidates(boxes, scores, context.settings), context.settings), values, outputs, context
    )


def _decode_chosen(outputs: NamedOutputs, context: Context) -> Detections:
    """Left, top, right, bottom in pixels, score, class; nothing overlaps.

    Source: Wang et al. 2024, YOLOv10 (arXiv:2405.14458), section 3.1: one prediction an object.
    """
    name, _ = _head(context) or next(iter(context.outputs.items()))
    values = np.asarray(outputs[name], np.float32)[0]
    boxes = in_pixels(values[:, :BOX], context, "pixels")
    kept = surest(labelled(boxes, values[:, BOX], values[:, BOX + 1], context.settings), context.settings)
    return _with_masks(kept, values, outputs, context)


def _with_masks(kept: Candidates, values: FloatArray, outputs: NamedOutputs, context: Context) -> Detections:
    found = prototypes(context)
    if found is None:
        return kept.detections()
    shapes = np.asarray(outputs[found[0]], np.float32)[0]
    mixed = values[kept.rows, values.shape[1] - len(shapes) :]
    masks = masks_from_prototypes(mixed, shapes, kept.boxes, size_of(context), context.settings.mask_threshold)
    return Detections(kept.boxes, kept.scores, kept.labels, masks)


def _class_count(context: Context, width: int) -> int:
    """Classes among the columns behind the box: as many as names in the file, else all that mix no mask."""
    names = names_in(context.metadata)
    return len(names) if names and len(names) <= width else width - _coefficients(context)


def _counting(context: Context, axis: int, before: int) -> Counting:
    head = _head(context)
    return Counting(None if head is None or head[1][axis] < 0 else _class_count(context, head[1][axis] - before))


def _has_prototypes(context: Context) -> bool:
    return prototypes(context) is not None


YOLO_END2END = Decoder(
    "yolo-end2end",
    "YOLOv10, YOLO26 and others with the objects already chosen",
    _fits_chosen,
    _decode_chosen,
    lambda context: Counting(len(names_in(context.metadata)) or None),
    _has_prototypes,
)
YOLOV8 = Decoder(
    "yolov8",
    "YOLOv8, v9, v11, v12 and YOLOv5u",
    _fits_columns,
    _decode_columns,
    lambda context: _counting(context, 1, BOX),
    _has_prototypes,
)
YOLOV5 = Decoder(
    "yolov5",
    "YOLOv5 and YOLOv7, decoded inside the model",
    lambda context: _fits_rows(context, 3),
    _decode_rows,
    lambda context: _counting(context, 2, BOX + 1),
    _has_prototypes,
)
YOLOX = Decoder(
    "yolox",
    "YOLOX, and YOLOv6 decoded inside the model",
    lambda context: _fits_rows(context, 1),
    _decode_yolox,
    lambda context: _counting(context, 2, BOX + 1),
)
