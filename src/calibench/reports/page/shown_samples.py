"""Samples on which the models differ: the truth, FP32 and INT8 side by side."""

import re
from dataclasses import dataclass, replace

from calibench.reports.page.figures import drop, drop_unit, score, with_unit
from calibench.reports.report import Report, SampleRow, Shown
from calibench.things.sample_words import differing_words

IMAGE = re.compile(r"data:image/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]+")
"""What may be drawn: pictures inside the report, nothing from elsewhere."""

SIDE = 100.0
"""Width of a picture whose size is not known, in units of the drawing."""

LETTERS = 0.66
"""Width of a bold letter over its height, about, for the ground of a label."""

GROUND = 1.25
"""Height of that ground over the height of a letter."""


@dataclass(frozen=True)
class Box:
    """A box in the units of the drawing, with its label and the width of the label's ground."""

    x: float
    y: float
    width: float
    height: float
    label: str
    label_width: float
    label_y: float
    label_x: float


@dataclass(frozen=True)
class Panel:
    """One answer: a picture with what is drawn on it, and the text below.

    Attributes:
        picture: data URI of a picture of its own; None where the sample's picture is shown.
        overlay: data URI of what covers the picture.
        has_picture: whether there is anything to draw.
    """

    tone: str
    title: str
    text: str = ""
    picture: str | None = None
    overlay: str | None = None
    boxes: tuple[Box, ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    has_picture: bool = True


@dataclass(frozen=True)
class Card:
    """One sample. `width`, `height`: of the drawing; `letter`: height of a letter in its units."""

    name: str
    caption: str
    picture: str | None
    width: float
    height: float
    letter: float
    panels: tuple[Panel, ...]


def differing(report: Report) -> str:
    """On how many samples the models differ, and how those that are shown are sorted; empty where none is."""
    if not report.samples:
        return ""
    known = "" if report.differing is None else differing_words(report.differing, report.evaluated, report.agreement)
    count = len(report.samples)
    shown = f"{count} {'is' if count == 1 else 'are'} shown, what lost most first"
    gained = ", what gained most last" if count > 1 and report.samples[-1].worse < 0 else ""
    return f"{known}. {shown}{gained}." if known else f"{shown}{gained}."


def cards(report: Report) -> list[Card]:
    """The samples as they are shown, in the order of the report: the worst first."""
    return [_card(report, row) for row in report.samples]


def _card(report: Report, row: SampleRow) -> Card:
    height, width = (float(side) for side in row.size) if row.size else (SIDE, SIDE)
    letter = max(height, width) / 18
    picture = safe_picture(row.picture)
    answers = (("truth", "Truth", row.truth), ("fp32", "FP32", row.baseline), ("int8", "INT8", row.int8))
    panels = [
        _panel(tone, title, shown, (width, height, letter), picture is not None)
        for tone, title, shown in answers
        if shown is not None
    ]
    if picture and any(panel.picture for panel in panels):
        panels.insert(0, Panel("input", "Input"))
    return Card(row.name, _caption(report, row), picture, width, height, letter, tuple(panels))


def _caption(report: Report, row: SampleRow) -> str:
    values = " to ".join(score(value, report.unit) for value in (row.baseline_value, row.int8_value))
    worse = with_unit(drop(abs(row.worse), report.unit), drop_unit(report.unit))
    noise = f", outputs {row.sqnr_db:.1f} dB" if row.sqnr_db is not None else ""
    way = "better" if row.worse < 0 else "worse"
    return f"{report.metric or 'value'} {values}: {way} by {worse}{noise}"


def _panel(tone: str, title: str, shown: Shown, size: tuple[float, float, float], has_picture: bool) -> Panel:
    width, height, _ = size
    own = safe_picture(shown.picture)
    return Panel(
        tone,
        title,
        shown.text or "",
        own,
        safe_picture(shown.overlay),
        _boxes(shown, size),
        tuple((round(x * width, 2), round(y * height, 2)) for x, y in shown.points),
        has_picture or own is not None,
    )


def _boxes(shown: Shown, size: tuple[float, float, float]) -> tuple[Box, ...]:
    """The boxes, the surest first; a label that would lie on one before it is left to the title of its box."""
    drawn: list[Box] = []
    for place, label in _labelled(shown):
        box = _box(place, label, size)
        covers = any(other.label and _overlap(box, other, size[2] * GROUND) for other in drawn)
        drawn.append(replace(box, label="") if covers else box)
    return tuple(drawn)


def _overlap(one: Box, other: Box, height: float) -> bool:
    beside = one.label_x + one.label_width <= other.label_x or other.label_x + other.label_width <= one.label_x
    return not beside and abs(one.label_y - other.label_y) < height


def _labelled(shown: Shown) -> list[tuple[tuple[float, float, float, float], str]]:
    labels = (*shown.box_labels, *[""] * len(shown.boxes))
    return list(zip(shown.boxes, labels, strict=False))


def _box(box: tuple[float, float, float, float], label: str, size: tuple[float, float, float]) -> Box:
    width, height, letter = size
    left, top, right, bottom = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    places = (left, top, right - left, bottom - top)
    x, y, w, h = (round(max(place, 0.0), 2) for place in places)
    wide = round(letter * (LETTERS * len(label) + 0.5), 2)
    inside = max(min(x, width - wide), 0.0)
    return Box(x, y, w, h, label, wide, round(max(top - letter * GROUND, 0.0), 2), round(inside, 2))


def safe_picture(uri: str | None) -> str | None:
    """The data URI if it holds a picture; None for any other address."""
    return uri if uri and IMAGE.fullmatch(uri) else None
