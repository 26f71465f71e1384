"""Boxes [1, N, 4] and scores [1, N, C] of any family, by shape: DETR, decoded SSD, UltraFace."""

import numpy as np
from numpy.typing import NDArray

from calibench.evaluation.class_names import names_in
from calibench.evaluation.decoders.cell_grids import from_middle, sigmoid, softmax
from calibench.evaluation.decoders.decoder import Background, Counting, Decoder, output_of, shapes_of, short
from calibench.evaluation.decoders.detection_output import in_pixels
from calibench.evaluation.decoders.suppression import candidates, suppress, surest
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.task import Context

FloatArray = NDArray[np.float32]

IN_ORDER = 0.99
"""Share of boxes whose third and fourth number exceed the first two: with corners all do, as middle and sides few."""

SHARES = 2.0
"""Coordinates up to here are shares of the picture: a box may reach beyond it, but not by its whole size."""

SET_NAMES = ("pred_boxes", "pred_logits")
"""Of outputs that hold one prediction an object (DETR and its kin): nothing is suppressed."""


def _find(context: Context) -> tuple[str, str] | None:
    """Names of boxes and scores: rank 3, the same N."""
    shapes = {name: shape for name, shape in shapes_of(context).items() if len(shape) == 3}
    boxes = output_of(context, "boxes", "boxes", "pred_boxes", "bboxes") or next(
        (name for name, shape in shapes.items() if shape[2] == 4), None
    )
    if boxes not in shapes or shapes[boxes][2] != 4:
        return None
    scores = output_of(context, "scores", "scores", "pred_logits", "logits", "confidences")
    left = [name for name in shapes if name != boxes and shapes[boxes][1] in shapes[name][1:]]
    if scores not in left:
        scores = left[0] if len(left) == 1 else None
    is_told = {"boxes", "scores"} <= set(context.settings.outputs)
    return None if scores is None or (len(shapes) != len(shapes_of(context)) and not is_told) else (boxes, scores)


def _classes(context: Context) -> int | None:
    """Columns of the scores."""
    found = _find(context)
    if found is None:
        return None
    count, (_, first, last) = context.outputs[found[0]][1], context.outputs[found[1]]
    width = last if first == count else first
    return None if width < 0 else width


def background_of(context: Context) -> Background:
    """Where background is among the columns: one more than the known classes means there is one.

    DETR has it last, SSD and its kin first.
    """
    if context.settings.background != "auto":
        return context.settings.background
    width, found = _classes(context), _find(context)
    known = {len(names_in(context.metadata)), len(context.classes)} - {0}
    is_set = found is not None and (_is_set(found) or "logits" in short(found[1]))
    coco = {92} if is_set else {81, 91}  # 91 numbers and one for "no object"; 80 or 90 and background
    has_one = width is not None and (width - 1 in known or (width not in known and width in coco | {2}))
    return "none" if not has_one else "last" if is_set else "first"


def _is_set(found: tuple[str, str]) -> bool:
    return any(short(name) in SET_NAMES for name in found)


def _decode(outputs: NamedOutputs, context: Context) -> Detections:
    found = _find(context) or ("", "")
    boxes = corners(np.asarray(outputs[found[0]], np.float32)[0], context)
    scores = np.asarray(outputs[found[1]], np.float32)[0]
    scores = scores if scores.shape[0] == len(boxes) else scores.T
    background = background_of(context)
    if scores.size and (scores.min() < 0 or scores.max() > 1):
        scores = sigmoid(scores) if background == "none" else softmax(scores)
    skip = {"none": None, "first": 0, "last": scores.shape[1] - 1}[background]
    kept = candidates(boxes, scores, context.settings, skip)
    if _is_set(found):
        return surest(kept, context.settings).detections()
    return suppress(kept, context.settings).detections()


def corners(boxes: FloatArray, context: Context) -> FloatArray:
    """Boxes [N, 4] as `box_format` and `box_units` say -> left, top, right, bottom in pixels of the input.

    Where the settings say nothing: corners if nearly all boxes are in order, else middle and sides; shares of the
    picture if all numbers are small.
    """
    form, units = context.settings.box_format, context.settings.box_units
    if form == "auto":
        is_ordered = len(boxes) == 0 or float(np.mean(np.all(boxes[:, 2:] >= boxes[:, :2], axis=1))) >= IN_ORDER
        form = "xyxy" if is_ordered else "cxcywh"
    is_small = not boxes.size or float(np.abs(boxes).max()) <= SHARES
    default = ("normalized" if is_small else "pixels") if units == "auto" else units
    if form == "yxyx":
        boxes = boxes[:, [1, 0, 3, 2]]
    elif form == "xywh":
        boxes = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    elif form == "cxcywh":
        boxes = from_middle(boxes[:, :2], boxes[:, 2:])
    return in_pixels(boxes, context, default)


RAW_BOXES = Decoder(
    "raw-boxes",
    "boxes [1, N, 4] and scores [1, N, C]: DETR, decoded SSD, and others",
    lambda context: _find(context) is not None,
    _decode,
    lambda context: Counting(_classes(context), background_of(context)),
)
