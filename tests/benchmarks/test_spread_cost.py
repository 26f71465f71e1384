"""The cost model of a shared evaluation, by hand."""

import pytest
from benchmarks.spread_cost import Cost, Work, fit

WORK = Work(samples=100, chunk=10, model_bytes=2e6, answer_bytes=100)


def test_the_busiest_worker_decides() -> None:
    cost = Cost(fixed_s=1.0, sample_s=0.1, line=1e6)
    assert [WORK.rounds(workers) for workers in (1, 2, 3, 4, 64)] == [10, 5, 4, 3, 1]
    assert cost.seconds(WORK, 1) == pytest.approx(1 + 100 * 0.1 + 2)
    assert cost.seconds(WORK, 4) == pytest.approx(1 + 30 * 0.1 + 8)


def test_a_line_that_cannot_carry_the_answers_decides() -> None:
    slow = Work(samples=100, chunk=10, model_bytes=0, answer_bytes=1e6)
    assert Cost(0.0, 0.01, line=1e7).seconds(slow, 10) == pytest.approx(10.0)


def test_what_made_the_times_is_found_again() -> None:
    made = Cost(fixed_s=0.7, sample_s=0.05, line=1e8)
    found = fit(WORK, made.seconds(WORK, 1), made.seconds(WORK, 2), 1e8)
    assert (found.fixed_s, found.sample_s) == (pytest.approx(0.7), pytest.approx(0.05))
    assert found.seconds(WORK, 4) == pytest.approx(made.seconds(WORK, 4))


def test_a_single_chunk_tells_nothing() -> None:
    with pytest.raises(ValueError, match="one chunk"):
        fit(Work(5, 8, 0, 0), 1.0, 1.0, 1e8)
