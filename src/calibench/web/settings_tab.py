"""Settings: what differs from the defaults, the whole as YAML, and how samples enter the model."""

from typing import Any

from nicegui import ui

from calibench.settings import InputSettings, Settings
from calibench.web.copying import copy_block
from calibench.web.opened_project import OpenedProject
from calibench.web.setting_fields import as_yaml
from calibench.web.settings_origin import settings_words
from calibench.web.words import text


def draw(opened: OpenedProject) -> None:
    """The settings of the calibration; of an FP32 project those of its model."""
    model_id = opened.model.parent_id or opened.model.id
    with ui.element("div").classes("line"):
        text("How samples enter the model and how its answers are read:")
        address = f"/models/{model_id}/accuracy?dataset={opened.dataset.id}&back=/projects/{opened.id}"
        ui.link("accuracy settings", address)
        text(settings_words(opened.workbench, opened.model)).classes("quiet")
    values = opened.project.settings or {"device": opened.project.device, **opened.model.accuracy_settings}
    rows = changed(values)
    if (workers := opened.project.ask.get("workers") or 0) > 1:
        rows.append(("worker processes", str(workers)))
    text("What differs from the defaults", "h2")
    if not rows:
        text("Nothing: all settings are the defaults.", "p").classes("quiet")
    with ui.element("dl").classes("facts"):
        for name, value in rows:
            text(name, "dt").classes("mono")
            text(value, "dd").classes("mono")
    text("All settings", "h2")
    copy_block(as_yaml(values), "Settings as YAML")


def changed(values: dict[str, Any]) -> list[tuple[str, str]]:
    """Dotted name and value of what is not the default, in the order of the settings."""
    of_inputs = dict.fromkeys(values.get("inputs") or {}, InputSettings().model_dump(mode="json"))
    defaults = Settings().model_dump(mode="json") | {"inputs": of_inputs}
    return [(name, said(value)) for name, value in _walk(values, defaults, "")]


def _walk(values: dict[str, Any], defaults: Any, above: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        before = defaults.get(name) if isinstance(defaults, dict) else None
        if value == before or value in (None, {}, []):
            continue
        full = ".".join(part for part in (above, name) if part)  # '' stands for every input
        found += _walk(value, before, full) if isinstance(value, dict) else [(full, value)]
    return found


def said(value: Any) -> str:
    """A value as YAML would hold it, on one line."""
    if isinstance(value, list | tuple):
        return ", ".join(said(each) for each in value)
    return {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)
