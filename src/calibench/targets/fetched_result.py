"""Fetch the files of a result: each verified by its hash, and put in place all at once."""

import asyncio
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from calibench.errors import TargetError
from calibench.search.folder_lock import SEARCH
from calibench.targets.bundle import OUT
from calibench.targets.paths_here import name_files_here
from calibench.targets.remote_job import Reached, RemoteJob

FETCHING = "fetching"
"""Folder of files on their way, in the job's folder: they are found again after a cut."""
ATTEMPTS = 2
"""How often a file is fetched that arrives damaged."""

Manifest = Mapping[str, tuple[str, int]]


async def fetch_result(job: RemoteJob, there: Reached) -> None:
    """Bring the result here, as out/; it is never there in part.

    Raises:
        LinkLost: do it again; what has arrived is not fetched again.
        TargetError: a file arrives damaged.
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
        LinkLost, TargetError, OSError: as `fetch_result`.
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
