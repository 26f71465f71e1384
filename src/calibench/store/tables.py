"""The tables: one a kind of thing, a column a field.

They are made from the fields of `things/kept.py`; a change there needs a new revision in `migrations/versions/`, and a
test compares the two.
"""

from typing import Any, TypeVar

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Table, Text

from calibench.store.columns import column_type, plain
from calibench.things.kept import Job, KeptDataset, KeptModel, Project, Target

Thing = KeptModel | KeptDataset | Target | Project | Job
ThingT = TypeVar("ThingT", bound=Thing)

HEAD = "0002"
"""The newest revision in `migrations/versions/`."""

FOLDED = "folded"
"""The column that `search` looks into: the name or title, case folded."""

NAMES: dict[type[Any], tuple[str, str]] = {
    KeptModel: ("models", "model"),
    KeptDataset: ("datasets", "dataset"),
    Target: ("targets", "target"),
    Project: ("projects", "project"),
    Job: ("jobs", "job"),
}
"""Of each kind: its table, and what a person calls one."""

NEEDED = {
    "models": {"parent_id": "models"},
    "projects": {"model_id": "models", "dataset_id": "datasets", "target_id": "targets", "parent_id": "projects"},
}
"""Without what a thing cannot be. Checked when a transaction ends, so that a family can go in any order."""

FILTERED = {
    "models": ("state", "parent_id", "tree"),
    "datasets": ("state", "tree"),
    "targets": (),
    "projects": ("model_id", "dataset_id", "target_id", "parent_id", "is_archived", "result", "job_id"),
    "jobs": ("state", "kind", "project_id", "model_id", "dataset_id"),
}
"""Columns that lists filter by."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

METADATA = MetaData(naming_convention=NAMING)


def _table(kind: type[Thing]) -> Table:
    name = NAMES[kind][0]
    # An id is never used again: a link to something that was deleted must not lead to another thing.
    columns: list[Column[Any]] = [
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    ]
    for field, info in kind.model_fields.items():
        if field != "id":
            columns.append(_column(name, field, info.annotation))
    columns.append(Column(FOLDED, Text, nullable=False))
    table = Table(name, METADATA, *columns, sqlite_autoincrement=True)
    for field in FILTERED[name]:
        Index(None, table.c[field])
    return table


def _column(table: str, field: str, field_type: Any) -> Column[Any]:
    kind, is_optional = column_type(field_type)
    needed = NEEDED.get(table, {}).get(field)
    keys = [ForeignKey(f"{needed}.id", deferrable=True, initially="DEFERRED")] if needed else []
    return Column(field, kind, *keys, nullable=is_optional)


TABLES: dict[type[Any], Table] = {kind: _table(kind) for kind in NAMES}


def word(kind: type[Any]) -> str:
    """What a person calls a thing of this kind."""
    return NAMES[kind][1]


def fold(text: str) -> str:
    """Text as `search` compares it."""
    return plain(text).casefold()


def folded(kind: type[Any], values: dict[str, Any]) -> dict[str, str]:
    """The column that `search` looks into, when the name (of a job: the title) is among the values."""
    named = values.get("title" if kind is Job else "name")  # a dataset has a title too: that of its format
    return {} if named is None else {FOLDED: fold(named)}
