"""The two kinds of fields of a report: decided, and measured."""

from typing import Any

from pydantic import Field


def decided(default: Any, description: str, **more: Any) -> Any:
    """A field that is the same in every run with the same inputs, settings and CPU flags."""
    return Field(default, description=description, json_schema_extra={"kind": "decided"}, **more)


def measured(default: Any, description: str, **more: Any) -> Any:
    """A field that depends on the machine and the moment."""
    return Field(default, description=description, json_schema_extra={"kind": "measured"}, **more)
