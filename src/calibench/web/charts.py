"""What all charts share: colours, axes, tooltips. A chart is a dictionary of options for ECharts, drawn as SVG.

Colours are CSS variables, so that a chart follows the light or dark page by itself. Text of users only stands in `name`
of a data item and is shown by the template {b}, which ECharts encodes.
"""

from typing import Any

from calibench.web.looks import SERIES_NAMES

Options = dict[str, Any]

SERIES = {key: (name, f"var(--{key})") for key, name in SERIES_NAMES.items()}
"""The three ways a model runs: how it is called, and the colour that it has everywhere."""

INK, QUIET, LINE, PAPER = "var(--ink)", "var(--quiet)", "var(--line)", "var(--paper)"
WORSE, BETTER, ACCENT = "var(--worse)", "var(--better)", "var(--accent)"

GRID: Options = {"left": 8, "right": 24, "top": 40, "bottom": 26, "containLabel": True}


def frame(**more: Any) -> Options:
    """An empty chart; `more`: options that are added."""
    return {
        "animation": False,
        "textStyle": {"fontFamily": "inherit", "color": QUIET},
        "grid": dict(GRID),
        "tooltip": tooltip("item"),
        "aria": {"enabled": True},
        **more,
    }


def tooltip(trigger: str, **more: Any) -> Options:
    """What is shown at the pointer."""
    return {
        "trigger": trigger,
        "confine": True,
        "backgroundColor": PAPER,
        "borderColor": LINE,
        "textStyle": {"color": INK, "fontSize": 12},
        "extraCssText": "max-width:320px;white-space:normal",
        **more,
    }


def axis(title: str, *, at: str = "middle", gap: int = 28, **more: Any) -> Options:
    """An axis of numbers with its title."""
    return {
        "type": "value",
        "name": title,
        "nameLocation": at,
        "nameGap": gap,
        "nameTextStyle": {"color": QUIET, "align": "left" if at == "end" else "center"},
        "axisLabel": {"color": QUIET},
        "axisLine": {"lineStyle": {"color": QUIET}},
        "splitLine": {"lineStyle": {"color": LINE}},
        **more,
    }


def upward(title: str, **more: Any) -> Options:
    """The axis that goes up: its title stands above it, to be read without turning the head."""
    return axis(title, at="end", gap=14, **more)


def words(values: list[str], *, width: int = 120, **more: Any) -> Options:
    """An axis of words; long ones are cut."""
    return {
        "type": "category",
        "data": values,
        "axisLabel": {"color": QUIET, "width": width, "overflow": "truncate"},
        "axisLine": {"lineStyle": {"color": LINE}},
        "axisTick": {"show": False},
        **more,
    }


def legend(**more: Any) -> Options:
    """Names of the series, at the upper right."""
    return {"top": 0, "right": 8, "textStyle": {"color": INK}, "itemWidth": 14, "itemHeight": 10, **more}


def limit_line(value: float, text: str, *, is_across: bool) -> Options:
    """A dashed line at a limit; `is_across`: it stands upright at a value of the axis across."""
    return {
        "silent": True,
        "symbol": "none",
        "animation": False,
        "lineStyle": {"color": WORSE, "type": "dashed", "width": 1.5},
        "label": {"formatter": text, "color": WORSE, "position": "insideStartTop" if not is_across else "end"},
        "data": [{"xAxis" if is_across else "yAxis": value}],
    }
