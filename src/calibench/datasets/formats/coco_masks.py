"""The masks of a COCO file in a few arrays: a list of Python floats would take five times the memory."""

from __future__ import annotations  # array[float] is a type for checkers only

import math
from array import array
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from calibench.datasets.formats.run_lengths import is_whole

POINTS = 6  # numbers of the smallest polygon: three points


@dataclass
class MaskStore:
    """Collects masks in the order of their objects.

    Attributes:
        count: how many objects have a mask of their own.
    """

    count: int = 0
    _numbers: array[float] = field(default_factory=lambda: array("d"))
    _polygon_ends: array[int] = field(default_factory=lambda: array("q", [0]))
    _object_ends: array[int] = field(default_factory=lambda: array("q", [0]))
    _runs: dict[int, dict[str, Any]] = field(default_factory=dict)

    def add(self, mask: Any, height: float | None, width: float | None) -> str:
        """Take what an annotation has as "segmentation"; an object without one counts too.

        Returns:
            What is wrong with it, as the end of a sentence; empty when it can be used or is not there.
        """
        fault = self._add_runs(mask, height, width) if isinstance(mask, dict) else self._add_polygons(mask)
        self._object_ends.append(len(self._polygon_ends) - 1)
        return fault

    def get(self, number: int, height: int, width: int) -> list[list[float]] | dict[str, Any] | None:
        """The mask of an object in a picture of a size; None when it has none that fits."""
        if number in self._runs:
            runs = self._runs[number]
            return runs if runs["size"] == [height, width] else None
        first, last = self._object_ends[number], self._object_ends[number + 1]
        ends = self._polygon_ends[first : last + 1]
        return [self._numbers[start:end].tolist() for start, end in pairwise(ends)] or None

    def _add_polygons(self, mask: Any) -> str:
        if mask is None or mask in ([], [[]]):
            return ""
        if not isinstance(mask, list) or not all(map(_is_polygon, mask)):
            return "has a segmentation that is no polygon of at least 3 points"
        self.count += 1
        for polygon in mask:
            self._numbers.extend(polygon)
            self._polygon_ends.append(len(self._numbers))
        return ""

    def _add_runs(self, mask: dict[str, Any], height: float | None, width: float | None) -> str:
        size, counts = mask.get("size"), mask.get("counts")
        if not isinstance(size, list) or len(size) != 2 or not all(type(side) is int for side in size):
            return "has a segmentation of run lengths without a size"
        if not isinstance(counts, list | str) or not is_whole(counts, *size):
            return "has run lengths that do not fill their size"
        if height and width and size != [height, width]:
            return f"has run lengths for {size[1]} x {size[0]} pixels, but its picture has {width:g} x {height:g}"
        self.count += 1
        self._runs[len(self._object_ends) - 1] = {"size": size, "counts": counts}
        return ""


def _is_polygon(points: Any) -> bool:
    if not isinstance(points, list) or len(points) < POINTS or len(points) % 2:
        return False
    try:
        return math.isfinite(sum(points))
    except (TypeError, OverflowError, ValueError):
        return False
