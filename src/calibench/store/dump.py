"""Tables as JSON lines, the same for every database and for every version of the tables."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, DateTime, MetaData, Table, func, insert, select, text

LAYING = 500
"""Rows that are written at once."""


def dump_tables(connection: Connection) -> Iterator[bytes]:
    """A line `{"table", "last_id"}` for each table, and a line for each of its rows.

    They are of one moment when the connection's transaction sees one.
    """
    for table in _tables(connection):
        yield _line({"table": table.name, "last_id": _last_id(connection, table)})
        query = select(table).order_by(table.c.id)
        for row in connection.execute(query, execution_options={"yield_per": LAYING}):
            yield _line({name: _plain(value) for name, value in row._mapping.items()})


def load_tables(connection: Connection, lines: Iterable[bytes]) -> None:
    """Fill empty tables, of the version that the lines were made with.

    Raises:
        KeyError: a table or a column is not there.
        ValueError: a line is no JSON.
    """
    tables = {table.name: table for table in _tables(connection)}
    table: Table | None = None
    rows: list[dict[str, Any]] = []
    for line in lines:
        value = json.loads(line)
        if "table" in value:
            _lay(connection, table, rows)
            table = tables[value["table"]]
            _set_last_id(connection, table, value["last_id"])
        elif table is None:
            raise ValueError("a row stands before its table")
        else:
            rows.append({name: _back(table, name, part) for name, part in value.items()})
        if len(rows) >= LAYING:
            _lay(connection, table, rows)
    _lay(connection, table, rows)


def _tables(connection: Connection) -> list[Table]:
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != "alembic_version"]


def _lay(connection: Connection, table: Table | None, rows: list[dict[str, Any]]) -> None:
    if table is not None and rows:
        connection.execute(insert(table), rows)
    rows.clear()


def _last_id(connection: Connection, table: Table) -> int:
    """The largest id that was ever given: of a deleted thing too."""
    if connection.dialect.name == "sqlite":
        query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return int(connection.execute(query, {"name": table.name}).scalar() or 0)
    name = connection.execute(select(func.pg_get_serial_sequence(table.name, "id"))).scalar_one()
    row = connection.execute(text(f"SELECT last_value, is_called FROM {name}")).one()
    return int(row.last_value) if row.is_called else 0


def _set_last_id(connection: Connection, table: Table, last_id: int) -> None:
    if not last_id:
        return
    if connection.dialect.name == "sqlite":
        query = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)")
        connection.execute(query, {"name": table.name, "last": last_id})
    else:
        connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), last_id)))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    return value


def _back(table: Table, name: str, value: Any) -> Any:
    kind = table.c[name].type
    if value is None or not isinstance(kind, DateTime):
        return value
    moment = datetime.fromisoformat(value)
    return moment if kind.timezone else moment.replace(tzinfo=None)


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
