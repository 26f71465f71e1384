"""Which `calibench pick` takes which point of the front."""

from collections.abc import Sequence
from math import ceil

from calibench.reports.search_report import FrontRow

DIGITS = range(2, 7)
"""Behind the point; as few as tell a point from the next."""


def pick_command(point: FrontRow, front: Sequence[FrontRow]) -> str:
    """The command that takes it: the fastest model within a drop; empty where none takes just this one."""
    drops = [each.drop for each in front if each.drop > point.drop]
    for digits in DIGITS:
        asked = max(ceil(round(point.drop * 10**digits, 3)) / 10**digits, 0.0)
        if not any(each <= asked for each in drops):
            return f"calibench pick OUT --max-drop {asked:.{digits}f}"
    return ""
