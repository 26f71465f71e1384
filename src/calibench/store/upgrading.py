"""Bring the tables of an older database to what this version needs."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine

from calibench.errors import JobError
from calibench.store.data_folder import DataFolder
from calibench.store.database import explained, make_engine, newer, revision, shown
from calibench.store.disk import on_disk
from calibench.store.dump import dump_tables
from calibench.store.tables import HEAD

SCRIPTS = Path(__file__).parent / "migrations"


@dataclass(frozen=True)
class Upgraded:
    """What an upgrade did."""

    before: str
    after: str
    backup: Path | None
    """The tables as they were; None: nothing was changed."""

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        if self.backup is None:
            return (f"The tables are those of this version ({self.after}); nothing was changed.",)
        return (
            f"The tables were {self.before} and are {self.after} now.",
            f"As they were: {self.backup}. Remove it once you are content.",
        )

    def as_json(self) -> dict[str, str | None]:
        """For a program."""
        return {
            "before": self.before,
            "after": self.after,
            "backup": None if self.backup is None else str(self.backup),
        }


def upgrade_tables(folder: DataFolder, database: str | None = None) -> Upgraded:
    """Bring the tables up to date, after a copy of them was made in the data folder. All steps or none.

    Args:
        database: URL where it is not the SQLite file in the folder.

    Raises:
        JobError: there is no database, it is newer than this version, or it refuses; a server works in the folder.
    """
    if database is None and not folder.database.is_file():
        raise JobError(f"{folder.path}: holds no data of Calibench. Give another --data-dir.")
    folder.lock()
    try:
        return _upgrade(folder, database or folder.url)
    finally:
        folder.unlock()


def _upgrade(folder: DataFolder, url: str) -> Upgraded:
    with opened(url) as engine:
        with explained(engine), engine.connect() as connection:
            before = revision(connection)
        if before is None:
            raise JobError(f"{shown(engine)}: holds no tables of Calibench. Give another --data-dir or --database.")
        if before > HEAD:
            raise JobError(newer(engine, before))
        if before == HEAD:
            return Upgraded(before, HEAD, None)
        backup = _copy(folder, engine, before)
        run_revisions(engine, HEAD)
    return Upgraded(before, HEAD, backup)


def run_revisions(engine: Engine, to: str) -> None:
    """Run the revisions up to `to` in one transaction.

    Raises:
        JobError: the database refuses.
    """
    with revising(engine) as connection:
        revise(connection, to)


@contextmanager
def revising(engine: Engine) -> Iterator[Connection]:
    """One transaction for revisions.

    Raises:
        JobError: the database refuses; nothing was changed.
    """
    with explained(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":  # a table that is made anew must not take its children along
            raw = connection.connection.dbapi_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.execute("PRAGMA foreign_keys=OFF").close()
        with connection.begin():
            yield connection


def revise(connection: Connection, to: str) -> None:
    """Run the revisions up to `to` on a connection, in the transaction that is open there."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Connections that are given back at the end."""
    engine = make_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _copy(folder: DataFolder, engine: Engine, before: str) -> Path:
    """The tables as they are, in a new file of the data folder: the SQLite file itself, or JSON lines of another."""
    suffix = "db" if engine.dialect.name == "sqlite" else "jsonl"
    number, place = 1, folder.path / f"before-upgrade-of-{before}.{suffix}"
    while place.exists():
        number += 1
        place = folder.path / f"before-upgrade-of-{before}-{number}.{suffix}"
    with on_disk(folder.path):
        place.touch(mode=0o600)
        try:
            if suffix == "db":
                with closing(sqlite3.connect(folder.database)) as source, closing(sqlite3.connect(place)) as copy:
                    source.backup(copy)
            else:
                with explained(engine), engine.connect() as connection, place.open("wb") as file:
                    for line in dump_tables(connection):
                        file.write(line)
        except BaseException:
            place.unlink()
            raise
    return place
