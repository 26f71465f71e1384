"""What a caller filters by, as SQL."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, and_, false, or_, true

from calibench.store.tables import FOLDED, fold

LARGEST = 2**63 - 1
"""The largest whole number that a database takes."""

LONGEST_WORD = 1000
"""Letters; no name or title holds a longer word, and databases refuse very long patterns."""


def holds(table: Table, where: Mapping[str, Any]) -> ColumnElement[bool]:
    """Every named column has its value, or one of several in a tuple.

    Raises:
        KeyError: the table has no such column.
    """
    return and_(true(), *(_is(table.c[name], value) for name, value in where.items()))


def finds(table: Table, search: str) -> ColumnElement[bool]:
    """Every word of `search` is part of the name or title, in any order, whatever the case."""
    words = fold(search).split()
    if any(len(word) > LONGEST_WORD for word in words):
        return false()
    return and_(true(), *(table.c[FOLDED].contains(word, autoescape=True) for word in words))


def _is(column: Column[Any], value: Any) -> ColumnElement[bool]:
    values = value if isinstance(value, (tuple, list, set, frozenset)) else (value,)
    known = [one for one in values if one is not None and _fits(one)]
    choices: list[ColumnElement[bool]] = [column.in_(known)] if known else []
    if None in values:
        choices.append(column.is_(None))
    return or_(false(), *choices)


def _fits(value: Any) -> bool:
    return not isinstance(value, int) or abs(value) <= LARGEST
