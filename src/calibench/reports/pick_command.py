"""Which `calibench pick` takes which point of the front."""

from collections.abc import Sequence
from math import ceil, inf

from calibench.reports.search_report import FrontRow

DIGITS = range(2, 7)
"""Behind the point; as few as tell a point from the next."""


def pick_command(point: FrontRow, front: Sequence[FrontRow]) -> str:
    """The command that takes it: the fastest model within a drop; empty where none takes just this one."""
    for digits in DIGITS:
        asked = max(ceil(round(point.drop * 10**digits, 3)) / 10**digits, 0.0)
        if _fastest([each for each in front if each.drop <= asked], front) == point:
            return f"calibench pick OUT --max-drop {asked:.{digits}f}"
    return ""


def _fastest(inside: Sequence[FrontRow], front: Sequence[FrontRow]) -> FrontRow | None:
    """By throughput where it was measured of all, else by the predicted time."""
    if all(each.fps is not None for each in front):
        return max(inside, key=lambda each: each.fps or 0.0, default=None)
    return min(inside, key=lambda each: inf if each.time_ms is None else each.time_ms, default=None)
