"""The front of accuracy against time: the models that no other one beats in both."""

from collections.abc import Sequence
from math import inf

from calibench.search.values import Trial


def front_of(trials: Sequence[Trial], best: Trial) -> tuple[Trial, ...]:
    """The trials on the front, the fastest first; the chosen one is always among them.

    Only those that were evaluated on every sample: what was stopped early has no drop that could be promised. Without
    measured times all layers in INT8 count as fastest, and fewer in float as faster.
    """
    latest = {trial.configuration: trial for trial in trials if trial.outcome.is_exact}
    found: list[Trial] = []
    least = inf
    for trial in sorted(latest.values(), key=_speed):
        if trial.outcome.drop < least or trial.configuration == best.configuration:
            found.append(trial)
            least = min(least, trial.outcome.drop)
    return tuple(found)


def _speed(trial: Trial) -> tuple[float, int, float, int]:
    time_ms = 0.0 if trial.time_ms is None else trial.time_ms
    return time_ms, len(trial.configuration.floats), trial.outcome.drop, trial.number
