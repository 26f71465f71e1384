"""The search on made-up networks, whose every answer is known: nothing runs."""

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.progress import silent
from calibench.search.accuracy_aware import Bounds, OnTrial, Searched, Space, orderings, search, unseen
from calibench.search.values import Configuration, Outcome, Ranked

SAMPLES = 1000


def outcome(drop: float, limit: float, whole: bool = True) -> Outcome:
    return Outcome(drop, {"top1": 90 - drop}, SAMPLES if whole else 200, SAMPLES, drop <= limit, drop - limit)


class Made:
    """A network whose layers cost so many points each when they run in INT8, and save so many ms."""

    def __init__(self, costs: Mapping[str, float], limit: float, *, mended: float = 1.0, stops: bool = True) -> None:
        self.costs, self.limit, self.mended, self.stops = dict(costs), limit, mended, stops
        self.evaluated: list[tuple[Configuration, bool]] = []
        self.saves = dict.fromkeys(costs, 0.1)
        self.rankings = 0
        self.work = dict.fromkeys(costs, 10**6)

    def drop(self, configuration: Configuration) -> float:
        lost = sum(cost for name, cost in self.costs.items() if name not in configuration.floats)
        return lost * (self.mended if configuration.repair == "bias" else 1.0)

    def evaluate(self, configuration: Configuration, whole: bool) -> Outcome:
        self.evaluated.append((configuration, whole))
        return outcome(self.drop(configuration), self.limit, whole or not self.stops)

    def rank(self, repair: str) -> tuple[Ranked, ...]:
        self.rankings += 1
        total = sum(self.costs.values()) or 1.0
        names = sorted(self.costs, key=lambda name: -self.costs[name])
        return tuple(
            Ranked(name, -20.0, -20.0, self.costs[name] / total, 0.0, self.work[name], self.saves[name])
            for name in names
        )

    def space(self) -> Space:
        return Space(
            tuple(self.costs),
            self.evaluate,
            lambda: self.mended < 1.0,
            self.rank,
            lambda configuration: 1.0 + sum(self.saves[name] for name in configuration.floats),
            100 / SAMPLES,
        )

    def run(self, front: int = 0, on_trial: OnTrial = unseen, **more: float) -> Searched:
        bounds = Bounds(self.limit, more.get("seconds"), more.get("trials"), True, front)  # type: ignore[arg-type]
        return search(self.space(), bounds, silent, on_trial)


def even(count: int, worst: Mapping[int, float], rest: float = 0.0) -> dict[str, float]:
    return {f"layer{i}": worst.get(i, rest) for i in range(count)}


def test_plain_int8_within_the_limit_is_the_answer_after_one_evaluation() -> None:
    made = Made(even(50, {3: 0.2}), limit=0.5)
    found = made.run()
    assert found.best.configuration == Configuration()
    assert made.evaluated == [(Configuration(), True)]
    assert made.rankings == 0


def test_mended_biases_that_hold_need_no_ranking() -> None:
    made = Made(even(50, {3: 2.0}), limit=0.5, mended=0.2)
    found = made.run()
    assert found.best.configuration == Configuration(repair="bias")
    assert len(made.evaluated) == 2 and made.rankings == 0


def test_one_bad_layer_is_given_back_and_nothing_else() -> None:
    made = Made(even(50, {17: 3.0}, rest=0.001), limit=0.5)
    found = made.run()
    assert found.best.configuration.floats == {"layer17"}
    assert found.best.outcome.is_exact and found.best.outcome.holds
    assert len(made.evaluated) <= 4


def test_layers_estimated_above_the_limit_start_in_float() -> None:
    made = Made(even(50, {1: 3.0, 2: 3.0, 3: 3.0}), limit=0.5)
    made.run()
    first = next(configuration for configuration, _ in made.evaluated if configuration.floats)
    assert first.floats == {"layer1", "layer2", "layer3"}


def test_bisection_finds_the_smallest_prefix() -> None:
    made = Made(even(100, dict.fromkeys(range(6), 0.4)), limit=0.5)
    found = made.run()
    assert len(found.best.configuration.floats) == 5
    assert found.best.outcome.drop == pytest.approx(0.4)


def test_a_layer_that_does_not_matter_goes_back_to_int8() -> None:
    made = Made(even(20, {0: 2.0, 1: 2.0}), limit=0.5)
    wrong = [Ranked("layer9", -5.0, -5.0, 0.9, 0.0, 10**6, 0.1), *(r for r in made.rank("none") if r.name != "layer9")]
    space = made.space()
    lying = Space(space.layers, space.evaluate, space.mend, lambda repair: tuple(wrong), space.time_ms, space.item)
    found = search(lying, Bounds(0.5), silent)
    assert found.best.configuration.floats == {"layer0", "layer1"}
    assert "layer9" in found.returned


def test_a_layer_that_costs_much_time_is_replaced_by_one_that_costs_little() -> None:
    made = Made(even(20, {0: 0.4, 1: 0.4, 2: 0.4}), limit=0.5)
    made.saves["layer1"] = 5.0
    found = made.run()
    assert "layer1" not in found.best.configuration.floats
    assert found.best.outcome.holds


def test_of_two_orderings_the_cheaper_result_is_kept() -> None:
    made = Made(even(40, dict.fromkeys(range(8), 1.0)), limit=0.5)
    made.costs["tiny"], made.work["tiny"], made.saves["tiny"] = 0.9, 10, 0.0
    made.run()
    assert len(orderings(made.rank("none"))) == 2


def test_a_limit_that_only_float_keeps_ends_with_the_nearest_model() -> None:
    made = Made(even(12, {}, rest=1.0), limit=0.5)
    found = made.run()
    assert not found.best.outcome.holds
    assert found.best.outcome.is_exact
    assert not found.is_spent
    assert len(found.best.configuration.floats) == 11


def test_the_nearest_model_may_be_one_of_the_front() -> None:
    made = Made({"a": 2.0, "b": 2.0, "c": 1.0}, limit=0.5)
    made.rank = lambda repair: tuple(Ranked(n, -9.0, -9.0, 1 / 3, 0.0, 10**6, 0.1) for n in "cab")  # type: ignore[method-assign]
    found = made.run(front=3)
    assert found.best.outcome.drop == min(trial.outcome.drop for trial in found.trials)


def test_trials_are_never_more_than_allowed_and_the_best_so_far_comes_back() -> None:
    made = Made(even(60, dict.fromkeys(range(20), 0.3)), limit=0.5)
    found = made.run(trials=4)
    assert len(made.evaluated) <= 5  # one more where the best was not yet evaluated in full
    assert found.is_spent
    assert found.best.outcome.is_exact


def test_time_that_is_up_ends_the_search() -> None:
    made = Made(even(60, dict.fromkeys(range(20), 0.3)), limit=0.5)
    found = made.run(seconds=1e-9)
    assert len(made.evaluated) == 1
    assert found.is_spent and found.best.configuration == Configuration()


def test_a_verdict_of_few_samples_is_no_answer() -> None:
    """A configuration that seems to hold early and fails on all samples is passed over."""
    made = Made(even(30, {0: 2.0, 1: 1.0}), limit=0.5)

    def evaluate(configuration: Configuration, whole: bool) -> Outcome:
        if not whole and configuration.floats == {"layer0"}:
            return outcome(0.1, 0.5, whole=False)
        return made.evaluate(configuration, whole)

    space = made.space()
    found = search(
        Space(space.layers, evaluate, space.mend, space.rank, space.time_ms, space.item), Bounds(0.5), silent
    )
    assert found.best.outcome.is_exact and found.best.outcome.holds
    assert {"layer0", "layer1"} <= found.best.configuration.floats


def test_single_swaps_come_before_many_layers_where_the_limit_is_less_than_three_samples() -> None:
    """Not monotone: every prefix misses by a sample, but with one more layer the best of them holds."""
    names = [f"layer{i}" for i in range(40)]

    def drop(floats: frozenset[str]) -> float:
        return 0.0 if "layer5" in floats and len(floats) <= 3 else 0.2 if "layer0" in floats else 0.9

    def evaluate(configuration: Configuration, whole: bool) -> Outcome:
        return outcome(drop(configuration.floats), 0.1, whole)

    ranking = tuple(Ranked(name, -20.0, -20.0, 1 / 40, 0.0, 10**6, 0.1) for name in names)
    space = Space(tuple(names), evaluate, lambda: False, lambda repair: ranking, lambda c: len(c.floats), 0.1)
    found = search(space, Bounds(0.1), silent)
    assert found.best.outcome.holds
    assert len(found.best.configuration.floats) <= 3


def test_the_front_is_widened_after_the_answer() -> None:
    made = Made(even(60, dict.fromkeys(range(10), 0.3)), limit=1.0)
    without, more = made.run(), made.run(front=4)
    assert more.best.configuration == without.best.configuration
    exact = [t for t in more.trials if t.outcome.is_exact]
    assert len(exact) >= len([t for t in without.trials if t.outcome.is_exact]) + 3


def test_each_trial_is_told_with_the_most_that_can_come() -> None:
    told: list[tuple[int, int]] = []
    made = Made(even(64, dict.fromkeys(range(20), 0.3)), limit=0.5)
    found = made.run(on_trial=lambda trial, left: told.append((trial.number, left)))
    assert [number for number, _ in told] == list(range(1, len(found.trials) + 1))
    assert all(a > b for (_, a), (_, b) in pairwise(told))
    assert told[0][0] + told[0][1] == found.most_trials


@given(
    costs=st.lists(st.floats(0, 2), min_size=3, max_size=40),
    limit=st.floats(0.05, 2),
    mended=st.sampled_from([1.0, 0.5]),
)
def test_what_is_returned_holds_wherever_giving_back_all_but_one_layer_does(
    costs: list[float], limit: float, mended: float
) -> None:
    made = Made({f"layer{i}": cost for i, cost in enumerate(costs)}, limit, mended=mended)
    found = made.run()
    assert found.best.outcome.is_exact
    assert found.best.outcome.holds == (min(costs) * mended <= limit or min(costs) <= limit)
    assert len(found.trials) <= found.most_trials


@pytest.mark.parametrize("count", [20, 50, 100, 200])
def test_evaluations_grow_with_the_logarithm_of_the_layers(count: int) -> None:
    made = Made(even(count, dict.fromkeys(range(5), 0.3), rest=0.0001), limit=0.5)
    made.run()
    assert len(made.evaluated) <= 20


def test_with_a_budget_of_trials_no_more_are_said_to_come() -> None:
    told: list[int] = []
    made = Made(even(50, dict.fromkeys(range(9), 0.4)), limit=0.5)
    made.run(trials=5, on_trial=lambda trial, left: told.append(left))
    assert told[:5] == [4, 3, 2, 1, 0]
