"""The Caffe calibrator on a target: its job is carried there, and its files come to where they are written here."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from calibench.caffe_tool.job import CaffeJob
from calibench.caffe_tool.written_files import Names, names_of
from calibench.errors import JobError, TargetError
from calibench.remote.carried_folder import carried, is_begun, job_folder
from calibench.remote.hearing import NOBODY, Hearing
from calibench.remote.remote_target import reached_as_now
from calibench.search.journal_key import FREE
from calibench.targets.bundle import OUT, Bundle
from calibench.targets.bundle_files import read_bundle, write_bundle

if TYPE_CHECKING:
    from calibench.caffe_tool.calibrator import CaffeResult
    from calibench.things.kept import Target

AGAIN = "the same command with --resume, and without --force"


def calibrate_caffe_remote(
    job: CaffeJob, target: "Target", hear: Hearing, *, force: bool, benchmark: bool
) -> "CaffeResult":
    """As `RemoteTarget.calibrate_caffe`."""
    from calibench.caffe_tool.calibrator import check_caffe
    from calibench.reports.result import check_place
    from calibench.search.folder_lock import check_free

    if target.kind == "dask" and not target.spec.is_carried:
        raise TargetError(
            f"{target.name}: is a cluster of workers, and a Caffe network is calibrated by one machine. Add one "
            "machine of it: calibench target add NAME ssh://user@host"
        )
    names = names_of(job)
    folder = job_folder(names.folder.resolve())
    if folder.exists() and not force:
        raise JobError(f"{names.folder}: is on its way from a target. Go on with {AGAIN}; or begin anew with --force.")
    check_caffe(job, force=force)
    check_free(names.folder.resolve())
    check_place(names.folder.resolve(), force)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_bundle(_bundle(job, benchmark).model_copy(update={"target": target.spec}), folder)
    return _finished(folder, job, names, target.name, hear, force=force)


def resume_caffe_remote(
    job: CaffeJob, target: "Target | None" = None, *, data_dir: Path | None = None, hear: Hearing = NOBODY
) -> "CaffeResult":
    """Go on with a job that `RemoteTarget.calibrate_caffe` began, on its target as that is reached now.

    Args:
        job: the same; only the number of threads may be another, and stays as it was.
        target: that it was begun on; None: whichever it is.
        data_dir: the data folder that knows the target; None: the usual one.

    Raises:
        CalibenchError, Cancelled: as `RemoteTarget.calibrate_caffe`; JobError: there is none, or it is another one.
    """
    names = names_of(job)
    if not is_begun(names.folder):
        raise JobError(f"{names.folder}: nothing of it is on a target that could go on. Leave --resume out.")
    folder = job_folder(names.folder.resolve())
    begun = read_bundle(folder)
    if target is not None and begun.target is not None and target.spec.address != begun.target.address:
        raise JobError(
            f"{names.folder}: was begun on {begun.target.address}, not on {target.name}. Leave --target out, or begin "
            "anew with --force."
        )
    others = ", ".join(_differences(begun, _bundle(job)))
    if others:
        raise JobError(f"{names.folder}: was begun otherwise ({others}). Ask for the same, or begin anew with --force.")
    return _finished(folder, job, names, reached_as_now(folder, data_dir), hear, force=True)


def is_caffe_begun(job: CaffeJob) -> bool:
    """Whether this network is being calibrated on a target."""
    return is_begun(names_of(job).folder)


def _bundle(job: CaffeJob, benchmark: bool = True) -> Bundle:
    method = "default" if job.quantize_only else "accuracy-aware"  # so it is known how long it takes, and what goes on
    return Bundle(
        kind="calibrate",
        model=job.model.absolute(),
        dataset=job.dataset and job.dataset.absolute(),
        settings=job.settings.model_copy(update={"weights": job.weights.absolute(), "method": method}),
        benchmark=benchmark and not job.quantize_only,
        started_in=Path.cwd(),
        caffe=job.options,
    )


def _differences(begun: Bundle, now: Bundle) -> Iterator[str]:
    """What is asked for otherwise."""
    if begun.caffe is None or now.caffe is None:
        yield "by calibench calibrate"
        return
    for name in ("model", "dataset"):
        if getattr(begun, name) != getattr(now, name):
            yield name
    for one, other in ((vars(begun.caffe), vars(now.caffe)), (dict(begun.settings), dict(now.settings))):
        yield from (name for name in one if name not in FREE and one[name] != other[name])


def _finished(folder: Path, job: CaffeJob, names: Names, name: str, hear: Hearing, *, force: bool) -> "CaffeResult":
    """Carry the job of a folder, and put its files into their places."""
    from calibench.caffe_tool.calibrator import CaffeResult
    from calibench.caffe_tool.placed_files import place_files
    from calibench.reports.report import read_report

    found = carried(folder, name, hear, AGAIN).result
    try:
        written = place_files(folder / OUT, job, names, found["written"], force=force)
    except JobError as error:
        raise JobError(f"{error} The result waits here: {AGAIN}, puts it into its place.") from error
    shutil.rmtree(folder, ignore_errors=True)
    report = read_report(names.folder / "report.json")
    return CaffeResult(report, names.folder, replace(written, notes=tuple(found["notes"])))
