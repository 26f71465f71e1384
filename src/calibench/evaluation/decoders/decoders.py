"""All decoders, and which of them reads the outputs of a model."""

from calibench.errors import SettingsError
from calibench.evaluation.decoders.anchor_grids import (
    YOLOV2,
    YOLOV3,
    YOLOV3_TINY,
    YOLOV4,
    YOLOV4_TINY,
    YOLOV5_RAW,
    YOLOV7_RAW,
)
from calibench.evaluation.decoders.center_points import CENTERFACE
from calibench.evaluation.decoders.decoder import Decoder, listed
from calibench.evaluation.decoders.detection_output import (
    BOXES_LABELS,
    BOXES_SCORES_LABELS,
    DETECTION_OUTPUT,
    END_TO_END_ROWS,
    TF_DETECTION,
)
from calibench.evaluation.decoders.general_focal import NANODET, NANODET_ROWS
from calibench.evaluation.decoders.instance_masks import MASK_RCNN
from calibench.evaluation.decoders.model_api import MODEL_API
from calibench.evaluation.decoders.raw_boxes import RAW_BOXES
from calibench.evaluation.decoders.yolo_heads import YOLO_END2END, YOLOV5, YOLOV8, YOLOX
from calibench.evaluation.tasks.task import Context

DECODERS: tuple[Decoder, ...] = (
    MODEL_API,
    MASK_RCNN,
    TF_DETECTION,
    DETECTION_OUTPUT,
    END_TO_END_ROWS,
    BOXES_LABELS,
    BOXES_SCORES_LABELS,
    CENTERFACE,
    NANODET,
    NANODET_ROWS,
    YOLO_END2END,
    YOLOV8,
    YOLOV5,
    YOLOX,
    YOLOV7_RAW,
    YOLOV5_RAW,
    YOLOV4,
    YOLOV3,
    YOLOV4_TINY,
    YOLOV3_TINY,
    YOLOV2,
    RAW_BOXES,
)
"""In the order of guessing: what names itself first, then what has a form of its own, the most general last."""


def guess_decoder(context: Context) -> Decoder | None:
    """The first that fits."""
    return next((decoder for decoder in DECODERS if decoder.fits(context)), None)


def choose_decoder(context: Context) -> Decoder:
    """The decoder that the settings name, else the first that fits.

    Raises:
        SettingsError: there is none of that name, or none fits.
    """
    wanted = context.settings.decoder
    if wanted == "auto":
        found = guess_decoder(context)
        if found is None:
            raise SettingsError(
                f"No decoder fits the outputs {listed(context.outputs)}. Set task.decoder to one of {_names()}, or "
                "task.outputs to the names of boxes, scores and labels."
            )
        return found
    for decoder in DECODERS:
        if decoder.name == wanted:
            return decoder
    raise SettingsError(f"There is no decoder {wanted}. Known: auto, {_names()}.")


def _names() -> str:
    return ", ".join(decoder.name for decoder in DECODERS)
