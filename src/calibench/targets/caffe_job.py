"""The job of the Caffe calibrator: the INT8 model with its report, and the prototxt with scales."""

import shutil
from dataclasses import replace
from typing import Any

from calibench.caffe_tool.calibrator import calibrate_caffe
from calibench.caffe_tool.job import CaffeJob
from calibench.caffe_tool.placed_files import BESIDE
from calibench.errors import JobError
from calibench.reports.report import without_nan
from calibench.reports.run_file import run_file
from calibench.reports.search_report import trial_row
from calibench.search.values import Trial
from calibench.targets.bundle import PATHS
from calibench.targets.carried_caffe import calibrator_job
from calibench.targets.running import Running


def run_caffe(job: Running) -> dict[str, Any]:
    """Report and model in out/, and in out/beside/ what belongs beside the network.

    Raises:
        CalibenchError: as `calibrate_caffe`.
    """
    made = job.folder / BESIDE
    shutil.rmtree(made, ignore_errors=True)  # of an attempt before this one
    made.mkdir()
    asked = calibrator_job(job.bundle)
    written = _calibrated(job, replace(asked, weights=job.folder / asked.weights, out=job.out, beside=made))
    shutil.rmtree(job.out / BESIDE, ignore_errors=True)
    made.rename(job.out / BESIDE)
    return written


def _calibrated(job: Running, asked: CaffeJob) -> dict[str, Any]:
    """One calibration, which goes on with an interrupted search where there is one."""
    if run_file(job.out).exists():
        job.tell.note("An interrupted search goes on.")
        try:
            return _calibrate(job, asked, resume=True)
        except JobError as error:
            job.tell.note(f"It cannot go on, and begins anew: {job.named(str(error))}")
    return _calibrate(job, asked, resume=False)


def _calibrate(job: Running, asked: CaffeJob, *, resume: bool) -> dict[str, Any]:
    def on_trial(trial: Trial, left: int) -> None:
        job.tell.trial(without_nan(trial_row(trial).model_dump(mode="json")), left)

    found = calibrate_caffe(
        asked,
        force=not resume,
        resume=resume,
        benchmark=job.bundle.benchmark,
        progress=job.tell,
        on_trial=on_trial,
    )
    written = [name for name, path in found.written.paths.items() if path is not None]
    return {"written": written, "notes": [_as_before(job, asked, note) for note in found.notes]}


def _as_before(job: Running, asked: CaffeJob, note: str) -> str:
    """A note with the paths that the files have where they come from, and will have there."""
    return note.replace(str(asked.beside), str(asked.model.parent)).replace(str(job.folder / PATHS), "")
