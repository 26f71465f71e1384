"""Pictures: where FP32 and INT8 answer differently, side by side with what was annotated."""

from calibench.web import looks
from calibench.web.opened_project import OpenedProject
from calibench.web.sample_cards import BOTH, sample_cards
from calibench.web.words import text


def draw(opened: OpenedProject) -> None:
    """Only samples that differ, the worst first."""
    if not opened.is_int8:
        text("Predictions of FP32 and INT8 are compared in the projects of INT8 models.", "p").classes("note")
        return
    if not opened.project.result:
        text("Pictures are shown here when both models have answered.", "p").classes("note")
        return
    rows = opened.workbench.projects.pictures(opened.id)
    text(how_many(len(rows), opened.report.get("differing"), opened.report.get("evaluated")), "p").classes("quiet")
    sample_cards(rows, BOTH, opened.project.headline.unit)


def how_many(shown: int, differing: int | None, evaluated: int | None) -> str:
    """How many samples differ, of how many, and how many of them are here."""
    of = f" of {looks.count(evaluated, 'sample')}" if evaluated else ""
    if differing is None and not shown:
        return f"No sample was kept on which FP32 and INT8 differ{of}."
    if not differing and not shown:
        return f"FP32 and INT8 have the same value on all{of}."
    many = differing if differing is not None else shown
    here = f"; the {shown} that got worse most are shown" if shown < many else ""
    some = f"{many:,} of {looks.count(evaluated, 'sample')}" if evaluated else looks.count(many, "sample")
    return f"{some} {'differs' if many == 1 else 'differ'} between FP32 and INT8{here}."
