"""Dialogs that ask before something is done, such as for a new name. Escape closes them, and nothing was done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from nicegui import context, ui
from pydantic import ValidationError

from calibench.errors import CalibenchError
from calibench.store.refused import Conflict
from calibench.things.asked import Rename
from calibench.things.kept import NAME_LENGTH
from calibench.web.words import text


@contextmanager
def dialog(title: str) -> Iterator[ui.dialog]:
    """An open dialog with a heading; it is removed when it closes.

    It stands beside the page's content: what is drawn anew meanwhile does not take it, and what was typed, away.
    """
    with context.client.content, ui.dialog(value=True) as opened, ui.card().classes("dialog"):
        opened.props["aria-label"] = title
        text(title, "h2")
        yield opened
    opened.on("hide", opened.delete)


def buttons(opened: ui.dialog, label: str, action: Callable[[], Any], color: str = "primary") -> ui.button:
    """Cancel, and the button that does it."""
    with ui.element("div").classes("line dialog-buttons"):
        ui.button("Cancel", on_click=opened.close).props("flat no-caps color=none")
        return ui.button(label, on_click=action).props(f"no-caps unelevated color={color}")


def ask_name(what: str, name: str, version: int, rename: Callable[[Rename], Any]) -> None:
    """Ask for a new name of `what`, such as 'model'; why it was refused stands below the field."""

    def keep() -> None:
        try:
            rename(Rename(name=field.value or "", version=version))
        except Conflict:
            show_error(field, f"This {what} was changed meanwhile, here or elsewhere. Cancel, and look at it again.")
        except (CalibenchError, ValidationError) as error:
            show_error(field, error)
        else:
            opened.close()

    with dialog(f"Rename the {what}") as opened:
        field = name_field(name).props("autofocus").on("keydown.enter", keep)
        buttons(opened, "Rename", keep)


def name_field(name: str = "") -> ui.input:
    """A field for the name of a thing."""
    field = ui.input("Name", value=name).props(f"outlined dense maxlength={NAME_LENGTH}").classes("full")
    field.on_value_change(lambda: field.props(remove="error error-message"))
    return field


def show_error(field: ui.element, error: Exception | str) -> None:
    """One sentence below a field."""
    field.props["error"] = True
    field.props["error-message"] = sentence(error)
    field.update()


def sentence(error: Exception | str) -> str:
    """What was wrong, for a person; of a form, its first fault."""
    if not isinstance(error, ValidationError):
        return str(error)
    words = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
    return words[:1].upper() + words[1:] + "."
