"""The verdict on an INT8 model, once and on top: does it pay here, and if not, why."""

from collections.abc import Mapping, Sequence
from typing import Any

from calibench.reports.int8_reasons import PAYS
from calibench.things.kept import Headline
from calibench.web import looks
from calibench.web.measured_spread import Spread

Advice = Mapping[str, Any]

NOT_FASTER = ("INT8 is slower here", "INT8 is hardly faster here")
"""How the advice begins that says whether to keep the FP32 model."""
NO_VNNI = "This CPU has no VNNI"
"""Advice that only says once more why INT8 gains little."""
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


def with_doubt(verdict: Advice | None, spread: Spread) -> Advice | None:
    """A verdict that praises the speed says where single rounds do not bear it out."""
    praises = verdict is not None and not str(verdict["title"]).startswith(NOT_FASTER)
    if verdict is None or not praises or not spread.is_about_as_fast or spread.speedup is None:
        return verdict
    low, high = spread.speedup
    doubt = (
        f"The speed is not sure: single rounds lay between {low:.2f} and {high:.2f} times that of FP32. "
        "Measure again when the machine has nothing else to do."
    )
    return {**verdict, "kind": "info", "action": f"{verdict.get('action') or ''} {doubt}".strip()}


def beside_verdict(advice: Sequence[Advice], verdict: Advice | None) -> list[Advice]:
    """The other advice, without what the verdict says already."""
    found = [each for each in advice if verdict is None or each["title"] != verdict["title"]]
    if verdict is not None and "no VNNI" in str(verdict.get("action")):
        found = [each for each in found if not str(each["title"]).startswith(NO_VNNI)]
    return found
