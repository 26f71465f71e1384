"""Reads a prototxt: as a message of Caffe, and as text that can be changed without loss."""

from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from calibench.caffe.schema import Field, fields_of, message
from calibench.caffe.text_tree import TextField, TextValue, is_text, parse_tree, text_error
from calibench.caffe.text_values import Unfit, python_value, string_bytes
from calibench.errors import ModelError


@dataclass(frozen=True, eq=False)
class LayerText:
    """One block `layer { ... }` (or `layers { ... }`, the older layout) of a net.

    Attributes:
        type: as in the file: "Convolution", of the older layout CONVOLUTION.
        key: "layer" or "layers".
        number: of the layer among all blocks, from 0; its place in `message.layer` (or `message.layers`).
        start, end: offsets of the first letter of `layer` and past the closing brace: `text[start:end]` is the block
            (of layers in a list `layer: [{...}, {...}]` without the word).
        inside, close: offsets past the opening brace, and of the closing one: new fields can be put in at `close`.
        fields: of the block, with their own offsets.
        line: of `start`, from 1.
    """

    name: str
    type: str
    key: str
    number: int
    start: int
    end: int
    inside: int
    close: int
    fields: tuple[TextField, ...]
    line: int

    def field(self, name: str) -> TextField | None:
        """The first field of a name; None where there is none."""
        return next((found for found in self.fields if found.name == name), None)


@dataclass(frozen=True, eq=False)
class Prototxt:
    """A prototxt: `message` is what it says, the rest is where it says it.

    Attributes:
        text: the file, with its line ends and byte order mark. `encode_text` makes the same bytes of it.
        fields: of the file, in order, with offsets in `text`.
        message: NetParameter, or what was asked for.
        unknown: fields that are not in our table, as (name, line); they stand in `text` and in `fields` only.
    """

    path: Path
    text: str
    fields: tuple[TextField, ...]
    message: Any
    unknown: tuple[tuple[str, int], ...] = ()

    @cached_property
    def layers(self) -> tuple[LayerText, ...]:
        """The blocks of a net in the order of the file, whatever their phase."""
        blocks = [
            (one.name, one.start if len(one.values) == 1 else value.start, value)
            for one in self.fields
            if one.name in ("layer", "layers")
            for value in one.values
        ]
        return tuple(self._layer(number, *block) for number, block in enumerate(blocks))

    def line(self, offset: int) -> int:
        """Line of an offset, from 1."""
        return bisect_left(self._line_ends, offset) + 1

    @cached_property
    def _line_ends(self) -> list[int]:
        return [offset for offset, letter in enumerate(self.text) if letter == "\n"]

    def _layer(self, number: int, key: str, start: int, value: TextValue) -> LayerText:
        oldest = next((one for one in value.fields if one.name == "layer"), None)  # the V0 layout has a layer inside
        named = oldest.fields if oldest else value.fields
        return LayerText(
            name=_text_of(named, "name"),
            type=_text_of(named, "type"),
            key=key,
            number=number,
            start=start,
            end=value.end,
            inside=value.start + 1,
            close=value.end - 1,
            fields=value.fields,
            line=self.line(start),
        )


def read_text(path: Path) -> str:
    """The text of a file; its line ends, byte order mark and bytes that are no UTF-8 survive (see `encode_text`).

    Raises:
        ModelError: it cannot be read, or is no text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror or error}.") from None
    if not is_text(data[:4096]):
        raise ModelError(f"{path}: is no text, so it is no prototxt. Is it the weights file?")
    return data.decode("utf-8", "surrogateescape")


def encode_text(text: str) -> bytes:
    """The bytes that `read_text` has read the text from."""
    return text.encode("utf-8", "surrogateescape")


def read_prototxt(path: Path, kind: str = "NetParameter") -> Prototxt:
    """A file as a message of that kind.

    Raises:
        ModelError: it cannot be read, is no text, or holds an error (with line and column).
    """
    return parse(read_text(path), path, kind)


def parse(text: str, path: Path, kind: str = "NetParameter") -> Prototxt:
    """A text as a message.

    Args:
        path: for messages.
        kind: name of the message: "NetParameter", "LabelMap", ...

    Raises:
        ModelError: a syntax error, or a value that is not of its field's type; with line and column.
    """
    fields = parse_tree(text, path)
    builder = _Builder(text, path)
    built = message(kind)()
    builder.fill(built, fields, kind)
    whole = Prototxt(path, text, fields, built)
    unknown = tuple((name, whole.line(offset)) for name, offset in builder.unknown)
    return Prototxt(path, text, fields, built, unknown)


@dataclass
class _Builder:
    """Puts the values of a tree into a message, and collects what the message has no field for."""

    text: str
    path: Path
    unknown: list[tuple[str, int]] = field(default_factory=list)

    def fill(self, target: Any, fields: tuple[TextField, ...], kind: str) -> None:
        table = fields_of(kind)
        given: set[str] = set()
        for one in fields:
            known = table.get(one.name)
            if known is None:
                self.unknown.append((one.name, one.start))
                continue
            if not known.is_repeated and (one.name in given or len(one.values) != 1):
                raise self.wrong(one.start, f"'{one.name}' can be given once only.")
            given.add(one.name)
            self.put(target, one, known)

    def put(self, target: Any, one: TextField, known: Field) -> None:
        if known.is_message:
            for value in one.values:
                if value.kind != "message":
                    raise self.wrong(value.start, f"expected '{{' after '{one.name}', found '{value.text}'.")
                part = getattr(target, one.name)
                part = part.add() if known.is_repeated else part
                part.SetInParent()
                self.fill(part, value.fields, known.kind)
            return
        values = [self.value(one.name, value, known) for value in one.values]
        if known.is_repeated:
            getattr(target, one.name).extend(values)
        else:
            setattr(target, one.name, values[0])

    def value(self, name: str, value: TextValue, known: Field) -> Any:
        if value.kind == "message":
            raise self.wrong(value.start, f"expected a value for '{name}', found '{self.text[value.start]}'.")
        try:
            return python_value(value, known)
        except Unfit as unfit:
            raise self.wrong(value.start, f"expected {unfit} for '{name}', found {_shown(value)}.") from None

    def wrong(self, offset: int, what: str) -> ModelError:
        return text_error(self.text, self.path, offset, what)


def _shown(value: TextValue) -> str:
    return value.text if value.kind == "string" else f"'{value.text}'"


def _text_of(fields: tuple[TextField, ...], name: str) -> str:
    """A string or word of a message; "" where it is not given."""
    found = next((one for one in fields if one.name == name), None)
    if found is None:
        return ""
    is_string = found.values and found.values[0].kind == "string"
    return string_bytes(found.text).decode("utf-8", "replace") if is_string else found.text
