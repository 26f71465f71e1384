"""Find out which columns of a table hold the texts and which the class."""

from collections.abc import Sequence
from dataclasses import dataclass

from calibench.datasets.text_table import Row
from calibench.errors import DatasetError
from calibench.settings import DataSettings

PAIRS = (
    ("premise", "hypothesis"),
    ("sentence1", "sentence2"),
    ("sentence_a", "sentence_b"),
    ("text_a", "text_b"),
    ("text1", "text2"),
    ("question1", "question2"),
    ("question", "sentence"),
    ("query", "passage"),
    ("query", "document"),
    ("question", "answer"),
    ("anchor", "positive"),
)
TEXTS = (
    *("text", "sentence", "review", "content", "comment", "tweet", "message", "utterance", "document", "passage"),
    *("question", "query", "headline", "title", "body", "description", "input"),
)
LABELS = ("label", "labels", "gold_label", "class", "category", "target", "sentiment", "intent", "polarity", "topic")
FEW = 0.5  # of the values of a column without a name may differ, if it is to be the class
SHORT = 40  # characters, the longest name of a class in a column without a name


@dataclass(frozen=True)
class Columns:
    """Places of the columns: one text or two, and the class, None where there is none.

    `header`: whether the first row holds names.
    """

    texts: tuple[int, ...]
    label: int | None
    header: bool


def find_columns(rows: Sequence[Row], data: DataSettings, where: str) -> Columns:
    """The columns that settings name, else those with usual names, else those whose content looks like it.

    Args:
        rows: the first is the header, if there is one.
        where: names the table in an error.

    Raises:
        DatasetError: a named column is missing, or the texts cannot be told.
    """
    names = [cell.lower() for cell in rows[0].cells]
    header = _has_header(rows, names, data)
    content = [row.cells for row in rows[1:] if len(row.cells) == len(names)] if header else [r.cells for r in rows]
    if not header:
        names = [str(place + 1) for place in range(len(names))]
    label = _named(data.label_column, names, where) if data.label_column is not None else _label(names, content)
    if data.text_columns:
        texts = tuple(_named(name, names, where) for name in data.text_columns)
        if len(texts) > 2:
            raise DatasetError(f"{where}: {len(texts)} text columns were named. Name one, or two for pairs.")
        return Columns(texts, label if label not in texts else None, header)
    return Columns(_texts(names, content, label, where), label, header)


def _has_header(rows: Sequence[Row], names: Sequence[str], data: DataSettings) -> bool:
    """Whether the first row holds names: usual ones, named ones, or a word above a column of numbers."""
    wanted = {name.lower() for name in (*data.text_columns, data.label_column or "") if name}
    known = {*TEXTS, *LABELS, *wanted, *(name for pair in PAIRS for name in pair)}
    if any(name in known for name in names):
        return True
    rest = [row.cells for row in rows[1:] if len(row.cells) == len(names)]
    return bool(rest) and any(
        not _is_number(names[place]) and all(_is_number(cells[place]) for cells in rest) for place in range(len(names))
    )


def _named(name: str, names: Sequence[str], where: str) -> int:
    if name.lower() not in names:
        raise DatasetError(f"{where}: there is no column {name}. Its columns: {', '.join(names)}.")
    return names.index(name.lower())


def _label(names: Sequence[str], content: Sequence[Sequence[str]]) -> int | None:
    """The column with the first usual name, else the one that holds few different short values."""
    for name in LABELS:
        if name in names:
            return names.index(name)
    if any(name in names for name in TEXTS) or any(set(pair) <= set(names) for pair in PAIRS):
        return None
    kinds = {place: {cells[place] for cells in content} for place in range(len(names))}
    likely = [
        place
        for place, values in kinds.items()
        if len(values) <= max(FEW * len(content), 1) and max(map(len, values), default=0) <= SHORT and len(names) > 1
    ]
    numbers = [place for place in likely if all(_is_number(value) for value in kinds[place])]
    return min(numbers or likely, key=lambda place: len(kinds[place]), default=None)


def _texts(names: Sequence[str], content: Sequence[Sequence[str]], label: int | None, where: str) -> tuple[int, ...]:
    for first, second in PAIRS:
        if first in names and second in names:
            return names.index(first), names.index(second)
    for name in TEXTS:
        if name in names and names.index(name) != label:
            return (names.index(name),)
    rest = [
        place
        for place in range(len(names))
        if place != label and not all(_is_number(cells[place]) for cells in content)
    ]
    if len(rest) not in (1, 2):
        raise DatasetError(
            f"{where}: the column of the texts cannot be told. Its columns: {', '.join(names)}. "
            "Name it with data.text_columns in the settings."
        )
    return tuple(rest)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
