"""A link that looks like a button: for what only leads to another page."""

from nicegui import ui


def link_button(label: str, address: str, icon: str | None = None) -> ui.button:
    """A button that the browser itself follows: into a new tab too, and whatever is drawn anew meanwhile.

    Args:
        address: of a page of ours, from / on.
    """
    button = ui.button(label, icon=icon).props("no-caps")
    lead_to(button, address)
    return button


def lead_to(button: ui.button, address: str) -> None:
    """Let it lead there from now on; '': nowhere, so that it is a button again."""
    if address:
        button.props["href"] = address
    else:
        button.props.pop("href", None)
    button.update()
