"""VGGFace2: pictures by person, one face each, with its box and five points in two tables."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calibench.datasets.formats.class_order import order_classes
from calibench.datasets.formats.face_points import MISSING, Row, again, one_picture, parse_numbers, read_points
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.picture_names import (
    PictureNames,
    choose_split,
    index_pictures,
    is_picture,
    no_annotation,
    no_overlap,
)
from calibench.datasets.formats.text_file import read_lines
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import Kind, Objects, Truth
from calibench.errors import DatasetError

TABLE = re.compile(r"(?:.*/)?loose_(?P<kind>bb|landmark)_(?P<split>[^/]+)\.csv")
CLASSES = ("face",)
HEADER = "NAME_ID"

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, pixels."""


def read_vgg_face(layout: Layout, options: ReadOptions) -> Listing:
    """Pictures with the box and the points of their face. Who it is only stands in the name: the folder.

    Raises:
        DatasetError: no table, no pictures, or tables that fit none of them.
    """
    splits = _splits(layout)
    if not splits:
        raise DatasetError(f"{layout.folder}: there is no loose_bb_test.csv or loose_landmark_test.csv.")
    split = choose_split(splits, options.split, layout.folder)
    tables = splits[split]
    found = _pictures(layout, split)
    problems: list[Problem] = []
    rows = {kind: _rows(layout.folder, name, problems) for kind, name in tables.items()}
    boxes = read_boxes(tables["bb"], rows["bb"], found, problems) if "bb" in rows else {}
    points = read_points(tables["landmark"], rows["landmark"], found, problems) if "landmark" in rows else {}
    names = tuple(sorted(boxes.keys() | points.keys()))
    if not names:
        raise _nothing(layout.folder, tables, [row for each in rows.values() for row in each], problems)
    named = {picture for each in rows.values() for _, columns in each for picture in found.find(columns[0])}
    problems += no_annotation([name for name in found.files if name not in named], "no row for it")
    order = order_classes(CLASSES, "VGGFace2 has one class", options.labels)
    objects = {name: _objects(box, order.places[0]) for name, box in boxes.items()}
    kinds: dict[Kind, bool] = {"objects": bool(boxes), "points": bool(points)}
    return Listing(
        folder=layout.folder,
        format=VGG_FACE.name,
        names=names,
        picture=lambda index: layout.folder / names[index],
        truth=lambda index: Truth(objects=objects.get(names[index]), points=points.get(names[index])),
        annotated=frozenset(kind for kind, is_there in kinds.items() if is_there),
        classes=order.names,
        problems=tuple(problems),
        label_source=order.source,
    )


def _splits(layout: Layout) -> dict[str, dict[str, str]]:
    """Split -> its tables, "bb" and "landmark"."""
    splits: dict[str, dict[str, str]] = {}
    for name in layout.files:
        if match := TABLE.fullmatch(name):
            splits.setdefault(match["split"], {}).setdefault(match["kind"], name)
    return splits


def _pictures(layout: Layout, split: str) -> PictureNames:
    """Those in a folder called like the split, else all that lie in folders."""
    inner = [name for name in layout.files if "/" in name]
    return index_pictures([name for name in inner if split in name.split("/")[:-1]] or inner)


def _rows(folder: Path, name: str, problems: list[Problem]) -> list[Row]:
    """The rows behind the header; columns in quotes or not."""
    rows: list[Row] = []
    for number, line in read_lines(folder / name):
        try:
            columns = next(csv.reader([line], strict=True), [])
        except csv.Error:
            columns = []
        if columns and columns[0].strip():
            if columns[0].strip() != HEADER:
                rows.append((number, [column.strip() for column in columns]))
        else:
            problems.append(
                Problem("is no row", f"{name}: line {number}", "is no row of a CSV table with a name first")
            )
    return rows


def read_boxes(name: str, rows: Sequence[Row], found: PictureNames, problems: list[Problem]) -> dict[str, Box]:
    """Picture -> box, out of rows with name, left, top, width and height in pixels.

    Args:
        name: of the file, for the problems.
        problems: takes the rows that do not fit.
    """
    boxes: dict[str, Box] = {}
    for number, columns in rows:
        place = f"{name}: line {number}"
        picture = one_picture(found, columns[0], place, problems)
        values = parse_numbers(columns[1:])
        if picture is None:
            continue
        if values is None or len(values) != 4 or any(value != value for value in values):
            problems.append(
                Problem("is no row of numbers", place, "has no box: left, top, width and height must follow")
            )
        elif min(values[2:]) <= 0:
            problems.append(Problem("has an empty box", place, f"has a box of {values[2]:g} x {values[3]:g} pixels"))
        elif picture in boxes:
            problems.append(again(place, columns[0]))
        else:
            left, top, width, height = values
            boxes[picture] = (left, top, left + width, top + height)
    return boxes


def _objects(box: Box, label: int) -> Objects:
    return Objects(np.array([box], np.float32), np.array([label], np.int64), np.zeros(1, np.bool_))


def _nothing(folder: Path, tables: dict[str, str], rows: Sequence[Row], problems: Sequence[Problem]) -> DatasetError:
    table = folder / next(iter(tables.values()))
    if rows and all(each.rule == MISSING for each in problems):
        return no_overlap(table, len(rows), rows[0][1][0], "Names are <person>/<picture>, such as n000001/0001_01.")
    first = f", the first: {problems[0]}" if problems else ""
    return DatasetError(f"{table}: there is no row in it that can be used{first}.")


VGG_FACE = Format(
    "vggface2",
    "VGGFace2",
    (
        Rule(
            "pictures <person>/<picture>.jpg",
            lambda layout: any("/" in name and is_picture(name) for name in layout.files),
        ),
        Rule("Annotations/loose_bb_test.csv or loose_landmark_test.csv", lambda layout: bool(_splits(layout))),
    ),
    read_vgg_face,
)
