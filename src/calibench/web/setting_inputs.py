"""The element of a page for a setting: a choice, a number, or words with suggestions."""

from typing import Any

from nicegui import ui

from calibench.web.setting_fields import SettingField


def setting_input(setting: SettingField) -> Any:
    """An empty field with title and hint."""
    if setting.choices:
        field: Any = ui.select(dict(setting.choices), label=setting.title)
    elif setting.kind in ("number", "whole"):
        field = ui.number(setting.title)
    else:
        field = ui.input(setting.title, autocomplete=list(setting.suggestions) or None)
    field.props("dense outlined")
    if setting.hint:
        field.props["hint"] = setting.hint
    return field
