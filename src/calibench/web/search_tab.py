"""Search: what the accuracy-aware method tried, live while it looks, and the slider that takes another model."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from calibench.errors import CalibenchError
from calibench.things.asked import AskPick
from calibench.things.kept import Event
from calibench.web import looks
from calibench.web.button_looks import FILLED
from calibench.web.data_grid import grid, numbers, words
from calibench.web.live import follow, gathered
from calibench.web.opened_project import OpenedProject
from calibench.web.page_words import in_page
from calibench.web.search_chart import fastest_within, has_times, most_accurate, search_chart, slider_end
from calibench.web.slider_keys import home_and_end, step_of
from calibench.web.words import tell, text

Row = Mapping[str, Any]


def draw(opened: OpenedProject) -> None:
    """The result of the search; its trials as they come while it runs; or why there is none."""
    search = opened.search
    if search:
        SearchResult(opened, search).draw()
    elif opened.is_busy and opened.job and opened.project.ask.get("method") == "accuracy-aware":
        _live(opened)
    else:
        text(_why_none(opened), "p").classes("note")


def _why_none(opened: OpenedProject) -> str:
    if not opened.is_int8:
        return "A search belongs to an INT8 model that was calibrated with AccuracyAware."
    if opened.project.ask.get("method") == "accuracy-aware":
        return "The search came to no result."
    return "This model was calibrated with the Default method: every layer that can run in INT8 does."


def _live(opened: OpenedProject) -> None:
    """The plot grows by a mark a trial."""
    job = opened.job
    assert job is not None
    limit = opened.project.ask.get("max_drop")
    ways = {"unit": opened.parent.headline.unit if opened.parent else "%"}
    said = text("", "p").classes("quiet").props('role="status"')
    chart = _chart(search_chart((), (), limit, ways))

    def show() -> None:
        trials = opened.workbench.jobs.trials(job.id)
        chart.options.update(search_chart(trials, (), limit, ways))
        chart.update()
        said.set_text(live_words(trials, ways["unit"]))

    show_soon = gathered(show)
    follow(opened.workbench, lambda event: _on_trial(event, show_soon), "job", thing=job.id)
    show()


def _on_trial(event: Event, show: Any) -> None:
    if event.change == "trial":
        show()


def live_words(trials: Sequence[Row], unit: str) -> str:
    """How far a search is."""
    if not trials:
        return "No model was tried yet. Each one appears here as soon as its accuracy is known."
    holding = [trial for trial in trials if trial.get("holds")]
    tried = f"{looks.count(len(trials), 'model')} tried, {len(holding) or 'none'} within the limit"
    left = trials[-1].get("left")
    drops = [trial["drop"] for trial in holding if trial.get("drop") is not None]
    best = f"; the least loss so far: {looks.drop(min(drops), unit)}" if drops else ""
    return f"{tried}{best}{f'; at most {left} more' if left else ''}."


def _chart(options: dict[str, Any]) -> ui.echart:
    chart = ui.echart(options, renderer="svg").classes("chart")
    chart.props('role="img" aria-label="Every model that was tried: drop against time; the table holds the numbers"')
    return chart


class SearchResult:
    """Plot, slider and tables of a search that has ended."""

    def __init__(self, opened: OpenedProject, search: Row) -> None:
        self.opened, self.search = opened, search
        self.front: list[Row] = list(search["front"])
        self.unit = opened.project.headline.unit
        self.limit: float | None = search["limits"][0]["drop"] if search.get("limits") else None
        best = next((row for row in self.front if row["trial"] == search["best"]), None)
        self.allowed = float(opened.draft.get("allowed") or (best["drop"] if best else self.limit or 0.0))

    def draw(self) -> None:
        """The promise, the plot with its slider, what the layers cost, all trials."""
        self._promise()
        self.chart = _chart(self._options(None))
        if len(self.front) > 1:
            self._slider()
        else:
            said = "There is no other model to take: none that was tried beats this one in accuracy or in speed."
            text(said, "p").classes("quiet measure")
        self._floats()
        self._trials()

    def _promise(self) -> None:
        search = self.search
        with ui.element("div").classes("stack"):
            if not search["is_reached"]:
                with ui.element("div").classes("note note-bad"):
                    ui.icon("error").props('aria-hidden="true"')
                    why = search.get("why_not") or "The limit was not reached. The nearest model was kept."
                    text(in_page(why))
            for sentence in (search.get("promise"), search.get("needed"), *(search.get("notes") or ())):
                if sentence:
                    text(in_page(sentence), "p").classes("measure")

    def _options(self, chosen: int | None) -> dict[str, Any]:
        search = self.search
        ways = {"unit": self.unit, "metric": search.get("metric"), "best": search["best"]}
        return search_chart(search["trials"], self.front, self.limit, ways | ({"chosen": chosen} if chosen else {}))

    def _slider(self) -> None:
        end, title = slider_end(self.front, self.limit), f"Allowed drop, {'points' if self.unit == '%' else self.unit}"
        low = min(0.0, *(float(row["drop"]) for row in self.front))
        with ui.element("section").classes("panel").props('aria-label="Take another model"'):
            text("What could I have instead?", "h2")
            with ui.element("div").classes("line limit-line"):
                self.field = ui.number(title, value=round(self.allowed, 2), step=0.05, on_change=self._typed)
                self.field.props("dense outlined")
                self.slider = ui.slider(
                    min=round(low, 2), max=end, step=step_of(end), value=self.allowed, on_change=self._dragged
                ).props('aria-label="Allowed drop"')
                home_and_end(self.slider, round(low, 2), end)
            self.offer = ui.element("div").classes("line offer").props('role="status"')
        self._show()

    def _typed(self, event: Any) -> None:
        if event.value is not None and abs(float(event.value) - self.allowed) > 1e-9:
            self._set(float(event.value))

    def _dragged(self, event: Any) -> None:
        if event.value is not None and abs(float(event.value) - self.allowed) > 0.005:
            self._set(round(float(event.value), 2))

    def _set(self, allowed: float) -> None:
        self.allowed = self.opened.draft["allowed"] = allowed
        self.field.set_value(allowed)
        self.slider.set_value(allowed)
        self._show()

    def _show(self) -> None:
        found = fastest_within(self.front, self.allowed + 1e-9)
        self.chart.options.update(self._options(found["trial"] if found else None))
        self.chart.update()
        self.offer.clear()
        with self.offer:
            if found is None:
                self._nothing_so_accurate()
            else:
                text(offer_words(found, self.unit))
                self._take(found)

    def _nothing_so_accurate(self) -> None:
        nearest = most_accurate(self.front)
        if nearest is None:
            return
        drop = float(nearest["drop"])
        text(f"No model that was tried loses so little. The nearest: {offer_words(nearest, self.unit)}")
        ui.button(f"Allow {looks.drop(drop, self.unit)}", on_click=lambda: self._set(round(drop + 0.005, 2))).props(
            "outline dense no-caps"
        )

    def _take(self, found: Row) -> None:
        if found["trial"] == self.search["best"]:
            text("This is the model of this project.").classes("quiet")
            return
        button = ui.button("Use this one", on_click=lambda: self._pick(float(found["drop"])))
        button.props(FILLED).set_enabled(not self.opened.project.is_archived)

    def _pick(self, drop: float) -> None:
        try:
            project = self.opened.workbench.projects.pick(self.opened.id, AskPick(max_drop=max(drop, self.allowed)))
        except CalibenchError as error:
            tell(error)
            return
        ui.navigate.to(f"/projects/{project.id}")

    def _floats(self) -> None:
        rows = ranking_rows(self.search["ranking"], self.opened.report.get("layers") or ())
        floats = [row for row in rows if row["state"] == "float"]
        if not rows:
            if self.search["is_reached"]:
                text("No layer had to stay in float, so none was ranked.", "p").classes("quiet")
            return
        text(f"Layers kept in float: {len(floats)} of {len(rows)} that were ranked", "h2")
        columns = (
            words("layer", "Layer", flex=2, minWidth=150),
            numbers("drop", "Drop, estimated", 2, width=135),
            words("state", "Is in", width=130),
            numbers("share", "Error, % of all", 1, width=120, sort="desc"),
            numbers("saves", "INT8 saves, ms", width=130),
            words("repairs", "Repairs tried", flex=1, minWidth=150),
            words("reason", "Why float", flex=2, minWidth=180),
        )
        grid(columns, rows, label="What every layer costs and saves", most_height=340)

    def _trials(self) -> None:
        trials = self.search["trials"]
        text(f"Trials: {len(trials)}, of {self.search.get('most_trials') or len(trials)} at most", "h2")
        columns = (
            numbers("number", "Trial", 0, width=66),
            numbers("drop", "Drop", 2, width=80),
            words("holds", "Limit", width=96),
            words("purpose", "Why it was tried", flex=2, minWidth=200),
            numbers("floats", "In float", 0, width=90),
            numbers("time", "Time, ms", width=100),
            words("evaluated", "Samples", width=140),
            numbers("seconds", "Took, s", 1, width=90),
        )
        shown = [each for each in columns if each["field"] != "time" or has_times(trials)]
        grid(shown, [trial_row(trial) for trial in trials], label="Trials", has_filters=False)


def offer_words(row: Row, unit: str) -> str:
    """A model of the front in words."""
    parts = [f"Trial {row['trial']}: drop {looks.drop(row['drop'], unit)}"]
    if row.get("drop_interval"):
        low, high = row["drop_interval"]
        parts[0] += f" (95 %: {looks.drop(low, unit)} to {looks.drop(high, unit)})"
    parts += [looks.fps(row["fps"])] if row.get("fps") else []
    parts += [looks.ms(row["time_ms"])] if row.get("time_ms") is not None and not row.get("fps") else []
    parts += [looks.size(row["int8_bytes"])] if row.get("int8_bytes") else []
    parts.append(f"{looks.count(len(row['floats']), 'layer')} in float")
    return ", ".join(parts) + "."


def ranking_rows(ranking: Sequence[Row], layers: Sequence[Row]) -> list[dict[str, Any]]:
    """The ranking as rows, with the reason of the layers that stay in float."""
    reasons = {layer["name"]: layer.get("reason") for layer in layers}
    return [
        {
            "layer": row["layer"],
            "state": {"int8": "INT8", "mended": "INT8, mended"}.get(row["state"], row["state"]),
            "share": 100 * row["share"],
            "drop": row["drop"],
            "saves": row.get("saves_ms"),
            "repairs": ", ".join([*row["repairs"], *(["float, then INT8 again"] if row.get("returned") else [])]),
            "reason": (reasons.get(row["layer"]) or "") if row["state"] == "float" else "",
        }
        for row in ranking
    ]


def trial_row(trial: Row) -> dict[str, Any]:
    """A trial as a row."""
    total = looks.count(trial["total"], "sample")
    return {
        "number": trial["number"],
        "purpose": trial["purpose"],
        "drop": trial["drop"],
        "holds": "kept" if trial["holds"] else "exceeded",
        "floats": len(trial["floats"]),
        "time": trial.get("time_ms"),
        "evaluated": f"all {total}" if trial["is_exact"] else f"{trial['evaluated']:,} of {total}",
        "seconds": trial.get("seconds"),
    }
