"""Dialogs that ask before something is deleted; what jobs of it left on targets is removed there first."""

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import run, ui

from calibench.errors import CalibenchError
from calibench.things.kept import Deletion
from calibench.web.asking import buttons, dialog
from calibench.web.page_words import in_page
from calibench.web.words import tell, text
from calibench.workbench.leftovers import CODE
from calibench.workbench.refusals import NotPossible


def deletion_buttons(
    opened: ui.dialog, left_on: Sequence[str], delete: Callable[[bool], Any], leads_to: str | None
) -> ui.button:
    """Cancel, and the button that deletes; where something stays on a target, it is said, and asked for once more.

    Args:
        left_on: targets on which something is removed first.
        delete: told whether to leave there what cannot be removed.
        leads_to: the page to go to afterwards; None: stay.
    """
    leave = False

    async def go() -> None:
        nonlocal leave
        button.set_enabled(False)
        words.set_text(f"Removing what is left on {', '.join(left_on)} ..." if left_on and not leave else "")
        try:
            await run.io_bound(delete, leave)
        except CalibenchError as error:
            leave = isinstance(error, NotPossible) and error.hindrance.code == CODE
            if leave:
                words.set_text(in_page(str(error)))
                button.set_text("Delete all the same")
            else:
                words.set_text("")
                tell(error)
            button.set_enabled(True)
            return
        opened.close()
        if leads_to is not None:
            ui.navigate.to(leads_to)

    words = text("", "p").props("role=status").classes("name")
    button = buttons(opened, "Delete", go, "negative")
    return button


def ask_deletion(
    what: str, name: str, look: Callable[[], Deletion], delete: Callable[[bool], Any], leads_to: str | None = None
) -> None:
    """Say what would go with a thing; delete it when that is confirmed.

    Args:
        what: such as 'model'.
        look: finds what would go.
        delete: told whether to leave on targets what cannot be removed there.
        leads_to: the page to go to afterwards; None: stay.
    """
    try:
        deletion = look()
    except CalibenchError as error:
        tell(error)
        return

    with dialog(f"Delete this {what}?") as opened:
        text(name, "p").classes("name strong")
        text(deletion.hindrance or deletion.sentence, "p")
        deletion_buttons(opened, deletion.left_on, delete, leads_to).set_enabled(not deletion.hindrance)
