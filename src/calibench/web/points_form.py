"""Measure throughput at more points: every batch with every number of streams."""

import re
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from calibench.errors import CalibenchError
from calibench.things.asked import Points
from calibench.web import looks
from calibench.web.button_looks import FILLED
from calibench.web.opened_project import OpenedProject
from calibench.web.words import tell, text

AUTO = "auto"
"""What stands for the runtime's own choice of streams."""

Errors = dict[str, str]


def numbers_of(words: str, *, has_auto: bool = False) -> tuple[int, ...]:
    """'1, 2 4' -> 1, 2, 4; each once, in the order in which they stand; 'auto' is 0 where that is a choice.

    Raises:
        ValueError: says which word is no number.
    """
    found: dict[int, None] = {}
    for word in re.split(r"[,;\s]+", words.strip()):
        if has_auto and word.lower() == AUTO:
            found[0] = None
        elif word.isdecimal() and word.isascii() and len(word) < 8:
            found[int(word)] = None
        elif word:
            raise ValueError(
                f"'{word}' is no whole number{f', nor {AUTO}' if has_auto else ''}. Write such as 1, 4, 8."
            )
    return tuple(found)


def points_of(batches: str, streams: str, seconds: float | None = 1.0, rounds: float | None = 3) -> tuple[Any, Errors]:
    """What a form asks for, as Points and no errors; or None and a sentence by field."""
    values: dict[str, Any] = {"seconds": seconds, "rounds": rounds}
    errors: Errors = {}
    for field, words, has_auto in (("batches", batches, False), ("streams", streams, True)):
        try:
            values[field] = numbers_of(words or "", has_auto=has_auto)
        except ValueError as error:
            errors[field] = str(error)
    if errors:
        return None, errors
    try:
        return Points.model_validate(values), {}
    except ValidationError as error:
        return None, {str(each["loc"][0]): sentence(each["msg"]) for each in reversed(error.errors())}


def sentence(message: str) -> str:
    """A message of pydantic as it stands beside a field."""
    known = {
        "Tuple should have at least 1 item after validation, not 0": "Give at least one.",
        "Input should be a valid number": "Give a number.",
        "Input should be a valid integer": "Give a whole number.",
    }
    if message in known:
        return known[message]
    words = message.removeprefix("Value error, ").replace("Input should be", "Must be")
    words = re.sub(
        r"Tuple should have at most (\d+) items? after validation, not \d+", r"At most \1 are possible", words
    )
    words = words[:1].upper() + words[1:]
    return words if words.endswith(".") else f"{words}."


def said(numbers: Any, *, has_auto: bool = False) -> str:
    """Numbers as the form writes them."""
    return ", ".join(AUTO if has_auto and number == 0 else str(number) for number in numbers)


def time_needed(points: Points, models: int) -> float:
    """Seconds that measuring takes, about."""
    return models * len(points.batches) * len(points.streams) * (points.rounds * points.seconds + 0.6)


def draw(opened: OpenedProject) -> None:
    """The form, folded until it is wanted."""
    draft = opened.draft
    with ui.expansion("Measure more points", icon="add_chart").classes("panel-fold") as fold:
        fold.bind_value(draft, "points_open")
        with ui.element("div").classes("stack"):
            with ui.element("div").classes("fields"):
                batches = _field("Batches", "such as 1, 4, 8", draft, "batches", "1, 2, 4, 8")
                streams = _field("Streams", "auto: the runtime's own choice", draft, "streams", "auto, 1, 2")
                seconds = ui.number("Seconds a measurement", value=1, step=0.5).props("dense outlined")
                seconds.bind_value(draft, "seconds")
                rounds = ui.number("Rounds", value=3, step=1).props("dense outlined")
                rounds.bind_value(draft, "rounds")
            needed = text("", "p").classes("quiet")
            button = ui.button("Measure", on_click=lambda: measure()).props(FILLED).classes("own-width")
    fields: dict[str, Any] = {"batches": batches, "streams": streams, "seconds": seconds, "rounds": rounds}

    def check() -> Points | None:
        points, errors = points_of(batches.value, streams.value, seconds.value, rounds.value)
        for name, field in fields.items():
            show_error(field, errors.get(name))
        button.set_enabled(points is not None and not opened.project.is_archived)
        if isinstance(points, Points):
            models = 3 if opened.is_int8 else 2
            combinations = looks.count(len(points.batches) * len(points.streams), "point")
            needed.set_text(f"{combinations}, about {looks.duration(time_needed(points, models))}.")
        else:
            needed.set_text("")
        return points if isinstance(points, Points) else None

    def measure() -> None:
        points = check()
        if points is None:
            return
        try:
            opened.workbench.projects.benchmark(opened.id, points)
        except CalibenchError as error:
            tell(error)

    for field in fields.values():
        field.on_value_change(check)
    check()


def _field(title: str, hint: str, draft: dict[str, Any], name: str, begin: str) -> Any:
    field = ui.input(title, value=begin).props(f'dense outlined hint="{hint}"')
    return field.bind_value(draft, name)


def show_error(field: Any, message: str | None) -> None:
    """A sentence below a field, or none; the field's own checks would take it away again, so there are none."""
    field.without_auto_validation()
    field.error = message or None
