"""The job of a calibration: one call of the pipeline, and the points of the INT8 model."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from calibench import pipeline
from calibench.baseline import points_of
from calibench.errors import JobError
from calibench.reports.report import Report, read_report, without_nan
from calibench.reports.run_file import is_unfinished, run_file
from calibench.reports.search_report import trial_row
from calibench.search.values import Trial
from calibench.targets.bundle import WORKERS
from calibench.targets.measuring_jobs import POINTS, dataset_of, grid_of, model_of, write_plain
from calibench.targets.running import Running
from calibench.things.target_spec import TargetSpec


def run_calibration(job: Running) -> dict[str, Any]:
    """The INT8 model with its report and pages in out/, and out/points.json.

    What an attempt before this one finished is not done again.

    Raises:
        CalibenchError: as `pipeline.calibrate`.
    """
    model, out = model_of(job), job.out
    if (out / "report.json").is_file() and not is_unfinished(out):
        job.tell.note("The model is there from an attempt before this one.")
        report = read_report(out / "report.json")
    else:
        report = _calibrated(job, model, out)
    grid = grid_of(job.bundle.points)
    if grid is not None:
        dataset = job.bundle.validation or dataset_of(job)
        models = {"fp32": model, "int8": out / "model.xml"}
        settings = report.settings.model_copy(update={"diagnose": False})  # they are settled
        points = points_of(models, dataset, settings, grid, job.tell)
        write_plain(job, POINTS, [point.as_json() for point in points])
    search = report.search
    return {
        "recipe": report.recipe,
        "drop_points": report.drop_points,
        "is_reached": None if search is None else search.is_reached,
    }


def _calibrated(job: Running, model: Path, out: Path) -> Report:
    """One calibration, which goes on with an interrupted search where there is one."""
    if run_file(out).exists():
        job.tell.note("An interrupted search goes on.")
        try:
            return _calibrate(job, model, out, resume=True)
        except JobError as error:
            job.tell.note(f"It cannot go on, and begins anew: {job.named(str(error))}")
    return _calibrate(job, model, out, resume=False)


def _calibrate(job: Running, model: Path, out: Path, *, resume: bool) -> Report:
    def on_trial(trial: Trial, left: int) -> None:
        job.tell.trial(without_nan(trial_row(trial).model_dump(mode="json")), left)

    bundle = job.bundle
    with _helpers(job) as workers:
        found = pipeline.calibrate(
            model,
            dataset_of(job),
            bundle.settings,
            out,
            validation=bundle.validation,
            benchmark=bundle.benchmark,
            force=not resume,
            resume=resume,
            progress=job.tell,
            on_trial=on_trial,
            workers=workers,
        )
    return found.report


@contextmanager
def _helpers(job: Running) -> Iterator[TargetSpec | int]:
    """Who shares the calibration: processes here, or a cluster, which is started where the target says so."""
    target = job.bundle.target
    if target is None or target.kind != "dask":
        yield job.bundle.workers
        return
    from calibench.targets.dask_start import opened_workers
    from calibench.targets.worker_samples import samples_of

    mark = job.folder / WORKERS  # whoever cancels the job gives it the time to end them
    mark.touch()
    try:
        told = partial(job.tell, "upload")
        with opened_workers(target, job.tell.note, partial(samples_of, job.bundle, told)) as cluster:
            yield cluster
    finally:
        mark.unlink(missing_ok=True)
