"""Remove what is kept on a target, but nothing that a job needs which goes on."""

from __future__ import annotations

import os
import platform
import shutil
import time
from pathlib import Path

from calibench.targets.remote_side.contents_there import STALE_S
from calibench.targets.remote_side.environments_there import LEFT_S
from calibench.targets.remote_side.jobs_there import began_at, has_ended, job_of
from calibench.targets.remote_side.words_there import (
    ASIDE,
    BLOBS,
    ENVIRONMENTS,
    JOBS,
    LISTS,
    PACKS,
    PARTIAL,
    WHEELS,
    Refused,
    inside,
    lives,
    text_of,
)

QUIET_S = 120.0
"""Seconds without a word after which a job that has ended is not being fetched any more, and one whose process is
not there is not about to be started."""
REMOVED_WITHIN_S = 4.0
"""Seconds in which a folder must be gone; a job that is at its end may write its last files in them."""
WAITS_S = 14 * 86400.0
"""Seconds that a job may wait or run in a queue without a word before it is taken for dead."""


def remove_job(home: Path, job_id: str) -> int:
    """Remove the folder of a job, which does not run; gives the bytes freed."""
    return _removed([job_of(home, job_id)])


def clean(home: Path, running: list[str], over: list[str]) -> dict[str, int]:
    """Remove environments, blobs and jobs; but no job that goes on, and nothing that it needs.

    Args:
        running, over: jobs of which it is known that they go on, or that their queue has ended them.

    Returns:
        freed: bytes; kept: jobs that go on.
    """
    paths, kept = _cleanable(home, running, over)
    freed = _removed([path for each in paths.values() for path in each])
    for path in (home / JOBS, home):
        if path.is_dir() and not inside(path):
            path.rmdir()
            above = _above(home) if path == home else []
            while above and not above[0].is_symlink() and not inside(above[0]):
                above.pop(0).rmdir()
    return {"freed": freed, "kept": kept}


def _above(home: Path) -> list[Path]:
    """Folders above a home that were made with it, as ~/.cache may be, the nearest first."""
    return [path for path in home.parents if Path.home() in path.parents]


def would_clean(home: Path, running: list[str], over: list[str]) -> dict[str, int]:
    """Bytes that `clean` would free, by kind; what a job shares with other files counts as files. `kept` as there."""
    paths, kept = _cleanable(home, running, over)
    found = {kind: _held(paths[kind]) for kind in ("environments", "jobs")}
    files = _held([path for each in paths.values() for path in each]) - sum(found.values())
    return {**found, "files": files, "kept": kept}


def _cleanable(home: Path, running: list[str], over: list[str]) -> tuple[dict[str, list[Path]], int]:
    """What may go, by kind; and how many jobs go on. One whose files arrive just now has no folder yet."""
    jobs = inside(home / JOBS)
    dead = [job for job in jobs if job.name not in running and not _goes_on(job, job.name in over)]
    arrives = _arrives(home)
    kept = len(jobs) - len(dead) + (arrives or _is_being_made(home))
    return {
        "jobs": dead,
        "files": [] if arrives else [home / BLOBS, home / PACKS, home / LISTS, *([] if kept else [home / WHEELS])],
        "environments": [] if kept else [home / ENVIRONMENTS],
    }, kept


def _is_being_made(home: Path) -> bool:
    """Whether an environment is being made here."""
    numbers = [path.name[len(ASIDE) :].partition("-")[0] for path in (home / ENVIRONMENTS).glob(f"{ASIDE}*")]
    return any(lives(int(number)) for number in numbers if number.isdigit())


def _arrives(home: Path) -> bool:
    """Whether files of a job arrive here that has no folder yet."""
    coming = [*(home / BLOBS).glob(f"*/*{PARTIAL}"), *(home / PACKS).glob("*")]
    return any(_age_s(path) < STALE_S for path in coming)


def _goes_on(job: Path, is_over: bool) -> bool:
    """Whether a job may be at work here or on another node, wait in a queue, be laid or started or fetched just now."""
    quiet_s = min(map(_age_s, (job, *job.iterdir())), default=0.0)
    if quiet_s < QUIET_S:
        return True
    if is_over or has_ended(job):
        return False
    if (job / "submitted").exists():
        return quiet_s < WAITS_S
    group, host, began = (text_of(str(job / name)) for name in ("pgid", "pgid.host", "pgid.began"))
    if host not in ("", platform.node()):  # another login node of the same home: who knows
        return quiet_s < LEFT_S
    if not group.isdigit() or not lives(-int(group)):
        return False
    now = began_at(group)
    return not began or not now or now == began


def _age_s(path: Path) -> float:
    """Since it was written; one that is gone meanwhile is very old."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _removed(paths: list[Path]) -> int:
    """Remove folders; gives the bytes freed."""
    freed = _held(paths)
    until = time.monotonic() + REMOVED_WITHIN_S
    for root in paths:
        shutil.rmtree(str(root), ignore_errors=True)
        while root.exists():
            if time.monotonic() > until:
                raise Refused(f"{root} could not be removed whole.", "Look at its permissions there.")
            time.sleep(0.1)
            shutil.rmtree(str(root), ignore_errors=True)
    return freed


def _held(paths: list[Path]) -> int:
    """Bytes of the contents in folders that no name outside of them holds."""
    names: dict[tuple[int, int], list[int]] = {}
    for root in paths:
        for place, _, found in os.walk(str(root)):
            for name in found:
                try:
                    state = Path(place, name).lstat()
                except FileNotFoundError:
                    continue
                seen = names.setdefault((state.st_dev, state.st_ino), [0, state.st_nlink, state.st_size])
                seen[0] += 1
    return sum(size for count, links, size in names.values() if count == links)
