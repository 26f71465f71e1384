"""How the fields of things become columns, the same on SQLite and PostgreSQL."""

import json
import math
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import TypeAdapter
from pydantic_core import from_json
from sqlalchemy import BigInteger, Boolean, DateTime, Dialect, Float, Text
from sqlalchemy.types import TypeDecorator, TypeEngine


class PlainText(TypeDecorator[str]):
    """Text that every database takes: what is not Unicode (names of files may hold it) becomes '?', NUL as well."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """What is sent to the database."""
        return None if value is None else plain(value)


class Utc(TypeDecorator[datetime]):
    """A moment; UTC and aware on its way in and out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What is sent to the database.

        Raises:
            ValueError: it does not say its time zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} does not say its time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What comes from the database; SQLite gives it without a zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Nested(TypeDecorator[Any]):
    """A value with parts, as JSON text; checked against the field's type before it is written."""

    impl = Text
    cache_ok = True

    def __init__(self, field_type: Any = Any) -> None:
        super().__init__()
        self.field_type = field_type  # under this name SQLAlchemy tells two of them apart
        self._adapter: TypeAdapter[Any] = TypeAdapter(field_type)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """What is sent to the database.

        Raises:
            pydantic.ValidationError: it is no value of the field.
        """
        if value is None:
            return None
        checked = self._adapter.validate_python(value)
        return json.dumps(_portable(self._adapter.dump_python(checked, mode="json")), ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """What comes from the database: lists and dicts, which the thing makes its parts of."""
        return None if value is None else from_json(value)


def column_type(field_type: Any) -> tuple[TypeEngine[Any], bool]:
    """The type of a field's column, and whether it may be empty."""
    parts = get_args(field_type) if get_origin(field_type) in (Union, UnionType) else (field_type,)
    is_optional = NoneType in parts
    kinds = [part for part in parts if part is not NoneType]
    if len(kinds) == 1:
        kind = str if get_origin(kinds[0]) is Literal else kinds[0]
        scalar = {str: PlainText, int: BigInteger, float: Float, bool: Boolean, datetime: Utc}.get(kind)
        if scalar:
            return scalar(), is_optional
    return Nested(field_type), is_optional


def plain(text: str) -> str:
    """Text without what databases refuse."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "?")


def _portable(value: Any) -> Any:
    """JSON that every reader takes: plain texts, and None for what is no number."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {plain(str(key)): _portable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_portable(part) for part in value]
    return value
