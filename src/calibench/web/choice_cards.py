"""A choice among a few cards, each with room for words and fields of its own; radio buttons for the keyboard."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from calibench.web.words import text

Choice = tuple[str, str, str]
"""Value, title, what it means."""

FROM_A_RADIO = "event => event.target.closest('.q-radio') && (event.preventDefault(), emit())"
"""Arrows move the choice from a radio button; in a field of a card they keep their own meaning."""


class ChoiceCards:
    """The cards; `body[value]` is where further things of a card go, shown while it is chosen."""

    def __init__(self, label: str, choices: Sequence[Choice], value: str, on_change: Callable[[str], Any]) -> None:
        self.value, self.on_change = value, on_change
        self.cards: dict[str, ui.element] = {}
        self.radios: dict[str, ui.element] = {}
        self.body: dict[str, ui.element] = {}
        self.notes: dict[str, ui.element] = {}
        self.is_greyed: set[str] = set()
        with ui.element("div").classes("cards").props('role="radiogroup"') as group:
            group.props["aria-label"] = label
            for choice in choices:
                self._card(choice)
        for keys, step in ((("left", "up"), -1), (("right", "down"), 1)):
            for key in keys:
                group.on(f"keydown.arrow-{key}", partial(self._move, step), js_handler=FROM_A_RADIO)
        self._mark()

    def _card(self, choice: Choice) -> None:
        value, title, meaning = choice
        with ui.element("div").classes("choice") as card:
            radio = (
                ui.element("q-radio").props(f'val="{value}" dense').on("update:model-value", lambda: self.choose(value))
            )
            radio.props["label"] = title
            with text(meaning, "p").classes("choice-words") as words:
                words.props["id"] = f"choice-{words.id}"
            radio.props["aria-describedby"] = f"choice-{words.id}"
            self.notes[value] = ui.element("div").classes("stack")
            self.body[value] = ui.element("div").classes("stack")
        words.on("click", lambda: self.choose(value))
        self.cards[value], self.radios[value] = card, radio

    def choose(self, value: str) -> None:
        """Choose a card, as by a click; a greyed one stays as it is."""
        if value in self.is_greyed or value == self.value:
            return
        self.value = value
        self._mark()
        self.on_change(value)

    def grey(self, value: str, is_greyed: bool) -> None:
        """Whether a card cannot be chosen; why stands in its `notes`."""
        (self.is_greyed.add if is_greyed else self.is_greyed.discard)(value)
        self._mark()

    def _move(self, step: int) -> None:
        """The arrows go round the cards that can be chosen."""
        values = [value for value in self.cards if value not in self.is_greyed]
        if len(values) > 1 and self.value in values:
            self.choose(values[(values.index(self.value) + step) % len(values)])
            ui.run_javascript(f"getHtmlElement({self.radios[self.value].id})?.focus()")

    def _mark(self) -> None:
        for value, card in self.cards.items():
            is_chosen, is_greyed = value == self.value, value in self.is_greyed
            card.classes(add="chosen" if is_chosen else "", remove="" if is_chosen else "chosen")
            card.classes(add="greyed" if is_greyed else "", remove="" if is_greyed else "greyed")
            self.radios[value].props["model-value"] = self.value
            self.radios[value].props["disable"] = is_greyed
            self.body[value].set_visibility(is_chosen)
