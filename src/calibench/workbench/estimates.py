"""How long a calibration may take, by those of the same model that were done here; nothing is said without one."""

from collections.abc import Sequence

from calibench.things.asked import AskCalibration
from calibench.things.kept import Project
from calibench.workbench.project_results import Results

LOOKED_AT = 3
"""Earlier calibrations: each of them is a file to read."""
SPREAD = {"default": (0.7, 1.5), "accuracy-aware": (0.4, 2.5)}
"""Shares of the earlier time that the next may take: a search tries more or fewer models each time it is asked."""


def seconds_of(
    results: Results, children: Sequence[Project], ask: AskCalibration, images: int
) -> tuple[float, float] | None:
    """Seconds at least and at most; None: no calibration of this model by this method was done yet.

    Args:
        children: the INT8 projects of the model.
        images: that the subset means.
    """
    alike = [each for each in children if each.result and each.ask.get("method") == ask.method]
    times = [time for each in alike[-LOOKED_AT:] if (time := _again(results, each, images)) is not None]
    if not times:
        return None
    least, most = SPREAD[ask.method]
    return round(least * min(times), 1), round(most * max(times), 1)


def _again(results: Results, project: Project, images: int) -> float | None:
    """What an earlier calibration would take with this many samples: only the pass over them grows with these."""
    report = results.report(project)
    seconds = (report or {}).get("seconds") or {}
    if report is None or not seconds or "picked" in project.ask:
        return None
    before = (report.get("subset") or {}).get("count") or images
    own = seconds.get("calibrate", 0.0)
    return float(sum(seconds.values()) - own + own * images / before)
