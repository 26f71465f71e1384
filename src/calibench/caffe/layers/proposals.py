"""Proposal of Faster R-CNN and R-FCN, also as the Python layer rpn.proposal_layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops
import yaml

from calibench.caffe.handler import Context, Handler, constant, integers, known
from calibench.caffe.net import Layer
from calibench.errors import ModelError
from calibench.settings import plain_yaml

KNOWN_MODULE, KNOWN_CLASS = "rpn.proposal_layer", "ProposalLayer"
RATIOS, SCALES = (0.5, 1.0, 2.0), (8.0, 16.0, 32.0)
"""Heights to widths, and sides in base sizes, of the anchors where a layer names none."""


@dataclass(frozen=True)
class Anchors:
    """How regions are proposed. The defaults are those with which py-faster-rcnn tests.

    Attributes:
        stride: pixels of a place of the feature map.
        base_size, min_size: pixels; `min_size` is multiplied by the picture's scale.
        before, after: how many boxes enter the suppression, and leave it at most.
        overlap: share from which a box is suppressed.
    """

    stride: int
    ratios: tuple[float, ...] = RATIOS
    scales: tuple[float, ...] = SCALES
    base_size: int = 16
    min_size: int = 16
    before: int = 6000
    after: int = 300
    overlap: float = 0.7


def proposal(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Boxes [images * post_nms_topn, 5]: image, left, top, right, bottom in pixels; and their scores where asked for.

    Inputs: class scores [1, 2 * anchors, H, W], offsets [1, 4 * anchors, H, W], picture [1, 3]: height, width, scale.
    Caffe returns as many boxes as are found; here boxes of score 0 follow, then a row of image -1, then zeros.
    """
    params = layer.params.proposal_param
    return _proposals(
        layer,
        inputs,
        Anchors(
            stride=params.feat_stride,
            ratios=tuple(params.ratio) or RATIOS,
            scales=tuple(params.scale) or SCALES,
            base_size=params.base_size,
            min_size=params.min_size,
            before=params.pre_nms_topn,
            after=params.post_nms_topn,
            overlap=params.nms_thresh,
        ),
    )


def python_layer(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """The one Python layer that is known: ProposalLayer of py-faster-rcnn."""
    params = layer.params.python_param
    if (params.module, params.layer) != (KNOWN_MODULE, KNOWN_CLASS):
        raise ModelError(
            f"Python layer {params.module}.{params.layer} cannot be read; known is {KNOWN_MODULE}.{KNOWN_CLASS}. "
            "Write what it computes as a handler in caffe/layers/."
        )
    given = _param_str(params.param_str)
    if not isinstance(given.get("feat_stride"), int):
        raise ModelError(f"param_str {params.param_str!r} names no feat_stride. Give \"'feat_stride': 16\".")
    scales = tuple(float(scale) for scale in given.get("scales", SCALES))
    return _proposals(layer, inputs, Anchors(given["feat_stride"], scales=scales))


def _param_str(text: str) -> dict[str, Any]:
    """A mapping as YAML writes it."""
    try:
        found = plain_yaml(text.replace("!!python/tuple", ""))
    except (yaml.YAMLError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ModelError(f"param_str {text!r} cannot be read. Write \"'feat_stride': 16\".")
    return found


def _proposals(layer: Layer, inputs: Sequence[ov.Output], anchors: Anchors) -> list[ov.Output]:
    """Source: Ren and others 2015 (arXiv:1506.01497), section 3.1."""
    count = len(anchors.ratios) * len(anchors.scales)
    for what, value, each in (("scores", inputs[0], 2), ("offsets", inputs[1], 4)):
        if known(value, 1) != each * count:
            raise ModelError(
                f"{count} anchors need {each * count} channels of {what}, but there are {known(value, 1)}."
            )
    picture = ops.reshape(inputs[2], integers([known(inputs[2], -1)]), False)
    node = ops.proposal(inputs[0], inputs[1], picture, _attributes(anchors))
    return [node.output(0), _without_rest(node)][: len(layer.tops)]


def _without_rest(node: ov.Node) -> ov.Output:
    """Scores, 0 behind the last box: there the operation leaves what lay in memory, and boxes of zeros."""
    right = ops.gather(node.output(0), integers(3), integers(1))
    return ops.select(ops.greater(right, constant(0)), node.output(1), constant(0)).output(0)


def _attributes(anchors: Anchors) -> dict[str, Any]:
    return {
        "feat_stride": np.uint32(anchors.stride),
        "base_size": np.uint32(anchors.base_size),
        "min_size": np.uint32(anchors.min_size),
        "pre_nms_topn": np.uint32(anchors.before),
        "post_nms_topn": np.uint32(anchors.after),
        "nms_thresh": anchors.overlap,
        "ratio": list(anchors.ratios),
        "scale": list(anchors.scales),
    }


LAYERS: dict[str, Handler] = {"Proposal": proposal, "Python": python_layer}
"""The types of layers of this file."""
