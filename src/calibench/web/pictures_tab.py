"""Pictures: where FP32 and INT8 answer differently, and what FP32 gets wrong, beside what was annotated."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from calibench.things.sample_words import differing_words
from calibench.web import looks
from calibench.web.opened_project import OpenedProject
from calibench.web.sample_cards import BOTH, TRIED, sample_cards, wrong_ones
from calibench.web.words import text

TRIALS = 50
"""Trials of accuracy settings that are looked through for one of this model and dataset."""


def draw(opened: OpenedProject) -> None:
    """Of INT8, samples that differ, the worst first; of both, what FP32 gets wrong."""
    if opened.is_int8 and not opened.project.result:
        text("Pictures are shown here when both models have answered.", "p").classes("note")
        return
    if opened.is_int8:
        rows = opened.workbench.projects.pictures(opened.id)
        text(how_many(len(rows), opened.report), "p").classes("quiet")
        sample_cards(rows, BOTH, opened.project.headline.unit)
    _wrong_in_fp32(opened)


def _wrong_in_fp32(opened: OpenedProject) -> None:
    """Samples out of the newest trial of the accuracy settings; the way to one where there is none."""
    address = f"/models/{opened.family[0].model_id}/accuracy?dataset={opened.dataset.id}"
    tried = _trial(opened)
    text("What FP32 gets wrong already" if opened.is_int8 else "What FP32 gets wrong", "h2")
    if tried is None:
        with ui.element("div").classes("note"):
            text("Predictions beside the truth are shown when the accuracy settings have been tried on this dataset.")
            ui.link("Try them", address)
        return
    unit = str((tried.get("score") or {}).get("unit") or "%")
    wrong = wrong_ones(tried["rows"], unit)
    rows = wrong or tried["rows"]
    text(wrong_words(len(wrong), len(tried["rows"]), has_scores=unit != "%"), "p").classes("quiet")
    sample_cards(rows, TRIED, unit)
    ui.link("See all of them, and the settings", address)


def _trial(opened: OpenedProject) -> Mapping[str, Any] | None:
    wanted = (opened.family[0].model_id, opened.dataset.id)
    jobs = opened.workbench.jobs.all(kind="try-settings", states=("done",), limit=TRIALS)
    return next(
        (job.result for job in jobs if (job.model_id, job.dataset_id) == wanted and job.result.get("rows")), None
    )


def wrong_words(wrong: int, shown: int, *, has_scores: bool) -> str:
    """How many of the samples of a trial are wrong."""
    of = f"the {looks.count(shown, 'sample')} on which the accuracy settings were tried"
    if wrong:
        return f"{wrong:,} of {of}."
    return f"Answers are scored, not right or wrong; these are {of}." if has_scores else f"None of {of}; here they are."


def how_many(shown: int, report: Mapping[str, Any]) -> str:
    """How many samples and answers differ, of how many, and how many of them are here."""
    differing, evaluated, agreement = (report.get(name) for name in ("differing", "evaluated", "agreement"))
    if differing is None and not shown:
        of = f" of {looks.count(evaluated, 'sample')}" if evaluated else ""
        return f"No sample was kept on which FP32 and INT8 differ{of}."
    many = differing if differing is not None else shown
    said = differing_words(many, evaluated, agreement)
    return f"{said}. {shown} are shown, what lost most first." if shown < many else f"{said}."
