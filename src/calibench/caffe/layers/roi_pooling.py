"""Pooling within boxes: ROIPooling of Fast R-CNN and PSROIPooling of R-FCN."""

from collections.abc import Sequence

import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, dims, known
from calibench.caffe.net import Layer
from calibench.errors import ModelError


def roi_pooling(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """The largest value in each of pooled_h x pooled_w parts of a box; 0 where a part is empty.

    Inputs: features [N, C, H, W], boxes [M, 5]: image, left, top, right, bottom in pixels of the picture.

    Source: Girshick 2015 (arXiv:1504.08083), section 2.1.
    """
    params = layer.params.roi_pooling_param
    size = [params.pooled_h, params.pooled_w]
    if min(size) <= 0:
        raise ModelError("pooled_h and pooled_w have to be above 0.")
    return [ops.roi_pooling(inputs[0], _boxes(inputs[1]), size, params.spatial_scale, "max").output(0)]


def psroi_pooling(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """The mean of each of group_size x group_size parts of a box, every part from channels of its own.

    Source: Dai and others 2016 (arXiv:1605.06409), section 2, equation 1.
    """
    params = layer.params.psroi_pooling_param
    channels, needed = known(inputs[0], 1), params.output_dim * params.group_size**2
    if channels != needed or not needed:
        raise ModelError(
            f"output_dim {params.output_dim} and group_size {params.group_size} need {needed} channels, "
            f"but the input has {channels}."
        )
    pooled = ops.psroi_pooling(
        inputs[0], _boxes(inputs[1]), params.output_dim, params.group_size, params.spatial_scale, 1, 1, "average"
    )
    return [pooled.output(0)]


def _boxes(value: ov.Output) -> ov.Output:
    """Boxes [M, 5]; Caffe also takes [M, 5, 1, 1]."""
    if dims(value)[1:2] != [5]:
        raise ModelError(f"boxes of shape {dims(value)} are not known: 5 values a box are.")
    return value if len(dims(value)) == 2 else ops.squeeze(value, ops.constant([2, 3])).output(0)


LAYERS: dict[str, Handler] = {"ROIPooling": roi_pooling, "PSROIPooling": psroi_pooling}
"""The types of layers of this file."""
