"""What trying accuracy settings has shown: the score, the likely mistake with the way to mend it, pictures."""

from collections.abc import Callable, Mapping
from typing import Any

from nicegui import ui

from calibench.web import looks
from calibench.web.accuracy_form import changes
from calibench.web.button_looks import FILLED, OUTLINE
from calibench.web.page_words import in_page
from calibench.web.sample_cards import TRIED, sample_cards
from calibench.web.words import note, text

Plain = Mapping[str, Any]
PICTURES = 8
"""Cards that are drawn at once."""


def show_trial(tried: Plain, settings: Plain, take: Callable[[dict[str, Any]], None]) -> None:
    """Draw it.

    Args:
        tried: as in out/try.json.
        settings: that stand in the form.
        take: puts other settings into the form, and tries them.
    """
    with ui.element("div").classes("trial-head"):
        _score(tried)
        _findings(tried, settings, take)
    _settled(tried, settings, take)
    unit = str((tried.get("score") or {}).get("unit") or "%")
    if tried["rows"]:
        sample_cards(tried["rows"], TRIED, unit, at_once=PICTURES, kind="strip")
    for words in tried.get("warnings") or ():
        note(in_page(str(words)), icon="warning")
    notes = tried.get("notes") or ()
    if notes:
        with ui.expansion("How it was found").props("dense").classes("full"), ui.element("ul").classes("bullets"):
            for words in notes:
                text(in_page(str(words)), "li")


def _score(tried: Plain) -> None:
    with ui.element("div"):
        found = tried.get("score")
        if not found:
            text("No score", "p").classes("big-number quiet")
            why = in_page(str(tried.get("why_no_score") or "No annotations fit the task."))
            text(why, "p").classes("quiet measure")
            return
        text(looks.score(found["score"], found["unit"]), "p").classes("big-number")
        text(f"{found['metric']} on {looks.count(found['samples'], 'sample')}", "p").classes("quiet")


def _findings(tried: Plain, settings: Plain, take: Callable[[dict[str, Any]], None]) -> None:
    """The likely mistakes, each with what mending it gives; one button mends all."""
    findings = tried.get("findings") or ()
    if not findings:
        return
    unit = str((tried.get("score") or {}).get("unit") or "%")
    mended = dict(tried.get("mended") or tried["settled"])
    with note("Likely mistake" if len(findings) == 1 else "Likely mistakes", "bad", "error"):
        for finding in findings:
            gain = f"{looks.score(finding['before'], unit)} → {looks.score(finding['after'], unit)}"
            text(f"{str(finding['cause']).capitalize()}: {in_page(str(finding['says'])).rstrip('.')}. {gain} on "
                 f"{looks.count(finding['samples'], 'sample')}.", "p")  # fmt: skip
        said = changes(settings, mended)
        if said:
            text("; ".join(said), "p")
        ui.button("Mend it", on_click=lambda: take(mended)).props(FILLED).classes("own-width")


def _settled(tried: Plain, settings: Plain, take: Callable[[dict[str, Any]], None]) -> None:
    """What was left open, and how it was taken."""
    if tried.get("findings"):
        return
    settled = dict(tried["settled"])
    said = changes(settings, settled)
    if said:
        with ui.element("div").classes("line"):
            text("Found for what was left open: " + "; ".join(said)).classes("quiet")
            ui.button("Put into the form", on_click=lambda: take(settled)).props(OUTLINE)
