"""The front: what no other model beats in both accuracy and time."""

from hypothesis import given
from hypothesis import strategies as st

from calibench.search.front import front_of, undominated
from calibench.search.values import Configuration, FrontPoint, Outcome, Trial


def trial(number: int, drop: float, time_ms: float | None, is_exact: bool = True) -> Trial:
    outcome = Outcome(drop, {}, 100 if is_exact else 20, 100, True, 0.0)
    return Trial(number, Configuration(frozenset({f"layer{number}"})), "tried", outcome, time_ms)


def numbers(trials: tuple[Trial, ...]) -> list[int]:
    return [each.number for each in trials]


def test_a_model_that_is_slower_and_worse_is_left_out() -> None:
    best = trial(1, 0.1, 2.0)
    assert numbers(front_of([best, trial(2, 0.5, 3.0), trial(3, 0.5, 1.0)], best)) == [1, 3]


def test_a_saving_that_no_prediction_could_tell_is_none() -> None:
    best = trial(1, 0.1, 2.0)
    assert numbers(front_of([best, trial(2, 0.5, 1.99)], best)) == [1]


def test_what_was_stopped_early_is_no_point() -> None:
    best = trial(1, 0.1, 2.0)
    assert numbers(front_of([best, trial(2, 0.0, 1.0, is_exact=False)], best)) == [1]


def test_the_chosen_one_is_always_there() -> None:
    best = trial(1, 0.9, 9.0)
    assert numbers(front_of([best, trial(2, 0.1, 1.0)], best)) == [2, 1]


def test_the_last_evaluation_of_a_model_counts() -> None:
    first, again = trial(1, 0.4, 2.0, is_exact=False), trial(1, 0.3, 2.0)
    assert front_of([first, again], again) == (again,)


@given(st.lists(st.tuples(st.floats(-1, 5), st.floats(0.1, 9)), min_size=1, max_size=12))
def test_every_model_left_out_is_beaten_by_one_on_the_front(made: list[tuple[float, float]]) -> None:
    trials = [trial(number, *each) for number, each in enumerate(made)]
    front = front_of(trials, trials[0])
    for each in trials:
        assert each in front or any(
            point.outcome.drop <= each.outcome.drop and (point.time_ms or 0) * 0.99 <= (each.time_ms or 0)
            for point in front
        )


def test_a_point_that_measured_slower_than_a_better_one_goes() -> None:
    points = [
        FrontPoint(number, Configuration(), drop, 1.0, fps) for number, drop, fps in ((1, 0.1, 50.0), (2, 0.5, 40.0))
    ]
    assert [point.trial for point in undominated(points, 1)] == [1]
    assert [point.trial for point in undominated(points, 2)] == [1, 2]
