"""The texts of a table with their classes, and what was left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calibench.datasets.formats.class_order import read_names
from calibench.datasets.listing import Problem
from calibench.datasets.text_columns import Columns, find_columns
from calibench.datasets.text_table import Row, common_width, read_rows
from calibench.errors import DatasetError
from calibench.settings import DataSettings

NO_LABEL = ("", "-", "-1", "?")
"""How corpora write that a text has no class."""


@dataclass(frozen=True)
class LabelledTexts:
    """What a table holds.

    Attributes:
        texts: one text a sample, or two for a pair.
        lines: where each stands in the file, from 1.
        labels: class index of each; None where there is no column of classes.
        classes: names in the order of their index; empty where the file has numbers.
    """

    path: Path
    texts: tuple[tuple[str, ...], ...] = field(repr=False)
    lines: tuple[int, ...] = field(repr=False)
    labels: tuple[int, ...] | None = field(repr=False)
    classes: tuple[str, ...]
    problems: tuple[Problem, ...] = field(default=(), repr=False)


def read_texts(path: Path, data: DataSettings) -> LabelledTexts:
    """Read a table; rows without a text or with an unknown class are left out and told.

    Raises:
        DatasetError: cannot be read, the columns cannot be told, or no row is left.
    """
    rows = read_rows(path)
    columns = find_columns(rows, data, str(path))
    width = len(rows[0].cells) if columns.header else common_width(rows)
    problems: list[Problem] = []
    kept = [row for row in rows[columns.header :] if _is_whole(row, width, columns, path, problems)]
    numbers, classes = _classes(kept, columns, data, path, problems)
    if numbers is not None:
        problems += [
            _unknown(path, row, columns, classes) for row, number in zip(kept, numbers, strict=True) if number < 0
        ]
        kept = [row for row, number in zip(kept, numbers, strict=True) if number >= 0]
        numbers = [number for number in numbers if number >= 0]
    if not kept:
        first = f" The first: {problems[0]}." if problems else ""
        raise DatasetError(f"{path}: no row with a text is left.{first}")
    return LabelledTexts(
        path,
        tuple(tuple(row.cells[place] for place in columns.texts) for row in kept),
        tuple(row.line for row in kept),
        None if numbers is None else tuple(numbers),
        classes,
        tuple(problems),
    )


def _is_whole(row: Row, width: int, columns: Columns, path: Path, problems: list[Problem]) -> bool:
    if len(row.cells) != width:
        what = f"has {len(row.cells)} columns, the table has {width}"
        problems.append(Problem("has another number of columns", f"{path.name}: line {row.line}", what))
    elif not all(row.cells[place] for place in columns.texts):
        problems.append(Problem("has no text", f"{path.name}: line {row.line}", "has no text"))
    else:
        return True
    return False


def _unknown(path: Path, row: Row, columns: Columns, classes: Sequence[str]) -> Problem:
    value = row.cells[columns.label or 0]
    known = f"which is not among the {len(classes)} classes" if classes else "which is no class"
    return Problem(
        "names a class that is not known", f"{path.name}: line {row.line}", f"names class '{value}', {known}"
    )


def _classes(
    rows: Sequence[Row], columns: Columns, data: DataSettings, path: Path, problems: list[Problem]
) -> tuple[list[int] | None, tuple[str, ...]]:
    """The class index of every row, -1 where it is unknown, and the names of the classes."""
    if columns.label is None:
        return None, ()
    values = [row.cells[columns.label] for row in rows]
    given = sorted({value for value in values if value not in NO_LABEL})
    if not given:
        problems.append(Problem("has no class", str(path.name), "has a column of classes, but no row has one"))
        return None, ()
    listed = read_names(data.labels) if data.labels is not None else ()
    numbers = {value: _whole_number(value) for value in given}
    if all(number is not None for number in numbers.values()):
        top = len(listed) if listed else None
        index = {value: n for value, n in numbers.items() if n is not None and n >= 0 and (top is None or n < top)}
        return [index.get(value, -1) for value in values], listed
    if all(_is_float(value) for value in given):
        if data.label_column is not None:
            raise DatasetError(
                f"{path}: column {data.label_column} holds '{given[0]}', which is no class. Name another."
            )
        problems.append(Problem("has no class", str(path.name), f"has values such as {given[0]}, which are no classes"))
        return None, ()
    names = listed or tuple(given)
    places = {name: place for place, name in reversed(list(enumerate(names)))}
    return [-1 if value in NO_LABEL else places.get(value, -1) for value in values], names


def _whole_number(text: str) -> int | None:
    """3 from "3" and "3.0"; None from anything else."""
    try:
        value = float(text)
        return int(value) if value == int(value) else None
    except (ValueError, OverflowError):
        return None


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
