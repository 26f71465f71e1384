"""The verdict on an INT8 model, once and on top: does it pay here, and if not, why."""

from collections.abc import Mapping, Sequence
from typing import Any

from calibench.things.kept import Headline
from calibench.web import looks

Advice = Mapping[str, Any]

NOT_FASTER = ("INT8 is slower here", "INT8 is hardly faster here")
"""How the advice begins that says whether to keep the FP32 model."""
NO_VNNI = "This CPU has no VNNI"
"""Advice that only says once more why INT8 gains little."""
PAYS = 1.1
ICONS = {"good": "check_circle", "info": "info", "warning": "warning"}


def verdict_of(advice: Sequence[Advice], head: Headline) -> Advice | None:
    """The advice that sums the result up; where there is none, one out of the numbers; None: speed is not known."""
    for each in advice:
        if each["kind"] == "good" or str(each["title"]).startswith(NOT_FASTER):
            return each
    if head.speedup is None or head.speedup < PAYS:
        return None
    parts = [f"INT8 is faster here: {head.speedup:.2f} times the speed of FP32"]
    if head.drop_points is not None:
        points = looks.drop(abs(head.drop_points), head.unit)
        parts.append(f"it {'gains' if head.drop_points < 0 else 'loses'} {points} of {head.metric or 'accuracy'}")
    return {"kind": "info" if len(advice) else "good", "title": f"{', and '.join(parts)}.", "action": ""}


def beside_verdict(advice: Sequence[Advice], verdict: Advice | None) -> list[Advice]:
    """The other advice, without what the verdict says already."""
    found = [each for each in advice if each != verdict]
    if verdict is not None and "no VNNI" in str(verdict.get("action")):
        found = [each for each in found if not str(each["title"]).startswith(NO_VNNI)]
    return found
