"""Time: where an inference spends it, in which precision, and what to do about it."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from calibench.web import looks
from calibench.web.layer_charts import KINDS, kind_of, shares_chart, time_by_type, types_chart
from calibench.web.opened_project import NO_LAYERS, OpenedProject
from calibench.web.page_words import in_page
from calibench.web.project_verdict import ICONS, beside_verdict
from calibench.web.words import text

COUNTED = (
    "Layers are timed in a run of their own, with the counters of the runtime switched on. Counting costs time, "
    "most of all in small layers: their sum can be much longer than the latency above. Compare layers with each other."
)


def draw(opened: OpenedProject) -> None:
    """Advice first, then shares of precisions and time by type of layer."""
    advice = beside_verdict(opened.advice, opened.verdict)
    if not advice and not opened.timed:
        has_not_run = opened.project.result is None
        said = "Where the time goes is shown here when the model has run." if has_not_run else NO_LAYERS
        text(said, "p").classes("note")
        return
    if advice:
        _say(advice)
    if opened.timed:
        _charts(opened)


def _say(advice: Sequence[Mapping[str, Any]]) -> None:
    text("What to know, what to do", "h2")
    with ui.element("ul").classes("advice"):
        for each in advice:
            with ui.element("li").classes(f"advice-{each['kind']}"):
                ui.icon(ICONS.get(each["kind"], "info")).props('aria-hidden="true"')
                with ui.element("div"):
                    text(in_page(each["title"]), "p").classes("advice-title")
                    if each.get("action"):
                        text(in_page(each["action"]), "p")


def _charts(opened: OpenedProject) -> None:
    of_series = opened.told_apart(opened.workbench.projects.precisions(opened.id))
    text("Precision in which the time is spent", "h2")
    chart = ui.echart(shares_chart(of_series), renderer="svg").style(f"height: {70 + 44 * len(of_series)}px")
    chart.classes("chart-wide").props('role="img"').props["aria-label"] = shares_words(of_series)
    timed = opened.timed
    by_type = time_by_type(timed)
    text(precision_legend(of_series), "p").classes("quiet measure")
    text("Time by type of layer", "h2")
    text(COUNTED, "p").classes("quiet measure")
    height = 90 + len(by_type) * (14 + 13 * len(timed))
    chart = ui.echart(types_chart(by_type, list(timed)), renderer="svg").style(f"height: {height}px")
    chart.classes("chart-wide").props('role="img"').props["aria-label"] = types_words(by_type)


def precision_legend(of_series: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """What the names of the precisions mean, of those that occur."""
    kinds = {kind_of(series, str(row["precision"])) for series, rows in of_series.items() for row in rows}
    return " ".join(words for kind, words in KINDS.items() if kind in kinds)


def shares_words(of_series: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The chart of precisions for those who do not see it."""
    return "; ".join(
        f"{looks.SERIES_NAMES[series]}: "
        + ", ".join(f"{100 * row['share']:.0f} % {kind_of(series, row['precision'])}" for row in rows)
        for series, rows in of_series.items()
    )


def types_words(by_type: Sequence[tuple[str, Mapping[str, float]]]) -> str:
    """The chart of types for those who do not see it."""
    return "; ".join(
        f"{name}: {', '.join(f'{looks.SERIES_NAMES[series]} {looks.ms(value)}' for series, value in times.items())}"
        for name, times in by_type
    )
