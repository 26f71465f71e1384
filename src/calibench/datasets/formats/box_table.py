"""The boxes of a whole dataset in a few arrays; the Objects of one picture are cut out of them when asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.truth import Objects

OUTSIDE = 1.0  # pixels that a box may reach outside its picture before we speak of it: annotators round
SHARE_OUTSIDE = 0.01  # of a side: the same where boxes are shares of the sides of their picture
LARGEST_SHARE = 2.0  # sides: beyond that a number is no share, but most likely pixels
SMALLEST = 1e-3  # pixels: a box that is narrower or lower covers nothing


@dataclass(frozen=True, eq=False)
class BoxTable:
    """Objects in the order of their pictures.

    Attributes:
        starts: int64 [pictures + 1]: picture i has the objects starts[i] .. starts[i + 1] - 1.
        boxes: float64 [N, 4]: left, top, right, bottom; in pixels of the upright original, or 0..1 of its sides.
        labels: int64 [N]. is_ignored: bool [N].
        is_relative: boxes are 0..1 of the sides of the picture.
        mask: number of an object, height and width of its picture -> its mask as in `Objects.masks`; None: no masks.
    """

    starts: NDArray[np.int64]
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    is_ignored: NDArray[np.bool_]
    is_relative: bool = False
    mask: Callable[[int, int, int], Any] | None = None

    def objects(self, picture: int, height: int, width: int) -> Objects:
        """The objects of a picture, cut off at its border; those that lie wholly outside are left out."""
        own = slice(int(self.starts[picture]), int(self.starts[picture + 1]))
        sides = np.array([width, height, width, height], np.float64)
        boxes = self.boxes[own] * sides if self.is_relative else self.boxes[own]
        boxes = np.clip(boxes, 0, sides)
        kept = np.flatnonzero(~is_empty(boxes))
        numbers = kept + own.start
        mask = self.mask
        masks = () if mask is None else tuple(mask(int(number), height, width) for number in numbers)
        return Objects(boxes[kept].astype(np.float32), self.labels[numbers], self.is_ignored[numbers], masks)


def make_table(
    pictures: int,
    owners: Sequence[int],
    rows: Sequence[Sequence[float]],
    *,
    is_relative: bool = False,
    mask: Callable[[int, int, int], Any] | None = None,
) -> BoxTable:
    """Sort objects by their picture.

    Args:
        pictures: how many there are.
        owners: of each object the number of its picture.
        rows: of each object: left, top, right, bottom, label, is_ignored.
        mask: called with the place of an object in `owners`.
    """
    order = np.argsort(np.asarray(owners, np.int64), kind="stable")
    values = np.asarray(rows, np.float64).reshape(-1, 6)[order]
    counts = np.bincount(np.asarray(owners, np.int64), minlength=pictures)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return BoxTable(
        starts,
        np.ascontiguousarray(values[:, :4]),
        values[:, 4].astype(np.int64),
        values[:, 5] > 0,
        is_relative,
        None if mask is None else lambda number, height, width: mask(int(order[number]), height, width),
    )


def is_empty(boxes: NDArray[np.floating[Any]], smallest: float = SMALLEST) -> NDArray[np.bool_]:
    """bool [N]: covers nothing."""
    return np.asarray((boxes[:, 2] - boxes[:, 0] < smallest) | (boxes[:, 3] - boxes[:, 1] < smallest))


def reaches_outside(box: Sequence[float], height: float, width: float, slack: float = OUTSIDE) -> bool:
    """Whether a box ends further outside a picture than rounding explains."""
    left, top, right, bottom = box
    return left < -slack or top < -slack or right > width + slack or bottom > height + slack


def box_fault(box: Sequence[float], height: float | None, width: float | None) -> str:
    """What makes a box useless, as the end of a sentence; empty when it can be used.

    Args:
        height, width: of the picture, in the unit of the box; None where they are not known.
    """
    left, top, right, bottom = box
    if not all(-1e9 < value < 1e9 for value in box):  # also false for NaN; beyond that float32 has no pixels
        return "has a box with a number that is no position"
    if right - left < 0 or bottom - top < 0:
        return "has a box with a negative side"
    if right - left == 0 or bottom - top == 0:
        return "has an empty box"
    if right <= 0 or bottom <= 0 or (width is not None and left >= width) or (height is not None and top >= height):
        return "has a box outside its picture"
    return ""


def share_fault(box: Sequence[float]) -> str:
    """`box_fault` of a box in shares of the sides of its picture."""
    if any(abs(value) > LARGEST_SHARE for value in box):
        return "has numbers far above 1, they must be shares of the sides of the picture"
    return box_fault(box, 1.0, 1.0)
