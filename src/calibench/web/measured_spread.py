"""How far the rounds of a measurement lay apart: a number without its spread says more than was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calibench.web import looks
from calibench.workbench.measured_machines import best_rounds, ratios

ABOUT = 0.05
"""A speed-up this near to 1 is none where the rounds of both models overlap."""
OTHER_SIDE = 4
"""A quarter of the rounds that say the opposite make a speed-up doubtful; a single slow one of many does not."""

Plain = Mapping[str, Any]
Ends = tuple[float, float]


@dataclass(frozen=True)
class Spread:
    """Lowest and highest round; None where single rounds are not known.

    Attributes:
        fps: by series, samples a second.
        latency_ms: of the project's own model.
        speedup: of INT8 over the FP32 model as it would be deployed, round by round: they run in turns.
        is_about_as_fast: the speed-up is no larger than what the rounds differ by.
    """

    fps: Mapping[str, Ends]
    latency_ms: Ends | None = None
    speedup: Ends | None = None
    is_about_as_fast: bool = False


def spread_of(report: Plain, is_int8: bool) -> Spread:
    """Out of report.json or baseline.json."""
    speeds = report.get("speeds") or {}
    rounds = {name: found for name, speed in speeds.items() if (found := best_rounds(speed))}
    deployed = "default" if "default" in speeds else "fp32"
    own = speeds.get("int8" if is_int8 else deployed) or {}
    factors = ratios(rounds.get("int8", ()), rounds.get(deployed, ()))
    return Spread(
        {name: _ends(found) for name, found in rounds.items()},
        latency_ms=_ends(_raw(own.get("latency_ms"))) if len(_raw(own.get("latency_ms"))) > 1 else None,
        speedup=_ends(factors) if factors else None,
        is_about_as_fast=_is_doubtful(factors, report.get("speedup")),
    )


def spread_words(ends: Ends | None, value: float | None) -> str:
    """'668 to 703'; empty where it is not known, or not of this value, which was measured anew since."""
    if ends is None or value is None or not ends[0] <= value <= ends[1]:
        return ""
    low, high = (looks.short(end) for end in ends)
    return f"{low} to {high}" if low != high else ""


def _raw(rounds: Any) -> Sequence[float]:
    return list((rounds or {}).get("raw") or ())


def _is_doubtful(factors: Sequence[float], speedup: float | None) -> bool:
    if not factors or not min(factors) <= 1 <= max(factors):
        return False
    slower = sum(factor < 1 for factor in factors)
    middle = speedup or sorted(factors)[len(factors) // 2]
    return OTHER_SIDE * min(slower, len(factors) - slower) >= len(factors) or abs(middle - 1) < ABOUT


def _ends(rounds: Sequence[float]) -> Ends:
    return min(rounds), max(rounds)
