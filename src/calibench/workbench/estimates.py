"""How long a calibration may take, by what was done here with the same model; nothing is said without that."""

from collections.abc import Mapping, Sequence
from typing import Any

from calibench.store.store import Store
from calibench.things.asked import AskCalibration
from calibench.things.kept import Job, Project, Target
from calibench.workbench.calibrations import PICKED
from calibench.workbench.project_results import Results

LOOKED_AT = 3
"""Earlier calibrations: each of them is a file to read."""
SPREAD = {"default": (0.7, 1.5), "accuracy-aware": (0.4, 2.5)}
"""Shares of an earlier time that the next may take: a search tries more or fewer models each time it is asked."""
OF_BASELINE = (0.5, 4.0)
"""Shares of the time of the baseline that plain INT8 takes: it does the same, and measures and judges INT8 besides."""
EACH = (0.7, 0.9)
"""Of a core, what each of several worker processes does: two did 1.43 to 1.82 times the work of one process on one core
(docs/explanation/spread.md)."""

Range = tuple[float, float]


def seconds_of(
    store: Store, results: Results, family: Sequence[Project], ask: AskCalibration, images: int
) -> Range | None:
    """Seconds at least and at most; None: nothing was done yet that tells.

    Args:
        family: the FP32 project, and its INT8 projects.
        images: that the subset means.
    """
    root, *children = family
    machine = store.get(Target, root.target_id).machine or {}
    alike = [each for each in children if each.result and each.ask.get("method") == ask.method]
    asked = ask.model_dump(mode="json")
    times = [
        time
        for each in alike[-LOOKED_AT:]
        if (time := _again(store, results, each, images, (asked, machine))) is not None
    ]
    if times:
        least, most = SPREAD[ask.method]
        return round(least * min(low for low, _ in times), 1), round(most * max(high for _, high in times), 1)
    baseline = _time_of_last(store, root, "baseline")
    if baseline is None or ask.method != "default":
        return None
    slower = max(1.0, _shares({}, asked, machine)[1])
    return round(OF_BASELINE[0] * baseline, 1), round(OF_BASELINE[1] * baseline * slower, 1)


def _again(
    store: Store, results: Results, project: Project, images: int, how: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> Range | None:
    """What an earlier calibration would take with this many samples: only the pass over them grows with these.

    Args:
        how: what is asked for now, and the machine.
    """
    report = results.report(project)
    seconds = (report or {}).get("seconds") or {}
    if report is None or not seconds or PICKED in project.ask:
        return None
    whole = max(
        sum(seconds.values()), _time_of_last(store, project, "calibrate") or 0.0
    )  # it starts, and measures points
    before = (report.get("subset") or {}).get("count") or images
    own, search = seconds.get("calibrate", 0.0), seconds.get("search", 0.0)
    rest, own = whole - own - search, own * images / before
    low, high = _shares(project.ask, *how)
    # of the calibration only the statistics are shared, and nothing tells how much of it they are
    return rest + own * min(1.0, low) + search * low, rest + own * max(1.0, high) + search * high


def _shares(before: Mapping[str, Any], now: Mapping[str, Any], machine: Mapping[str, Any]) -> Range:
    """Shares of the time of one calibration that what worker processes do takes in another one."""
    if _workers(before) == _workers(now):
        return 1.0, 1.0
    (slow_before, fast_before), (slow, fast) = (_cores(asked, machine) for asked in (before, now))
    return slow_before / fast, fast_before / slow


def _cores(asked: Mapping[str, Any], machine: Mapping[str, Any]) -> Range:
    """Cores that do the work: of one process all, or as many as it was given; of several, one each."""
    workers, cores = _workers(asked), int(machine.get("physical_cores") or max(1, _workers(asked)))
    if workers > 1:
        return EACH[0] * min(workers, cores), EACH[1] * min(workers, cores)
    threads = (asked.get("advanced") or {}).get("threads") or cores
    return float(threads), float(threads)


def _workers(asked: Mapping[str, Any]) -> int:
    workers = int(asked.get("workers") or 0)
    return workers if workers > 1 else 0


def _time_of_last(store: Store, project: Project, kind: str) -> float | None:
    """Seconds that the last job of a kind took."""
    jobs = store.all(Job, where={"project_id": project.id, "kind": kind, "state": "done"}, limit=1)
    if not jobs or jobs[0].started is None or jobs[0].ended is None or jobs[0].attempt > 1:
        return None
    return (jobs[0].ended - jobs[0].started).total_seconds()
