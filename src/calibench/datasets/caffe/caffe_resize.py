"""Resizing as Caffe's layers do it, with OpenCV; and where the pixels of a picture go."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibench.caffe.schema import choice, enum_values
from calibench.datasets.caffe.open_cv import Picture, open_cv, with_channels
from calibench.datasets.placing import Placing
from calibench.errors import DatasetError

BORDERS = {"CONSTANT": "CONSTANT", "MIRRORED": "REFLECT_101", "REPEAT_NEAREST": "REPLICATE"}
"""Caffe's names -> OpenCV's; those of interpolations are the same."""


@dataclass(frozen=True)
class Resize:
    """A `resize_param`.

    Attributes:
        mode: WARP: to `height` x `width`; FIT_SMALL_SIZE: until both sides reach them, the proportions kept;
            FIT_LARGE_SIZE_AND_PAD: until one does, and the rest is filled.
        interpolation: OpenCV's name.
        border: OpenCV's name for how the rest is filled.
        fill: one value, one a channel, or none (0), for CONSTANT.
    """

    mode: str
    height: int
    width: int
    interpolation: str = "LINEAR"
    border: str = "CONSTANT"
    fill: tuple[float, ...] = ()


def read_resize(param: Any) -> Resize:
    """The values of a message ResizeParameter; of several interpolations, of which Caffe draws, LINEAR or the first."""
    names = {number: name for name, number in enum_values("ResizeParameter.Interp_mode").items()}
    drawn = [names[number] for number in param.interp_mode] or ["LINEAR"]
    return Resize(
        mode=choice(param, "resize_mode"),
        height=param.height,
        width=param.width,
        interpolation="LINEAR" if "LINEAR" in drawn else drawn[0],
        border=BORDERS[choice(param, "pad_mode")],
        fill=tuple(param.pad_value),
    )


def short_side(size: tuple[int, int], length: int) -> tuple[int, int]:
    """Height and width whose shorter side is `length`, as Intel's `random_resize_param` rounds them."""
    height, width = size
    if height < width:
        return length, int(np.float32(width) / np.float32(height) * np.float32(length))
    return int(np.float32(height) / np.float32(width) * np.float32(length)), length


def placing_of(size: tuple[int, int], resize: Resize) -> tuple[tuple[int, int], Placing]:
    """Height and width of what comes out, and where the picture lies in it.

    Args:
        size: height, width of the picture, pixels.
    """
    height, width = size
    aspect, new_aspect = np.float32(width) / np.float32(height), np.float32(resize.width) / np.float32(resize.height)
    wide, high = resize.width, resize.height
    if resize.mode == "FIT_SMALL_SIZE":
        if aspect < new_aspect:
            high = math.floor(np.float32(wide) / aspect)
        else:
            wide = math.floor(aspect * np.float32(high))
        return (high, wide), Placing(wide, high, 0, 0)
    if resize.mode == "FIT_LARGE_SIZE_AND_PAD":
        if aspect > new_aspect:
            high = math.floor(np.float32(wide) / aspect)
        else:
            wide = math.floor(aspect * np.float32(high))
        left, top = (resize.width - wide) // 2, (resize.height - high) // 2
        return (resize.height, resize.width), Placing(wide, high, left, top)
    return (high, wide), Placing(wide, high, 0, 0)


def resized(picture: Picture, resize: Resize) -> Picture:
    """The picture as a `resize_param` brings it to size.

    Args:
        picture: uint8 or float32 [H, W, C].

    Returns:
        the same type, [height, width, C].

    Raises:
        DatasetError: a side would vanish; `fill` has another number of values than the picture has channels; there is
            no OpenCV.
    """
    size, placing = placing_of((picture.shape[0], picture.shape[1]), resize)
    if min(placing.width, placing.height) < 1:
        raise DatasetError(f"a picture of {picture.shape[1]} x {picture.shape[0]} pixels cannot be resized to {size}.")
    inner = stretched(picture, placing.height, placing.width, resize.interpolation)
    if size == (placing.height, placing.width):
        return inner
    cv2 = open_cv()
    below, right = size[0] - placing.height - placing.top, size[1] - placing.width - placing.left
    fill = _fill(resize.fill, picture.shape[2])
    border = getattr(cv2, f"BORDER_{resize.border}")
    made = cv2.copyMakeBorder(inner, placing.top, below, placing.left, right, border, value=fill)
    return with_channels(made)


def stretched(picture: Picture, height: int, width: int, interpolation: str = "LINEAR") -> Picture:
    """The picture [H, W, C] in another size, [height, width, C]."""
    cv2 = open_cv()
    method = getattr(cv2, f"INTER_{interpolation}")
    return with_channels(cv2.resize(np.ascontiguousarray(picture), (width, height), interpolation=method))


def _fill(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(values) not in (0, 1, channels):
        raise DatasetError(f"pad_value has {len(values)} values for {channels} channels. Give 1 or {channels}.")
    return (0.0,) * 4 if not values else values * 4 if len(values) == 1 else values
