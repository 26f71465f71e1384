"""Bring a job to another machine and start it there: Calibench, its files, its folder, its process."""

import hashlib
from pathlib import Path
from shlex import quote

from calibench.errors import TargetError
from calibench.search.folder_lock import SEARCH
from calibench.targets.bundle import BUNDLE, END, OUT, Bundle
from calibench.targets.bundle_files import bundle_text
from calibench.targets.carried_files import Carried
from calibench.targets.link import LinkLost
from calibench.targets.queue_faults import short_walltime
from calibench.targets.remote_job import Reached, RemoteJob
from calibench.things.target_spec import TargetSpec

MEGA = 1_000_000
ROOM_MB = 200
"""Megabytes that a job needs there beside its files, for what it decodes and writes."""
IN_TIME = 0.6
"""Share of the time that a queue grants in which a search must find its answer, so that the rest is enough to compare
and measure it: then the best model so far comes back, before the queue ends everything."""


async def send_job(job: RemoteJob, there: Reached, carried: Carried) -> None:
    """Prepare the machine, upload what it lacks, and make the folder of the job.

    Raises:
        LinkLost: do it again; what has arrived is not sent again.
        TargetError: what hinders there, and what to do.
    """
    job.tell.stage("prepare", 0, 3)
    facts = await there.machine.facts()
    if facts["faults"]:
        fault = facts["faults"][0]
        raise TargetError(f"{there.link.name}: {fault['says']} {fault['mend']}".strip())
    job.tell.stage("prepare", 1, 3)
    command = await there.machine.environment(
        job.tell.note, installed=job.tell.installing, has_workers=carried.bundle.target is not None
    )
    job.tell.stage("prepare", 2, 3)
    found = {name: (_sha256(path), path) for name, path in _search_files(job.folder)}
    await _upload(job, there, carried.contents | dict(found.values()), facts.get("disk_free_mb"))
    job.keep(phase="laying")
    laid = carried.laid | {name: sha256 for name, (sha256, _) in found.items()}
    text = bundle_text(remote_bundle(carried.bundle, job.spec))
    folder = await there.machine.lay(job.record.job_id, laid, {BUNDLE: text})
    job.keep(phase="laid", folder=folder, command=command)


async def is_laid(there: Reached) -> bool:
    """Whether the folder of a job is there still; somebody may have cleaned up."""
    return (await there.link.run(f"test -s {quote(f'{there.folder}/{BUNDLE}')}")).code == 0


async def start_job(job: RemoteJob, there: Reached) -> None:
    """Start the process of a job whose folder is there.

    Raises:
        LinkLost, TargetError: as of Starter.
    """
    if job.record.phase != "starting":
        await there.shell(f"rm -f {quote(f'{there.folder}/{END}')}")  # of a process before this one
        if (short := short_walltime(job.spec.queue)) and not job.record.attempts:
            job.tell.note(short)
        job.keep(phase="starting", attempts=job.record.attempts + 1)
    try:
        handle = await job.starter.start(there.link, there.folder, f"{job.record.command} run .")
    except LinkLost:
        raise  # who knows whether it was started
    except TargetError:
        job.keep(phase="laid")
        raise
    job.keep(phase="started", handle=handle)


def remote_bundle(bundle: Bundle, spec: TargetSpec) -> Bundle:
    """What the machine there is to do: the same, within the time that its queue grants."""
    settings, walltime_s = bundle.settings, spec.queue.walltime_s
    if walltime_s is None or bundle.kind != "calibrate" or settings.method != "accuracy-aware":
        return bundle
    asked_s = settings.accuracy.time_budget_s
    budget_s = min(asked_s or float("inf"), IN_TIME * walltime_s)
    accuracy = settings.accuracy.model_copy(update={"time_budget_s": budget_s})
    return bundle.model_copy(update={"settings": settings.model_copy(update={"accuracy": accuracy})})


async def _upload(job: RemoteJob, there: Reached, files: dict[str, Path], free_mb: int | None) -> None:
    """Send what is not there, small files first; the bar counts all bytes that are needed."""
    sizes = {sha256: path.stat().st_size for sha256, path in files.items()}
    missing = await there.machine.missing(list(sizes.items()))
    total = sum(sizes.values())
    lacking = sum(sizes[sha256] - at for sha256, at in missing.items())
    if free_mb is not None and lacking + ROOM_MB * MEGA > free_mb * MEGA:
        raise TargetError(
            f"{there.link.name}: the job needs {lacking / MEGA + ROOM_MB:.0f} MB below {job.spec.home}, and "
            f"{free_mb} MB are free. Make room there (calibench target clean), or choose another --home."
        )
    done = total - lacking
    job.tell.stage("upload", done, total)

    def moved(count: int) -> None:
        nonlocal done
        done += count
        job.tell.stage("upload", min(done, total), total)

    ordered = dict(sorted(missing.items(), key=lambda each: sizes[each[0]]))
    if ordered:
        await there.machine.send({sha256: files[sha256] for sha256 in ordered}, moved, ordered)
    job.tell.stage("upload", total, total)


def _search_files(folder: Path) -> list[tuple[str, Path]]:
    """What a search has found before, with which it goes on there."""
    place = folder / OUT / SEARCH
    found = sorted(place.iterdir()) if place.is_dir() else []
    return [(f"{OUT}/{SEARCH}/{path.name}", path) for path in found if path.is_file()]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
