"""Which model of a front a wish means; the same rule as `calibench pick`, over the report as plain values."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from calibench.errors import SettingsError

ROUNDING = 1e-9
"""In the unit of the metric: a drop of 0.3 is within 0.3, whatever the last digit of the float."""

Plain = Mapping[str, Any]


def choose(report: Plain, max_drop: float | None, min_fps: float | None) -> Plain:
    """The fastest model within a drop, or the most accurate one that is fast enough.

    Args:
        report: of an accuracy-aware calibration that has a front.

    Raises:
        SettingsError: not exactly one wish is given, or no model fulfils it; names the nearest.
    """
    if (max_drop is None) == (min_fps is None):
        raise SettingsError("Give either the drop that is allowed or the speed that is needed.")
    rows = front_with_speed(report)
    unit = "points" if report.get("unit", "%") == "%" else report["unit"]
    if max_drop is not None:
        inside = [row for row in rows if row["drop"] <= max_drop + ROUNDING]
        if inside:
            return min(inside, key=_slowness(rows))
        nearest = min(rows, key=lambda row: row["drop"])
        raise SettingsError(
            f"No model of the front loses at most {max_drop:g} {unit}. The nearest loses {nearest['drop']:.2f}."
        )
    measured = [row for row in rows if row["fps"] is not None]
    if not measured:
        raise SettingsError("The speed of this front was not measured. Choose by the drop that is allowed.")
    fast = [row for row in measured if row["fps"] >= (min_fps or 0.0)]
    if fast:
        return min(fast, key=lambda row: (row["drop"], -row["fps"]))
    most = max(row["fps"] for row in measured)
    raise SettingsError(f"No model of the front runs {min_fps:g} samples a second. The fastest runs {most:.1f}.")


def front_with_speed(report: Plain) -> list[dict[str, Any]]:
    """The front; where the returned model is alone on it, its speed is that of the report."""
    search = report["search"]
    return [
        {**row, "fps": report.get("int8_fps")} if row["trial"] == search["best"] and row.get("fps") is None else row
        for row in search["front"]
    ]


def _slowness(rows: list[dict[str, Any]]) -> Callable[[Plain], tuple[float, float, float]]:
    """By throughput where all were measured, else by predicted time, else by layers in float."""
    if all(row["fps"] is not None for row in rows):
        return lambda row: (-row["fps"], row["drop"], len(row["floats"]))
    return lambda row: (
        inf if row.get("time_ms") is None else row["time_ms"],
        float(len(row["floats"])),
        float(row["trial"]),
    )
