"""Charts of layers: activations with their range, weights per channel, where the time goes, shares of precisions."""

from collections.abc import Mapping, Sequence
from typing import Any

from calibench.web.charts import INK, LINE, SERIES, Options, axis, frame, legend, tooltip, upward, words
from calibench.web.looks import count, ms, short

Row = Mapping[str, Any]

MOST_TYPES = 10
"""Layer types of their own; the others stand together, so that bars stay wide enough to read."""
ROOM_BESIDE = 0.04
"""Of the width of a histogram, left and right of it: so that the ends of its range and their numbers are not cut."""
AS_BYTES = "bytes of pictures"
KINDS = {
    "FP32": "FP32: computed in floating-point numbers of 32 bits.",
    "BF16": "BF16: in floating-point numbers of 16 bits.",
    "FP16": "FP16: in floating-point numbers of 16 bits.",
    "I8": "I8: in INT8, with signs.",
    "U8": "U8: in INT8, without signs; that is where all values are positive, as behind ReLU.",
    AS_BYTES: "Bytes of pictures: layers that take the picture in, such as its conversion; nothing is INT8 there.",
}
"""What a precision means, for those that stand in charts."""
COLOURS = ("var(--int8)", "var(--fp32)", "var(--default)", "var(--better)", "var(--quiet)")


def histogram_chart(values: Row, low: float, high: float) -> Options:
    """How often values occur, and the range that INT8 covers.

    Args:
        values: "low", "high" of the bins and their "counts".
        low, high: the range; of several channels, the widest.
    """
    width = (values["high"] - values["low"]) / max(1, len(values["counts"]))
    left, right = min(values["low"], low), max(values["high"], high)
    room = ROOM_BESIDE * (right - left)
    steps = [[values["low"] + width * i, count] for i, count in enumerate(values["counts"])]
    steps.append([values["high"], 0])
    colour = SERIES["int8"][1]
    ends = {"silent": True, "symbol": "none", "lineStyle": {"color": INK, "type": "solid", "width": 1.5}}
    return frame(
        tooltip=tooltip("axis"),
        grid={"left": 14, "right": 28, "top": 50, "bottom": 30, "containLabel": True},
        xAxis=axis("value", min=left - room, max=right + room, axisLabel=_ends_hidden(), splitLine={"show": False}),
        yAxis=upward(
            "how often",
            nameGap=24,
            axisLabel={"show": False},
            axisTick={"show": False},
            axisLine={"onZero": False},
            splitLine={"show": False},
        ),
        series=[
            {
                "type": "line",
                "name": "values",
                "step": "end",
                "symbol": "none",
                "lineStyle": {"color": colour, "width": 1},
                "areaStyle": {"color": colour, "opacity": 0.35},
                "data": steps,
                "markArea": {
                    "silent": True,
                    "itemStyle": {"color": colour, "opacity": 0.08},
                    "data": [[{"xAxis": low}, {"xAxis": high}]],
                },
                "markLine": {
                    **ends,
                    "data": [_end(low), _end(high)],
                },
            }
        ],
    )


def _end(value: float) -> Options:
    label = {"formatter": short(value), "color": INK, "position": "end"}
    return {"xAxis": value, "label": label}


def _short() -> Options:
    return {"color": "var(--quiet)", "hideOverlap": True}


def _ends_hidden() -> Options:
    """The ends of the axis are no round numbers, and would stand over the numbers beside them."""
    return {**_short(), "showMinLabel": False, "showMaxLabel": False}


def clipped_share(values: Row, low: float, high: float) -> float:
    """Which share of the observed values lies outside the range, 0..1; bins are counted by their middle."""
    counts = values["counts"]
    width = (values["high"] - values["low"]) / max(1, len(counts))
    outside = sum(
        count for i, count in enumerate(counts) if not low - width <= values["low"] + width * (i + 0.5) <= high + width
    )
    return float(outside / max(1, sum(counts)))


def weights_chart(weights: Row) -> Options:
    """The largest weight of every output channel, and the root of the mean square."""
    largest = [[i, value] for i, value in enumerate(weights["largest"])]
    rms = [[i, value] for i, value in enumerate(weights.get("rms") or ())]
    bar = {"type": "bar", "barGap": "-100%", "barCategoryGap": "10%", "large": True}
    return frame(
        tooltip=tooltip("axis"),
        legend=legend(),
        grid={"left": 8, "right": 16, "top": 40, "bottom": 30, "containLabel": True},
        xAxis=axis("output channel", min=-0.5, max=len(largest) - 0.5, minInterval=1, splitLine={"show": False}),
        yAxis=upward("|weight|", axisLabel=_short()),
        series=[
            {**bar, "name": "largest", "data": largest, "itemStyle": {"color": "var(--quiet)", "opacity": 0.6}},
            {**bar, "name": "root mean square", "data": rms, "itemStyle": {"color": SERIES["int8"][1]}},
        ],
    )


def time_by_type(layers: Mapping[str, Sequence[Row]]) -> list[tuple[str, dict[str, float]]]:
    """Milliseconds by type of layer and series, the longest first; what does not fit stands as 'other types'."""
    sums: dict[str, dict[str, float]] = {}
    for series, rows in layers.items():
        for row in rows:
            of_type = sums.setdefault(str(row["type"]), {})
            of_type[series] = of_type.get(series, 0.0) + (row.get("time_ms") or 0.0)
    ordered = sorted(sums.items(), key=lambda item: -max(item[1].values()))
    if len(ordered) <= MOST_TYPES:
        return ordered
    rest: dict[str, float] = {}
    for _, each in ordered[MOST_TYPES - 1 :]:
        for series, value in each.items():
            rest[series] = rest.get(series, 0.0) + value
    return [*ordered[: MOST_TYPES - 1], ("other types", rest)]


def types_chart(by_type: Sequence[tuple[str, Mapping[str, float]]], names: Sequence[str]) -> Options:
    """Bars of milliseconds by type of layer, the longest on top; `names`: the series, such as fp32 and int8."""
    return frame(
        legend=legend(),
        tooltip=tooltip("axis", axisPointer={"type": "shadow"}),
        grid={"left": 8, "right": 24, "top": 34, "bottom": 30, "containLabel": True},
        xAxis=axis("ms of one inference"),
        yAxis=words([name for name, _ in by_type], width=130, inverse=True),
        series=[
            {
                "type": "bar",
                "name": SERIES[series][0],
                "itemStyle": {"color": SERIES[series][1]},
                "data": [round(each.get(series, 0.0), 4) for _, each in by_type],
            }
            for series in names
        ],
    )


def shares_chart(of_series: Mapping[str, Sequence[Row]]) -> Options:
    """One bar a series, parted by the precision in which its time was spent.

    Args:
        of_series: series -> rows of "precision", "time_ms", "share" (0..1), "count" (layers).
    """
    table = {name: {kind_of(name, row["precision"]): row for row in rows} for name, rows in of_series.items()}
    kinds = list(dict.fromkeys(kind for rows in table.values() for kind in rows))
    return frame(
        legend=legend(left=8, right="auto"),
        tooltip={**tooltip("item"), "formatter": "{b}"},
        grid={"left": 8, "right": 24, "top": 34, "bottom": 4, "containLabel": True},
        xAxis={**axis(""), "max": 100, "axisLabel": {"formatter": "{value} %", "color": "var(--quiet)"}},
        yAxis=words([SERIES[name][0] for name in of_series], width=110, inverse=True),
        series=[
            {
                "type": "bar",
                "stack": "all",
                "name": kind,
                "barMaxWidth": 26,
                "itemStyle": {"color": precision_colour(kind, i), "borderColor": LINE},
                "data": [_share(kind, table[name].get(kind)) for name in of_series],
            }
            for i, kind in enumerate(kinds)
        ],
    )


def _share(kind: str, row: Row | None) -> Options:
    if row is None:
        return {"value": 0, "name": f"{kind}: no time"}
    percent = 100 * row["share"]
    said = f"{percent:.1f} % of the time, {ms(row['time_ms'])}, {count(row['count'], 'layer')}"
    return {"value": round(percent, 2), "name": f"{kind}: {said}"}


def kind_of(series: str, precision: str) -> str:
    """A precision as it is called in charts: an FP32 model that reads bytes does not compute in INT8."""
    is_float = series in ("fp32", "default")
    return AS_BYTES if is_float and precision.upper() in ("U8", "I8") else precision


def precision_colour(kind: str, place: int) -> str:
    """Each precision has one colour; FP32, BF16 and INT8 those of their series, U8 a lighter one than I8."""
    known = {
        "I8": "var(--int8)",
        "U8": "var(--int8-light)",
        "FP32": "var(--fp32)",
        "BF16": "var(--default)",
        "FP16": "var(--default)",
        "BYTES OF PICTURES": "var(--pale)",
    }
    return known.get(kind.upper(), COLOURS[-1 - place % 2])


def deltas_chart(by_type: Sequence[tuple[str, Mapping[str, float]]], titles: tuple[str, str]) -> Options:
    """Bars of milliseconds by type of layer of two models that are compared, under their own names."""
    colours = {"a": "var(--quiet)", "b": ACCENT_B}
    return frame(
        legend=legend(left=8, right="auto", textStyle={"color": INK, "width": 300, "overflow": "truncate"}),
        tooltip=tooltip("axis", axisPointer={"type": "shadow"}),
        grid={"left": 8, "right": 24, "top": 34, "bottom": 30, "containLabel": True},
        xAxis=axis("ms of one inference"),
        yAxis=words([name for name, _ in by_type], width=130, inverse=True),
        series=[
            {
                "type": "bar",
                "name": title,
                "itemStyle": {"color": colours[side]},
                "data": [round(each.get(side, 0.0), 4) for _, each in by_type],
            }
            for side, title in zip("ab", titles, strict=True)
        ],
    )


ACCENT_B = "var(--accent)"
