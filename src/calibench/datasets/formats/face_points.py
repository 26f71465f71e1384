"""Landmarks of faces: rows with the name of a picture and x, y of five points."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.formats.picture_names import PictureNames
from calibench.datasets.listing import Problem

Points = NDArray[np.float32]
Row = tuple[int, Sequence[str]]
"""Number of the line and its columns."""

COUNT = 5  # eyes, nose, corners of the mouth
MISSING = "names a picture that is not there once"


def read_points(name: str, rows: Iterable[Row], found: PictureNames, problems: list[Problem]) -> dict[str, Points]:
    """Picture -> float32 [5, 2], x and y in pixels; NaN where both columns of a point are empty.

    Args:
        name: of the file, for the problems.
        problems: takes the rows that do not fit.
    """
    points: dict[str, Points] = {}
    for number, columns in rows:
        place = f"{name}: line {number}"
        values = parse_numbers(columns[1:])
        picture = one_picture(found, columns[0], place, problems)
        if picture is None:
            continue
        if values is None or len(values) != 2 * COUNT:
            what = f"has no {COUNT} points: {2 * COUNT} numbers must follow the name"
            problems.append(Problem("is no row of numbers", place, what))
        elif picture in points:
            problems.append(again(place, columns[0]))
        else:
            points[picture] = np.array(values, np.float32).reshape(COUNT, 2)
    return points


def parse_numbers(columns: Sequence[str]) -> list[float] | None:
    """Finite numbers, NaN for an empty column; None where a column is anything else."""
    values = []
    for column in columns:
        try:
            value = float(column) if column.strip() else math.nan
        except ValueError:
            return None
        if column.strip() and (not math.isfinite(value) or abs(value) > 1e6):
            return None
        values.append(value)
    return values


def one_picture(found: PictureNames, name: str, place: str, problems: list[Problem]) -> str | None:
    """The picture that a row means; None, and a problem, where there is none or several."""
    pictures = found.find(name)
    if len(pictures) == 1:
        return pictures[0]
    what = f"names {name}, which is {'missing' if not pictures else f'there {len(pictures)} times'}"
    problems.append(Problem(MISSING, place, what))
    return None


def again(place: str, name: str) -> Problem:
    """A second row for a picture."""
    return Problem("names a picture again", place, f"names {name} again; its first line counts")
