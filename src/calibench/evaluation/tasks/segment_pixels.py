"""Semantic segmentation: the class of every pixel."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.frame import Frame, same
from calibench.datasets.truth import IGNORED
from calibench.evaluation.metrics.mean_iou import mean_iou
from calibench.evaluation.metrics.metric import Array, NamedOutputs
from calibench.evaluation.resampling import BILINEAR, NEAREST, inner_box, resize_map, seen_part
from calibench.evaluation.tasks.outputs import channel_axis, find_output, need_output
from calibench.evaluation.tasks.task import Context, Shape, Task, TaskKind

NO_CLASS = -1
LIMIT = 1e30  # stands for infinity, which cannot be interpolated
SLACK = 0.01  # how far rounding may push probabilities out of 0..1
CHANCE = 0.5  # foreground above it, in a map of probabilities; 0 in a map of logits

Planes = NDArray[np.generic]


@dataclass(frozen=True)
class Mapping:
    """How the classes of the model become those of the dataset: class of the dataset = class of the model - shift.

    Attributes:
        classes: of the dataset; what falls outside is NO_CLASS.
    """

    classes: int
    shift: int = 0

    def apply(self, found: NDArray[np.int32]) -> NDArray[np.int32]:
        """int32 [H, W], classes of the model -> of the dataset."""
        shifted = found - self.shift
        return np.where((shifted >= 0) & (shifted < self.classes), shifted, NO_CLASS).astype(np.int32)


def _looks_like_map(shape: Shape, input_size: tuple[int, int] | None) -> bool:
    """[1, C, H, W], [1, H, W, C] or [1, H, W], where H and W are more than 1 and keep the ratio of the input."""
    sides = [side for side in shape[1:] if side != 1]
    if len(shape) not in (3, 4) or len(sides) < 2 or shape[0] not in (1, -1):
        return False
    places = ((2, 3), (1, 2)) if len(shape) == 4 else ((1, 2),)
    return any(_is_scaled(shape[i], shape[j], input_size) for i, j in places)


def _is_scaled(height: int, width: int, input_size: tuple[int, int] | None) -> bool:
    """Whether a map covers the whole input; a cell more or less for rounding."""
    if input_size is None or -1 in (height, width):
        return True
    return abs(height * input_size[1] / input_size[0] - width) <= max(1.0, input_size[1] / input_size[0])


def _is_map(context: Context) -> Callable[[Shape], bool]:
    return lambda shape: _looks_like_map(shape, context.input_size)


def _fits(context: Context) -> bool:
    return "pixels" in context.annotated and find_output(context, "pixels", _is_map(context)) is not None


def _make(context: Context) -> Task:
    name = need_output(context, "pixels", _is_map(context), "classes of pixels, such as [1, classes, height, width]")
    channels = _channels(context.outputs[name], context.input_size)
    classes = len(context.classes) or (channels if channels > 1 else 2)
    mapping, notes = _mapping(context, channels, classes)
    is_index = classes > 2

    def predict(outputs: NamedOutputs, frame: Frame | None) -> NDArray[np.int32]:
        return pixel_classes(outputs[name], frame, mapping, is_index)

    metric = mean_iou(classes, is_mask=not context.classes and classes == 2)
    return Task("segmentation", predict, {metric.name: metric}, (f"classes of pixels from output {name}", *notes))


def _channels(shape: Shape, input_size: tuple[int, int] | None) -> int:
    """How many channels an output has; -1 where that is free."""
    if len(shape) == 3:
        return 1
    if 1 in (shape[1], shape[3]):
        return 1
    if -1 not in shape[1:]:
        return shape[channel_axis(shape, input_size)]
    return next((side for side in (shape[1], shape[3]) if side != -1), -1)


def _mapping(context: Context, channels: int, classes: int) -> tuple[Mapping, tuple[str, ...]]:
    """A class for background that only the model counts is the first, unless the settings say otherwise."""
    offset, background = context.settings.label_offset, context.settings.background
    if channels in (1, -1, classes):
        return Mapping(classes, offset), ()
    if channels == classes + 1 and offset == 0 and background in ("auto", "first"):
        note = (
            f"the model has {channels} classes, the dataset {classes}: the first of the model is taken for background"
        )
        return Mapping(classes, 1), (note,)
    note = f"the model has {channels} classes, the dataset {classes}: matched by number; task.label_offset shifts them"
    return Mapping(classes, offset), (note,)


def pixel_classes(array: Array, frame: Frame | None, mapping: Mapping, is_index: bool) -> NDArray[np.int32]:
    """Read one output as the class of every pixel of the original.

    The border of a letterbox is cut away. Scores and probabilities are resized (bilinear) before the highest is taken,
    so that borders between classes are as smooth as the picture; class numbers by the nearest. Of equal scores the
    lower class wins. Foreground of one channel: above 0.5 where all values lie in 0..1, else above 0.

    Args:
        array: [1, C, H, W] or [1, H, W, C] scores, or [1, 1, H, W], [1, H, W, 1] or [1, H, W]: class numbers where they
            are integers or `is_index`, else the score of the foreground.
        frame: None: the picture has the size of the output.

    Returns:
        int32 [H, W] of the original: a class of the dataset, NO_CLASS, or IGNORED where the model did not see it.
    """
    planes = _planes(array, None if frame is None else frame.size)
    frame = frame or same(*planes.shape[1:])
    left, top, right, bottom = seen_part(frame)
    box, size = inner_box(frame, *planes.shape[1:]), (bottom - top, right - left)
    if len(planes) > 1:
        found = _highest(planes, box, size)
    elif is_index or planes.dtype.kind in "iub":
        found = np.rint(resize_map(_finite(planes[0]), box, size, NEAREST)).astype(np.int32)
    else:
        plane = _finite(planes[0])
        is_probability = plane.min() >= -SLACK and plane.max() <= 1 + SLACK
        found = (resize_map(plane, box, size, BILINEAR) > (CHANCE if is_probability else 0.0)).astype(np.int32)
    whole = np.full(frame.original, IGNORED, np.int32)
    whole[top:bottom, left:right] = mapping.apply(found)
    return whole


def _planes(array: Array, input_size: tuple[int, int] | None) -> Planes:
    """[channels, H, W] of one sample."""
    if array.ndim == 3:
        return array[:1]
    is_last = array.shape[3] == 1 or (array.shape[1] != 1 and channel_axis(array.shape, input_size) == 3)
    return np.moveaxis(array[0], -1, 0) if is_last else array[0]


def _highest(planes: Planes, box: tuple[float, float, float, float], size: tuple[int, int]) -> NDArray[np.int32]:
    """The class with the highest score at every pixel; one class at a time, because all in full size take memory."""
    best = resize_map(_finite(planes[0]), box, size, BILINEAR)
    found = np.zeros(size, np.int32)
    for label in range(1, len(planes)):
        scores = resize_map(_finite(planes[label]), box, size, BILINEAR)
        is_higher = scores > best
        best = np.maximum(best, scores)
        found[is_higher] = label
    return found


def _finite(plane: Array) -> NDArray[np.float32]:
    """A NaN is the lowest score there is."""
    values = np.asarray(plane, np.float32)
    return np.clip(np.where(np.isnan(values), -LIMIT, values), -LIMIT, LIMIT).astype(np.float32)


PIXELS = TaskKind("segmentation", _fits, _make)
