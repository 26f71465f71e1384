"""Things in the database: add, find, change, delete; several of them together in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from threading import RLock, local
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, delete, false, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from calibench.errors import JobError
from calibench.store.conditions import LARGEST, finds, holds
from calibench.store.database import READS, explained, make_engine, make_or_check, shown
from calibench.store.refused import Conflict, NotThere
from calibench.store.tables import FOLDED, TABLES, Thing, ThingT, folded, word

SERVER = 0x43414C4942454E43
"""The number under which a server holds a PostgreSQL database."""

AT_ONCE = 1000
"""Ids in one statement; SQLite takes 32,766 values."""


class Store:
    """Models, datasets, targets, projects and jobs; any thread may call it.

    A field of a thing is a column, and `where` and `only_if` name columns: `{"state": ("queued", "running")}`.
    """

    def __init__(self, url: str) -> None:
        """Open a database, such as sqlite:////path/workbench.db; a new one gets its tables.

        Raises:
            SettingsError: the URL names no database that Calibench can use.
            JobError: it cannot be used, or is of another version of Calibench.
        """
        self.url = url
        self._engine = make_engine(url)
        self._writing = RLock()  # writers of this process wait here rather than in the database, which is not fair
        self._here = local()
        self._held: Connection | None = None
        try:
            make_or_check(self._engine)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The database for a person: a path, or a URL without its password."""
        return shown(self._engine)

    def close(self) -> None:
        """Give back all connections."""
        if self._held is not None:
            with suppress(DBAPIError):  # a connection that is lost holds nothing
                self._held.execute(select(func.pg_advisory_unlock(SERVER)))  # closing alone lets go a moment later
            self._held.close()
            self._held = None
        self._engine.dispose()

    def hold(self) -> None:
        """Be the one server of this database until `close`; of SQLite, the lock of the data folder says so.

        Raises:
            JobError: another server holds it.
        """
        if self._engine.dialect.name == "sqlite" or self._held is not None:
            return
        with explained(self._engine):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if not connection.execute(select(func.pg_try_advisory_lock(SERVER))).scalar_one():
                connection.close()
                raise JobError(f"{shown(self._engine)}: another server works on it. Stop that, or give another one.")
            self._held = connection

    def add(self, thing: ThingT) -> ThingT:
        """Keep a new thing; the answer has its id.

        Raises:
            ValueError: it has an id already.
        """
        if thing.id:
            raise ValueError(f"this {word(type(thing))} has the id {thing.id} already")
        table = TABLES[type(thing)]
        values = {name: getattr(thing, name) for name in type(thing).model_fields if name != "id"}
        with self._write() as connection:
            row = connection.execute(
                insert(table).values(**values, **folded(type(thing), values)).returning(table)
            ).one()
            return _thing(type(thing), row)

    def get(self, kind: type[ThingT], id: int) -> ThingT:
        """A thing by its id.

        Raises:
            NotThere: there is none.
        """
        with self._read() as connection:
            found = connection.execute(_by_id(kind, id)).first()
        if found is None:
            raise NotThere(f"There is no {word(kind)} {id}; it may have been deleted.")
        return _thing(kind, found)

    def all(
        self,
        kind: type[ThingT],
        *,
        where: Mapping[str, Any] = {},
        search: str = "",
        newest_first: bool = True,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[ThingT, ...]:
        """Things of a kind, in the order in which they were added.

        Args:
            where: columns and the value, or one of the values in a tuple, that they have.
            search: words that the name or title holds, whatever their case.
        """
        table = TABLES[kind]
        query = select(table).where(holds(table, where), finds(table, search))
        query = query.order_by(table.c.id.desc() if newest_first else table.c.id)
        if limit is not None:
            query = query.limit(min(limit, LARGEST))
        if offset:
            query = query.offset(min(offset, LARGEST))
        with self._read() as connection:
            rows = connection.execute(query).all()
        return tuple(_thing(kind, row) for row in rows)

    def count(self, kind: type[Thing], *, where: Mapping[str, Any] = {}, search: str = "") -> int:
        """How many things `all` would give without a limit."""
        table = TABLES[kind]
        query = select(func.count()).select_from(table).where(holds(table, where), finds(table, search))
        with self._read() as connection:
            return int(connection.execute(query).scalar_one())

    def change(
        self,
        kind: type[ThingT],
        id: int,
        /,
        *,
        seen: int | None = None,
        only_if: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> ThingT:
        """Set fields of a thing; its version grows by one.

        Args:
            seen: the version that the caller saw; None: whatever it is now.
            only_if: what must hold, as in `where`, looked at in the same moment.

        Raises:
            NotThere: there is no such thing.
            Conflict: it is not at version `seen`, or `only_if` does not hold; nothing was changed.
        """
        table = TABLES[kind]
        wanted = dict(only_if or {}) | ({} if seen is None else {"version": seen})
        with self.together():
            before = self.get(kind, id)
            changed = (
                update(table)
                .where(table.c.id == id, holds(table, wanted))
                .values(**values, **folded(kind, values), version=table.c.version + 1)
                .returning(table)
            )
            with self._write() as connection:
                row = connection.execute(changed).first()
            if row is None:
                raise Conflict(_why_not(before, seen, wanted))
            return _thing(kind, row)

    def change_all(self, kind: type[ThingT], ids: Sequence[int], **values: Any) -> tuple[ThingT, ...]:
        """Set the same fields of many things in few statements; those that are not there are passed over."""
        table = TABLES[kind]
        found: list[ThingT] = []
        with self.together():
            for some in _some(ids):
                changed = update(table).where(table.c.id.in_(some)).returning(table)
                changed = changed.values(**values, **folded(kind, values), version=table.c.version + 1)
                with self._write() as connection:
                    found += [_thing(kind, row) for row in connection.execute(changed)]
        return tuple(found)

    def delete(self, kind: type[Thing], id: int) -> None:
        """Remove a thing; its id is never used again.

        Raises:
            NotThere: there is none.
            Conflict: when the transaction ends: something still needs it.
        """
        with self.together():
            self.get(kind, id)
            with self._write() as connection:
                connection.execute(delete(TABLES[kind]).where(TABLES[kind].c.id == id))

    def delete_all(self, kind: type[Thing], ids: Sequence[int]) -> None:
        """Remove many things in few statements; those that are not there are passed over.

        Raises:
            Conflict: when the transaction ends: something still needs one.
        """
        with self.together():
            for some in _some(ids):
                with self._write() as connection:
                    connection.execute(delete(TABLES[kind]).where(TABLES[kind].c.id.in_(some)))

    @contextmanager
    def together(self) -> Iterator[None]:
        """All calls inside, of this thread, are one transaction; an exception undoes them all.

        It begins with the first call: slow work that comes before holds up nobody. Inside another one, it is a part
        of that. Await nothing inside: what else the loop runs would be a part of it.
        """
        if getattr(self._here, "stack", None) is not None:
            yield
            return
        with explained(self._engine), ExitStack() as stack:
            self._here.stack = stack
            self._here.connection = None
            stack.callback(self._forget)
            yield

    def _forget(self) -> None:
        self._here.stack = self._here.connection = None

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """The connection of this thread's transaction, which begins here at the latest."""
        with self.together():
            if self._here.connection is None:
                self._here.stack.enter_context(self._writing)
                self._here.connection = self._here.stack.enter_context(self._engine.begin())
            yield self._here.connection

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database; inside a transaction, the one of that."""
        if getattr(self._here, "stack", None) is not None:
            with self._write() as connection:
                yield connection
            return
        with explained(self._engine), self._engine.connect() as connection:
            yield connection.execution_options(**{READS: True})


def _some(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(ids), AT_ONCE):
        yield ids[begin : begin + AT_ONCE]


def _by_id(kind: type[Any], id: int) -> Select[Any]:
    table = TABLES[kind]
    return select(table).where(table.c.id == id if 0 < id <= LARGEST else false())


def _thing(kind: type[ThingT], row: Row[Any]) -> ThingT:
    values = row._asdict()
    del values[FOLDED]
    return cast(ThingT, kind.model_validate(values))


def _why_not(thing: Thing, seen: int | None, wanted: Mapping[str, Any]) -> str:
    what = f"The {word(type(thing))} {thing.id}"
    if seen is not None and seen != thing.version:
        return f"{what} was changed meanwhile (version {thing.version}; you saw {seen}). Load it anew, and change that."
    for name, value in wanted.items():
        values = value if isinstance(value, (tuple, list, set, frozenset)) else (value,)
        if getattr(thing, name) not in values:
            return f"{what} is not as it was: {name} is {getattr(thing, name)} now."
    return f"{what} was changed meanwhile."
