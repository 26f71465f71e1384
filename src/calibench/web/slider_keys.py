"""Keys that a slider of Quasar lacks, and steps that suit its arrows."""

from nicegui import ui

STEPS = (0.01, 0.05, 0.1, 0.5, 1, 5, 10)
MOST_STEPS = 250


def step_of(end: float) -> float:
    """About 200 steps from 0 to `end`, each a round number."""
    return next((step for step in STEPS if end / step <= MOST_STEPS), 50.0)


def home_and_end(slider: ui.slider, low: float, high: float) -> None:
    """Home and End lead to the ends of a slider, as elsewhere."""
    slider.on("keydown.home.prevent", lambda: slider.set_value(low))
    slider.on("keydown.end.prevent", lambda: slider.set_value(high))
