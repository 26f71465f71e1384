"""Bring what a model says about the pixels of its input back to the picture that was given."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calibench.datasets.frame import Frame

Box = tuple[float, float, float, float]
"""Left, top, right, bottom; right and bottom outside."""
BILINEAR, BICUBIC, NEAREST = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.NEAREST


def seen_part(frame: Frame) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of the original that the model saw, pixels: all of it unless cropped."""
    height, width = frame.original
    left, right = _seen_side(frame.left, frame.scale_x, width, frame.size[1])
    top, bottom = _seen_side(frame.top, frame.scale_y, height, frame.size[0])
    return left, top, right, bottom


def inner_box(frame: Frame, height: int, width: int) -> Box:
    """The part that shows the picture, without the border of a letterbox, of a map [height, width] over the input.

    The map may be coarser or finer than the input, so that the sides need not be whole numbers.
    """
    left, top, right, bottom = frame.inner()
    down, across = height / frame.size[0], width / frame.size[1]
    return left * across, top * down, min(right * across, width), min(bottom * down, height)


def resize_map(
    plane: NDArray[np.generic], box: Box, size: tuple[int, int], method: Image.Resampling
) -> NDArray[np.float32]:
    """A part of a map in another size, as Pillow resizes: with a wider filter where the map shrinks.

    Args:
        plane: float32 [h, w], finite.
        box: the part of it.
        size: height, width of the result, pixels.

    Returns:
        float32 [height, width].
    """
    picture = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(picture.resize((size[1], size[0]), method, box=box), np.float32)


def _seen_side(start: float, scale: float, length: int, room: int) -> tuple[int, int]:
    """First and last pixel (outside) of one side of the original; half a pixel of the input is no crop."""
    first = 0 if start > -1 else round(-start / scale)
    last = length if start + length * scale < room + 1 else round((room - start) / scale)
    return min(max(first, 0), length - 1), max(min(last, length), 1)
