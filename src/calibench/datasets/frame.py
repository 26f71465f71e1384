"""Where the pixels of a picture go when it is brought to the size of a model, and back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """x of the model's input = `scale_x` * x of the original + `left`; the same for y with `top`.

    Attributes:
        original: height, width of the upright picture, pixels.
        size: height, width of the model's input, pixels.
    """

    original: tuple[int, int]
    size: tuple[int, int]
    scale_x: float
    scale_y: float
    left: float
    top: float

    def points_to_original(self, points: FloatArray) -> FloatArray:
        """float32 [..., 2], x and y in pixels of the input -> of the original."""
        offset = np.array([self.left, self.top], np.float32)
        return np.asarray((points - offset) / np.array([self.scale_x, self.scale_y], np.float32), np.float32)

    def boxes_to_original(self, boxes: FloatArray) -> FloatArray:
        """float32 [N, 4], left, top, right, bottom in pixels of the input -> of the original, cut off at its border."""
        corners = self.points_to_original(boxes.reshape(-1, 2, 2))
        height, width = self.original
        return np.asarray(np.clip(corners, 0, np.array([width, height], np.float32)).reshape(-1, 4), np.float32)

    def inner(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of the part that shows the picture, pixels; right and bottom lie outside."""
        height, width = self.original
        left, top = max(round(self.left), 0), max(round(self.top), 0)
        right = min(round(self.left + width * self.scale_x), self.size[1])
        bottom = min(round(self.top + height * self.scale_y), self.size[0])
        return left, top, right, bottom


def same(height: int, width: int) -> Frame:
    """The frame of a picture that is not resized."""
    return Frame((height, width), (height, width), 1.0, 1.0, 0.0, 0.0)
