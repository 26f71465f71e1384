"""Perform: how fast under a limit of latency (Baseline), and the way to an INT8 model (Optimize)."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from calibench.web import looks, points_form
from calibench.web.data_grid import grid, numbers, words
from calibench.web.hindrance_notes import hindrance_notes
from calibench.web.opened_project import OpenedProject
from calibench.web.point_charts import Point, best_under, nearest, point_words, points_chart, series_of, speed_rows
from calibench.web.possible import PossibleButton
from calibench.web.slider_keys import home_and_end, step_of
from calibench.web.words import text

SEPARATELY = (
    "Points are measured separately from the numbers at the top of the page, for which the models run in turns."
)


def draw(opened: OpenedProject) -> None:
    """Two subtabs; `sub` of the draft says which is open."""
    subs = {"baseline": _speed, "optimize": _optimize}
    titles = {"baseline": "Inference" if opened.is_int8 else "Baseline", "optimize": "Optimize"}
    chosen = opened.draft.get("sub") if opened.draft.get("sub") in subs else "baseline"
    content = ui.element("div").classes("stack")

    def show(sub: str) -> None:
        opened.draft["sub"] = sub
        content.clear()
        with content:
            subs[sub](opened)

    choice = ui.toggle(titles, value=chosen, on_change=lambda event: show(event.value))
    choice.props('no-caps dense unelevated aria-label="Part of Perform"').classes("subtabs")
    choice.move(target_index=0)
    show(str(chosen))


def _speed(opened: OpenedProject) -> None:
    if opened.points:
        LimitedChart(opened).draw()
        if opened.project.headline.default_fps or opened.project.headline.int8_fps:
            text(separate_words(opened.points), "p").classes("quiet measure")
    else:
        text(_why_no_points(opened), "p").classes("note")
    if opened.project.result:
        points_form.draw(opened)


def separate_words(points: Sequence[Point]) -> str:
    """That points are another measurement, and how far the rounds of one point lay apart."""
    widths = [
        100 * (point["fps_high"] - point["fps_low"]) / point["fps"]
        for point in points
        if point.get("fps_low") and point.get("fps_high") and point["fps"]
    ]
    if not widths or max(widths) < 1:
        return SEPARATELY
    return f"{SEPARATELY} Rounds of one and the same point lay up to {max(widths):.0f} % apart."


def _why_no_points(opened: OpenedProject) -> str:
    if opened.is_busy:
        return "Throughput and latency are shown here when the job is done."
    if not opened.project.result:
        return "Nothing was measured yet."
    return "Throughput was not measured at any point yet. Measure some below."


class LimitedChart:
    """The chart of throughput and latency with a limit to drag; the best point under it is marked."""

    def __init__(self, opened: OpenedProject) -> None:
        self.opened, self.points = opened, opened.points
        latencies = sorted(point["latency_ms"] for point in self.points)
        self.end = round(latencies[-1] * 1.1 + 0.05, 1)
        self.limit: float | None = opened.draft.get("limit_ms")

    def draw(self) -> None:
        """Chart, field and slider, the answer in words, the table."""
        with ui.element("div").classes("points"):
            with ui.element("div").classes("stack"):
                self.chart = ui.echart(points_chart(self.points, self.limit, None), renderer="svg").classes("chart")
                self.chart.props('role="img" aria-label="Throughput against latency; the table holds the same numbers"')
                self._limit_controls()
                self.answer = ui.element("div").classes("stack").props('role="status"')
            _points_table(self.points)
        self._show()

    def _limit_controls(self) -> None:
        with ui.element("div").classes("line limit-line"):
            self.field = ui.number(
                "Latency limit, ms", value=self.limit, min=0.0, step=step_of(self.end), on_change=self._typed
            ).props("dense outlined clearable")
            self.slider = ui.slider(
                min=0, max=self.end, step=step_of(self.end), value=self.limit or self.end, on_change=self._dragged
            ).props('aria-label="Latency limit, ms"')
        home_and_end(self.slider, 0.0, self.end)

    def _typed(self, event: Any) -> None:
        value = event.value
        if value != self.limit:
            self._set(float(value) if value else None)

    def _dragged(self, event: Any) -> None:
        if event.value is not None and event.value != (self.limit or self.end):
            self._set(round(float(event.value), 4))

    def _set(self, limit: float | None) -> None:
        self.limit = self.opened.draft["limit_ms"] = limit
        self.field.set_value(limit)
        self.slider.set_value(min(limit, self.end) if limit else self.end)
        self._show()

    def _show(self) -> None:
        best = best_under(self.points, self.limit)
        self.chart.options.update(points_chart(self.points, self.limit, best or nearest(self.points)))
        self.chart.update()
        self.answer.clear()
        with self.answer:
            if best is None:
                self._not_reachable()
            else:
                self._best()

    def _best(self) -> None:
        said = f"Best at {looks.ms(self.limit)} at most" if self.limit else "Best without a limit of latency"
        text(f"{said}:", "p").classes("quiet")
        with ui.element("ul").classes("best-points"):
            for series in series_of(self.points):
                of_series = [point for point in self.points if point["series"] == series]
                best = best_under(of_series, self.limit)
                with ui.element("li").classes(f"key {series}"):
                    text(point_words(best) if best else f"{looks.SERIES_NAMES[series]}: no point is so quick")

    def _not_reachable(self) -> None:
        closest = nearest(self.points)
        if closest is None:
            return
        with ui.element("div").classes("note"):
            text(f"No measured point answers within {looks.ms(self.limit)}. The nearest: {point_words(closest)}.")
        limit = closest["latency_ms"]
        ui.button(f"Set the limit to {looks.ms(limit)}", on_click=lambda: self._set(_rounded_up(limit))).props(
            "outline dense no-caps"
        ).classes("own-width")


def _rounded_up(value: float) -> float:
    """A limit with three digits that the value keeps."""
    rounded = float(f"{value:.3g}")
    return rounded if rounded >= value else float(f"{value * 1.006:.3g}")


def _points_table(points: list[Point] | Any) -> None:
    columns = (
        words("series", "Model", flex=1, minWidth=96),
        numbers("fps", "fps", width=76, sort="desc"),
        numbers("latency", "Latency, ms", width=98),
        numbers("p95", "95 %, ms", width=84, headerTooltip="95 of 100 answers came within this time"),
        numbers("batch", "Batch", 0, width=66),
        numbers("streams", "Streams", 0, width=78),
    )
    grid(columns, speed_rows(points), label="Measured points", has_filters=False, most_height=420)


def _optimize(opened: OpenedProject) -> None:
    """Tick INT8, Optimize; greyed out with its reasons."""
    workbench = opened.workbench
    hindrances = workbench.projects.hindrances(opened.id)
    with ui.element("div").classes("panel optimize"):
        text("Make the model faster and smaller by running it in INT8, and see what it costs in accuracy.", "p")
        tick = ui.checkbox("INT8", value=not hindrances)
        address = f"/projects/{opened.id}/optimize"
        with ui.element("div").classes("line"):
            button = PossibleButton("Optimize", address=address)
        if hindrances:
            tick.disable()
            tick.props('aria-describedby="why-no-int8"')
            button.allow(hindrances[0].sentence)
            button.words.set_visibility(False)  # the notes below say it, with the way out
            hindrance_notes(workbench, hindrances, "why-no-int8")
        else:
            tick.on_value_change(lambda event: button.allow("" if event.value else "Tick INT8 first."))
        _children(opened)


def _children(opened: OpenedProject) -> None:
    children = [each for each in opened.family if each.parent_id == opened.id]
    if children:
        text(f"{looks.count(len(children), 'INT8 project')} of this model already; see the row above.", "p").classes(
            "quiet"
        )
