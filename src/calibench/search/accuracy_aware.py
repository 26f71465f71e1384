"""The accuracy-aware search: the fastest model within the limits, found in few evaluations.

Plain INT8 is evaluated first; then with its biases mended; only then layers are given back to float, the worst ones of
a ranking first. How many is found by galloping (1, 2, 4, 8, ...) and bisection along two orderings, not layer by layer.
Afterwards layers that turn out not to matter go back to INT8. What is returned was evaluated on every sample.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, inf, log2, sqrt
from time import perf_counter

from calibench.progress import Progress
from calibench.search.values import Configuration, Outcome, Ranked, Repair, Trial

LEAST_MULTIPLY_ADDS = 1e4
"""Layers with fewer are as if they had so many: next to nothing is saved by either."""
FIRST_GALLOP = 8
"""Layers given back up to which both orderings are tried in turn."""
COARSE_ITEMS = 3.0
"""A limit below so many samples is near a coin toss: single swaps are tried before many layers are given back."""
MOST_SWAPS, MOST_RETURNS = 8, 8
PLAIN = "plain INT8"
MENDED = "biases corrected one after the other"
MOST_FRONT, FRONT_SHARE = 4, 0.3
"""Further models for the front, and the share of the time of the search that they may take, where nothing else was
asked for."""
CHEAPER = 0.5
"""Share of the time of a layer in float that another one must cost at most to take its place."""

OnTrial = Callable[[Trial, int], None]
"""A trial that has ended, and the most that can still come."""


@dataclass(frozen=True)
class Space:
    """What the search may ask for; every function is costly.

    Attributes:
        layers: names of those that can be given back.
        evaluate: a configuration, and whether to the last sample -> outcome.
        mend: corrects the biases; whether that lowers the output noise, so that it is worth a trial.
        rank: for a repair, the layers, worst first; `drop` is 0 there.
        time_ms: predicted time of one inference; None as long as the layers were not measured.
        item: points that one validation sample counts; 0 where a sample has no value of its own.
    """

    layers: tuple[str, ...]
    evaluate: Callable[[Configuration, bool], Outcome]
    mend: Callable[[], bool]
    rank: Callable[[Repair], tuple[Ranked, ...]]
    time_ms: Callable[[Configuration], float | None]
    item: float


@dataclass(frozen=True)
class Bounds:
    """How much a search may spend.

    Attributes:
        limit: drop of the main metric that is allowed, in its unit.
        seconds: None: as long as it takes.
        trials: None: as many as it takes.
        repair: whether biases may be mended.
        front: further trials after the answer, for other points of the front; None: what fits into FRONT_SHARE.
    """

    limit: float
    seconds: float | None = None
    trials: int | None = None
    repair: bool = True
    front: int | None = 0


@dataclass(frozen=True)
class Searched:
    """What the search did.

    Attributes:
        best: the answer, or the nearest to one.
        is_spent: it ended because time or trials ran out, not because there was nothing left to try.
        returned: layers that were given back for a while and are in INT8 again.
    """

    best: Trial
    is_spent: bool
    trials: tuple[Trial, ...]
    ranking: tuple[Ranked, ...]
    most_trials: int
    returned: frozenset[str] = frozenset()


class _Spent(Exception):  # noqa: N818 - no error: the budget is used up
    """No further trial may begin."""


def unseen(trial: Trial, left: int) -> None:
    """For a caller who does not look."""


def search(space: Space, bounds: Bounds, progress: Progress, on_trial: OnTrial = unseen) -> Searched:
    """Find the fastest configuration within the limits.

    Raises:
        Cancelled: by `progress`.
        CalibenchError: whatever the functions of `space` raise.
    """
    run = _Search(space, bounds, progress, on_trial)
    is_spent = False
    answer: Trial | None = None
    try:
        answer = run.answer()
        run.widen(answer)
    except _Spent:
        is_spent = answer is None
    best = answer if answer is not None and answer.outcome.holds else run.nearest()
    return Searched(
        best, is_spent, tuple(run.trials), run.ranked_so_far, run.most_trials, frozenset(run.returned - _floats(best))
    )


def orderings(ranking: Sequence[Ranked]) -> tuple[tuple[str, ...], ...]:
    """Names by the error they cause, and by that error per square root of their multiply-adds; one where both agree.

    The second puts layers first that do damage without doing work.
    """
    by_error = [each.name for each in ranking]
    per_work = sorted(ranking, key=lambda each: -each.share / sqrt(max(each.multiply_adds, LEAST_MULTIPLY_ADDS)))
    second = [each.name for each in per_work]
    return (tuple(by_error),) if by_error == second else (tuple(by_error), tuple(second))


def most_trials(layers: int, front: int | None) -> int:
    """How many models a search evaluates at most, as far as can be told beforehand: it grows with log(layers)."""
    depth = ceil(log2(max(2, layers)))
    return 2 + 4 * (depth + 1) + MOST_SWAPS + MOST_RETURNS + 2 + (MOST_FRONT if front is None else front)


class _Search:
    """One run: the trials so far, and the steps that make them."""

    def __init__(self, space: Space, bounds: Bounds, progress: Progress, on_trial: OnTrial) -> None:
        self.space, self.bounds = space, bounds
        self.trials: list[Trial] = []
        self.returned: set[str] = set()
        self.ranked_so_far: tuple[Ranked, ...] = ()
        self.most_trials = 0
        self._progress, self._on_trial = progress, on_trial
        self._start = perf_counter()
        self._base: Repair = "none"
        self._outcomes: dict[Configuration, Trial] = {}
        most = most_trials(len(space.layers), bounds.front)
        self._left = min(most, bounds.trials or most)

    def answer(self) -> Trial:
        """The configuration that is returned where it holds; else the nearest."""
        for attempt in (self._plain, self._mended):
            trial = attempt()
            if trial is not None and trial.outcome.holds:
                return trial
        found = self._give_back()
        if found is None:
            self._evaluate_largest()
            return self.nearest()
        return self._certified(self._return_layers(found))

    def _evaluate_largest(self) -> None:
        """See the model with the most layers in float to the end: it may be the nearest, and was stopped early."""
        largest = max(self.trials, key=lambda trial: len(_floats(trial)))
        self._whole(largest)

    def nearest(self) -> Trial:
        """What holds for certain and is fastest; else what misses the limits least, evaluated on every sample."""
        exact = [trial for trial in self._outcomes.values() if trial.outcome.is_exact]
        holding = [trial for trial in exact if trial.outcome.holds]
        if not holding:  # a budget that ended in the middle: one evaluation more, or nothing could be promised
            likely = [trial for trial in self._outcomes.values() if trial.outcome.holds]
            if likely:
                exact.append(self._in_full(min(likely, key=self._cost)))
                holding = [exact[-1]] if exact[-1].outcome.holds else []
        return min(holding, key=self._cost) if holding else min(exact, key=lambda trial: trial.outcome.excess)

    def widen(self, answer: Trial) -> None:
        """Evaluate more models after the answer, so that other limits can be served without a new search.

        Those that were stopped early and may lie on the front come first, then the mended network, then prefixes of
        the ranking. Without a number that was asked for, only as long as one more fits into the share of the time.
        """
        begun, models, done = perf_counter(), self._wider(answer), 0
        allowed = FRONT_SHARE * (begun - self._start)
        most = MOST_FRONT if self.bounds.front is None else self.bounds.front
        while done < most:
            is_late = perf_counter() - begun + answer.outcome.seconds > allowed
            if self.bounds.front is None and is_late:
                return
            configuration, purpose = next(models, (None, ""))
            if configuration is None:
                return
            known = self._outcomes.get(configuration)
            if known is None or not known.outcome.is_exact:
                self._try(configuration, f"{purpose}, for the front", whole=True)
                done += 1

    def _wider(self, answer: Trial) -> Iterator[tuple[Configuration, str]]:
        if self.bounds.front == 0 or (answer.outcome.drop <= 0 and len(self.trials) == 1):
            return  # nothing could be better than this in both
        for trial in list(self.trials):
            if not trial.outcome.is_exact and trial.outcome.drop < self.trials[0].outcome.drop:
                yield trial.configuration, trial.purpose
        if self.bounds.repair and self._base == "none" and self.space.mend():
            yield Configuration(repair="bias"), MENDED
        count = max(1, len(_floats(answer)))
        for size in dict.fromkeys((count // 2, 2 * count, 4 * count, 1, 2, 4, 8)):
            for order in self._orders if size else ():
                yield self._prefix(order, size), _worst_layers(size)

    def _plain(self) -> Trial:
        return self._try(Configuration(), PLAIN, whole=True)

    def _mended(self) -> Trial | None:
        if not self.bounds.repair or not self.space.mend():
            return None
        trial = self._try(Configuration(repair="bias"), MENDED, whole=True)
        if trial.outcome.excess <= self.trials[0].outcome.excess:
            self._base = "bias"
        return trial

    @cached_property
    def _ranking(self) -> tuple[Ranked, ...]:
        self._progress("rank", 0, 1)
        lost = max(0.0, self._outcomes[Configuration(repair=self._base)].outcome.drop)
        ranked = self.space.rank(self._base)
        self.ranked_so_far = tuple(replace(each, drop=each.share * lost) for each in ranked)
        self._progress("rank", 1, 1)
        return self.ranked_so_far

    @cached_property
    def _orders(self) -> tuple[tuple[str, ...], ...]:
        return orderings(self._ranking)

    def _prefix(self, order: Sequence[str], size: int) -> Configuration:
        return Configuration(frozenset(order[:size]), self._base)

    def _give_back(self) -> Trial | None:
        """The smallest prefix of an ordering that holds; None where not even giving back nearly all does."""
        first = max(1, sum(each.drop > self.bounds.limit for each in self._ranking))
        for size, below in self._gallop(first):
            if size > FIRST_GALLOP and below <= FIRST_GALLOP and self._is_coarse():
                swapped = self._swap()
                if swapped is not None:
                    return swapped
            held = [found for order in self._orders if (found := self._hold(order, size)) is not None]
            if held:
                return self._bisect(min(held, key=lambda pair: self._cost(pair[1])), below, size)
        return None

    def _gallop(self, first: int) -> Iterator[tuple[int, int]]:
        """How many layers to give back, and how many were too few."""
        below, size, most = 0, first, len(self.space.layers) - 1
        while below < most:
            size = min(size, most)
            yield size, below
            below, size = size, 2 * size

    def _hold(self, order: tuple[str, ...], size: int) -> tuple[tuple[str, ...], Trial] | None:
        trial = self._try(self._prefix(order, size), _worst_layers(size))
        return (order, trial) if trial.outcome.holds else None

    def _bisect(self, held: tuple[tuple[str, ...], Trial], below: int, size: int) -> Trial:
        order, best = held
        while size - below > 1:
            middle = (below + size) // 2
            trial = self._try(self._prefix(order, middle), _worst_layers(middle))
            if trial.outcome.holds:
                best, size = trial, middle
            else:
                below = middle
        return best

    def _is_coarse(self) -> bool:
        return 0 < self.bounds.limit < COARSE_ITEMS * self.space.item

    def _swap(self) -> Trial | None:
        """Put one more layer of the ranking into the configuration that misses the limit least, in turn."""
        nearest = min((t for t in self.trials if t.configuration.repair == self._base), key=lambda t: t.outcome.excess)
        tried = 0
        for name in self._orders[0]:
            if tried == MOST_SWAPS or name in nearest.configuration.floats:
                continue
            floats = nearest.configuration.floats | {name}
            trial = self._try(Configuration(floats, self._base), f"{name} in float as well")
            tried += 1
            if trial.outcome.holds:
                return trial
        return None

    def _return_layers(self, best: Trial) -> Trial:
        """Put layers back into INT8 that turn out not to matter, those that save most time first.

        One that does matter may be replaced by the next of the ranking that costs clearly less time.
        """
        tried = 0
        for name in self._dearest(best.configuration):
            left = best.configuration.floats - {name}
            cheaper = self._cheaper(name, best.configuration)
            wanted = [(left, f"{name} back in INT8")] if left else []
            wanted += [(left | {cheaper}, f"{cheaper} in float for {name}")] if cheaper else []
            for floats, purpose in wanted:
                if tried == MOST_RETURNS:
                    return best
                tried += Configuration(floats, self._base) not in self._outcomes
                trial = self._try(Configuration(floats, self._base), purpose)
                if trial.outcome.holds and self._cost(trial) < self._cost(best):
                    self.returned.add(name)
                    best = trial
                    break
        return best

    def _cheaper(self, name: str, configuration: Configuration) -> str | None:
        """The worst layer that is still in INT8, where giving it back costs clearly less time than this one does."""
        saves = {each.name: each.saves_ms or 0.0 for each in self._ranking}
        other = next((each for each in self._orders[0] if each not in configuration.floats), None)
        return other if other is not None and saves[other] < CHEAPER * saves[name] else None

    def _dearest(self, configuration: Configuration) -> list[str]:
        saves = {each.name: each.saves_ms if each.saves_ms is not None else 0.0 for each in self._ranking}
        return sorted(configuration.floats, key=lambda name: (-saves.get(name, 0.0), name))

    def _certified(self, best: Trial) -> Trial:
        """The fastest of those that held, evaluated on every sample; what fails there is no answer."""
        while not best.outcome.is_exact:
            best = self._whole(best)
            if best.outcome.holds:
                return best
            others = [t for t in self._outcomes.values() if t.outcome.holds]
            if not others:
                found = self._more(best)
                if found is None:
                    return self.nearest()
                best = found
            else:
                best = min(others, key=self._cost)
        return best

    def _more(self, failed: Trial) -> Trial | None:
        """Larger prefixes than one that held only as long as not all samples were looked at."""
        size = len(failed.configuration.floats)
        while size < len(self.space.layers) - 1:
            size = min(2 * size, len(self.space.layers) - 1)
            held = [found for order in self._orders if (found := self._hold(order, size)) is not None]
            if held:
                return min((trial for _, trial in held), key=self._cost)
        return None

    def _cost(self, trial: Trial) -> tuple[float, int, float]:
        """What is better when all limits hold: less time, then fewer layers in float, then less drop."""
        time_ms = self.space.time_ms(trial.configuration)
        return (inf if time_ms is None else time_ms, len(_floats(trial)), trial.outcome.drop)

    def _in_full(self, trial: Trial) -> Trial:
        return self._evaluate(trial.configuration, f"{trial.purpose}, all samples", True)

    def _whole(self, trial: Trial) -> Trial:
        """The same, evaluated on every sample."""
        return self._try(trial.configuration, f"{trial.purpose}, all samples", whole=True)

    def _try(self, configuration: Configuration, purpose: str, whole: bool = False) -> Trial:
        """Evaluate a configuration, unless that has been done.

        Raises:
            _Spent: there is no time, or no trial, left.
        """
        known = self._outcomes.get(configuration)
        if known is not None and (known.outcome.is_exact or not whole):
            return known
        spent = self.bounds.seconds is not None and perf_counter() - self._start > self.bounds.seconds
        if self.trials and (spent or len(self.trials) == self.bounds.trials):
            raise _Spent
        return self._evaluate(configuration, purpose, whole)

    def _evaluate(self, configuration: Configuration, purpose: str, whole: bool) -> Trial:
        outcome = self.space.evaluate(configuration, whole)
        number = len(self.trials) + 1
        self._left = max(self._left - 1, 0)
        trial = Trial(number, configuration, purpose, outcome)
        self.trials.append(trial)
        self._outcomes[configuration] = trial
        self.most_trials = max(self.most_trials, number + self._left)
        self._progress("search", number, number + self._left)
        self._on_trial(trial, self._left)
        return trial


def _floats(trial: Trial) -> frozenset[str]:
    return trial.configuration.floats


def _worst_layers(size: int) -> str:
    return "worst layer in float" if size == 1 else f"{size} worst layers in float"
