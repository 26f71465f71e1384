"""Read a table of a CSV or TSV file, whatever its separator and quotes."""

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from calibench.datasets.formats.text_file import read_text
from calibench.errors import DatasetError

SEPARATORS = (",", "\t", ";", "|")
NO_SEPARATOR = "\x1f"  # occurs in no text: every line is one cell
LOOKED_AT = 200  # lines in which a separator is looked for
QUOTING: tuple[Literal[0, 3], ...] = (csv.QUOTE_MINIMAL, csv.QUOTE_NONE)
SAME_COUNT = 0.8  # of the rows must have the same number of cells, else a separator is only part of the texts


@dataclass(frozen=True)
class Row:
    """One row: `line` is the number of its first line in the file, from 1."""

    line: int
    cells: tuple[str, ...]


def read_rows(path: Path) -> tuple[Row, ...]:
    """The rows that hold something, the header too if there is one.

    The separator is the one that cuts most rows into the same number of cells. Quotes count as quotes unless rows
    come apart by that, as in TSV files of corpora, where a quote is part of the text.

    Raises:
        DatasetError: cannot be read, is not UTF-8, or holds nothing.
    """
    text = read_text(path)
    separator = _separator(text, path.suffix.lower() == ".tsv")
    readings = [_parse(text, separator, quoting) for quoting in QUOTING]
    rows = max(readings, key=_evenness)  # the first of equals
    if not rows and text.strip():
        raise DatasetError(f"{path}: a cell has more than {csv.field_size_limit():,} characters. Cut the text.")
    if not rows:
        raise DatasetError(f"{path}: no rows in this file. Give one text a row, with a header.")
    return rows


def common_width(rows: tuple[Row, ...]) -> int:
    """The number of cells that most rows have."""
    return Counter(len(row.cells) for row in rows).most_common(1)[0][0]


def _separator(text: str, prefers_tabs: bool) -> str:
    head = "\n".join(text.split("\n", LOOKED_AT)[:LOOKED_AT])
    best, share = NO_SEPARATOR, 0.0
    for separator in ("\t", *SEPARATORS) if prefers_tabs else SEPARATORS:
        readings = [_parse(head, separator, quoting) for quoting in QUOTING]
        rows = max(readings, key=_evenness)
        if not rows or common_width(rows) == 1 or len(rows[0].cells) != common_width(rows):
            continue
        if _evenness(rows) > max(share, SAME_COUNT):
            best, share = separator, _evenness(rows)
    return best


def _evenness(rows: tuple[Row, ...]) -> float:
    """Share of the rows that have the usual number of cells."""
    if not rows:
        return 0.0
    width = common_width(rows)
    return sum(len(row.cells) == width for row in rows) / len(rows)


def _parse(text: str, separator: str, quoting: Literal[0, 3]) -> tuple[Row, ...]:
    """The rows; none where the text cannot be read this way."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting)
    rows: list[Row] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(line, tuple(cell.strip() for cell in cells)))
            line = reader.line_num + 1
    except csv.Error:
        return ()
    return tuple(rows)
