"""How long a calibration may take, by what was done here with the same model; nothing is said without that."""

from collections.abc import Sequence

from calibench.store.store import Store
from calibench.things.asked import AskCalibration
from calibench.things.kept import Job, Project
from calibench.workbench.calibrations import PICKED
from calibench.workbench.project_results import Results

LOOKED_AT = 3
"""Earlier calibrations: each of them is a file to read."""
SPREAD = {"default": (0.7, 1.5), "accuracy-aware": (0.4, 2.5)}
"""Shares of an earlier time that the next may take: a search tries more or fewer models each time it is asked."""
OF_BASELINE = (0.5, 4.0)
"""Shares of the time of the baseline that plain INT8 takes: it does the same, and measures and judges INT8 besides."""


def seconds_of(
    store: Store, results: Results, family: Sequence[Project], ask: AskCalibration, images: int
) -> tuple[float, float] | None:
    """Seconds at least and at most; None: nothing was done yet that tells.

    Args:
        family: the FP32 project, and its INT8 projects.
        images: that the subset means.
    """
    root, *children = family
    alike = [each for each in children if each.result and each.ask.get("method") == ask.method]
    times = [time for each in alike[-LOOKED_AT:] if (time := _again(store, results, each, images)) is not None]
    if times:
        least, most = SPREAD[ask.method]
        return round(least * min(times), 1), round(most * max(times), 1)
    baseline = _time_of_last(store, root, "baseline")
    if baseline is None or ask.method != "default":
        return None
    return round(OF_BASELINE[0] * baseline, 1), round(OF_BASELINE[1] * baseline, 1)


def _again(store: Store, results: Results, project: Project, images: int) -> float | None:
    """What an earlier calibration would take with this many samples: only the pass over them grows with these."""
    report = results.report(project)
    seconds = (report or {}).get("seconds") or {}
    if report is None or not seconds or PICKED in project.ask:
        return None
    whole = max(
        sum(seconds.values()), _time_of_last(store, project, "calibrate") or 0.0
    )  # it starts, and measures points
    before = (report.get("subset") or {}).get("count") or images
    own = seconds.get("calibrate", 0.0)
    return float(whole - own + own * images / before)


def _time_of_last(store: Store, project: Project, kind: str) -> float | None:
    """Seconds that the last job of a kind took."""
    jobs = store.all(Job, where={"project_id": project.id, "kind": kind, "state": "done"}, limit=1)
    if not jobs or jobs[0].started is None or jobs[0].ended is None or jobs[0].attempt > 1:
        return None
    return (jobs[0].ended - jobs[0].started).total_seconds()
