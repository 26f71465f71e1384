"""The database behind the store: SQLite in the data folder, or PostgreSQL by URL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, StatementError

from calibench.errors import JobError, SettingsError
from calibench.store.refused import Conflict
from calibench.store.tables import HEAD, METADATA

SQLITE = "sqlite:///"
"""How the URL of a SQLite file begins; the path follows as it is."""

READS = "calibench_reads"
"""Execution option of a connection that writes nothing: it waits for no writer."""

WAIT_MS = 30_000
"""How long a writer of another process, such as a backup, is waited for."""


def make_engine(url: str) -> Engine:
    """Connections to a database; none is opened yet.

    Raises:
        SettingsError: the URL names no database that Calibench can use.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, pool_size=16, max_overflow=64)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(parsed, pool_size=8, max_overflow=24, pool_pre_ping=True)


def _parsed(url: str) -> URL:
    if url.startswith(SQLITE):  # a path may hold what means something else in a URL
        return URL.create("sqlite", database=url.removeprefix(SQLITE))
    try:
        parsed = make_url(url)
        known = parsed.drivername == "postgresql+psycopg" and bool(parsed.database)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        known = False
    if not known:
        raise SettingsError(
            "--database: this is no URL of a database that Calibench can use. "
            "Give postgresql+psycopg://USER:PASSWORD@HOST/NAME."
        )
    return parsed


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin when we say so, not at the first write
    for setting in (
        f"busy_timeout={WAIT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",  # what was acknowledged is there after a power cut
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {setting}").close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes its place at once: one that had read first could be refused later."""
    is_read = connection.get_execution_options().get(READS)
    connection.exec_driver_sql("BEGIN" if is_read else "BEGIN IMMEDIATE")


def make_or_check(engine: Engine) -> None:
    """Make the tables of a new database; look whether those of an old one are as this version needs them.

    Raises:
        JobError: the database cannot be used, holds other things, or is of another version of Calibench.
    """
    with explained(engine), engine.begin() as connection:
        found = revision(connection)
        if found == HEAD:
            return
        if found is not None:
            raise JobError(_older(engine, found) if found < HEAD else newer(engine, found))
        strangers = set(inspect(connection).get_table_names())
        if strangers:
            raise JobError(
                f"{shown(engine)}: holds tables that are not Calibench's, such as {min(strangers)}. "
                "Give a database of its own."
            )
        METADATA.create_all(connection)
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD})


def revision(connection: Connection) -> str | None:
    """The version of the tables; None where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return None if row is None else str(row[0])


def _older(engine: Engine, found: str) -> str:
    return (
        f"{shown(engine)}: was made by an older Calibench (its tables are {found}, this version needs {HEAD}). "
        "Run: calibench data upgrade"
    )


def newer(engine: Engine, found: str) -> str:
    """The sentence for tables that this version does not know."""
    return (
        f"{shown(engine)}: was made by a newer Calibench (its tables are {found}, this version knows {HEAD}). "
        "Install that version, or give another --data-dir."
    )


def shown(engine: Engine) -> str:
    """The database for a person: a path, or a URL without its password."""
    url = engine.url
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string(hide_password=True)


ADVICE = {
    "is full": "Free some room on its disk.",
    "is not a database": "Restore a backup: calibench data restore.",
    "malformed": "Restore a backup: calibench data restore.",
    "unable to open": "Is its folder there, and may it be written?",
    "readonly": "May its file and folder be written?",
    "resolve host": "Give a host that is there.",
    "Connection refused": "Does its server run?",
}
"""What to do, by words of SQLite and PostgreSQL."""


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """Turn what a database refuses into a sentence.

    Raises:
        Conflict: something that is still needed was deleted, or what a thing needs is not there.
        JobError: anything else: no room, no right, no connection, a damaged file.
    """
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"Something else still needs this, or what it needs is gone ({_reason(error)}).") from error
    except DBAPIError as error:
        reason = _reason(error)
        advice = next((f" {what}" for words, what in ADVICE.items() if words in reason), "")
        raise JobError(f"{shown(engine)}: the database cannot be used ({reason}).{advice}") from error
    except StatementError as error:  # a value that its column refused, before the database saw it
        raise (error.orig or error) from None


def _reason(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines() or [type(error.orig).__name__]
    return lines[0].rstrip(".")
