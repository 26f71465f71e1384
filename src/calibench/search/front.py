"""The front of accuracy against time: the models that no other one beats in both."""

from collections.abc import Sequence
from math import inf

from calibench.search.values import FrontPoint, Trial

FASTER = 0.01
"""Share of its time that a less accurate model must save to be worth a point: predictions are no better."""


def front_of(trials: Sequence[Trial], best: Trial) -> tuple[Trial, ...]:
    """The trials on the front, the most accurate first; the chosen one is always among them.

    Only those that were evaluated on every sample: what was stopped early has no drop that could be promised. Where no
    layer was measured, all count as equally fast but for the layers in float.
    """
    latest = {trial.configuration: trial for trial in trials if trial.outcome.is_exact}
    found: list[Trial] = []
    fastest = inf
    for trial in sorted(latest.values(), key=lambda trial: (trial.outcome.drop, _cost(trial), trial.number)):
        is_faster = _cost(trial) < (1 - FASTER) * fastest
        if is_faster or trial.configuration == best.configuration:
            found.append(trial)
            fastest = min(fastest, _cost(trial))
    return tuple(found)


def undominated(points: Sequence[FrontPoint], best: int) -> tuple[FrontPoint, ...]:
    """The points that stay when their speed was measured: one that is slower and less accurate than another is none.

    Args:
        best: number of the trial that was chosen; it stays.
    """
    return tuple(
        point
        for point in points
        if point.trial == best
        or not any(
            other.drop <= point.drop and (other.fps or 0.0) >= (point.fps or 0.0) and other is not point
            for other in points
        )
    )


def _cost(trial: Trial) -> float:
    return 1.0 + len(trial.configuration.floats) if trial.time_ms is None else trial.time_ms
