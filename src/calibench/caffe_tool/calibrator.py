"""The Caffe calibrator: a prototxt and a caffemodel in, a `_quantized` prototxt out, within the tolerated loss."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibench import pipeline
from calibench.caffe.read_net import read_net
from calibench.caffe_tool.job import CaffeJob
from calibench.caffe_tool.job_checks import check_files, check_weights, in_own_words
from calibench.caffe_tool.job_samples import samples_of
from calibench.caffe_tool.score_blob import Score, choose_score
from calibench.caffe_tool.written_files import Written, check_names, names_of, rehearse_forced, write_files
from calibench.datasets.caffe.data_layer import has_data_layer
from calibench.datasets.dataset import Dataset
from calibench.errors import JobError, SettingsError
from calibench.models.read import read_model
from calibench.progress import Progress, silent
from calibench.reports.report import Report, as_json
from calibench.search.accuracy_aware import OnTrial, unseen
from calibench.settings import AccuracySettings, CaffeSettings, Settings

PERCENT = 100.0
"""`-l` counts in shares, an accuracy drop in points."""


@dataclass(frozen=True)
class CaffeResult:
    """What came out: the report, and the files that were written beside the model, with what is to be known of them."""

    report: Report
    folder: Path
    written: Written

    @property
    def notes(self) -> tuple[str, ...]:
        """Of the files; those of samples and layers stand in the report."""
        return self.written.notes

    def as_json(self) -> dict[str, Any]:
        """The report with the names of the written files."""
        return {**as_json(self.report), "caffe": {**self.written.as_json(), "notes": list(self.notes)}}


@dataclass(frozen=True)
class CaffePlan:
    """What would be done."""

    plan: pipeline.Plan
    score: Score | None
    would_write: tuple[Path, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """For a person."""
        score = () if self.score is None else (f"Score: {self.score.blob} ({self.score.type}).",)
        layers = f"INT8 layers: {', '.join(layer.name for layer in self.plan.inspection.placement.layers)}."
        files = f"Would write {', '.join(map(str, self.would_write))}."
        return (*score, *self.plan.lines, layers, files)

    def as_json(self) -> dict[str, Any]:
        """For a program."""
        return {
            **self.plan.as_json(),
            "caffe": {
                "blob": self.score.blob if self.score else None,
                "would_write": [str(path) for path in self.would_write],
            },
        }


@dataclass(frozen=True)
class _Ready:
    """A job that was checked: the sets are open, the settings complete."""

    score: Score | None
    calibration: Path | Dataset
    validation: Path | Dataset | None
    settings: Settings
    notes: tuple[str, ...]


def calibrate_caffe(
    job: CaffeJob,
    *,
    force: bool = False,
    resume: bool = False,
    benchmark: bool = True,
    progress: Progress = silent,
    on_trial: OnTrial = unseen,
) -> CaffeResult:
    """Calibrate a Caffe network, and write its `_quantized.prototxt` beside it.

    Args:
        force: replace what an earlier run wrote.
        resume: go on with the search that was interrupted.
        benchmark: measure speed too.

    Raises:
        CalibenchError: by kind, in one sentence what, where and what to do; nothing is written then.
        Cancelled: by `progress`.
    """
    check_files(job)
    names = names_of(job)
    ready = _ready(job)
    check_names(job, names, force=force or resume)
    with in_own_words(names.folder, ready.score):
        found = pipeline.calibrate(
            job.model,
            ready.calibration,
            ready.settings,
            names.folder,
            validation=ready.validation,
            benchmark=benchmark and not job.quantize_only,
            force=force,
            resume=resume,
            progress=progress,
            on_trial=on_trial,
            notes=(*ready.notes, f"The scales stand in {names.prototxt.name}, beside {job.model.name}."),
        )
    try:
        written = write_files(job, names, found.quantized)
    except JobError as error:
        again = "--force" if job.quantize_only else "--resume"
        raise JobError(
            f"{error} Report and IR are in {names.folder}; the same command with {again} writes what lacks."
        ) from error
    return CaffeResult(found.report, names.folder, written)


def check_caffe(job: CaffeJob, *, force: bool = False) -> None:
    """Refuse before the work what `calibrate_caffe` would refuse; other than `plan_caffe` no sample is decoded.

    Raises:
        CalibenchError: as `calibrate_caffe` would.
    """
    check_files(job)
    _ready(job)
    check_names(job, names_of(job), force=force)


def plan_caffe(job: CaffeJob, *, force: bool = False) -> CaffePlan:
    """Check everything that can be checked before the work begins, and say what would be done.

    Raises:
        CalibenchError: as `calibrate_caffe` would.
    """
    check_files(job)
    names = names_of(job)
    ready = _ready(job)
    check_names(job, names, force=force)
    with in_own_words(names.folder, ready.score):
        plan = pipeline.plan(job.model, ready.calibration, ready.settings, ready.validation, ready.notes)
    return CaffePlan(plan, ready.score, (*names.files(job), names.folder))


def _ready(job: CaffeJob) -> _Ready:
    graph = read_model(job.model, weights=job.weights).graph
    net = read_net(job.model, job.weights)
    check_weights(net)
    if job.dataset is None and not has_data_layer(net):
        raise SettingsError(
            f"{job.model}: has no data layer for the phase TEST, so that there are no samples. Give --dataset DIR, or "
            "the prototxt the network was tested with."
        )
    score = None if job.quantize_only else choose_score(graph, job)
    if job.force_u8:
        rehearse_forced(job)
    calibration, validation, notes = samples_of(job, graph)
    return _Ready(score, calibration, validation, _settings(job, score), notes)


def _settings(job: CaffeJob, score: Score | None) -> Settings:
    """The settings with what the calibrator decides itself."""
    given = job.settings
    caffe = given.caffe or CaffeSettings()
    if job.force_u8 and not caffe.first_convolution:
        caffe = caffe.model_copy(update={"first_convolution": True})
    decided: dict[str, Any] = {
        "weights": job.weights,
        "caffe": caffe,
        "exact_subset": True,
        "metric": "cosine" if score is None else score.metric,
        "overflow_guard": "off" if job.has_vnni else given.overflow_guard,
        "method": "default" if score is None else "accuracy-aware",
        "accuracy": given.accuracy.model_copy(update=_accuracy(job)),
        "diagnose": False,
    }
    return given.model_copy(update=decided)


def _accuracy(job: CaffeJob) -> dict[str, Any]:
    chosen = AccuracySettings(max_drop=PERCENT * job.accuracy_loss, repair="on" if job.repair else "off", front=0)
    return {name: getattr(chosen, name) for name in ("max_drop", "repair", "front")}
