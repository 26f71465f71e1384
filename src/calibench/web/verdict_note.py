"""The verdict as it stands on a page: one note above the numbers."""

from nicegui import ui

from calibench.web.page_words import in_page
from calibench.web.project_verdict import ICONS, Advice
from calibench.web.words import text


def show_verdict(verdict: Advice) -> None:
    """One note: what it is, what to do."""
    looks_of = {"good": "note-good", "warning": "note-warn"}.get(verdict["kind"], "note-info")
    with ui.element("div").classes(f"note verdict {looks_of}").props('role="note" aria-label="Verdict"'):
        ui.icon(ICONS.get(verdict["kind"], "info")).props('aria-hidden="true"')
        with ui.element("div"):
            text(in_page(str(verdict["title"])), "p").classes("advice-title")
            if verdict.get("action"):
                text(in_page(str(verdict["action"])), "p")
