"""Fetch the files of a result: each verified by its hash, and put in place all at once."""

import asyncio
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from calibench.errors import JobError, TargetError
from calibench.search.folder_lock import SEARCH
from calibench.targets.bundle import OUT
from calibench.targets.link import LinkLost
from calibench.targets.paths_here import name_files_here
from calibench.targets.remote_job import Reached, RemoteJob

FETCHING = "fetching"
"""Folder of files on their way, in the job's folder: they are found again after a cut."""
MEGA = 1_000_000
SPARE = MEGA // 2
"""Bytes that stay free here, for what a job says of its end."""
ATTEMPTS = 2
"""How often a file is fetched that arrives damaged."""

Manifest = Mapping[str, tuple[str, int]]


async def fetch_result(job: RemoteJob, there: Reached) -> None:
    """Bring the result here, as out/; it is never there in part.

    Raises:
        LinkLost: do it again; what has arrived is not fetched again.
        TargetError: a file arrives damaged.
        JobError: there is no room for it here.
        OSError: it cannot be written here.
    """
    wanted = await there.machine.manifest(job.record.job_id)
    await _fetch(job, there, wanted)
    (job.folder / FETCHING / OUT).mkdir(parents=True, exist_ok=True)  # some jobs have no files
    name_files_here(job.folder / FETCHING, job.record.folder, job.folder, job.bundle)
    shutil.rmtree(job.folder / OUT, ignore_errors=True)
    (job.folder / FETCHING / OUT).rename(job.folder / OUT)
    shutil.rmtree(job.folder / FETCHING)


async def fetch_search(job: RemoteJob, there: Reached, is_told: bool = True) -> bool:
    """Bring here what an interrupted search has found, so that a retry goes on with it; whether there is any.

    Args:
        is_told: as progress of the job.

    Raises:
        LinkLost, TargetError, JobError, OSError: as `fetch_result`.
    """
    below = f"{OUT}/{SEARCH}"
    found = await there.machine.manifest(job.record.job_id, (below,))
    wanted = {name: file for name, file in found.items() if PurePosixPath(name).parent == PurePosixPath(below)}
    if not any(name.endswith("run.json") for name in wanted):
        return False
    await _fetch(job, there, wanted, is_told)
    shutil.rmtree(job.folder / below, ignore_errors=True)
    (job.folder / OUT).mkdir(exist_ok=True)
    (job.folder / FETCHING / below).rename(job.folder / below)
    shutil.rmtree(job.folder / FETCHING)
    return True


async def _fetch(job: RemoteJob, there: Reached, wanted: Manifest, is_told: bool = True) -> None:
    """As `_fetch_all`, where there is room for it here.

    What has arrived goes where there is none: the job could not even say how it ended.
    """
    place = job.folder / FETCHING
    needed = sum(size for _, size in wanted.values()) - _size(place) + SPARE
    try:
        is_full = shutil.disk_usage(job.folder).free < needed
        if not is_full:
            await _fetch_all(job, there, wanted, is_told)
    except LinkLost:
        raise
    except (TargetError, OSError):
        is_full = shutil.disk_usage(job.folder).free < SPARE
        if not is_full:
            raise
    if is_full:
        shutil.rmtree(place, ignore_errors=True)
        raise JobError(
            f"The disk here is full: {needed / MEGA:.1f} MB are needed for the result. Make room, then retry: it "
            f"waits on {there.link.name}."
        )


async def _fetch_all(job: RemoteJob, there: Reached, wanted: Manifest, is_told: bool) -> None:
    """Files of a job's folder there, into the folder of those on their way, and nothing else into it."""
    place = job.folder / FETCHING
    targets = {name: _below(place, name) for name in wanted}
    total, done = sum(size for _, size in wanted.values()), 0

    def moved(count: int) -> None:
        nonlocal done
        done += count
        if is_told:
            job.tell.stage("download", min(done, total), max(total, 1))

    moved(0)

    for path in place.rglob("*") if place.is_dir() else ():
        if path.is_file() and path not in targets.values():
            path.unlink()
    for name, (sha256, size) in wanted.items():
        targets[name].parent.mkdir(parents=True, exist_ok=True)
        for _ in range(ATTEMPTS):
            at = targets[name].stat().st_size if targets[name].exists() else 0
            moved(min(at, size))
            if at < size or not size:
                await there.link.get(f"{there.folder}/{name}", targets[name], moved, at)
            if await asyncio.to_thread(_sha256, targets[name]) == sha256:
                break
            targets[name].unlink()
            done -= size
        else:
            raise TargetError(f"{there.link.name}: {name} arrives damaged. Retry: the job has ended there.")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _below(place: Path, name: str) -> Path:
    """Where a file goes.

    Raises:
        TargetError: its name leads out of the job's folder; the other side is not trusted with this one.
    """
    parts = name.split("/")
    if parts[0] != OUT or "" in parts or "." in parts or ".." in parts or "\0" in name or "\\" in name:
        raise TargetError(f"The result holds a file named {name!r}, which is no file of a result. Look at the target.")
    return place.joinpath(*parts)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
