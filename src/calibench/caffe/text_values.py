"""Values of protobuf's text format as Python values, checked against the type of their field."""

import re
from collections.abc import Callable

from calibench.caffe.schema import Field, enum_values
from calibench.caffe.text_tree import TextValue

WHOLE = re.compile(r"-?(?:0[xX](?P<hex>[0-9a-fA-F]+)|0(?P<octal>[0-7]+)|(?P<decimal>0|[1-9][0-9]*))\Z")
SPECIAL = {"inf": "inf", "infinity": "inf", "nan": "nan"}
TRUTH = {"true": True, "True": True, "t": True, "1": True, "false": False, "False": False, "f": False, "0": False}

LIMITS: dict[str, tuple[int, int]] = {
    "i": (-(2**31), 2**31 - 1),
    "I": (-(2**63), 2**63 - 1),
    "u": (0, 2**32 - 1),
}
"""Smallest and largest value of the kinds of whole numbers."""

PIECE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv\\'\"?]))|(\\)", re.DOTALL
)
LETTERS = dict(zip(b"abfnrtv\\'\"?", b"\a\b\f\n\r\t\v\\'\"?", strict=True))

Value = int | float | bool | str | bytes


class Unfit(Exception):  # noqa: N818 - becomes a ModelError where the position is known
    """The value is none of the field's type; the text says what was expected."""


def python_value(value: TextValue, field: Field) -> Value:
    """The value of a field that holds no message; enums as numbers.

    Raises:
        Unfit: the value is not of the field's type.
    """
    if field.is_enum:
        return _enum(value, field.kind)
    return READERS[field.kind](value, field.kind)


def string_bytes(text: str) -> bytes:
    """What one or more quoted strings hold, their escapes resolved.

    Raises:
        Unfit: an escape is none.
    """
    if "\\" not in text:
        return b"".join((double or single).encode("utf-8", "surrogateescape") for double, single in PIECE.findall(text))
    raw = (double or single for double, single in PIECE.findall(text))
    return b"".join(ESCAPE.sub(_unescape, piece.encode("utf-8", "surrogateescape")) for piece in raw)


def _unescape(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, short, long, letter, bad = match.groups()
    if bad:
        raise Unfit("a string whose '\\' begins an escape such as '\\n'")
    if letter:
        return bytes([LETTERS[letter[0]]])
    if short or long:
        return chr(min(int(short or long, 16), 0x10FFFF)).encode("utf-8", "replace")
    return bytes([(int(octal, 8) if octal else int(hexadecimal, 16)) & 0xFF])


def _whole(value: TextValue, kind: str) -> int:
    match = WHOLE.match(value.text) if value.kind == "number" else None
    if match is None:
        raise Unfit("a whole number")
    number = (
        int(match["hex"], 16) if match["hex"] else int(match["octal"] or match["decimal"], 8 if match["octal"] else 10)
    )
    number = -number if value.text.startswith("-") else number
    low, high = LIMITS[kind]
    if not low <= number <= high:
        raise Unfit(f"a whole number from {low} to {high}")
    return number


def _real(value: TextValue, kind: str) -> float:
    text = value.text.lower()
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    if value.kind != "string" and digits in SPECIAL:
        return float(sign + SPECIAL[digits])
    if value.kind != "number":
        raise Unfit("a number")
    if digits.startswith("0x") or re.fullmatch(r"0[0-7]+", digits):
        return float(_whole(value, "I"))
    try:
        return float(sign + digits.rstrip("f"))
    except ValueError:
        raise Unfit("a number") from None


def _truth(value: TextValue, kind: str) -> bool:
    if value.kind == "string" or value.text not in TRUTH:
        raise Unfit("true or false")
    return TRUTH[value.text]


def _string(value: TextValue, kind: str) -> str:
    return _bytes(value, kind).decode("utf-8", "replace")


def _bytes(value: TextValue, kind: str) -> bytes:
    if value.kind != "string":
        raise Unfit("a string in quotes")
    return string_bytes(value.text)


def _enum(value: TextValue, kind: str) -> int:
    words = enum_values(kind)
    if value.kind == "word" and value.text in words:
        return words[value.text]
    if value.kind == "number" and value.text in {str(number) for number in words.values()}:
        return int(value.text)
    raise Unfit(" or ".join(words) if len(words) <= 6 else f"one of {', '.join(sorted(words))}")


READERS: dict[str, Callable[[TextValue, str], Value]] = {
    "i": _whole,
    "I": _whole,
    "u": _whole,
    "f": _real,
    "d": _real,
    "b": _truth,
    "s": _string,
    "y": _bytes,
}
"""Letter of a type -> how its text is read."""
