"""Throughput against latency: the chart, and the best point under a limit."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from calibench.web.charts import INK, PAPER, SERIES, Options, axis, frame, legend, limit_line, upward
from calibench.web.looks import fps, ms

Point = Mapping[str, Any]

ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Ends of an axis, times a power of ten, on which a mark falls: another end would stand over the last mark."""

TITLES = ("Latency, ms", "Throughput, fps (samples a second)")


def best_under(points: Sequence[Point], limit_ms: float | None) -> Point | None:
    """The point of the highest throughput whose latency keeps the limit; None: no point does."""
    fitting = [point for point in points if limit_ms is None or point["latency_ms"] <= limit_ms]
    return max(fitting, key=lambda point: (point["fps"], -point["latency_ms"]), default=None)


def nearest(points: Sequence[Point]) -> Point | None:
    """The point of the smallest latency: what is shown where no point keeps the limit."""
    return min(points, key=lambda point: (point["latency_ms"], -point["fps"]), default=None)


def series_of(points: Sequence[Point]) -> list[str]:
    """The series that have points, in the order that they have everywhere."""
    present = {point["series"] for point in points}
    return [name for name in SERIES if name in present]


def point_words(point: Point) -> str:
    """A point in words: batch 1, 2 streams: 312 fps at 6.6 ms."""
    streams = point.get("streams")
    ways = f"{streams} stream{'' if streams == 1 else 's'}" if streams else "streams as the runtime chooses"
    return (
        f"{SERIES[point['series']][0]}, batch {point['batch']}, {ways}: "
        f"{fps(point['fps'])} at {ms(point['latency_ms'])}"
    )


def points_chart(points: Sequence[Point], limit_ms: float | None, chosen: Point | None) -> Options:
    """Every measured point; `chosen`: the one that is marked."""
    series = [_series(name, [p for p in points if p["series"] == name], chosen) for name in series_of(points)]
    if series and limit_ms is not None:
        series[0]["markLine"] = limit_line(limit_ms, f"limit {ms(limit_ms)}", is_across=True)
    highest = max((point["fps"] for point in points), default=1.0)
    widest = max([point["latency_ms"] for point in points] + ([limit_ms] if limit_ms else []), default=1.0)
    return frame(
        legend=legend(data=[each["name"] for each in series]),
        grid={"left": 8, "right": 24, "top": 52, "bottom": 34, "containLabel": True},
        tooltip={**frame()["tooltip"], "formatter": "{b}"},
        xAxis=axis(TITLES[0], min=0, max=nice_end(widest)),
        yAxis=upward(TITLES[1], min=0, max=nice_end(highest * 1.06)),
        series=series,
    )


def _series(name: str, points: Sequence[Point], chosen: Point | None) -> Options:
    title, colour = SERIES[name]
    ordered = sorted(points, key=lambda point: (point["latency_ms"], point["fps"]))
    return {
        "type": "scatter",
        "name": title,
        "symbolSize": 11,
        "itemStyle": {"color": colour, "borderColor": PAPER, "borderWidth": 1},
        "data": [_item(point, point is chosen or point == chosen) for point in ordered],
    }


def _item(point: Point, is_chosen: bool) -> Options:
    item: Options = {"value": [point["latency_ms"], point["fps"]], "name": point_words(point)}
    if is_chosen:
        item |= {
            "symbolSize": 18,
            "itemStyle": {"borderColor": INK, "borderWidth": 2},
            "label": {"show": True, "formatter": fps(point["fps"]), "position": "top", "color": INK},
        }
    return item


def compared_chart(of: Mapping[str, Sequence[Point]], titles: tuple[str, str]) -> Options:
    """Points of two projects: of each its own model, A as hollow marks and B as filled ones, in the series' colours."""
    series = []
    together = measured_together(of)
    for side, title in zip("ab", titles, strict=True):
        own = together[side]
        made = _series(own[0]["series"], own, None) if own else {"type": "scatter", "data": []}
        colour = SERIES[own[0]["series"]][1] if own else ""
        style = {"color": PAPER if side == "a" else colour, "borderColor": colour, "borderWidth": 2}
        series.append({**made, "name": f"{side.upper()}: {title}", "itemStyle": style})
    found = [point for points in together.values() for point in points]
    widest = max((point["latency_ms"] for point in found), default=1.0)
    highest = max((point["fps"] for point in found), default=1.0)
    return frame(
        legend=legend(left=8, right="auto", textStyle={"color": INK, "width": 300, "overflow": "truncate"}),
        grid={"left": 8, "right": 24, "top": 76, "bottom": 34, "containLabel": True},
        tooltip={**frame()["tooltip"], "formatter": "{b}"},
        xAxis=axis(TITLES[0], min=0, max=nice_end(widest)),
        yAxis=upward(TITLES[1], min=0, max=nice_end(highest * 1.06)),
        series=series,
    )


def measured_together(of: Mapping[str, Sequence[Point]]) -> dict[str, list[Point]]:
    """The points to compare: of an FP32 project beside an INT8 one those that were measured in turns with INT8, because
    a machine is not equally quick on two days.
    """
    found = {side: own_points(of.get(side, ())) for side in "ab"}
    for side, other in ("ab", "ba"):
        is_int8 = [any(point["series"] == "int8" for point in of.get(each, ())) for each in (side, other)]
        if is_int8 == [False, True]:
            found[side] = own_points([p for p in of[other] if p["series"] != "int8"]) or found[side]
    return found


def own_points(points: Sequence[Point]) -> list[Point]:
    """Of a project's points those of its own model: INT8, else FP32 in the default precision, else exact FP32."""
    for name in ("int8", "default", "fp32"):
        own = [point for point in points if point["series"] == name]
        if own:
            return own
    return []


def nice_end(value: float) -> float:
    """A round end of an axis, a little beyond the value."""
    size = 10.0 ** math.floor(math.log10(value * 1.05)) if value > 0 else 1.0
    return next(round(step * size, 12) for step in ROUND if step * size >= value * 1.05)


def speed_rows(points: Sequence[Point]) -> list[dict[str, Any]]:
    """The points as rows of the table beside the chart, the fastest first."""
    ordered = sorted(points, key=lambda point: -point["fps"])
    return [
        {
            "series": SERIES[point["series"]][0],
            "batch": point["batch"],
            "streams": point.get("streams") or "auto",
            "fps": point["fps"],
            "low": point.get("fps_low"),
            "high": point.get("fps_high"),
            "latency": point["latency_ms"],
            "p95": point.get("latency_p95_ms"),
        }
        for point in ordered
    ]
