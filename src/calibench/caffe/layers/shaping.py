"""Layers that move or repeat values without changing them: Flatten, Reshape, Crop, Tile, ShuffleChannel ...

Source: BVLC Caffe 1.0; ShuffleChannel: ShuffleNet's fork.
"""

from collections.abc import Sequence
from math import prod

import openvino as ov
import openvino.opset13 as ops

from calibench.caffe.handler import Context, Handler, axis_of, constant, dims, integers, known
from calibench.caffe.net import Layer
from calibench.errors import ModelError


def flatten(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """The axes from `axis` to `end_axis` as one."""
    rule, sizes = layer.params.flatten_param, dims(inputs[0])
    begin, end = axis_of(inputs[0], rule.axis), axis_of(inputs[0], rule.end_axis) + 1
    part = sizes[begin:end]
    return [_reshape(inputs[0], [*sizes[:begin], -1 if -1 in part else prod(part), *sizes[end:]])]


def reshape(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """New sizes for the axes from `axis` on: 0 keeps the size of that place, -1 is inferred."""
    rule, sizes = layer.params.reshape_param, dims(inputs[0])
    if rule.pixelshuffler != 1:
        raise ModelError(f"pixelshuffler {rule.pixelshuffler} moves channels into the picture, which is not done here.")
    begin = rule.axis if rule.axis >= 0 else len(sizes) + rule.axis + 1
    end = len(sizes) if rule.num_axes == -1 else begin + rule.num_axes
    if not 0 <= begin <= end <= len(sizes):
        raise ModelError(f"axis {rule.axis} and num_axes {rule.num_axes} do not fit an input with {len(sizes)} axes.")
    return [_filled(inputs[0], begin, end, list(rule.shape.dim))]


def _filled(value: ov.Output, begin: int, end: int, wanted: list[int]) -> ov.Output:
    sizes = dims(value)
    if any(size == 0 and begin + place >= len(sizes) for place, size in enumerate(wanted)):
        raise ModelError(f"shape {wanted} copies the size of an axis that an input with {len(sizes)} axes has not.")
    new = [sizes[begin + place] if size == 0 else size for place, size in enumerate(wanted)]
    # a free batch that is copied counts on neither side
    stays = 1 if begin == 0 and wanted[:1] == [0] and sizes[:1] == [-1] else 0
    inferred = [place for place, size in enumerate(wanted) if size == -1]
    if len(inferred) == 1 and min(sizes[begin + stays : end], default=0) > 0:
        others = prod(size for place, size in enumerate(new[stays:], stays) if place != inferred[0])
        new[inferred[0]] = prod(sizes[begin + stays : end]) // others if others > 0 else -1
    return _reshape(value, [*sizes[:begin], *new, *sizes[end:]])


def _reshape(value: ov.Output, sizes: list[int]) -> ov.Output:
    """A reshape that keeps a free first axis free."""
    before = dims(value)
    if len(sizes) > 1 and before[:1] == [-1] and sizes[0] == -1 and prod(sizes[1:]) == prod(before[1:]):
        sizes = [0, *sizes[1:]]
    if sum(size == -1 for size in sizes) > 1:
        raise ModelError(f"a shape with more than one size to be inferred: {sizes}.")
    _check_count(before, sizes)
    return ops.reshape(value, integers(sizes), True).output(0)


def _check_count(before: list[int], after: list[int]) -> None:
    if -1 not in before and -1 not in after and prod(before) != prod(after):
        raise ModelError(f"the {prod(before)} values of an input of shape {before} cannot be put into shape {after}.")


def crop(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """The part of the first bottom, from `offset` on, that is as large as the second; axes before `axis` stay."""
    rule, value, like = layer.params.crop_param, inputs[0], inputs[1]
    axis = axis_of(value, rule.axis)
    axes = [each for each in range(axis, len(dims(value))) if each or dims(value)[0] != dims(like)[0]]
    offsets = list(rule.offset) or [0]
    if len(offsets) not in (1, len(dims(value)) - axis):
        raise ModelError(f"there are {len(offsets)} values `offset`; one is needed, or one for each axis from {axis}.")
    starts = [offsets[each - axis] if len(offsets) > 1 else offsets[0] for each in axes]
    ends = [start + known(like, each) for start, each in zip(starts, axes, strict=True)]
    if any(end > known(value, each) for end, each in zip(ends, axes, strict=True)):
        raise ModelError(f"offset {offsets} and the size {dims(like)} reach beyond the input of shape {dims(value)}.")
    return [ops.slice(value, integers(starts), integers(ends), integers([1] * len(axes)), integers(axes)).output(0)]


def tile(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """The input repeated along an axis."""
    rule, repeats = layer.params.tile_param, [1] * len(dims(inputs[0]))
    repeats[axis_of(inputs[0], rule.axis)] = rule.tiles
    return [ops.tile(inputs[0], integers(repeats)).output(0)]


def shuffle_channel(layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """Channels dealt out in turn from each group."""
    group = layer.params.shuffle_channel_param.group
    if known(inputs[0], 1) % group:
        raise ModelError(f"group {group} divides the {known(inputs[0], 1)} channels unevenly.")
    return [ops.shuffle_channels(inputs[0], 1, group).output(0)]


def batch_reindex(_layer: Layer, inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """The samples that the second bottom numbers."""
    return [ops.gather(inputs[0], ops.convert(inputs[1], "i64"), integers(0)).output(0)]


def parameter(layer: Layer, _inputs: Sequence[ov.Output], _: Context) -> list[ov.Output]:
    """A learned blob as it is."""
    if not layer.blobs:
        raise ModelError("blob 0 is missing in the weights file. Give the caffemodel that belongs to the prototxt.")
    return [constant(layer.blobs[0])]


LAYERS: dict[str, Handler] = {
    "Flatten": flatten,
    "Reshape": reshape,
    "Crop": crop,
    "Tile": tile,
    "ShuffleChannel": shuffle_channel,
    "BatchReindex": batch_reindex,
    "Parameter": parameter,
}
