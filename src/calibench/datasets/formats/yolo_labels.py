"""YOLO's label files: one line an object, its numbers are shares of the sides of the picture."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from calibench.datasets.formats.box_table import SHARE_OUTSIDE, BoxTable, make_table, reaches_outside, share_fault
from calibench.datasets.formats.coco_masks import MaskStore
from calibench.datasets.formats.text_file import read_lines
from calibench.datasets.listing import Problem
from calibench.datasets.truth import Kind
from calibench.errors import DatasetError

BOX = 5  # numbers of a line: class, middle x, middle y, width, height
POLYGON = 7  # at least: class and three points


@dataclass
class YoloLabels:
    """Collects the objects of label files.

    Attributes:
        index: number of a class in the files -> its index.
        defined: names the numbers that there are, for the error: "0 to 79".
        has_points: lines are boxes with landmarks behind them, no polygons.
    """

    index: Mapping[int, int]
    defined: str
    has_points: bool = False
    problems: list[Problem] = field(default_factory=list)
    _owners: list[int] = field(default_factory=list)
    _rows: list[tuple[float, ...]] = field(default_factory=list)
    _masks: MaskStore = field(default_factory=MaskStore)

    def add(self, folder: Path, file: str, picture: int) -> bool:
        """Read the label file of a picture; False when it cannot be read as text."""
        try:
            lines = read_lines(folder / file)
        except DatasetError as error:
            what = str(error).removeprefix(f"{folder / file}:").strip().rstrip(".")
            self.problems.append(Problem("label file that cannot be read", f"{file}:", what))
            return False
        seen: dict[str, int] = {}
        for number, line in lines:
            where = f"{file}: line {number}"
            words = " ".join(line.split())
            if words in seen:
                self.problems.append(Problem("object named twice", where, f"says the same as line {seen[words]}"))
                continue
            seen[words] = number
            self._add_line(words.split(), where, picture)
        return True

    def table(self, pictures: int) -> tuple[BoxTable, frozenset[Kind]]:
        """All objects, and what is annotated."""
        if self._masks.count * 2 <= len(self._rows):
            return make_table(pictures, self._owners, self._rows, is_relative=True), frozenset(("objects",))
        mask = partial(_scaled, self._masks, self._rows)
        table = make_table(pictures, self._owners, self._rows, is_relative=True, mask=mask)
        return table, frozenset(("objects", "instances"))

    def _add_line(self, words: list[str], where: str, picture: int) -> None:
        values = _numbers(words)
        if values is None:
            self.problems.append(Problem("line that is no numbers", where, "holds something that is no number"))
            return
        is_polygon = len(values) >= POLYGON and len(values) % 2 == 1 and not self.has_points
        if not (len(values) == BOX or is_polygon or (self.has_points and len(values) > BOX)):
            what = f"has {len(values)} numbers, a box has 5 and a polygon an odd count from 7"
            self.problems.append(Problem("line of another length", where, what))
            return
        label = self.index.get(int(values[0])) if values[0].is_integer() else None
        if label is None:
            what = f"names class {words[0]}, but the names are for {self.defined}"
            self.problems.append(Problem("annotation of an unknown class", where, what))
            return
        box = _around(values[1:]) if is_polygon else _corners(values[1:BOX])
        fault = share_fault(box)
        if fault:
            self.problems.append(Problem("box that covers nothing", where, fault))
            return
        if reaches_outside(box, 1.0, 1.0, SHARE_OUTSIDE):
            what = "has a box that reaches outside its picture and is cut off"
            self.problems.append(Problem("box outside its picture", where, what))
        self._masks.add([values[1:]] if is_polygon else None, None, None)
        self._owners.append(picture)
        self._rows.append((*box, label, 0.0))


def _numbers(words: Sequence[str]) -> list[float] | None:
    try:
        values = [float(word) for word in words]
    except ValueError:
        return None
    return values if all(map(math.isfinite, values)) else None


def _corners(values: Sequence[float]) -> tuple[float, float, float, float]:
    x, y, width, height = values
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _around(points: Sequence[float]) -> tuple[float, float, float, float]:
    return min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])


def _scaled(
    masks: MaskStore, rows: Sequence[tuple[float, ...]], number: int, height: int, width: int
) -> list[list[float]]:
    """The polygons of an object in pixels; its box where it has none."""
    left, top, right, bottom = rows[number][:4]
    polygons = masks.get(number, height, width)
    if not isinstance(polygons, list):
        polygons = [[left, top, right, top, right, bottom, left, bottom]]
    sides = (width, height)
    return [[value * sides[place % 2] for place, value in enumerate(polygon)] for polygon in polygons]
