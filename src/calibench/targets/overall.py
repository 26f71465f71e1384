"""One number for a whole job: how far it is, over all its stages, and how long it will still take.

Steps of the pipeline each count for themselves, come again (a second dataset is decoded), or shrink (statistics settle
early, a search finds its answer). Here they are parts of one way with weights, and what was told is never taken back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from calibench.things.kept import JobKind

WORDS = {
    "read": "read", "diagnose": "prepare", "decode": "prepare", "statistics": "calibrate", "fit": "calibrate",
    "evaluate": "inference", "validate": "search", "rank": "search", "search": "search", "benchmark": "measure",
    "points": "measure", "profile": "measure", "write": "write", "unpack": "unpack", "copy": "copy", "fetch": "fetch",
    "front": "measure",
}  # fmt: skip
"""Step: what a person reads. Most steps last too short to have a word of their own."""
SURE_S, SURE_SHARE = 2.0, 0.03
"""Seconds and share of the way before which nothing is said of the time that is left."""
BELIEF_S = 10.0
"""Seconds of measured pace that outweigh what the weights say: the first step alone is a poor guess of the others."""
OWN_BELIEF = 0.2
"""Share of a part from which on its own pace outweighs that of the way so far."""
SPREAD, FIRST_SPREAD = 1.4, 2.0
"""By which the guesses of the time left are widened at the end, and how much more at the start: weights are rough, and
other programs run beside."""
NEARLY = 0.999
"""The most that is told before the end."""
OUTER: Mapping[str, tuple[float, float]] = {
    "prepare": (0.0, 0.03), "upload": (0.03, 0.10), "queued": (0.10, 0.10), "work": (0.10, 0.97),
    "download": (0.97, NEARLY),
}  # fmt: skip
"""Where the stages of a job on another machine lie on its bar. The work in the middle is a whole job's own way."""


@dataclass(frozen=True)
class Part:
    """A stretch of the way.

    Attributes:
        weight: of its time, beside the other parts.
        steps: step of the pipeline -> its share of the part, which add up to 1; 0: happens, but counts nothing.
        is_open: it may end at any time, as a search does.
    """

    weight: float
    steps: Mapping[str, float]
    is_open: bool = False


@dataclass(frozen=True)
class Standing:
    """Where a job is. `progress`: 0..1; `eta_s`: seconds left, at least and at most; None while that is not known."""

    stage: str
    progress: float
    eta_s: tuple[float, float] | None


def _part(step: str, weight: float) -> Part:
    return Part(weight, {step: 1.0})


SEARCH = Part(60, {"search": 0.7, "rank": 0.3, "validate": 0.0, "fit": 0.0}, is_open=True)
SETS = (_part("diagnose", 4), _part("decode", 3), _part("decode", 3))
"""Calibration and validation dataset."""
CALIBRATE = (*SETS, _part("statistics", 8), _part("fit", 4), _part("evaluate", 15), _part("benchmark", 15))
ACCURACY_AWARE = (
    *SETS, _part("statistics", 8), _part("fit", 4), _part("evaluate", 8), SEARCH,
    _part("evaluate", 3), _part("benchmark", 15), _part("benchmark", 5),
)  # fmt: skip
WAYS: Mapping[JobKind, tuple[Part, ...]] = {
    "import-model": (_part("copy", 2), _part("unpack", 3), _part("read", 5)),
    "import-dataset": (_part("copy", 30), _part("unpack", 50), _part("read", 50)),
    "sample": (_part("fetch", 70), _part("write", 25), _part("read", 5)),
    "machine": (_part("read", 1),),
    "baseline": (_part("diagnose", 4), _part("decode", 3), _part("evaluate", 10), _part("benchmark", 10)),
    "benchmark": (_part("read", 1),),
    "evaluate": (_part("diagnose", 4), _part("decode", 3), _part("evaluate", 10)),
    "compare": (_part("diagnose", 4), _part("decode", 3), _part("evaluate", 15), _part("benchmark", 15)),
    "try-settings": (_part("diagnose", 4), _part("evaluate", 2)),
    "pick": (_part("write", 1),),
}
"""Weights are seconds, as a network of middle size takes for some hundred pictures on two cores."""


def way_of(kind: JobKind, *, is_accuracy_aware: bool = False, points_s: float = 0.0) -> tuple[Part, ...]:
    """The parts of a job, in order.

    Args:
        points_s: seconds that measuring at points will take at the end; 0: there are none.
    """
    parts = (ACCURACY_AWARE if is_accuracy_aware else CALIBRATE) if kind == "calibrate" else WAYS[kind]
    return (*parts, _part("points", points_s)) if points_s > 0 else parts


class Overall:
    """Follows one job along its way."""

    def __init__(self, parts: tuple[Part, ...], clock: Callable[[], float] = monotonic) -> None:
        self._parts, self._clock = parts, clock
        self._total = sum(part.weight for part in parts)
        self._at, self._shares, self._progress = 0, dict.fromkeys(parts[0].steps, 0.0), 0.0
        self._searched = (0, 1)
        self._begun = self._part_begun = clock()

    def report(self, step: str, done: int, total: int) -> Standing:
        """Take in that `done` of `total` units of a step are finished.

        Args:
            step: of the pipeline; one that does not lie ahead changes nothing but the stage that is named.
        """
        share = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
        self._go_on(step, share)
        if step == "search":
            self._searched = (done, max(total, 1))
        elif step == "validate":  # a trial that is half done is half a step of the search
            step, share = "search", min((self._searched[0] + share) / self._searched[1], 1.0)
        if step in self._shares:
            self._shares[step] = max(self._shares[step], share)
        self._progress = max(self._progress, min(self._position() / self._total, NEARLY))
        return Standing(WORDS.get(step, step), self._progress, self._left())

    def finish(self) -> Standing:
        """The job is done."""
        self._progress = 1.0
        return Standing("done", 1.0, (0.0, 0.0))

    def _go_on(self, step: str, share: float) -> None:
        """Go to the next part with this step: where it is none of the present part, or begins anew and is next."""
        ahead = self._parts[self._at + 1 :]
        if step in self._parts[self._at].steps:
            comes_again = share < self._shares[step] and len(self._shares) == 1
            if not (comes_again and ahead and step in ahead[0].steps):
                return
        found = next((number for number, part in enumerate(ahead, self._at + 1) if step in part.steps), None)
        if found is not None:
            self._at, self._shares = found, dict.fromkeys(self._parts[found].steps, 0.0)
            self._part_begun = self._clock()

    def _fraction(self) -> float:
        """Of the present part, 0..1."""
        steps = self._parts[self._at].steps
        return sum(steps[step] * share for step, share in self._shares.items())

    def _position(self) -> float:
        """In weights, from the start."""
        return sum(part.weight for part in self._parts[: self._at]) + self._parts[self._at].weight * self._fraction()

    def _left(self) -> tuple[float, float] | None:
        """Seconds left: by the pace of the whole way, and by that of the present part."""
        now, progress = self._clock(), self._progress
        elapsed = now - self._begun
        if elapsed < SURE_S or progress < SURE_SHARE:
            return None
        part, fraction = self._parts[self._at], self._fraction()
        pace = (elapsed + BELIEF_S) / (progress * self._total + BELIEF_S)
        by_all = self._total * (1.0 - progress) * pace
        later = sum(each.weight for each in self._parts[self._at + 1 :]) * pace
        belief = OWN_BELIEF * part.weight
        own_pace = (now - self._part_begun + belief * pace) / (part.weight * fraction + belief)
        rest = part.weight * (1.0 - fraction) * own_pace
        guesses = (by_all, rest + later)
        least = min(*guesses, later) if part.is_open else min(guesses)
        spread = SPREAD + (FIRST_SPREAD - SPREAD) * (1.0 - progress)
        return round(least / spread, 1), round(max(guesses) * spread, 1)


class Outer:
    """Follows a job that another machine does: what goes before and after, and its work there in between.

    Args:
        progress: what was told already, by one who carried the job before; it is never taken back.
    """

    def __init__(self, progress: float = 0.0) -> None:
        self._progress = progress

    def report(self, stage: str, done: int, total: int) -> Standing:
        """Take in that `done` of `total` units of a stage are finished; how long the work will take nobody knows yet.

        Args:
            stage: of OUTER, but for `work`.
        """
        return self._at(stage, stage, done / total if total > 0 else 0.0, None)

    def inner(self, told: Standing) -> Standing:
        """Take in where the work itself is."""
        return self._at("work", told.stage, told.progress, told.eta_s)

    def finish(self) -> Standing:
        """The result is here."""
        self._progress = 1.0
        return Standing("done", 1.0, (0.0, 0.0))

    def _at(self, part: str, stage: str, share: float, eta_s: tuple[float, float] | None) -> Standing:
        low, high = OUTER[part]
        self._progress = max(self._progress, low + (high - low) * min(max(share, 0.0), 1.0))
        return Standing(stage, self._progress, eta_s)
