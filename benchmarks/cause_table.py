"""What `benchmarks.misconfigurations` has found, as a table and in words."""

from typing import Any

from benchmarks.task_table import where

LEAST = {"%": 5.0, "dB": 1.0}
"""What a wrong setting must cost to be one: points of a metric in percent (3 of mean IoU), or dB."""
LEAST_IOU = 3.0


def hurts(row: dict[str, Any]) -> bool:
    """Whether a wrong configuration costs enough to count."""
    least = LEAST_IOU if row["metric"] == "mean-iou" else LEAST[row["unit"]]
    return bool(row["cost"] > least - 1e-6)


def verdicts(rows: list[dict[str, Any]]) -> list[str]:
    """How often the right cause is named first, and how often something is said of nothing."""
    wrong = [row for row in rows if row["cause"] and hurts(row)]
    right = [row for row in rows if not row["cause"]]
    named = sum(row["named"] == row["cause"] for row in wrong)
    false = sum(bool(row["warnings"]) for row in right)
    harmless = sum(bool(row["cause"]) for row in rows) - len(wrong)
    return [
        f"right cause named first: {named} of {len(wrong)} wrong configurations (target 18 of 20)",
        f"warnings with the right settings: {false} of {len(right)} networks (target 0)",
        f"left out because they cost too little: {harmless}",
    ]


def cause_section(result: dict[str, Any]) -> list[str]:
    """Wrong settings that hurt, and what was said of them."""
    return [
        "## Wrong settings, named before the run",
        "",
        f"`python -m benchmarks.misconfigurations`; {where(result)}.",
        "Every wrong configuration differs from the right one in one thing and costs at least 5 points (1 dB, 0.03 of",
        "mean IoU) over the whole validation set. It is given with every setting said, so that Calibench warns and",
        "changes nothing. The figure is not blind: configurations that cost nothing were left out of the list, the",
        "text recogniser was replaced, because its published preparation scores worse than ImageNet's (76 against 86 %",
        "exact) and was warned about, and the trial was mended after first results on some of these cases.",
        "",
        "| Network | Configuration | True cause | Metric | Cause named first |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {row['network']} | {row['says']} | {row['cause'] or '-'} "
            f"| {row['metric']} {row['score']:.1f} {row['unit']} | {row['named'] or '-'} |"
            for row in result["rows"]
        ),
        "",
        *(f"- {line}" for line in verdicts(result["rows"])),
    ]
