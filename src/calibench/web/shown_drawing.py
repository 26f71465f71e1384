"""A sample with what was annotated or predicted drawn on it, as one picture: SVG inside a data URI.

A picture of the browser runs no script and loads nothing, whatever the names of classes are.
"""

import base64
import re
from collections.abc import Mapping
from html import escape
from typing import Any

IMAGE = re.compile(r"data:image/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/=]+")
"""What may be drawn: pictures inside the report, nothing from elsewhere."""
COLOURS = {"truth": "#2c9a5d", "fp32": "#b9c1cd", "int8": "#2f7be0"}
DARK_LETTERS = ("fp32",)
"""Whose labels have dark letters, because their ground is light."""
SIDE = 100.0
"""Of a drawing whose size is not known."""
LETTER_WIDTH, GROUND_HEIGHT = 0.62, 1.3
"""Of a bold letter and of a label's ground, in heights of a letter, about."""
MOST_OBJECTS = 60
"""Boxes and points of one answer that are drawn; more could not be told apart."""

Shown = Mapping[str, Any]


def safe_picture(uri: Any) -> str | None:
    """A picture that may be drawn; None for anything else."""
    return uri if isinstance(uri, str) and IMAGE.fullmatch(uri) else None


def drawing(picture: Any, size: Any, shown: Shown, tone: str) -> str | None:
    """A data URI of the sample with the answer on it; None where there is nothing to see.

    Args:
        picture: data URI of what the model saw.
        size: height, width of that picture, pixels.
        tone: truth, fp32 or int8.
    """
    base = safe_picture(shown.get("picture")) or safe_picture(picture)
    overlay = safe_picture(shown.get("overlay"))
    if base is None and overlay is None:
        return None
    height, width = (float(side) for side in size) if size else (SIDE, SIDE)
    parts = [_image(each, width, height) for each in (base, overlay) if each]
    parts += _boxes(shown, (width, height), tone)
    parts += _points(shown, (width, height), tone)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}">{"".join(parts)}</svg>'
    )
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _image(uri: str, width: float, height: float) -> str:
    return f'<image href="{uri}" width="{width:g}" height="{height:g}" preserveAspectRatio="none"/>'


def _boxes(shown: Shown, size: tuple[float, float], tone: str) -> list[str]:
    labels = list(shown.get("box_labels") or ())
    boxes = list(shown.get("boxes") or ())[:MOST_OBJECTS]
    return [_box(box, labels[i] if i < len(labels) else "", size, tone) for i, box in enumerate(boxes)]


def _box(box: Any, label: str, size: tuple[float, float], tone: str) -> str:
    width, height = size
    letter = max(size) / 20
    x, y = float(box[0]) * width, float(box[1]) * height
    w, h = max(0.0, float(box[2]) * width - x), max(0.0, float(box[3]) * height - y)
    colour, ink = COLOURS[tone], "#14171c" if tone in DARK_LETTERS else "#fff"
    frame = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="none" stroke="#000" '
        f'stroke-opacity=".5" stroke-width="{letter / 4:.1f}"/>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="none" stroke="{colour}" '
        f'stroke-width="{letter / 7:.1f}"/>'
    )
    if not label:
        return frame
    room = min(len(label) * letter * LETTER_WIDTH + letter / 2, width)
    ground = letter * GROUND_HEIGHT
    top = y - ground if y >= ground else min(y, height - ground)
    left = min(x, max(0.0, width - room))
    shown = escape(clean(label))
    return (
        f'{frame}<rect x="{left:.1f}" y="{top:.1f}" width="{room:.1f}" height="{ground:.1f}" fill="{colour}"/>'
        f'<text x="{left + letter / 4:.1f}" y="{top + letter:.1f}" font-size="{letter:.1f}" font-weight="600" '
        f'font-family="system-ui, sans-serif" fill="{ink}">{shown}</text>'
    )


def clean(words: str) -> str:
    """Without characters that XML does not know."""
    return "".join(letter for letter in words if letter.isprintable())


def _points(shown: Shown, size: tuple[float, float], tone: str) -> list[str]:
    radius = max(size) / 70
    return [
        f'<circle cx="{float(x) * size[0]:.1f}" cy="{float(y) * size[1]:.1f}" r="{radius:.1f}" '
        f'fill="{COLOURS[tone]}" stroke="#000" stroke-opacity=".6" stroke-width="{radius / 4:.2f}"/>'
        for x, y in list(shown.get("points") or ())[: 10 * MOST_OBJECTS]
    ]


def words(shown: Shown) -> str:
    """What an answer says, in words: for below the picture, and for those who do not see it."""
    said = str(shown.get("text") or "")
    labels = list(shown.get("box_labels") or ())
    if labels and not said:
        said = ", ".join(labels[:8]) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")
    boxes = len(shown.get("boxes") or ())
    return said or (f"{boxes} boxes" if boxes else "")
