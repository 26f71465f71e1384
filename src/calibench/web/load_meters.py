"""How busy a target is, on its page: meters that follow it."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from calibench.things.kept import TargetLoad
from calibench.web.load_words import load_sentences, percent_words
from calibench.web.words import text

LOOK_S = 2.0
"""Seconds between two questions; another machine is looked at less often."""


def load_meters(read: Callable[[], TargetLoad], is_here: bool) -> None:
    """Processor and memory, and in words what else is known; both go on as the machine does."""
    place = ui.element("div").classes("loads")
    words = text("", "p").classes("quiet")
    meters: dict[str, tuple[ui.linear_progress, Any]] = {}

    def show() -> None:
        load = read()
        shares = {"Processor": load.cpu_percent, "Memory": load.memory_percent}
        known = {name: share for name, share in shares.items() if share is not None}
        if known.keys() != meters.keys():
            meters.clear()
            place.clear()
            with place:
                meters.update({name: _meter(name) for name in known})
        for name, share in known.items():
            bar, number = meters[name]
            bar.value = share / 100
            number.set_text(percent_words(share))
        words.set_text(load_sentences(load, is_here))

    show()
    ui.timer(LOOK_S, show)


def _meter(name: str) -> tuple[ui.linear_progress, Any]:
    with ui.element("div").classes("load"):
        text(name)
        bar = ui.linear_progress(0.0, show_value=False, size="8px")
        return bar.props(f'rounded aria-label="{name}"'), text("").classes("number")
