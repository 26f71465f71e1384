"""Jobs on a target: what they write, whether they are at work, and their results."""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calibench.targets.remote_side.words_there import BLOCK, JOBS, Refused, inside, lives, sha256_of, text_of

BEAT_S = 3.0
"""Seconds after which who follows a job is told that nothing is new: so the connection is known to be well."""
EVERY_S, SHARED_S = 0.25, 1.0
"""Between two looks at the files and the process of a job; at files on a disk that many nodes share."""


def follow(
    home: Path, job_id: str, events: int, log: int, process: str, for_s: float | None
) -> Iterator[dict[str, Any]]:
    """What a job writes, as it comes, until it has ended, or nobody listens.

    Args:
        events, log: bytes of its files that are known.
        process: number of its group, and when that began; '': it may be on another node.
        for_s: seconds that it is followed at most; None: to its end.
    """
    job = job_of(home, job_id)
    begun = told = time.monotonic()
    while True:
        inside(job)  # makes a shared disk look for files that are new
        is_gone = bool(process) and not _is_at_work(process)  # before the files: whatever it wrote, it wrote before
        end = text_of(str(job / "end.json"))  # as well
        news, logged = _lines(job / "events.jsonl", events), _bytes(job / "log.txt", log)
        events, log = events + len(news), log + len(logged)
        is_all = len(logged) < BLOCK
        is_over = is_all and (is_gone or bool(end))
        now = time.monotonic()
        if news or logged or is_over or now - told >= BEAT_S:
            told = now
            yield {"events": news, "log": logged, "end": end if is_over else "", "is_gone": is_over and is_gone}
        if is_over or (is_all and for_s is not None and now - begun >= for_s):
            return
        pause = EVERY_S if process else SHARED_S
        pause = pause if for_s is None else min(pause, max(0.0, begun + for_s - now))
        if is_all and select.select([sys.stdin], [], [], pause)[0]:
            return  # whoever asked is gone


def _is_at_work(process: str) -> bool:
    """Whether a process group is there, and began when it says."""
    number, _, began = process.partition(" ")
    if not Path("/proc/self").exists():
        return lives(-int(number))
    return bool(began) and began_at(number) == began


def _lines(path: Path, at: int) -> str:
    """The whole lines of a file from a byte on, each byte a letter."""
    text = _bytes(path, at, -1)
    return text[: text.rfind("\n") + 1]


def _bytes(path: Path, at: int, size: int = BLOCK) -> str:
    """What stands in a file from a byte on, each byte a letter; '' where it is not there (yet)."""
    try:
        with path.open("rb") as file:
            file.seek(at)
            return file.read(size).decode("latin-1")
    except FileNotFoundError:
        return ""


def manifest(home: Path, job_id: str, below: list[str]) -> dict[str, tuple[str, int]]:
    """Hash and size of every file in folders of a job."""
    root = job_of(home, job_id)
    found = {}
    for part in below:
        for place, _, names in os.walk(str(root / part)):
            for name in names:
                path = Path(place, name)
                if path.is_file() and not path.is_symlink():
                    found[path.relative_to(root).as_posix()] = (sha256_of(path), path.stat().st_size)
    return found


def job_of(home: Path, job_id: str) -> Path:
    """The folder of a job."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", job_id):
        raise Refused(f"{job_id!r} is no name of a job.", "This is a fault of Calibench.")
    return home / JOBS / job_id


def submitted(home: Path) -> list[tuple[str, str]]:
    """Name and folder of the jobs that were given to a queue, and did not say that they ended."""
    found = [job for job in inside(home / JOBS) if (job / "submitted").exists() and not has_ended(job)]
    return [(job.name, str(job)) for job in found]


def has_ended(job: Path) -> bool:
    """Whether a job has said that it is over."""
    return (job / "end.json").exists() or (job / "exit_code").exists()


def began_at(number: str) -> str:
    """When a process began, as direct_start.py has it; '' where that cannot be known."""
    fields = text_of(f"/proc/{number}/stat").rpartition(")")[2].split()
    boot = text_of("/proc/sys/kernel/random/boot_id")
    return "" if not fields or fields[0] in "ZX" else f"{fields[19]}-{boot}"
