"""The result in one plain sentence."""

from calibench.reports.page.figures import MINUS, drop, drop_unit, score, times, with_unit
from calibench.reports.report import Report

NO_DROP = 0.005
"""Drops below this are written as 0.00: neither lost nor gained."""


def verdict(report: Report) -> str:
    """Speed and accuracy of INT8 against FP32; what was not measured is not said."""
    parts = list(filter(None, (_speed(report), _accuracy(report))))
    if not parts:
        return "Neither speed nor accuracy of the INT8 model was measured."
    on = f" on {report.evaluated} samples" if report.evaluated and _accuracy(report) else ""
    return f"INT8 {' and '.join(parts)}{on}{_chance(report)}."


def _speed(report: Report) -> str:
    if not report.speedup_fp32:
        return ""
    ratio = report.speedup_fp32
    if ratio < 1:
        text = f"runs at {100 * ratio:.0f} % of the speed of exact FP32"
    else:
        text = f"runs {times(ratio)} times as fast as exact FP32"
    if _has_default(report) and report.speedup:
        text += f" ({times(report.speedup)} times the {report.default_precision} that this device runs by default)"
    return text


def _accuracy(report: Report) -> str:
    if report.drop_points is None:
        return f"scores {score(report.int8, report.unit)} of {report.metric}" if report.int8 is not None else ""
    metric = report.metric or "score"
    if abs(report.drop_points) < NO_DROP:
        return f"loses nothing of {metric}"
    amount = with_unit(drop(abs(report.drop_points), report.unit).lstrip(MINUS), drop_unit(report.unit))
    if report.higher_is_better:
        return f"{'loses' if report.drop_points > 0 else 'gains'} {amount} of {metric}"
    return f"is {amount} {'worse' if report.drop_points > 0 else 'better'} in {metric} (lower is better)"


def _chance(report: Report) -> str:
    if report.drop_points is None or report.drop_interval is None or abs(report.drop_points) < NO_DROP:
        return ""
    low, high = report.drop_interval
    return ", a difference that can be chance" if low <= 0 <= high else ""


def _has_default(report: Report) -> bool:
    return report.default_precision not in (None, "f32") and report.default_fps != report.fp32_fps
