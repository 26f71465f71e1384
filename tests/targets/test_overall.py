"""One number for a whole job: never taken back, never done too early, whatever comes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from calibench.progress import STAGES
from calibench.targets.overall import NEARLY, WAYS, Overall, Part, way_of

KINDS = (*WAYS, "calibrate")
events = some.lists(
    some.tuples(
        some.sampled_from((*STAGES, "points", "unpack", "copy", "fetch", "strange")),
        some.integers(-1, 50),
        some.integers(0, 50),
        some.floats(0, 10),
    ),
    max_size=60,
)


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def overall(*parts: Part) -> tuple[Overall, Clock]:
    clock = Clock()
    return Overall(parts, clock), clock


@given(kind=some.sampled_from(KINDS), searches=some.booleans(), points=some.floats(0, 1000), told=events)
def test_progress_never_goes_back_and_is_whole_only_at_the_end(
    kind: Any, searches: bool, points: float, told: list[tuple[str, int, int, float]]
) -> None:
    clock = Clock()
    whole = Overall(way_of(kind, is_accuracy_aware=searches, points_s=points), clock)
    last = 0.0
    for step, done, total, seconds in told:
        clock.now += seconds
        standing = whole.report(step, done, total)
        assert last <= standing.progress <= NEARLY
        last = standing.progress
    assert whole.finish().progress == 1.0


@given(told=events)
def test_the_time_left_is_a_range_that_is_not_negative(told: list[tuple[str, int, int, float]]) -> None:
    clock = Clock()
    whole = Overall(way_of("calibrate", is_accuracy_aware=True), clock)
    for step, done, total, seconds in told:
        clock.now += seconds
        eta = whole.report(step, done, total).eta_s
        assert eta is None or 0.0 <= eta[0] <= eta[1]


@given(cuts=some.lists(some.integers(1, 20), min_size=1, max_size=5))
def test_every_way_comes_to_its_end_when_each_of_its_steps_does(cuts: list[int]) -> None:
    for kind in KINDS:
        parts = way_of(kind, points_s=8.0)  # type: ignore[arg-type]
        whole = Overall(parts, Clock())
        for part in parts:
            for step in part.steps:
                for total in sorted(cuts, reverse=True):
                    for done in range(total + 1):
                        standing = whole.report(step, done, total)
        assert standing.progress == NEARLY


def test_a_second_dataset_is_the_next_part() -> None:
    whole, _ = overall(Part(1, {"decode": 1.0}), Part(1, {"decode": 1.0}), Part(2, {"fit": 1.0}))
    assert whole.report("decode", 10, 10).progress == 0.25
    assert whole.report("decode", 1, 10).progress == pytest.approx(0.275)
    assert whole.report("decode", 10, 10).progress == 0.5


def test_a_step_that_comes_once_more_than_expected_takes_nothing_back() -> None:
    whole, _ = overall(Part(1, {"decode": 1.0}), Part(1, {"fit": 1.0}))
    whole.report("decode", 10, 10)
    assert whole.report("decode", 1, 10).progress == 0.5


def test_what_was_left_out_is_skipped() -> None:
    whole, _ = overall(Part(1, {"diagnose": 1.0}), Part(1, {"decode": 1.0}), Part(2, {"fit": 1.0}))
    assert whole.report("fit", 0, 4).progress == 0.5


def test_a_trial_that_is_half_done_is_half_a_step_of_the_search() -> None:
    whole, _ = overall(Part(1, {"search": 1.0, "validate": 0.0}))
    whole.report("search", 2, 10)
    assert whole.report("validate", 5, 10).progress == pytest.approx(0.25)


def test_nothing_is_said_of_the_time_left_before_it_is_known() -> None:
    whole, clock = overall(Part(1, {"fit": 1.0}))
    assert whole.report("fit", 5, 10).eta_s is None
    clock.now = 10.0
    eta = whole.report("fit", 5, 10).eta_s
    assert eta is not None
    assert eta[0] < 10.0 < eta[1]


def test_a_search_may_be_over_at_once() -> None:
    whole, clock = overall(Part(1, {"fit": 1.0}), Part(9, {"search": 1.0}, is_open=True))
    whole.report("fit", 10, 10)
    clock.now = 10.0
    eta = whole.report("search", 1, 10).eta_s
    assert eta is not None
    assert eta[0] == 0.0 < eta[1]


def test_stages_are_named_for_people() -> None:
    whole, _ = overall(Part(1, {"statistics": 1.0}))
    assert whole.report("statistics", 1, 2).stage == "calibrate"
    assert whole.report("strange", 1, 2).stage == "strange"
