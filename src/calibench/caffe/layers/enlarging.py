"""Layers that change the size of planes: Interp (DeepLab, PSPNet), Upsample (SegNet, and YOLO's with a scale only)."""

from collections.abc import Sequence
from typing import Any

import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, constant, integers, known
from calibench.caffe.net import Layer
from calibench.errors import ModelError


def interp(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Bilinear, corners on corners; the size: given, by zoom and shrink factor, or that of a second bottom."""
    rule, value = layer.params.interp_param, inputs[0]
    if rule.pad_beg > 0 or rule.pad_end > 0:
        raise ModelError("pad_beg and pad_end have to be 0 or less: Interp can cut a border off, not add one.")
    sizes = [known(value, axis) + rule.pad_beg + rule.pad_end for axis in (2, 3)]
    if rule.pad_beg or rule.pad_end:
        ends = [size - rule.pad_beg for size in sizes]
        value = ops.slice(value, integers([-rule.pad_beg] * 2), integers(ends), integers([1, 1]), integers([2, 3]))
        value = value.output(0)
    target = [known(inputs[1], 2), known(inputs[1], 3)] if len(inputs) > 1 else interp_size(rule, sizes)
    if min(target) < 1:
        raise ModelError(f"the size {target[0]} x {target[1]} is not possible.")
    options = {"coordinate_transformation_mode": "align_corners", "axes": integers([2, 3])}
    return [ops.interpolate(value, integers(target), "linear_onnx", "sizes", **options).output(0)]


def interp_size(rule: Any, sizes: list[int]) -> list[int]:
    """Height and width behind an Interp without a second bottom.

    Args:
        rule: message InterpParameter.
        sizes: height and width of the input, its border taken off.

    Source: DeepLab's fork, interp_layer.cpp: shrinking comes before zooming; with a factor the size is not read.
    """
    shrink, zoom = rule.shrink_factor, rule.zoom_factor
    has_shrink, has_zoom = (rule.HasField(f"{word}_factor") for word in ("shrink", "zoom"))
    if not has_shrink and not has_zoom:
        if not (rule.HasField("height") and rule.HasField("width")):
            raise ModelError("the new size is not given. Give height and width, zoom_factor or shrink_factor.")
        return [rule.height, rule.width]
    if has_shrink:
        sizes = [(size - 1) // shrink + 1 for size in sizes]
    return [size + (size - 1) * (zoom - 1) for size in sizes] if has_zoom else sizes


def upsample(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Each value repeated `scale` times; with a second bottom, the places of a Pooling: each put back there, 0 else."""
    rule, value = layer.params.upsample_param, inputs[0]
    if len(inputs) > 1:
        return [_put_back(rule, value, inputs[1])]
    target = [known(value, axis) * rule.scale for axis in (2, 3)]
    options = {
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
        "axes": integers([2, 3]),
    }
    return [ops.interpolate(value, integers(target), "nearest", "sizes", **options).output(0)]


def _put_back(rule: Any, value: ov.Output, places: ov.Output) -> ov.Output:
    height, width = _unpooled(rule, value)
    channels, flat = known(value, 1), integers([0, 0, -1])
    batch = ops.slice(ops.shape_of(value), integers([0]), integers([1]), integers([1]))
    empty = ops.broadcast(constant(0.0), ops.concat([batch, integers([channels, height * width])], 0))
    spots = ops.convert(ops.reshape(places, flat, True), "i64")
    filled = ops.scatter_elements_update(empty, spots, ops.reshape(value, flat, True), integers(2))
    return ops.reshape(filled, integers([0, 0, height, width]), True).output(0)


def _unpooled(rule: Any, value: ov.Output) -> tuple[int, int]:
    """Height and width behind an Upsample with places.

    Source: SegNet's fork, upsample_layer.cpp.
    """
    has = rule.HasField
    sizes = []
    for axis, side in ((2, "h"), (3, "w")):
        if has(f"upsample_{side}"):
            sizes.append(getattr(rule, f"upsample_{side}"))
        else:
            factor = getattr(rule, f"scale_{side}") if has(f"scale_{side}") else rule.scale
            sizes.append(known(value, axis) * factor - int(getattr(rule, f"pad_out_{side}")))
    return sizes[0], sizes[1]


LAYERS: dict[str, Handler] = {"Interp": interp, "Upsample": upsample}
