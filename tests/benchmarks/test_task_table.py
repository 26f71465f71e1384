"""What is said of the measurements: better, worse, within chance; right and wrong causes."""

from typing import Any

import pytest
from benchmarks.cause_table import hurts
from benchmarks.cause_table import verdicts as cause_verdicts
from benchmarks.task_table import verdict, verdicts

ROW = {"network": "net", "given": {}, "worse_than_peer": 0.0, "worse_than_peer_interval": (-1.0, 1.0)}


@pytest.mark.parametrize(
    ("worse", "interval", "said"),
    [
        (2.0, (0.5, 3.5), "worse"),
        (-2.0, (-3.5, -0.5), "better"),
        (2.0, (-0.5, 4.5), "within chance, below"),
        (-2.0, (-4.5, 0.5), "within chance, above"),
        (0.0, (-1.0, 1.0), "equal"),
        (2.0, None, "below"),
    ],
)
def test_a_difference_is_worse_only_where_the_interval_says_so(worse: float, interval: Any, said: str) -> None:
    assert verdict(ROW | {"worse_than_peer": worse, "worse_than_peer_interval": interval}) == said


def test_every_network_below_the_peer_is_named_and_so_is_what_was_set() -> None:
    rows = [ROW, ROW | {"network": "low", "worse_than_peer": 0.1, "given": {"metric": "own:share"}}]
    surely, at_all, given = verdicts(rows)
    assert surely.endswith("nowhere")
    assert at_all.endswith("low of 2")
    assert given.endswith("low")


def _cause(cause: str | None, named: str | None, cost: float, metric: str = "top1", unit: str = "%") -> dict[str, Any]:
    warnings = [named] if named else []
    return {"cause": cause, "named": named, "cost": cost, "metric": metric, "unit": unit, "warnings": warnings}


@pytest.mark.parametrize(
    ("cost", "metric", "unit", "counts"),
    [(4.9, "top1", "%", False), (5.0, "top1", "%", True), (3.0, "mean-iou", "%", True), (0.9, "psnr", "dB", False)],
)
def test_a_wrong_setting_counts_from_a_cost_on(cost: float, metric: str, unit: str, counts: bool) -> None:
    assert hurts(_cause("labels", None, cost, metric, unit)) == counts


def test_only_what_hurts_is_counted_and_a_false_alarm_is_told() -> None:
    rows = [
        _cause(None, None, 0.0),
        _cause(None, "labels", 0.0),
        _cause("labels", "labels", 50.0),
        _cause("resize", "labels", 50.0),
        _cause("resize", None, 1.0),
    ]
    named, false, left = cause_verdicts(rows)
    assert "1 of 2 wrong" in named
    assert "1 of 2 networks" in false
    assert left.endswith("1")
