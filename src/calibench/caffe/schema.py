"""Caffe's messages as protobuf classes, made at run time from our own table of fields."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from calibench.caffe.layer_fields import LAYERS, OLDER_LAYERS
from calibench.caffe.net_fields import BLOBS, ENUMS, NET, PREPARATION, SAMPLES
from calibench.errors import ModelError

MESSAGES: dict[str, str] = {**NET, **BLOBS, **SAMPLES, **PREPARATION, **LAYERS, **OLDER_LAYERS}

PACKAGE = "caffe"

SCALARS: dict[str, str] = {
    "i": "INT32",
    "I": "INT64",
    "u": "UINT32",
    "f": "FLOAT",
    "d": "DOUBLE",
    "b": "BOOL",
    "s": "STRING",
    "y": "BYTES",
}
"""Letters of the table, and protobuf's words."""


@dataclass(frozen=True)
class Field:
    """One field of a message.

    Attributes:
        kind: a letter of SCALARS, or the name of a message or of an enum.
        default: as text; None where the type's own default holds.
    """

    name: str
    number: int
    kind: str
    is_repeated: bool = False
    is_packed: bool = False
    default: str | None = None

    @property
    def is_message(self) -> bool:
        """Whether the field holds a message."""
        return self.kind in MESSAGES

    @property
    def is_enum(self) -> bool:
        """Whether the field holds one of several names."""
        return self.kind in ENUMS


@cache
def fields_of(name: str) -> dict[str, Field]:
    """The fields of a message by name; do not change it.

    Raises:
        KeyError: no such message.
    """
    found = (_field(text) for text in MESSAGES[name].split())
    return {field.name: field for field in found}


@cache
def enum_values(name: str) -> dict[str, int]:
    """The names of an enum and their numbers; do not change it.

    Raises:
        KeyError: no such enum.
    """
    return {word: int(number) for word, number in (pair.split("=") for pair in ENUMS[name].split())}


@cache
def message(name: str) -> type[Any]:
    """The protobuf class of a message, such as "NetParameter".

    Raises:
        ModelError: protobuf is not installed.
        KeyError: no such message.
    """
    from google.protobuf import message_factory

    made: type[Any] = message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{PACKAGE}.{name}"))
    return made


def choice(params: Any, field: str) -> str:
    """The name of the value of an enum field, such as "AVE" of `pool`; "" for a number without a name."""
    kind = fields_of(params.DESCRIPTOR.name)[field].kind
    number = getattr(params, field)
    return next((word for word, value in enum_values(kind).items() if value == number), "")


@cache
def _pool() -> Any:
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool
    except ImportError:
        raise ModelError("Reading Caffe files needs protobuf. Install it: pip install 'calibench[caffe]'.") from None
    file = descriptor_pb2.FileDescriptorProto(name="calibench/caffe.proto", package=PACKAGE, syntax="proto2")
    owners = {enum.split(".")[0] for enum in ENUMS if "." in enum}
    for name in sorted({*MESSAGES, *owners}):
        _describe(file.message_type.add(name=name), name)
    for enum in ENUMS:
        if "." not in enum:
            _describe_enum(file.enum_type.add(name=enum), enum)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _describe(made: Any, name: str) -> None:
    """Fill the descriptor of one message; a name that only holds enums has no fields."""
    for enum in ENUMS:
        if enum.startswith(f"{name}."):
            _describe_enum(made.enum_type.add(name=enum.split(".")[1]), enum)
    if name in MESSAGES:
        for field in fields_of(name).values():
            _describe_field(made.field.add(name=field.name, number=field.number), field)


def _describe_enum(made: Any, name: str) -> None:
    for word, number in enum_values(name).items():
        made.value.add(name=word, number=number)


def _describe_field(made: Any, field: Field) -> None:
    made.label = made.LABEL_REPEATED if field.is_repeated else made.LABEL_OPTIONAL
    if field.kind in SCALARS:
        made.type = getattr(made, f"TYPE_{SCALARS[field.kind]}")
    else:
        made.type = made.TYPE_ENUM if field.is_enum else made.TYPE_MESSAGE
        made.type_name = f".{PACKAGE}.{field.kind}"
    if field.is_packed:
        made.options.packed = True
    if field.default is not None:
        made.default_value = field.default


def _field(text: str) -> Field:
    """A field out of the notation of `net_fields`."""
    name, number, rest = text.split(":", 2)
    kind, has_default, default = rest.partition("=")
    return Field(
        name=name,
        number=int(number),
        kind=kind.rstrip("*+"),
        is_repeated=kind[-1] in "*+",
        is_packed=kind.endswith("+"),
        default=default if has_default else None,
    )
