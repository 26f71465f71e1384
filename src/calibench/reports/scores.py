"""From a comparison to the fields of the report: scores, drop, classes."""

from typing import Any

import numpy as np

from calibench.datasets.dataset import About
from calibench.evaluation.judge import Judge
from calibench.evaluation.score import Comparison, drop
from calibench.reports.answers import class_name
from calibench.reports.report import ClassRow


def score_fields(comparison: Comparison, judge: Judge, about: About) -> dict[str, Any]:
    """The report's fields about accuracy.

    Args:
        about: the dataset that was scored, which knows the names of the classes.
    """
    baseline, int8 = comparison.baseline, comparison.int8
    return {
        "metric": baseline.metric,
        "unit": baseline.unit,
        "higher_is_better": judge.metric.higher_is_better,
        "task": judge.task.kind,
        "baseline": baseline.score,
        "int8": int8.score,
        "drop_points": comparison.drop_points,
        "drop_interval": comparison.drop_interval,
        "agreement": comparison.agreement,
        "sqnr_db": comparison.sqnr_db,
        "cosine": comparison.cosine,
        "evaluated": comparison.samples,
        "details": {
            name: (value, int8.details[name]) for name, value in baseline.details.items() if name in int8.details
        },
        "classes": class_rows(comparison, judge, about),
        "differing": int(np.count_nonzero(comparison.worse)),
    }


def class_rows(comparison: Comparison, judge: Judge, about: About) -> tuple[ClassRow, ...]:
    """Scores per class, in the order of the classes."""
    after = {each.label: each.score for each in comparison.int8.classes}
    rows = []
    for before in comparison.baseline.classes:
        score = after.get(before.label)
        rows.append(
            ClassRow(
                label=before.label,
                name=class_name(about, before.label),
                count=before.count,
                baseline=before.score,
                int8=score,
                drop=None if before.score is None or score is None else drop(before.score, score, judge.metric),
            )
        )
    return tuple(rows)
