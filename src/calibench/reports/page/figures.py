"""Numbers as the page writes them: with their unit, and the direction of a metric in words."""

from collections.abc import Iterable
from math import isfinite, isnan

from calibench.reports.report import SQNR_CAP_DB, Report

PERCENT = "%"
MB = 1e6
MINUS = "\N{MINUS SIGN}"


def score(value: float, unit: str) -> str:
    """A score with its unit: 41.27 %, 31.2 dB."""
    return with_unit(number(value, 2 if unit == PERCENT else None), unit)


def number(value: float, digits: int | None = None) -> str:
    """With so many digits behind the point, else with four that count; a real minus sign, and never -0."""
    if not isfinite(value):
        return "no number" if isnan(value) else f"{MINUS if value < 0 else ''}\N{INFINITY}"
    text = f"{value:.4g}" if digits is None else f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def with_unit(text: str, unit: str) -> str:
    """The unit behind a space that does not break."""
    return f"{text}\N{NO-BREAK SPACE}{unit}" if unit else text


def drop_unit(unit: str) -> str:
    """The unit of a difference: percentage points where the scores are percent."""
    return "points" if unit == PERCENT else unit


def drop(value: float, unit: str) -> str:
    """A drop without its unit; positive is worse."""
    return number(value, 2 if unit == PERCENT else None)


def interval(ends: tuple[float, float], unit: str) -> str:
    """Two ends of a drop."""
    return " to ".join(drop(end, unit) for end in ends)


def fps(value: float) -> str:
    """Samples a second, with one digit behind the point where it tells something."""
    return number(value, 0 if value >= 100 else 1 if value >= 10 else 2)


def times(ratio: float) -> str:
    """A factor, such as 2.6x."""
    return f"{ratio:.2f}" if ratio < 1.95 else f"{ratio:.1f}"


def megabytes(size_bytes: float) -> str:
    """Bytes as megabytes."""
    return number(size_bytes / MB, 1 if size_bytes >= MB else 3)


def milliseconds(value: float) -> str:
    """Times from a microsecond up."""
    return number(value, 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3)


def decibels(value: float) -> str:
    """Signal over noise; what stands for infinity in the report is said in words."""
    return "no noise" if value >= SQNR_CAP_DB else number(value, 1)


def direction(higher_is_better: bool) -> str:
    """Which way a metric points, in words."""
    return "higher is better" if higher_is_better else "lower is better"


def metric_title(report: Report) -> str:
    """The metric with unit and direction: coco, %, higher is better."""
    return ", ".join(filter(None, (report.metric or "score", report.unit, direction(report.higher_is_better))))


def worse(report: Report, baseline: float, int8: float) -> float:
    """How much worse INT8 is, in the unit of the metric; positive is worse, whichever way the metric points."""
    return baseline - int8 if report.higher_is_better else int8 - baseline


def rounded(values: Iterable[float], digits: int = 4) -> list[float]:
    """With so many digits that count: what a chart can show, in a tenth of the bytes."""
    return [float(f"{value:.{digits}g}") for value in values]
