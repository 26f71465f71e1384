"""The trials as a plot of drop against time: where the marks stand, for the template to draw as SVG.

Across, places are percent of the width; up and down they are pixels: marks stay round and letters readable on any
screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log10

from calibench.reports.page.figures import drop, drop_unit, milliseconds, number
from calibench.reports.promise import points
from calibench.reports.report import Report
from calibench.reports.search_report import SearchReport, TrialRow

TOP, BOTTOM, HEIGHT = 26.0, 292.0, 316.0
"""Pixels: upper end of the axis, lower end, and the whole with the figures below."""
LEFT, RIGHT = 7.0, 95.0
"""Percent of the width between which marks stand."""
NEAR_RIGHT = 70.0
"""Percent of the width beyond which there is no room to the right, and where the limit is written."""
LETTER = 14.0
"""Pixels that a line of letters is high."""
CAP = 3.0
"""Times the limit; what drops more stands at the upper edge, so that the limit does not lie on the ground line."""
ROOM = 1.15
"""How far an axis reaches beyond what is on it."""
TICKS = 4
"""Figures on an axis, about."""


@dataclass(frozen=True)
class Tick:
    """A figure on an axis; `place` in percent (across) or pixels (up)."""

    place: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A trial. `kind`: words for the style sheet; `is_off`: its drop is beyond the upper edge."""

    x: float
    y: float
    kind: str
    label: str
    title: str
    is_off: bool

    @property
    def is_right(self) -> bool:
        """Whether its label must end here, so that it does not leave the plot."""
        return self.x > NEAR_RIGHT


@dataclass(frozen=True)
class Plot:
    """What is drawn. `joints`: x1, y1, x2, y2 of the lines that join the front. `limit`: pixels; None: off the plot."""

    marks: tuple[Mark, ...]
    joints: tuple[tuple[float, float, float, float], ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    limit: float | None
    limit_text: str
    across_title: str
    up_title: str
    note: str
    height: float = HEIGHT
    bottom: float = BOTTOM

    @property
    def limit_text_y(self) -> float:
        """Above the line of the limit, or below it where marks stand above."""
        limit = self.limit or 0.0
        above = any(m.x > NEAR_RIGHT and limit - 3 * LETTER < m.y <= limit for m in self.marks)
        return limit + LETTER if above else limit - 5


@dataclass(frozen=True)
class _Axis:
    """From values to places: `low` stands at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return round(self.start + part * (self.end - self.start), 2)

    @property
    def ticks(self) -> list[float]:
        """Round values, about TICKS of them."""
        rough = (self.high - self.low) / TICKS
        size = 10.0 ** floor(log10(rough))
        step = size * min((factor for factor in (1, 2, 5, 10)), key=lambda factor: abs(factor * size - rough))
        first, last = -floor(-self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [round(place * step, 10) for place in range(first, last + 1)]


def search_plot(report: Report) -> Plot | None:
    """The plot; None where fewer than two trials are known. Across stands the time, else the number of the trial."""
    search = report.search
    if search is None:
        return None
    has_time = sum(trial.time_ms is not None for trial in search.trials) > 1
    drops = {trial.number: trial.drop for trial in search.trials if trial.drop is not None}
    drawn = [t for t in search.trials if t.number in drops and (t.time_ms is not None or not has_time)]
    if len(drawn) < 2:
        return None
    up = _up([drops[trial.number] for trial in drawn], drops.get(search.best, 0.0), search.limits[0].drop)
    across = _across([_place(trial, has_time) for trial in drawn], has_time)
    limit = search.limits[0].drop
    unit = ", ".join(filter(None, (drop_unit(report.unit), "lower is better")))
    return Plot(
        marks=tuple(
            _mark(trial, search, (across(_place(trial, has_time)), up(drops[trial.number])), report) for trial in drawn
        ),
        joints=_joints(search, across, up) if has_time else (),
        across=tuple(Tick(across(value), f"{value:g}") for value in across.ticks),
        up=tuple(Tick(up(value), number(value)) for value in up.ticks),
        limit=up(limit) if up.low <= limit <= up.high else None,
        limit_text=f"limit {points(limit, report.unit)}",
        across_title="Time of one inference, ms, predicted from its layers, lower is better"
        if has_time
        else "Number of the trial",
        up_title=f"Drop of {search.metric}, {unit}",
        note=_note(drawn, search, up.high),
    )


def _up(drops: Sequence[float], best: float, limit: float) -> _Axis:
    """From the smallest drop, 0 at least, to the largest, or to CAP times the limit or the drop that is returned."""
    chosen = max(best, limit)
    high = min(max([*drops, limit]), CAP * chosen) if chosen > 0 else max(drops)
    low = min([0.0, *drops])
    high = high if high > low else low + 1.0
    return _Axis(low - 0.05 * (high - low), low + ROOM * (high - low), BOTTOM, TOP)


def _across(places: Sequence[float], has_time: bool) -> _Axis:
    low, high = min(places), max(places)
    room = (high - low) * (ROOM - 1) / 2 if high > low else abs(high) * 0.05 or 1.0
    return _Axis(low - room, high + room, LEFT, RIGHT) if has_time else _Axis(low, max(high, low + 1), LEFT, RIGHT)


def _place(trial: TrialRow, has_time: bool) -> float:
    return trial.time_ms if has_time and trial.time_ms is not None else float(trial.number)


def _mark(trial: TrialRow, search: SearchReport, place: tuple[float, float], report: Report) -> Mark:
    is_best, is_front = trial.number == search.best, any(point.trial == trial.number for point in search.front)
    kinds = ("exact" if trial.is_exact else "early", "front" if is_front else "", "best" if is_best else "")
    label = f"{trial.number}, returned" if is_best else str(trial.number) if is_front else ""
    is_off = place[1] < TOP
    return Mark(place[0], max(place[1], TOP), " ".join(filter(None, kinds)), label, _title(trial, report), is_off)


def _title(trial: TrialRow, report: Report) -> str:
    parts = [f"trial {trial.number}: {trial.purpose}", f"drop {drop(trial.drop or 0.0, report.unit)}"]
    parts += [f"{milliseconds(trial.time_ms)} ms"] if trial.time_ms is not None else []
    parts += [] if trial.is_exact else [f"stopped after {trial.evaluated:,} of {trial.total:,} samples"]
    return "; ".join([*parts, f"{len(trial.floats)} layers in float"])


def _joints(search: SearchReport, across: _Axis, up: _Axis) -> tuple[tuple[float, float, float, float], ...]:
    """The front from the most accurate to the fastest."""
    known = [(across(each.time_ms), max(up(each.drop), TOP)) for each in search.front if each.time_ms is not None]
    return tuple((*a, *b) for a, b in pairwise(known))


def _note(drawn: Sequence[TrialRow], search: SearchReport, high: float) -> str:
    off = sum((trial.drop or 0.0) > high for trial in drawn)
    missing = len(search.trials) - len(drawn)
    parts = [f"triangle: a larger drop than fits here ({off})" if off else ""]
    parts.append(f"without time or drop, only in the table: {missing}" if missing else "")
    return "; ".join(filter(None, parts))
