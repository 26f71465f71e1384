"""Instance segmentation: outputs -> boxes and masks in the picture; mean average precision of both."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.frame import Frame
from calibench.errors import SettingsError
from calibench.evaluation.decoders.decoders import guess_decoder
from calibench.evaluation.metrics.average_precision import coco_map, mask_map, voc_map
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.detect_objects import read_objects, settle
from calibench.evaluation.tasks.task import Context, Task, TaskKind

BoolArray = NDArray[np.bool_]


def _fits(context: Context) -> bool:
    if "instances" not in context.annotated:
        return False
    decoder = guess_decoder(context)
    return context.settings.decoder != "auto" or (decoder is not None and decoder.has_masks(context))


def _make(context: Context) -> Task:
    decoder, classes, notes = settle(context, "instances")
    if not decoder.has_masks(context):
        raise SettingsError(
            f"The decoder {decoder.name} finds no masks in these outputs. Set task.kind: detection, or another decoder."
        )

    def predict(outputs: NamedOutputs, frame: Frame | None) -> Detections:
        found = read_objects(outputs, frame, (decoder, classes, context))
        if frame is None or found.masks is None:
            return found
        return replace(found, masks=masks_to_original(found.masks, frame))

    count = len(context.classes)
    metrics = {"coco-masks": mask_map(count), "coco": coco_map(count), "voc": voc_map(count)}
    return Task("instance-segmentation", predict, metrics, notes)


def masks_to_original(masks: BoolArray, frame: Frame) -> BoolArray:
    """bool [N, H, W] over the model's input -> over the upright original: the pixel that shows each pixel's middle.

    What the model did not see (cut off at the borders) belongs to no object.
    """
    height, width = frame.original
    rows = np.floor((np.arange(height) + 0.5) * frame.scale_y + frame.top).astype(np.int64)
    columns = np.floor((np.arange(width) + 0.5) * frame.scale_x + frame.left).astype(np.int64)
    seen_rows = (rows >= 0) & (rows < masks.shape[1])
    seen_columns = (columns >= 0) & (columns < masks.shape[2])
    looked_up = masks[:, np.where(seen_rows, rows, 0)][:, :, np.where(seen_columns, columns, 0)]
    return np.asarray(looked_up & seen_rows[:, None] & seen_columns, np.bool_)


INSTANCES = TaskKind("instance-segmentation", _fits, _make)
