"""Samples as cards: the truth and the answers side by side, a few at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from calibench.web import looks
from calibench.web.button_looks import OUTLINE
from calibench.web.shown_drawing import Shown, drawing
from calibench.web.shown_drawing import words as shown_words
from calibench.web.words import text

AT_ONCE = 6
"""Cards that are drawn before somebody asks for more: pictures take most of the bytes of a page."""
RIGHT_OR_WRONG = {100.0: "right", 0.0: "wrong"}
"""What the value of one sample means where its answer is one or the other."""

MARKS = {"right": "check", "wrong": "close"}

Row = Mapping[str, Any]
Answers = Sequence[tuple[str, str, str]]
"""Tone, title, and the field of the row, of each answer."""

BOTH: Answers = (("truth", "Truth", "truth"), ("fp32", "FP32", "baseline"), ("int8", "INT8", "int8"))
TRIED: Answers = (("truth", "Annotated", "truth"), ("fp32", "Predicted", "baseline"))


def sample_cards(
    rows: Sequence[Row], answers: Answers, unit: str = "%", *, at_once: int = AT_ONCE, kind: str = "samples"
) -> None:
    """The cards, and a button for more; `kind`: samples, or strip where they are small."""
    box = ui.element("div").classes(kind)
    drawn = 0

    def more() -> None:
        nonlocal drawn
        with box:
            for row in rows[drawn : drawn + at_once]:
                _card(row, answers, unit)
        drawn = min(len(rows), drawn + at_once)
        left = len(rows) - drawn
        button.set_visibility(left > 0)
        button.set_text(f"Show {left} more" if left <= at_once else f"Show {at_once} more of {left}")

    button = ui.button("", on_click=more).props(OUTLINE).classes("own-width")
    more()


def _card(row: Row, answers: Answers, unit: str) -> None:
    with ui.element("article").classes("sample-card panel"):
        text(str(row["name"]), "h3").classes("name")
        if row.get("worse") is not None:
            text(caption(row, unit), "p").classes("quiet")
        with ui.element("div").classes("sample-panels"):
            for tone, title, field in answers:
                shown = row.get(field)
                if shown:
                    _panel(row, shown, (tone, title), mark_of(row, field, unit))


def caption(row: Row, unit: str) -> str:
    """The value of one sample in FP32 and INT8."""
    if "int8_value" not in row:
        return ""
    values = (row["baseline_value"], row["int8_value"])
    if unit == "%" and row.get("truth") and set(values) <= set(RIGHT_OR_WRONG):
        before, after = (RIGHT_OR_WRONG[value] for value in values)
    else:
        before, after = (looks.score(value, unit) for value in values)
    return "FP32 and INT8 alike" if before == after else f"{before} in FP32, {after} in INT8"


def mark_of(row: Row, field: str, unit: str) -> str:
    """'right' or 'wrong' where an answer is one or the other; '' for the truth, and where answers are scored."""
    value = row.get(f"{field}_value")
    is_judged = unit == "%" and bool((row.get("truth") or {}).get("text"))
    return RIGHT_OR_WRONG.get(value, "") if is_judged and value is not None else ""


def wrong_ones(rows: Sequence[Row], unit: str) -> list[Row]:
    """The samples that FP32 gets wrong."""
    return [row for row in rows if mark_of(row, "baseline", unit) == "wrong"]


def _panel(row: Row, shown: Shown, whose: tuple[str, str], mark: str) -> None:
    tone, title = whose
    said = shown_words(shown)
    source = drawing(row.get("picture"), row.get("size"), shown, tone)
    with ui.element("figure").classes("sample-panel" + (f" is-{mark}" if mark else "")):
        with ui.element("figcaption").classes(f"key {tone}"):
            text(title)
            if mark:
                ui.icon(MARKS[mark]).props('aria-hidden="true"')
                text(mark).classes("sample-mark")
        if source:
            picture = ui.element("img").props('loading="lazy"')
            picture.props["src"] = source
            if row.get("size"):
                height, width = row["size"]
                picture.style(f"aspect-ratio: {int(width)} / {int(height)}")  # keeps its place until it is drawn
            picture.props["alt"] = f"{title}: {said or 'picture'}"
        if said:
            text(said, "p").classes("sample-words")
