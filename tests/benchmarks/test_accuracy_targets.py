"""What is said of both sides: which of the peer's results counts, and when a target is missed."""

from typing import Any

import pytest
from benchmarks.accuracy_aware import merged
from benchmarks.accuracy_page import accuracy_section, cost_table
from benchmarks.accuracy_targets import (
    allowed_share,
    best_peer,
    has_reverted,
    peer_graph,
    ratio,
    speed_ratio,
    table,
    targets,
)


def _side(**changes: Any) -> dict[str, Any]:
    side = {"seconds": 10.0, "drop": 0.2, "is_met": True, "float_share": 0.0, "reverted": 0, "validations": 3}
    return side | {"is_finished": True, "run": "a"} | changes


def _row(ours: dict[str, Any], *peers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    graphs = dict(zip(("imported", "normalised"), peers, strict=False))
    row = {"network": "fashion-mbv3", "limit": 0.5, "fp32": 90.0, "says": "top-1", "samples": {"validation": 700}}
    fps = {"fp32": (10.0,), "ours": (30.0,), "imported": (30.0,), "normalised": (20.0,)}
    return row | {"ours": ours, "peer": {**graphs, "run": "a"}, "fps": fps} | changes


def _capped() -> dict[str, Any]:
    return {"seconds": 900.0, "is_finished": False, "reverted": 4, "validations": 6}


def test_a_result_within_the_limit_counts_before_a_faster_one_outside() -> None:
    row = _row(_side(), _side(seconds=5.0, is_met=False, drop=2.0), _side(seconds=50.0))
    assert best_peer(row)["seconds"] == 50.0
    assert peer_graph(row) == "normalised"


def test_of_two_within_the_limit_the_one_that_was_found_faster_counts() -> None:
    assert best_peer(_row(_side(), _side(seconds=70.0), _side(seconds=50.0)))["seconds"] == 50.0


def test_without_one_within_the_limit_the_least_drop_counts_and_no_result_is_the_last() -> None:
    worse, better = _side(is_met=False, drop=2.0), _side(is_met=False, drop=1.0, seconds=90.0)
    assert best_peer(_row(_side(), worse, better)) is better
    assert best_peer(_row(_side(), _capped(), worse)) is worse
    assert not best_peer(_row(_side(), _capped(), _capped()))["is_finished"]


@pytest.mark.parametrize(
    ("peer", "reverted"), [(_side(), False), (_side(reverted=2), True), (_capped() | {"reverted": 0}, True)]
)
def test_a_run_without_result_is_one_that_had_to_revert(peer: dict[str, Any], reverted: bool) -> None:
    assert has_reverted(_row(_side(), peer)) == reverted


@pytest.mark.parametrize(("share", "allowed"), [(0.0, 2.0), (2.0, 2.0), (2.5, 1.25), (40.0, 20.0)])
def test_half_of_the_peers_share_is_allowed_where_that_is_above_two_percent(share: float, allowed: float) -> None:
    assert allowed_share(_row(_side(), _side(float_share=share))) == allowed


def test_nothing_is_compared_with_a_result_outside_the_limit() -> None:
    row = _row(_side(), _side(is_met=False, drop=3.0))
    assert allowed_share(row) is None
    assert speed_ratio(row) is None


def test_throughput_is_held_against_the_result_that_counts() -> None:
    assert speed_ratio(_row(_side(), _side(seconds=70.0), _side(seconds=50.0))) == pytest.approx(1.5)


def test_every_missed_target_names_its_row() -> None:
    slow = _row(_side(seconds=30.0, float_share=9.0, is_met=False), _side(seconds=100.0, reverted=3, float_share=8.0))
    slow["fps"] = {"fp32": (10.0,), "ours": (20.0,), "imported": (30.0,)}
    hard, middle, easy, met, _, share, fps = targets([slow])
    assert "in 0 of 1; missed: fashion-mbv3 at 0.5 (0.30)" in hard
    assert "0.30" in middle
    assert "0 of 0" in easy
    for line in (met, share, fps):
        assert line.endswith("0 of 1; missed: fashion-mbv3 at 0.5")


def test_targets_that_are_reached_name_nothing() -> None:
    good = _row(_side(seconds=4.0), _side(seconds=10.0))
    assert ratio(good) == pytest.approx(0.4)
    assert not any("missed:" in line for line in targets([good]))


def test_sides_of_different_runs_are_told() -> None:
    assert targets([_row(_side(run="b"), _side())])[0] == "NOT OF ONE RUN: fashion-mbv3 at 0.5"


def test_rows_of_one_side_make_no_claim() -> None:
    half = _row(_side(), _side())
    del half["ours"]
    assert targets([half]) == ["no row has both sides yet"]
    assert len(table([half])) == 2


def test_the_table_says_where_the_peer_has_no_result_and_where_a_limit_is_missed() -> None:
    (line,) = table([_row(_side(is_met=False, drop=0.7), _capped())])[2:]
    assert "| +0.70 missed (no result) | 10.0 (> 900) | 0.01 |" in line


def test_a_new_row_replaces_its_own_and_keeps_the_side_that_did_not_run() -> None:
    old, other = _row(_side(), _side()), _row(_side(), _side(), limit=1.0)
    new = {"network": "fashion-mbv3", "limit": 0.5, "ours": _side(seconds=1.0)}
    first, second = merged([old, other], new)
    assert (first["limit"], second["limit"]) == (1.0, 0.5)
    assert (second["ours"]["seconds"], second["peer"]) == (1.0, old["peer"])


def test_the_cost_of_a_search_is_told_beside_the_peers_where_there_is_one() -> None:
    ours = {"plain_drop": 3.0, "drop": 0.5, "reverted": 4, "compiles": 20, "inferences": 4000, "trials": 8}
    ours |= {"ranking_s": 1.0, "trials_s": 2.0, "seconds": 4.0}
    peer = ours | {"drop": None, "compiles": 200, "seconds": 90.0}
    with_peer, without = cost_table([{"layers": 20, "ours": ours, "peer": peer}, {"layers": 200, "ours": ours}])[2:]
    assert "| 0.50 (no result) |" in with_peer
    assert "| 20 (200) |" in with_peer
    assert "(" not in without


def test_the_page_shows_plain_int8_of_both_with_both_guards() -> None:
    peers = {graph: {"drops": {"default": 2.0, "all": 0.5}, "fix": "all"} for graph in ("imported", "normalised")}
    machine = {"cpu": "CPU", "physical_cores": 2, "flags": ["avx2"]}
    plain = {"net": {"fp32": 90.0, "drop": 0.25, "peer": peers}}
    result = {"machine": machine, "versions": {"nncf": "3"}, "plain": plain, "rows": [_row(_side(), _side())]}
    assert "| net | 90.00 | +0.25 | +2.00, +0.50 | +2.00, +0.50 |" in accuracy_section(result)
