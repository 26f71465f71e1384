"""Words on a page: always text, never read as HTML, whatever a person called their things."""

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from calibench.things.kept import JobState, ThingState
from calibench.web import looks


def text(content: str, tag: str = "span") -> TextElement:
    """Text in an element of its own kind, such as 'h1', 'p' or 'td'."""
    return TextElement(tag=tag, text=content)


def tell(error: Exception | str) -> None:
    """A note at the edge of the page: what did not work."""
    ui.notify(
        str(error), type="negative", multi_line=True, timeout=10_000, actions=[{"label": "Close", "color": "white"}]
    )


def said(message: str) -> None:
    """A note at the edge of the page: what was done."""
    ui.notify(message, type="positive", timeout=3000)


def state(value: JobState | ThingState) -> ui.element:
    """A state as icon and word, in its colour."""
    with ui.element("span").classes(f"state state-{value}") as element:
        ui.icon(looks.STATE_ICONS[value])
        text(looks.STATE_WORDS[value])
    return element


def note(message: str, kind: str = "info", icon: str = "info") -> ui.element:
    """A sentence that stands out; `kind`: info, bad or plain. What follows in its `with` stands below the sentence."""
    with ui.element("div").classes(f"note note-{kind}").props(f'role="{"alert" if kind == "bad" else "note"}"'):
        ui.icon(icon)
        body = ui.element("div").classes("stack")
    with body:
        text(message)
    return body
