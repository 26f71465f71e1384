"""DetectionOutput of SSD and RefineDet: boxes are decoded, suppressed and listed as rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, dims, integers, known
from calibench.caffe.net import Layer
from calibench.errors import ModelError

CORNER, CENTER_SIZE, CORNER_SIZE = 1, 2, 3
"""Caffe's numbers of the ways in which a box is coded."""
CODES = {CORNER: "caffe.PriorBoxParameter.CORNER", CENTER_SIZE: "caffe.PriorBoxParameter.CENTER_SIZE"}
ANY_SCORE = float(np.finfo(np.float32).min)
"""The threshold of a layer that names none."""


def detection_output(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Rows of image, class, score, left, top, right, bottom: [1, 1, rows, 7]; an image of -1 ends them.

    Caffe returns as many rows as it finds. `visualize` and `save_output_param` change nothing here.

    Source: Liu and others 2016 (arXiv:1512.02325); with five inputs Zhang and others 2018 (arXiv:1711.06897).
    """
    params = layer.params.detection_output_param
    if not params.HasField("num_classes"):
        raise ModelError("num_classes is missing. Give the number of classes with the background.")
    if params.nms_param.eta < 1:
        raise ModelError(f"eta {params.nms_param.eta:g} of nms_param is not supported. Leave it at 1.")
    boxes, scores, priors = _flat(inputs[0]), _flat(inputs[1]), inputs[2]
    _check_sizes(params, boxes, scores, known(priors, 2) // 4)
    if params.code_type == CORNER_SIZE:
        boxes = _as_corners(boxes, priors, 1 if params.share_location else params.num_classes)
    if params.variance_encoded_in_target:  # the operation then takes boxes without variances
        priors = ops.gather(priors, integers([0]), integers(1)).output(0)
    refined = _refinement(params, inputs)
    return [ops.detection_output(boxes, scores, priors, _attributes(params), *refined).output(0)]


def _refinement(params: Any, inputs: Sequence[ov.Output]) -> list[ov.Output]:
    """Scores and boxes of the first stage of RefineDet; none for SSD, where a fourth input is what is drawn."""
    if len(inputs) == 3 or (len(inputs) == 4 and params.visualize):
        return []
    if len(inputs) < 5:
        raise ModelError(f"{len(inputs)} inputs are not known; SSD has 3, RefineDet 5.")
    if params.code_type == CORNER_SIZE:
        raise ModelError("code_type CORNER_SIZE is not supported with 5 inputs.")
    return [_flat(inputs[3]), _flat(inputs[4])]


def _attributes(params: Any) -> dict[str, Any]:
    has_threshold = params.HasField("confidence_threshold")
    found = {
        "background_label_id": params.background_label_id,
        "top_k": params.nms_param.top_k if params.nms_param.HasField("top_k") else -1,
        "keep_top_k": [params.keep_top_k],
        "variance_encoded_in_target": params.variance_encoded_in_target,
        "code_type": CODES[CORNER if params.code_type == CORNER_SIZE else params.code_type],
        "share_location": params.share_location,
        "nms_threshold": params.nms_param.nms_threshold,
        "confidence_threshold": params.confidence_threshold if has_threshold else ANY_SCORE,
        "objectness_score": params.objectness_score,
    }
    return found | {"normalized": True, "clip_before_nms": False, "clip_after_nms": False}


def _check_sizes(params: Any, boxes: ov.Output, scores: ov.Output, priors: int) -> None:
    located = 1 if params.share_location else params.num_classes
    for what, value, each in (("locations", boxes, 4 * located), ("scores", scores, params.num_classes)):
        found = dims(value)[1]
        if found not in (-1, priors * each):
            raise ModelError(f"{priors} prior boxes need {priors * each} {what}, but there are {found}.")


def _flat(value: ov.Output) -> ov.Output:
    """[batch, values]."""
    return value if len(value.partial_shape) == 2 else ops.reshape(value, integers([0, -1]), True).output(0)


def _as_corners(boxes: ov.Output, priors: ov.Output, located: int) -> ov.Output:
    """Offsets that are shares of the prior box -> shares of the picture, as code type CORNER has them."""
    corners = ops.reshape(ops.gather(priors, integers(0), integers(1)), integers([-1, 4]), False)
    start, end = ops.split(corners, integers(1), 2).outputs()
    size = ops.subtract(end, start)
    each = ops.concat([size, size] * located, 1)
    return ops.multiply(boxes, ops.reshape(each, integers([1, -1]), False)).output(0)


LAYERS: dict[str, Handler] = {"DetectionOutput": detection_output}
"""The types of layers of this file."""
