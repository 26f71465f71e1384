"""The way of a baseline on one page: how good and how fast an FP32 model is, before anything is calibrated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openvino as ov

from calibench.comparison import attached
from calibench.datasets.dataset import Dataset, Sample
from calibench.datasets.few import open_few
from calibench.datasets.inputs import InputPlan
from calibench.datasets.sets import Opened, open_set
from calibench.evaluation.both_models import reported
from calibench.evaluation.judge import Judge, make_judge
from calibench.evaluation.score import score, untold
from calibench.evaluation.settle import settle
from calibench.inference.benchmark import BenchmarkSettings, Candidate, Speed, measure
from calibench.inference.points import MeasuredPoint, PointGrid, measure_points
from calibench.inference.profile import LayerTime, profile
from calibench.inference.runner import compile_for_samples, infer_batches
from calibench.inference.side_by_side import SAMPLES
from calibench.machine import Machine, check_device, default_precision, describe_machine, physical_cores
from calibench.models.read import Model, as_path, is_quantized, read_model
from calibench.progress import Progress, silent
from calibench.reports.answers import Evaluation
from calibench.settings import Settings, as_settings

EXACT, DEFAULT, INT8 = "fp32", "default", "int8"
"""Series: FP32 in exact FP32; as the device runs it when nobody asks; a quantized file as it is deployed."""
SECONDS, WARM_UP = 0.4, 0.2
"""Of one measurement, and before it."""


@dataclass(frozen=True)
class Baseline:
    """What is known of a model on a dataset.

    Attributes:
        evaluation: None where it has no score of its own.
        why_no_score: one sentence where it has none.
        speeds: by series; `default` is `fp32` where the device computes in f32 anyway.
        profiles: by series, the layers as they ran.
        settings: with nothing left open.
        notes: how settings were found, and what is to be known of the samples.
    """

    model: Path
    evaluation: Evaluation | None
    why_no_score: str
    speeds: Mapping[str, Speed]
    profiles: Mapping[str, tuple[LayerTime, ...]]
    points: tuple[MeasuredPoint, ...]
    machine: Machine
    settings: Settings
    samples: int
    size_bytes: int
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "score": None if self.evaluation is None else self.evaluation.as_json(),
            "why_no_score": self.why_no_score,
            "samples": self.samples,
            "speeds": {name: {"fps": each.fps, **each.model_dump(mode="json")} for name, each in self.speeds.items()},
            "layers": [layer.as_json() for layer in self.profiles[EXACT]],
            "default_layers": [layer.as_json() for layer in self.profiles[DEFAULT]],
            "points": [point.as_json() for point in self.points],
            "machine": self.machine.model_dump(mode="json"),
            "default_precision": default_precision(self.settings.device),
            "settled": self.settings.model_dump(mode="json"),
            "size_bytes": self.size_bytes,
            "notes": list(self.notes),
        }


def run_baseline(
    model: Path | str,
    dataset: Path | str | Dataset,
    settings: Settings | None = None,
    points: PointGrid | None = None,
    progress: Progress = silent,
) -> Baseline:
    """Score an FP32 model in exact FP32, and measure its speed and its layers.

    Args:
        points: where throughput and latency are measured too; None: nowhere.

    Raises:
        CalibenchError: by kind, in one sentence what, where and what to do.
        Cancelled: by `progress`.
    """
    settings, path = as_settings(settings), as_path(model)
    given = Path(dataset) if isinstance(dataset, str) else dataset
    check_device(settings.device)
    threads = settings.threads or physical_cores()
    source = read_model(path, weights=settings.weights)
    settled = settle(source.graph, given, settings, threads, progress)
    settings = settled.settings
    plan, opened = open_set(source.graph, given, settings, threads, progress, path.parent)
    judge = make_judge(source.graph, plan, opened.samples, settings)
    why = why_no_score(judge)
    told = (*source.notes, *settled.warnings, *settled.notes, *judge.task.notes, *opened.notes)
    found = None if why else _scored(source, plan, opened, judge, settings, threads, progress)
    candidates = candidates_of(source, plan.attach(source.graph), settings)
    samples = first_samples(opened.samples)
    bench = BenchmarkSettings(batches=(settings.batch,), threads=threads, seconds=SECONDS, warm_up=WARM_UP)
    speeds = measure(candidates, samples, bench, progress)
    profiles = {
        name: profile(each.model, samples[0], each.device, each.precision, threads) for name, each in candidates.items()
    }
    return Baseline(
        path,
        found,
        why,
        {**speeds, DEFAULT: speeds.get(DEFAULT, speeds[EXACT])},
        {**profiles, DEFAULT: profiles.get(DEFAULT, profiles[EXACT])},
        measure_points(candidates, samples, points, threads, progress) if points else (),
        describe_machine(),
        settings,
        len(opened.samples),
        source.size_bytes,
        told,
    )


@dataclass(frozen=True)
class Ready:
    """Models that take the same samples, ready to be measured: by series, `default` only where it is another one."""

    candidates: Mapping[str, Candidate]
    samples: Sequence[Sample]
    threads: int


def points_of(
    models: Mapping[str, Path],
    dataset: Path,
    settings: Settings,
    grid: PointGrid,
    progress: Progress = silent,
) -> tuple[MeasuredPoint, ...]:
    """Throughput and latency of model files that take the same samples, in turns; of an FP32 one both series.

    Args:
        models: name -> file, FP32 or INT8; the first says how samples enter.

    Raises:
        CalibenchError: as `run_baseline`.
    """
    ready = make_ready(models, dataset, settings, progress)
    return measure_points(ready.candidates, ready.samples, grid, ready.threads, progress)


def make_ready(models: Mapping[str, Path], dataset: Path, settings: Settings, progress: Progress = silent) -> Ready:
    """Read models and the first samples of a dataset; the rest as `points_of`."""
    check_device(settings.device)
    threads = settings.threads or physical_cores()
    sources = [read_model(path, weights=settings.weights, allow_quantized=True) for path in models.values()]
    first = sources[0]
    settings = settle(first.graph, dataset, settings, threads, progress).settings
    few = open_few(first.graph, dataset, settings, SAMPLES, first.path.parent)
    candidates: dict[str, Candidate] = {}
    for source in sources:
        candidates |= candidates_of(source, attached(source, first, few.plan), settings)
    return Ready(candidates, first_samples(few.samples), threads)


def candidates_of(source: Model, graph: ov.Model, settings: Settings) -> dict[str, Candidate]:
    """The model as it is measured: exact and as deployed; a quantized one as deployed.

    Args:
        graph: of `source`, as it takes the samples.
    """
    device = settings.device
    if is_quantized(source.graph):
        return {INT8: Candidate(graph, settings.inference_precision or default_precision(device), device)}
    exact = {EXACT: Candidate(graph, "f32", device)}
    return exact if default_precision(device) == "f32" else {**exact, DEFAULT: Candidate(graph, None, device)}


def first_samples(samples: Dataset) -> list[Sample]:
    """Those that speed is measured on."""
    return [samples[index] for index in range(min(SAMPLES, len(samples)))]


def _scored(
    source: Model,
    plan: InputPlan,
    opened: Opened,
    judge: Judge,
    settings: Settings,
    threads: int,
    progress: Progress,
) -> Evaluation:
    compiled = compile_for_samples(plan.attach(source.graph), settings.device, threads, "f32")
    outputs = infer_batches(compiled, reported(opened.samples, threads, progress), settings.batch)
    found = score(outputs, opened.samples, judge)
    return Evaluation(source.path, found, opened.samples.about, untold(found))


def why_no_score(judge: Judge) -> str:
    """Why the model has no score of its own; empty where it has one."""
    if judge.metric.needs != "reference":
        return ""
    return judge.mismatch or (
        f"Nothing in this dataset is annotated that the task {judge.task.kind} could be scored by. After the "
        f"calibration INT8 is set beside FP32 by {judge.metric.name}."
    )
