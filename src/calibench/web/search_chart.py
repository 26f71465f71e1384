"""Accuracy against speed: every model that a search tried, live while it looks, and which one an allowed drop gives."""

from collections.abc import Mapping, Sequence
from typing import Any

from calibench.web.charts import INK, PAPER, SERIES, Options, axis, frame, limit_line, upward
from calibench.web.looks import count, ms
from calibench.web.looks import drop as drop_words
from calibench.web.point_charts import nice_end

Row = Mapping[str, Any]

CAP = 3.0
"""Times the limit; what drops more stands at the upper edge, so that the limit does not lie on the ground line."""


def has_times(trials: Sequence[Row]) -> bool:
    """Whether the time of an inference is known for enough trials to draw it."""
    return sum(trial.get("time_ms") is not None for trial in trials) > 1


def search_chart(trials: Sequence[Row], front: Sequence[Row], limit: float | None, ways: Mapping[str, Any]) -> Options:
    """The trials; the front is joined.

    Args:
        ways: "unit" and "metric" of the drop, "best": number of the returned trial, "chosen": of the one to ring.
    """
    timed = has_times(trials)
    drawn = [t for t in trials if t.get("drop") is not None and (t.get("time_ms") is not None or not timed)]
    high = _high(drawn, limit, ways.get("best"))
    on_front = {row["trial"] for row in front}
    unit = str(ways.get("unit", "%"))
    up_title = f"Drop of {ways.get('metric') or 'the score'}, {'points' if unit == '%' else unit}, lower is better"
    marks = [_mark(trial, high, timed, on_front, {**ways, "unit": unit}) for trial in drawn]
    series: list[Options] = [{"type": "scatter", "name": "trials", "data": marks, "itemStyle": {"color": _INT8}}]
    if limit is not None and limit <= high:
        series[0]["markLine"] = limit_line(limit, f"limit {drop_words(limit, unit)}", is_across=False)
    series.append(_front(front if timed else (), high))
    title = "Time of one inference, ms (predicted), shorter is better" if timed else "Number of the trial"
    return frame(
        tooltip={**frame()["tooltip"], "formatter": "{b}"},
        grid={"left": 8, "right": 28, "top": 40, "bottom": 34, "containLabel": True},
        xAxis=axis(title, scale=timed, minInterval=0 if timed else 1, boundaryGap=["4%", "4%"]),
        yAxis=upward(up_title, max=high),
        series=series,
    )


_INT8 = SERIES["int8"][1]


def _high(trials: Sequence[Row], limit: float | None, best: int | None) -> float:
    """Upper end of the axis of drops."""
    drops = [trial["drop"] for trial in trials]
    returned = next((trial["drop"] for trial in trials if trial["number"] == best), 0.0)
    reference = max(limit or 0.0, returned)
    largest = max([*drops, reference], default=1.0)
    high = min(largest, CAP * reference) if reference > 0 else largest
    return nice_end(high) if high > 0 else 1.0


def _mark(trial: Row, high: float, timed: bool, on_front: set[int], ways: Mapping[str, Any]) -> Options:
    is_off = trial["drop"] > high
    is_exact = trial.get("is_exact", True)
    colour = _INT8 if trial["number"] in on_front or not on_front else "var(--quiet)"
    style = {"color": colour if is_exact else PAPER, "borderColor": colour, "borderWidth": 2}
    place = trial["time_ms"] if timed else trial["number"]
    item: Options = {
        "value": [place, min(trial["drop"], high)],
        "name": trial_words(trial, ways["unit"]),
        "symbol": "triangle" if is_off else "circle",
        "symbolSize": 10,
        "itemStyle": style,
    }
    if trial["number"] == ways.get("chosen", ways.get("best")):
        text = "would be taken" if ways.get("chosen") not in (None, ways.get("best")) else "taken"
        label = {"show": True, "formatter": f"{trial['number']}, {text}", "position": "top", "color": INK}
        item |= {"symbolSize": 16, "itemStyle": {**style, "borderColor": INK}, "label": label}
    return item


def _front(front: Sequence[Row], high: float) -> Options:
    known = sorted((row for row in front if row.get("time_ms") is not None), key=lambda row: row["time_ms"])
    return {
        "type": "line",
        "name": "front",
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": _INT8, "width": 1.5, "opacity": 0.55},
        "data": [[row["time_ms"], min(row["drop"], high)] for row in known],
    }


def trial_words(trial: Row, unit: str) -> str:
    """A trial in one line."""
    parts = [f"Trial {trial['number']}: {trial.get('purpose', '')}".rstrip(": ")]
    parts.append(f"drop {drop_words(trial['drop'], unit)}" if trial.get("drop") is not None else "no drop")
    if trial.get("time_ms") is not None:
        parts.append(ms(trial["time_ms"]))
    if not trial.get("is_exact", True):
        parts.append(f"stopped after {trial['evaluated']:,} of {count(trial['total'], 'sample')}")
    parts.append(f"{count(len(trial.get('floats', ())), 'layer')} in float")
    return "; ".join(parts)


def fastest_within(front: Sequence[Row], allowed: float) -> Row | None:
    """The fastest model of the front whose drop is allowed; None: all lose more."""
    fitting = [row for row in front if row["drop"] <= allowed]
    return min(fitting, key=_slowness, default=None)


def most_accurate(front: Sequence[Row]) -> Row | None:
    """The model of the front that loses least."""
    return min(front, key=lambda row: (row["drop"], _slowness(row)), default=None)


def _slowness(row: Row) -> tuple[float, float]:
    """What orders models by speed: measured throughput where it is known, else the predicted time."""
    fps, time_ms = row.get("fps"), row.get("time_ms")
    return (-fps if fps else 0.0, time_ms if time_ms is not None else float("inf"))


def slider_end(front: Sequence[Row], limit: float | None) -> float:
    """Where the slider of the allowed drop ends: a little beyond the largest drop of the front, and the limit."""
    largest = max([float(row["drop"]) for row in front] + [limit or 0.0, 0.1])
    return round(largest * 1.1 + 0.005, 2)
