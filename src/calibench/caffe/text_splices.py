"""Changes of a prototxt's text: fields put in, replaced or taken out; all the rest stays as it is, byte by byte."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from calibench.caffe.prototxt import LayerText
from calibench.caffe.text_tree import TextField, TextValue

UNIT = "  "
"""Indentation of a message's fields where the text does not show its own."""


@dataclass(frozen=True)
class Splice:
    """`text` instead of what stands between two offsets."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class NewField:
    """A field to write: `name: value`, or `name { fields }` where there is no value."""

    name: str
    value: str = ""
    fields: tuple["NewField", ...] = ()

    def lines(self, indent: str, unit: str) -> list[str]:
        """One line for each field and brace."""
        if self.value:
            return [f"{indent}{self.name}: {self.value}"]
        inner = [line for field in self.fields for line in field.lines(indent + unit, unit)]
        return [f"{indent}{self.name} {{", *inner, f"{indent}}}"]

    def inline(self) -> str:
        """All in one line."""
        return " ".join(self.lines("", ""))


@dataclass(frozen=True)
class Block:
    """A message in the text.

    Attributes:
        inside, close: offsets past its opening brace, and of the closing one.
    """

    inside: int
    close: int
    fields: tuple[TextField, ...]

    def named(self, name: str) -> list[TextField]:
        """Its fields of a name."""
        return [field for field in self.fields if field.name == name]


def block_of(source: LayerText | TextValue) -> Block:
    """The message that is a layer, or a field's value."""
    if isinstance(source, LayerText):
        return Block(source.inside, source.close, source.fields)
    return Block(source.start + 1, source.end - 1, source.fields)


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The changed text; the splices do not overlap, those at one place come in their order."""
    parts, last = [], 0
    for splice in sorted(splices, key=lambda each: each.start):
        parts += [text[last : splice.start], splice.text]
        last = splice.end
    return "".join((*parts, text[last:]))


def add_field(text: str, block: Block, field: NewField) -> Splice:
    """Put a field behind the last of a block, indented as the others."""
    newline = _newline(text)
    if "\n" not in text[block.inside : block.close]:
        gap = "" if text[block.close - 1].isspace() else " "
        return Splice(block.close, block.close, f"{gap}{field.inline()} ")
    base = _indent(text, block.close)
    first_line = text.rfind("\n", 0, block.inside) + 1
    outer = base if base is not None else _leading(text, first_line)
    own = next((found for each in block.fields if (found := _indent(text, each.start)) is not None), outer + UNIT)
    unit = own[len(outer) :] if own.startswith(outer) and own != outer else UNIT
    lines = newline.join(field.lines(own, unit))
    if base is None:
        return Splice(block.close, block.close, f"{newline}{lines}{newline}{outer}")
    start = block.close - len(base)
    return Splice(start, start, lines + newline)


def replace_field(text: str, old: TextField, field: NewField) -> Splice:
    """A field in place of another, as deep as that."""
    indent = _indent(text, old.start)
    if indent is None or "\n" not in text[old.start : old.end]:
        return Splice(old.start, old.end, field.inline())
    inner = next((found for each in old.fields if (found := _indent(text, each.start)) is not None), indent + UNIT)
    unit = inner[len(indent) :] if inner.startswith(indent) and inner != indent else UNIT
    return Splice(old.start, old.end, _newline(text).join(field.lines(indent, unit))[len(indent) :])


def remove_field(text: str, old: TextField) -> Splice:
    """Take a field out: with its lines, where nothing else stands on them."""
    start, end = old.start, old.end
    rest = text[end:].lstrip(" \t\r\n")
    if rest[:1] in (",", ";"):
        end = text.index(rest[0], end) + 1
    line_end = text.find("\n", end)
    is_last = not text[end : line_end if line_end >= 0 else None].strip()
    indent = _indent(text, start)
    if indent is not None and is_last and line_end >= 0:
        return Splice(start - len(indent), line_end + 1, "")
    while end < len(text) and text[end] in " \t" and not is_last:
        end += 1
    return Splice(start, end, "")


def set_field(text: str, block: Block, name: str, values: Sequence[str]) -> list[Splice]:
    """Give a field these values, in the place of those that it has; none: take it out."""
    old = block.named(name)
    splices = [remove_field(text, field) for field in old[max(1, len(values)) if values else 0 :]]
    splices += [
        Splice(field.start, field.end, f"{name}: {value}")
        for field, value in zip(old[: len(values)], values[: len(old)], strict=True)
    ]
    return splices + [add_field(text, block, NewField(name, value)) for value in values[len(old) :]]


def _indent(text: str, offset: int) -> str | None:
    """What stands on the line in front of an offset; None if that is more than white space."""
    before = text[text.rfind("\n", 0, offset) + 1 : offset].removeprefix("\ufeff")
    return None if before.strip() else before


def _leading(text: str, line: int) -> str:
    """The white space at the start of a line."""
    end = line
    while text[end] in " \t":
        end += 1
    return text[line:end]


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
