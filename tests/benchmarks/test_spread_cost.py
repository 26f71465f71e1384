"""The cost model of a shared evaluation: it explains what it was fitted on, and says more of more workers."""

import pytest
from benchmarks.spread_cost import Cost, Work, fit

WORK = Work(samples=800, model_bytes=1e6, answer_bytes=4e4)


def test_a_fit_explains_what_one_worker_and_two_took() -> None:
    true = Cost(fixed_s=0.3, sample_s=0.01, hand_out_s=0.01, line=5e8)
    one, two = (true.seconds(WORK, workers) for workers in (1, 2))
    found = fit(WORK, one, two, 0.01, 5e8)
    assert (found.fixed_s, found.sample_s) == (pytest.approx(0.3), pytest.approx(0.01))
    assert found.seconds(WORK, 4) == pytest.approx(true.seconds(WORK, 4))


def test_more_workers_help_until_the_line_or_the_one_who_hands_out_is_busy() -> None:
    cost = Cost(fixed_s=0.1, sample_s=0.01, hand_out_s=0.01, line=1e9)
    seconds = [cost.seconds(WORK, workers) for workers in (1, 2, 4)]
    assert seconds == sorted(seconds, reverse=True)
    slow_line = Cost(fixed_s=0.1, sample_s=0.01, hand_out_s=0.01, line=1e7)
    assert slow_line.seconds(WORK, 16) - slow_line.seconds(WORK, 8) == pytest.approx(8 * 0.1), "only models travel"
    slow_hands = Cost(fixed_s=0.1, sample_s=0.01, hand_out_s=0.5, line=1e9)
    assert slow_hands.seconds(WORK, 8) == pytest.approx(0.1 + 8 * 1e-3 + 32 * 0.5), "one process hands out"
