"""Protobuf's text format as a tree that knows where everything stands; no field or type is looked at here.

Source: protobuf, "Text Format Language Specification".
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from calibench.errors import ModelError

MAX_DEPTH = 100
"""Messages within messages; protobuf's own limit."""

TOKEN = re.compile(
    r"(?:[ \t\r\n\v\f]+|\#[^\n]*)*"
    r"(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<number>(?:0[xX][0-9a-fA-F]+|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?)(?![A-Za-z0-9_.]))"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<sign>[{}<>\[\]:;,\-])"
    r"|(?P<end>\Z)"
    r"|(?P<bad>[0-9.]+[A-Za-z0-9_.]*|.))",
    re.DOTALL,
)

CLOSING = {"{": "}", "<": ">"}


class TextValue(NamedTuple):
    """One value.

    Attributes:
        kind: "word", "number", "string" (with its quotes; adjacent strings as one text) or "message".
        start, end: offsets in the text; of a message the opening bracket and past the closing one.
        text: as in the file, a sign in front; "" for a message.
        fields: of a message, in order.
    """

    kind: str
    start: int
    end: int
    text: str
    fields: "tuple[TextField, ...]" = ()


class TextField(NamedTuple):
    """One `name: value` or `name { ... }`.

    Attributes:
        start, end: offsets of the first character of the name, and past the last one of the value; a separator behind
            it (`,` or `;`) is not part of it.
        values: one, or those of a list `[1, 2]`.
    """

    name: str
    start: int
    end: int
    values: tuple[TextValue, ...]

    @property
    def fields(self) -> "tuple[TextField, ...]":
        """Fields of the (first) message; () for other values."""
        return self.values[0].fields if self.values else ()

    @property
    def text(self) -> str:
        """The (first) value as in the file."""
        return self.values[0].text if self.values else ""


class Token(NamedTuple):
    """A word, number, string, sign, or the end; `text` as in the file."""

    kind: str
    text: str
    start: int
    end: int


def parse_tree(text: str, path: Path) -> tuple[TextField, ...]:
    """The fields of a file, in order.

    Args:
        path: for messages.

    Raises:
        ModelError: a syntax error, with line and column.
    """
    return _Reader(text, path).fields(None, 0)


def is_text(start: bytes) -> bool:
    """Whether the bytes at the start of a file are those of text, in any encoding that has ASCII in it."""
    return not any(byte < 32 and byte not in b"\t\n\v\f\r\x1a" for byte in start)


def text_error(text: str, path: Path, offset: int, what: str) -> ModelError:
    """An error with the line and the column of an offset, both from 1."""
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1 - (line == 1 and text.startswith("\ufeff"))
    return ModelError(f"{path}: line {line}, column {column}: {what}")


def _tokens(text: str) -> Iterator[Token]:
    offset = int(text.startswith("\ufeff"))
    while True:
        match = TOKEN.match(text, offset)
        assert match is not None and match.lastgroup is not None  # the pattern takes any character
        kind = match.lastgroup
        start, offset = match.span(kind)
        yield Token(kind, match.group(kind), start, offset)
        if kind == "end":
            return


class _Reader:
    """One token ahead; a method for each rule of the grammar."""

    def __init__(self, text: str, path: Path) -> None:
        self.text, self.path = text, path
        self.tokens = _tokens(text)
        self.next = next(self.tokens)
        self.last_end = 0

    def take(self) -> Token:
        token = self.next
        self.last_end = token.end
        if token.kind != "end":
            self.next = next(self.tokens)
        return token

    def expected(self, what: str) -> ModelError:
        """What should stand where the next token is."""
        found = "the end of the file" if self.next.kind == "end" else f"'{self.next.text}'"
        if self.next.text in ('"', "'"):
            found = "a string that does not end on its line"
        return text_error(self.text, self.path, self.next.start, f"expected {what}, found {found}.")

    def fields(self, opening: Token | None, depth: int) -> tuple[TextField, ...]:
        """Fields to the closing bracket, which is taken; to the end of the file where there is no opening one."""
        if depth > MAX_DEPTH:
            raise self.expected(f"no more than {MAX_DEPTH} messages within each other")
        closing = CLOSING[opening.text] if opening else None
        found: list[TextField] = []
        while self.next.text != closing:
            if self.next.kind == "end":
                if opening is None:
                    return tuple(found)
                line = self.text.count("\n", 0, opening.start) + 1
                raise self.expected(f"'{closing}' for the '{opening.text}' of line {line}")
            found.append(self.field(depth))
            if self.next.text in (",", ";"):
                self.take()
        self.take()
        return tuple(found)

    def field(self, depth: int) -> TextField:
        start = self.next.start
        name = self.name()
        has_colon = self.next.text == ":"
        if has_colon:
            self.take()
        elif self.next.text not in ("{", "<", "["):
            raise self.expected(f"':' or '{{' after '{name}'")
        values = self.list(name, depth) if self.next.text == "[" else (self.value(name, depth),)
        if not has_colon and any(value.kind != "message" for value in values):
            raise text_error(self.text, self.path, values[0].start, f"expected ':' or '{{' after '{name}', found '['.")
        return TextField(name, start, self.last_end, values)

    def name(self) -> str:
        """A field's name; that of an extension in square brackets."""
        if self.next.kind == "word":
            return self.take().text
        if self.next.text != "[":
            raise self.expected("the name of a field")
        start = self.take().start
        while self.next.text != "]":
            if self.next.kind == "end":
                raise self.expected("']'")
            self.take()
        return self.text[start : self.take().end]

    def list(self, name: str, depth: int) -> tuple[TextValue, ...]:
        self.take()
        found: list[TextValue] = []
        while self.next.text != "]":
            if found:
                if self.next.text != ",":
                    raise self.expected("',' or ']'")
                self.take()
            found.append(self.value(name, depth))
        self.take()
        return tuple(found)

    def value(self, name: str, depth: int) -> TextValue:
        first = self.next
        if first.text in CLOSING:
            fields = self.fields(self.take(), depth + 1)
            return TextValue("message", first.start, self.last_end, "", fields)
        sign = self.take().text if first.text == "-" else ""
        kind = self.next.kind
        if kind == "string" and not sign:
            return self.strings()
        if kind not in ("word", "number"):
            raise self.expected(f"a value for '{name}'")
        token = self.take()
        return TextValue("number" if sign else kind, first.start, token.end, sign + token.text)

    def strings(self) -> TextValue:
        """A string, and those right behind it, which continue it."""
        first = self.take()
        text = first.text
        while self.next.kind == "string":
            text += self.take().text
        return TextValue("string", first.start, self.last_end, text)
