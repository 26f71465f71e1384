"""Buttons that may not be possible: greyed out, with the reason beside them, on hover and for screen readers."""

import time
from collections.abc import Callable
from typing import Any

from nicegui import ui

from calibench.web.link_button import lead_to
from calibench.web.words import text

TWICE_S = 0.8
"""Seconds; a press that comes sooner is the second half of a double click, which means what a click means."""


class PossibleButton:
    """A button and the reason why it cannot be pressed; it stays in the order of the keyboard, so that it is heard.

    Args:
        address: of the page that it leads to, where it does nothing else.
        is_reason_seen: the reason stands beside the button; no: it stands on the page anyway.
    """

    def __init__(
        self,
        label: str,
        action: Callable[[], Any] = lambda: None,
        icon: str | None = None,
        *,
        address: str = "",
        is_reason_seen: bool = True,
    ) -> None:
        self.action, self.address = action, address
        self.reason = ""
        self._pressed = float("-inf")
        self.button = ui.button(label, icon=icon, on_click=self._press).props("no-caps unelevated")
        with self.button:
            self.hint = ui.tooltip("")
        self.words = text("", "p").classes("quiet reason" if is_reason_seen else "screen-readers")
        self.words.props["id"] = f"reason-{self.words.id}"
        self.button.props["aria-describedby"] = f"reason-{self.words.id}"
        self.allow("")

    def allow(self, reason: str) -> None:
        """Grey it out for a reason; '': it can be pressed."""
        self.reason = reason
        self.words.set_text(reason)
        self.words.set_visibility(bool(reason))
        self.hint.set_text(reason)
        self.hint.set_visibility(bool(reason))
        self.button.classes(add="greyed") if reason else self.button.classes(remove="greyed")
        self.button.props["aria-disabled"] = "true" if reason else "false"
        lead_to(self.button, "" if reason else self.address)

    def set_visibility(self, is_seen: bool) -> None:
        """Show it, or take it away where something else stands in its place."""
        self.button.set_visibility(is_seen)
        self.words.set_visibility(is_seen and bool(self.reason))

    def refused(self) -> None:
        """What the press asked for was not done: the next press counts, however soon it comes."""
        self._pressed = float("-inf")

    def _press(self) -> Any:
        now = time.monotonic()
        is_second, self._pressed = now - self._pressed < TWICE_S, now
        return None if self.reason or is_second else self.action()
