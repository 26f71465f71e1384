"""Reorg and Region of YOLOv2, also called ReorgYolo and RegionYolo."""

from collections.abc import Sequence

import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, axis_of, integers, known
from calibench.caffe.net import Layer
from calibench.errors import ModelError

STRIDE = 2
"""Of a Reorg that names none."""


def reorg(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Squares of stride x stride values become channels, in Darknet's order; `reverse` the other way round.

    Darknet takes the values for a picture with fewer channels first, so that this is no plain space-to-depth. It is
    built of movements that run on bytes; OpenVINO's ReorgYolo would bring an INT8 network back to float.

    Source: Redmon and Farhadi 2016 (arXiv:1612.08242), section 2, "fine-grained features"; order as in Darknet.
    """
    params = layer.params.reorg_yolo_param if layer.type == "ReorgYolo" else layer.params.reorg_param
    stride = params.stride if params.HasField("stride") else STRIDE
    channels, area = known(inputs[0], 1), stride * stride
    if channels % area:
        raise ModelError(f"{channels} channels cannot be shared out among squares of stride {stride}.")
    if params.reverse:
        return [ops.depth_to_space(inputs[0], "blocks_first", stride).output(0)]
    height, width = known(inputs[0], 2), known(inputs[0], 3)
    picture = ops.reshape(inputs[0], integers([0, channels // area, height, stride, width, stride]), True)
    squares = ops.transpose(picture, integers([0, 3, 5, 1, 2, 4]))
    return [ops.reshape(squares, integers([0, channels * area, height // stride, width // stride]), True).output(0)]


def region(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """The last layer of YOLOv2 [N, values]: sigmoid of x, y and object, softmax of the classes; of YOLOv3 all sigmoid.

    Caffe keeps the four axes of the input; the values and their order are the same.

    Source: Redmon and Farhadi 2016 (arXiv:1612.08242), section 2; 2018 (arXiv:1804.02767), section 2.
    """
    params = layer.params.region_yolo_param if layer.type == "RegionYolo" else layer.params.region_param
    mask = list(params.mask) or list(range(params.num))
    boxes = params.num if params.do_softmax else len(mask)
    channels, needed = known(inputs[0], 1), boxes * (params.coords + 1 + params.classes)
    if channels != needed:
        raise ModelError(
            f"{boxes} boxes of {params.coords} coordinates and {params.classes} classes need {needed} channels, "
            f"but the input has {channels}."
        )
    end = axis_of(inputs[0], params.end_axis)
    done = ops.region_yolo(
        inputs[0],
        params.coords,
        params.classes,
        params.num,
        params.do_softmax,
        mask,
        params.axis,
        end,
        list(params.anchors),
    )
    return [done.output(0)]


LAYERS: dict[str, Handler] = {"Reorg": reorg, "ReorgYolo": reorg, "Region": region, "RegionYolo": region}
"""The types of layers of this file."""
