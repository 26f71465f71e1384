"""Mask R-CNN and its kin: boxes, classes, scores, and a small mask for each box."""

import numpy as np
from numpy.typing import NDArray

from calibench.evaluation.decoders.decoder import Counting, Decoder, output_of, shapes_of, short, size_of
from calibench.evaluation.decoders.detection_output import (
    ROW,
    TF_NAMES,
    decode_tf,
    in_pixels,
    labels_of,
    rows_of,
    scores_and_labels,
    single_columns,
)
from calibench.evaluation.decoders.mask_pasting import paste
from calibench.evaluation.decoders.suppression import Candidates, labelled, surest
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.task import Context

FloatArray = NDArray[np.float32]


def _maps(context: Context) -> str | None:
    """The output with the masks: [N, h, w], [1, N, h, w], [N, 1, h, w] or [N, C, h, w]."""
    named = output_of(context, "masks", "masks", "detection_masks", "raw_masks")
    found = [
        name
        for name, shape in shapes_of(context).items()
        if len(shape) in (3, 4) and shape[-1] not in (4, 5, ROW) and short(name) != "image"
    ]
    return named if named in found else found[0] if len(found) == 1 else None


def _boxes(context: Context) -> str | None:
    """The output with 4, 5 or 7 numbers a box."""
    named = output_of(context, "boxes", "boxes", "detection_boxes", "bboxes", "dets")
    found = [
        name
        for name, shape in shapes_of(context).items()
        if shape[-1:] in ((4,), (5,), (ROW,))
        and (len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, -1)) or shape[:2] == (1, 1))
    ]
    return named if named in found else found[0] if len(found) == 1 else None


def _is_tf(context: Context) -> bool:
    return {*TF_NAMES, "detection_masks"} <= {short(name) for name in context.outputs}


def _fits(context: Context) -> bool:
    boxes = _boxes(context)
    if boxes is None or _maps(context) is None:
        return False
    least = {4: 2, 5: 1, ROW: 0}[context.outputs[boxes][-1]]
    return len(single_columns(context, boxes)) >= least


def _decode(outputs: NamedOutputs, context: Context) -> Detections:
    kept = decode_tf(outputs, context) if _is_tf(context) else _found(outputs, context)
    maps = np.asarray(outputs[_maps(context) or ""], np.float32)
    chosen = _of_class(maps, kept, int(np.prod(outputs[_boxes(context) or ""].shape[:-1])))
    size = size_of(context)
    if chosen.shape[1:] == size:  # torchvision draws them in the whole picture itself
        masks = chosen > context.settings.mask_threshold
    else:
        masks = paste(chosen, kept.boxes, size, context.settings.mask_threshold)
    return Detections(kept.boxes, kept.scores, kept.labels, np.asarray(masks, np.bool_))


def _found(outputs: NamedOutputs, context: Context) -> Candidates:
    """Candidates by the width of the boxes: corners; corners and score; rows of DetectionOutput."""
    source = _boxes(context) or ""
    values = np.asarray(outputs[source], np.float32)
    values, settings = values.reshape(-1, values.shape[-1]), context.settings
    if values.shape[1] == ROW:
        rows = rows_of(values)
        return surest(
            labelled(in_pixels(rows[:, 3:], context, "normalized"), rows[:, 2], rows[:, 1], settings), settings
        )
    if values.shape[1] == 5:
        labels = np.asarray(outputs[labels_of(context, source) or ""]).reshape(-1)
        return surest(labelled(in_pixels(values[:, :4], context, "pixels"), values[:, 4], labels, settings), settings)
    scores, labels = scores_and_labels(outputs, context, source)
    return surest(labelled(in_pixels(values, context, "pixels"), scores, labels, settings), settings)


def _of_class(maps: FloatArray, kept: Candidates, count: int) -> FloatArray:
    """The mask of each object, [N, h, w]: of its own class where there is one a class, counted without background.

    Args:
        count: boxes in the output; tells an axis of objects from an axis of the batch.
    """
    if maps.ndim == 4 and maps.shape[0] == 1 and count != 1:
        maps = maps[0]
    if maps.ndim == 3:
        return maps[kept.rows]
    own = 0 if maps.shape[1] == 1 else np.clip(kept.labels - 1, 0, maps.shape[1] - 1)
    return np.asarray(maps[kept.rows, own], np.float32)


def _counting(context: Context) -> Counting:
    """Boxes with their score in the fifth column count no background (MMDetection, Open Model Zoo); others do."""
    boxes = _boxes(context)
    return Counting(None, "none" if boxes is not None and context.outputs[boxes][-1] == 5 else "first")


MASK_RCNN = Decoder(
    "mask-rcnn",
    "boxes, labels, scores and a small mask for each box: Mask R-CNN and its kin",
    _fits,
    _decode,
    _counting,
    lambda context: True,
)
