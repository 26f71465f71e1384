"""Fields of forms that stand for settings: what a field shows, what an entry means, where it belongs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from calibench.errors import SettingsError
from calibench.settings import ALIAS, InputSettings, Settings, make_settings, plain_yaml


@dataclass(frozen=True)
class SettingField:
    """A field.

    Attributes:
        name: dotted, as in Settings; `inputs.` stands for the input that is edited.
        choices: value -> what the field says; {}: a field to type into.
        kind: how an entry is read: words, number, whole (number), list (of words), numbers, size (height x width).
        suggestions: what may be typed, where anything may be.
    """

    name: str
    title: str
    hint: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    kind: str = "words"
    suggestions: tuple[str, ...] = ()


def meant(setting: SettingField, entry: Any) -> Any:
    """The value of an entry; None: the default.

    Raises:
        ValueError: what is wrong with it, in a sentence.
    """
    value = _READ[setting.kind](entry)
    return None if value in (None, "", []) or same(value, default(setting.name)) else value


def shown(setting: SettingField, value: Any) -> Any:
    """A value as its field holds it; None: the default."""
    if value is None:
        value = default(setting.name)
    if setting.kind in ("number", "whole"):
        return value
    if setting.kind == "size":
        return " x ".join(str(side) for side in value or ())
    if isinstance(value, list | tuple):
        return ", ".join(f"{each:g}" if isinstance(each, float) else str(each) for each in value)
    return "" if value is None else value


def default(name: str) -> Any:
    """The default of a setting."""
    section, _, inner = name.partition(".")
    if section == "inputs":
        return getattr(InputSettings(), inner)
    value: Any = getattr(Settings(), section)
    return getattr(value, inner) if inner else value


def same(a: Any, b: Any) -> bool:
    """Whether two values of a setting are alike, however they are listed."""
    plain = [list(value) if isinstance(value, list | tuple) else value for value in (a, b)]
    return bool(plain[0] == plain[1])


def put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The same values with one more; None takes it out, and sections that are empty then go too."""
    changed = dict(values)
    first, *rest = path
    if rest:
        before = changed.get(first)
        inner = put(before if isinstance(before, dict) else {}, tuple(rest), value)
        value = inner or None
    if value is None:
        changed.pop(first, None)
    else:
        changed[first] = value
    return changed


def take(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """A value out of plain settings; None where it is not there."""
    found: Any = values
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def fault(values: Mapping[str, Any], name: str = "") -> str:
    """What Settings say to plain values; '' where nothing is wrong. `name`: left out where the sentence begins so."""
    try:
        make_settings(dict(values))
    except SettingsError as error:
        words = str(error).removeprefix(f"{name}: ")
        return words[:1].upper() + words[1:] if name and words != str(error) else words
    return ""


def mapping_of(words: str) -> tuple[dict[str, Any], str]:
    """'name: value' lines as plain values, and what is wrong with them."""
    try:
        values = plain_yaml(words)
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date such as 2026-99-99
        mark = getattr(error, "problem_mark", None)
        line = f"Line {mark.line + 1}: t" if mark else "T"
        if getattr(error, "problem", "") == ALIAS:
            return {}, f"{line[:-1]}{ALIAS}."
        return {}, f"{line}his is no valid YAML. Mend it, or quote values with ':'."
    if values is None:
        return {}, ""
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        return {}, "Expected 'name: value' lines."
    return values, ""


class _Dumper(yaml.SafeDumper):
    """Lists on one line, sections one below the other."""


_Dumper.add_representer(
    list, lambda dumper, values: dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=True)
)
_EMPTY = "the-empty-name"
"""Stands for the name '' while it is written: PyYAML would write a '?' in front of it, which people do not know."""


def as_yaml(values: Mapping[str, Any]) -> str:
    """Plain values as YAML; '' for none."""
    if not values:
        return ""
    words = yaml.dump(_named(dict(values)), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return re.sub(rf"^( *){_EMPTY}:", r"\1'':", words, flags=re.MULTILINE)


def _named(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {name or _EMPTY: _named(value) for name, value in values.items()}
    return [_named(value) for value in values] if isinstance(values, list | tuple) else values


def _list(entry: Any) -> list[str]:
    return [word.strip() for word in str(entry or "").split(",") if word.strip()]


def _numbers(entry: Any) -> list[float]:
    return [_number(word) for word in str(entry or "").replace(";", ",").split(",") if word.strip()]


def _number(entry: Any) -> Any:
    if entry in (None, ""):
        return None
    try:
        value = float(entry)
    except ValueError:
        raise ValueError(f"'{str(entry).strip()[:40]}' is no number.") from None
    return value


def _whole(entry: Any) -> Any:
    value = _number(entry)
    if value is not None and value != int(value):
        raise ValueError("Must be a whole number.")
    return None if value is None else int(value)


def _size(entry: Any) -> list[int]:
    words = str(entry or "").lower().replace("×", "x").replace(",", "x").split("x")  # noqa: RUF001 - people type it
    words = [word.strip() for word in words if word.strip()]
    if words and (len(words) != 2 or not all(word.isdecimal() and word.isascii() for word in words)):
        raise ValueError("Give height and width in pixels, such as 224 x 224.")
    return [int(word) for word in words]


def _words(entry: Any) -> Any:
    return entry.strip() if isinstance(entry, str) else entry


_READ = {"words": _words, "number": _number, "whole": _whole, "list": _list, "numbers": _numbers, "size": _size}
