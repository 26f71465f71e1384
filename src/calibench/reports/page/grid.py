"""A table as the template draws it: columns with a unit, cells with the value that sorting goes by."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        title: as short as can be.
        note: unit and direction, below the title.
        is_number: right-aligned, sorted by value, the largest first.
        kind: a word for the style sheet: name, bar.
    """

    title: str
    note: str = ""
    is_number: bool = True
    kind: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        text: what stands there; empty where nothing is known.
        value: what numbers are sorted by; None is last.
        bar: -1..1, a bar from the middle: to the right is worse; None draws none.
        share: 0..1, a bar from the left in the colour of `tone`; None draws none.
        tone: a word for the style sheet: fp32, default, int8, float.
    """

    text: str = ""
    value: float | None = None
    bar: float | None = None
    share: float | None = None
    tone: str = ""


@dataclass(frozen=True)
class Grid:
    """A table: cells row by row."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __bool__(self) -> bool:
        return bool(self.rows)


def grid(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> Grid:
    """A table without the columns that are empty in every row."""
    kept = [i for i in range(len(columns)) if any(row[i].text for row in rows)]
    return Grid(tuple(columns[i] for i in kept), tuple(tuple(row[i] for i in kept) for row in rows))
