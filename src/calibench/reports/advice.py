"""What to know and to do, in words: rules over what was measured, each a small function of the report.

Rules and thresholds are explained in docs/explanation/advice.md.
"""

from collections.abc import Callable, Iterator
from math import isfinite

from calibench.reports import accuracy_rules, search_rules, time_rules
from calibench.reports.accuracy_rules import amount
from calibench.reports.report import Advice, Report

Rule = Callable[[Report], Iterator[Advice]]

RULES: tuple[Rule, ...] = (
    search_rules.not_reached,
    accuracy_rules.poor,
    accuracy_rules.large_drop,
    search_rules.worse_elsewhere,
    search_rules.too_few_to_tell,
    accuracy_rules.batches,
    time_rules.slower,
    accuracy_rules.few_samples,
    accuracy_rules.changed_answers,
    time_rules.outside_int8,
    time_rules.islands,
    time_rules.converting,
    time_rules.ran_in_float,
)
"""The most important first; warnings are shown before the rest."""
BACKGROUND: tuple[Rule, ...] = (time_rules.no_vnni,)
"""What is good to know, but nothing wrong with the model."""


def advise(report: Report) -> tuple[Advice, ...]:
    """All advice, the most important first; where nothing is wrong, one that says so with the numbers."""
    found = [advice for rule in RULES for advice in rule(report)]
    found.sort(key=lambda advice: advice.kind != "warning")
    background = [advice for rule in BACKGROUND for advice in rule(report)]
    return (*(found or all_good(report)), *background)


def all_good(report: Report) -> Iterator[Advice]:
    """Nothing is wrong; nothing where nothing was measured."""
    parts = []
    if report.speedup is not None:
        parts.append(f"runs {report.speedup:.2f} times as fast as FP32 on this device")
    if report.drop_points is not None and isfinite(report.drop_points):
        on = f" on {report.evaluated} samples" if report.evaluated else ""
        verb = "loses" if report.drop_points >= 0 else "gains"
        parts.append(f"{verb} {amount(report, abs(report.drop_points))} of {report.metric}{on}")
    if parts:
        yield Advice(kind="good", title=f"INT8 {' and '.join(parts)}.", action="")
