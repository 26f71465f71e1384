"""The form of accuracy settings and its YAML, side by side and always in step."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from calibench.things.kept import KeptModel
from calibench.web.accuracy_form import (
    EVERY_INPUT,
    INPUT_FIELDS,
    MORE_FIELDS,
    TASK_FIELDS,
    entries,
    first_input,
    input_names,
    lean,
    typed,
    with_entry,
)
from calibench.web.points_form import show_error
from calibench.web.setting_fields import SettingField, as_yaml
from calibench.web.setting_inputs import setting_input
from calibench.web.words import text

Changed = Callable[[dict[str, Any], str], None]


class AccuracyFields:
    """Both views.

    Args:
        draft: keeps what was typed as YAML while it is not valid.
        changed: called with the settings and what is wrong ('': nothing) after every change.
    """

    def __init__(self, model: KeptModel, settings: dict[str, Any], draft: dict[str, Any], changed: Changed) -> None:
        self.model, self.settings, self.draft, self.changed = model, settings, draft, changed
        self.of_input = first_input(settings)
        self.fields: dict[str, Any] = {}
        self.wrong: dict[str, str] = {}
        self.is_filling = False
        with ui.element("div").classes("two-views"):
            with ui.element("section").classes("stack").props('aria-label="Form"'):
                self._form()
            with ui.element("section").classes("stack").props('aria-label="YAML"'):
                self._yaml()
        self._fill()

    def _form(self) -> None:
        text("How samples enter", "h2")
        names = input_names(self.settings, [port.name for port in self.model.inputs])
        if len(names) > 1:
            options = {name: name or "every input" for name in names}
            choice = ui.select(options, label="Input", value=self.of_input).props("dense outlined")
            choice.on_value_change(self._choose_input)
        self._group(INPUT_FIELDS)
        text("How answers are read", "h2")
        self._group(TASK_FIELDS)
        with ui.expansion("Objects, masks, texts and tables", icon="tune").classes("panel-fold"):
            self._group(MORE_FIELDS)

    def _group(self, group: tuple[SettingField, ...]) -> None:
        with ui.element("div").classes("fields"):
            for each in group:
                field = self.fields[each.name] = setting_input(each)
                field.on_value_change(lambda event, each=each: self._entered(each, event.value))

    def _yaml(self) -> None:
        text("The same as YAML", "h2")
        self.box = ui.textarea().props('outlined dense input-class="mono" rows=16 spellcheck=false autogrow')
        self.box.props('aria-label="Accuracy settings as YAML"').classes("full yaml-box")
        self.box.on_value_change(lambda event: self._typed(str(event.value or "")))
        text("Checked as you type. Empty: everything is guessed.", "p").classes("quiet")

    def _choose_input(self, event: Any) -> None:
        self.of_input = event.value or EVERY_INPUT
        self._fill(has_yaml=False)

    def _entered(self, field: SettingField, entry: Any) -> None:
        if self.is_filling:
            return
        settings, wrong = with_entry(self.settings, field, entry, self.of_input)
        self._mark(field.name, wrong)
        if not wrong:
            self.settings = lean(settings)
            self._fill_yaml()
        self._tell()

    def _typed(self, words: str) -> None:
        if self.is_filling:
            return
        settings, wrong = typed(words)
        self._mark("yaml", wrong)
        self.draft["yaml"] = words if wrong else ""
        if not wrong:
            self.settings = settings
            self._fill(has_yaml=False)
        self._tell()

    def _mark(self, name: str, wrong: str) -> None:
        self.wrong.pop(name, None)
        if wrong:
            self.wrong[name] = wrong
        show_error(self.box if name == "yaml" else self.fields[name], wrong)

    def _tell(self) -> None:
        self.changed(self.settings, next(iter(self.wrong.values()), ""))

    def set(self, settings: dict[str, Any]) -> None:
        """Other settings in both views."""
        self.settings = settings
        self._fill()
        self._tell()

    def _fill(self, has_yaml: bool = True) -> None:
        self.is_filling = True
        for name, value in entries(self.settings, self.of_input).items():
            self._mark(name, "")
            self.fields[name].set_value(value)
        self.is_filling = False
        if has_yaml:
            self._fill_yaml()

    def _fill_yaml(self) -> None:
        self.is_filling = True
        self._mark("yaml", "")
        self.box.set_value(as_yaml(self.settings))
        self.is_filling = False
