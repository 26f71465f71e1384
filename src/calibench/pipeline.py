"""The whole way on one page: from an FP32 model and samples to an INT8 model, a comparison and a report."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import tee
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openvino as ov

from calibench import __version__
from calibench.datasets.ahead import decode_ahead
from calibench.datasets.dataset import Dataset, Sample
from calibench.datasets.sets import Sets, open_set, open_sets
from calibench.errors import ModelError, SettingsError
from calibench.evaluation.audit import audit_batches
from calibench.evaluation.judge import Judge, make_judge
from calibench.evaluation.score import Comparison, compare, score
from calibench.evaluation.settle import settle
from calibench.inference.benchmark import BenchmarkSettings, Candidate, Speed, measure
from calibench.inference.profile import LayerTime, profile
from calibench.inference.runner import compile_for_samples, infer_batches
from calibench.inference.side_by_side import SAMPLES, benchmark
from calibench.machine import check_device, default_precision, physical_cores
from calibench.models.normalise import normalise
from calibench.models.read import Model, read_model
from calibench.progress import Progress, silent
from calibench.quantizers.placement import check_ignored, place
from calibench.quantizers.quantize import Quantized, nothing_to_quantize, quantize, wanted_recipes
from calibench.reports.answers import Evaluation, Inspection, Plan
from calibench.reports.assemble import Measured, assemble
from calibench.reports.report import Report, write_report
from calibench.reports.result import result_folder, save_model
from calibench.reports.stages import Stages
from calibench.settings import Settings

__all__ = ["Calibrated", "Evaluation", "Plan", "benchmark", "calibrate", "evaluate", "inspect", "plan"]


@dataclass(frozen=True)
class Calibrated:
    """An INT8 model, and everything there is to say about it; `folder` is None when nothing was to be written."""

    model: ov.Model
    report: Report
    folder: Path | None


def calibrate(
    model: Path | str,
    dataset: Path | str | Dataset,
    settings: Settings | None = None,
    out: Path | str | None = None,
    *,
    validation: Path | str | Dataset | None = None,
    benchmark: bool = True,
    force: bool = False,
    progress: Progress = silent,
) -> Calibrated:
    """Calibrate a model with the Default method and compare INT8 with FP32.

    Args:
        dataset: sets the ranges; without `validation` it is split by content, half for calibration, half for accuracy.
        settings: defaults when None.
        out: folder for model.xml, model.bin and report.json; written whole or not at all.
        benchmark: measure speed and the profile of the layers too.
        force: replace an `out` that is there already.

    Raises:
        CalibenchError: by kind, in one sentence what, where and what to do.
        Cancelled: by `progress`.
    """
    settings = settings or Settings()
    check_device(settings.device)
    threads = settings.threads or physical_cores()
    stages = Stages()
    out, home = Path(out) if out is not None else None, Path(model).parent
    with _folder(out, force) as folder, ExitStack() as stack:
        with stages.stage("read"):
            source, graph = _read(Path(model), settings)
        with stages.stage("diagnose"):
            settled = settle(source.graph, _as_dataset(validation or dataset), settings, threads, progress)
            settings = settled.settings
        with stages.stage("decode"):
            sets = stack.enter_context(
                open_sets(
                    graph,
                    _as_dataset(dataset),
                    _as_dataset(validation),
                    settings,
                    threads,
                    progress,
                    Path(model).parent,
                )
            )
            judge = make_judge(source.graph, sets.plan, sets.validation, settings)
        with stages.stage("calibrate"):
            quantized = quantize(graph, sets.calibration, settings, sets.plan, threads, progress)
        fp32, int8 = sets.plan.attach(graph), sets.plan.attach(quantized.graph)
        with stages.stage("evaluate"):
            comparison = _compare(fp32, int8, sets.validation, judge, settings, threads, progress)
            batch_agreement = audit_batches(int8, sets.validation, settings.batch, settings.device, threads)
        with stages.stage("benchmark"):
            speeds, profiles = _speed(fp32, int8, sets, settings, threads, progress) if benchmark else ({}, ((), ()))
        with stages.stage("write"):
            result = _signed(int8 if settings.embed_preprocessing else quantized.graph, source, settings, quantized)
            int8_bytes = save_model(result, folder)
        measured = Measured(
            comparison,
            _deployed_precision(settings),
            default_precision(settings.device),
            batch_agreement,
            speeds,
            profiles,
            int8_bytes,
            stages.seconds,
        )
        report = assemble(source, graph, sets, settings, quantized, measured).model_copy(
            update={"task": judge.task.kind, "task_notes": (*settled.notes, *judge.task.notes)}
        )
        report = report.model_copy(update={"notes": (*settled.warnings, *report.notes)})
        write_report(report, folder / "report.json")
    return Calibrated(result, report, out)


def plan(model: Path, dataset: Path | Dataset, settings: Settings, validation: Path | Dataset | None = None) -> Plan:
    """Check everything that can be checked before the work begins, and say what would be done.

    Raises:
        CalibenchError: as `calibrate` would.
    """
    check_device(settings.device)
    source, graph = _read(model, settings)
    threads = settings.threads or physical_cores()
    settled = settle(source.graph, validation or dataset, settings, threads, silent)
    settings = settled.settings
    with open_sets(graph, dataset, validation, settings, threads, silent, model.parent) as sets:
        counts = {"calibration": len(sets.calibration), "total": sets.total, "validation": len(sets.validation)}
        placement = place(graph, settings.ignored)
        wanted = wanted_recipes(settings, placement, len(sets.calibration))
        judge = make_judge(source.graph, sets.plan, sets.validation, settings)
        task = f"Task: {judge.task.kind}, metric {judge.metric.name}."
        notes = (*settled.warnings, task, *settled.notes, *judge.task.notes, *sets.notes)
        return Plan(Inspection(source, placement), counts, tuple(recipe.name for recipe in wanted), notes)


def evaluate(model: Path, dataset: Path | Dataset, settings: Settings, progress: Progress = silent) -> Evaluation:
    """Score a model, FP32 or INT8; in exact FP32 unless `settings.inference_precision` says otherwise.

    Raises:
        CalibenchError: by kind, in one sentence what, where and what to do.
    """
    check_device(settings.device)
    threads = settings.threads or physical_cores()
    source = read_model(model, allow_quantized=True)
    settled = settle(source.graph, dataset, settings, threads, progress)
    settings = settled.settings
    plan, opened = open_set(source.graph, dataset, settings, threads, progress, model.parent)
    judge = make_judge(source.graph, plan, opened.samples, settings)
    if judge.metric.needs == "reference":
        raise SettingsError(
            f"Metric {judge.metric.name} compares with FP32, and evaluate has one model only. Give an annotated "
            "dataset, or a metric of your own; calibrate and compare set INT8 beside FP32."
        )
    precision = settings.inference_precision or "f32"
    compiled = compile_for_samples(plan.attach(source.graph), settings.device, threads, precision)
    outputs = infer_batches(compiled, _reported(opened.samples, threads, progress), settings.batch)
    return Evaluation(
        model, score(outputs, opened.samples, judge), opened.samples.about, (*judge.task.notes, *opened.notes)
    )


def inspect(model: Path, settings: Settings) -> Inspection:
    """What a model is, what would be quantized, and why not the rest.

    Raises:
        ModelError: the file cannot be read, or is quantized already.
    """
    source = read_model(model)
    graph = normalise(source.graph)
    return Inspection(source, place(graph, settings.ignored))


def _as_dataset(given: Any) -> Any:
    return Path(given) if isinstance(given, str) else given


@contextmanager
def _folder(out: Path | None, force: bool) -> Iterator[Path]:
    """Where the result is written; a folder that is thrown away when the caller wants no files."""
    if out is not None:
        with result_folder(out, force=force) as folder:
            yield folder
    else:
        with TemporaryDirectory(prefix="calibench-") as name:
            yield Path(name)


def _read(path: Path, settings: Settings) -> tuple[Model, ov.Model]:
    """The model as it was read, and its normalised graph, in which something can be quantized."""
    source = read_model(path)
    graph = normalise(source.graph)
    check_ignored(graph, settings.ignored)
    placement = place(graph, settings.ignored)
    if not placement.layers:
        raise ModelError(f"{path}: {nothing_to_quantize(placement)}")
    return source, graph


def _compare(
    fp32: ov.Model,
    int8: ov.Model,
    samples: Dataset,
    judge: Judge,
    settings: Settings,
    threads: int,
    progress: Progress,
) -> Comparison:
    """INT8 as it will be deployed beside exact FP32, on the whole validation set."""
    exact = compile_for_samples(fp32, settings.device, threads)
    deployed = compile_for_samples(int8, settings.device, threads, _deployed_precision(settings))
    for_exact, for_deployed = tee(_reported(samples, threads, progress))  # each sample is decoded once
    return compare(
        infer_batches(exact, for_exact, 1),
        infer_batches(deployed, for_deployed, settings.batch),
        samples,
        judge,
    )


def _speed(
    fp32: ov.Model, int8: ov.Model, sets: Sets, settings: Settings, threads: int, progress: Progress
) -> tuple[dict[str, Speed], tuple[tuple[LayerTime, ...], tuple[LayerTime, ...]]]:
    """FP32 exact, FP32 as the device would deploy it, and INT8, measured in turns; and the layers of both."""
    deployed = _deployed_precision(settings)
    candidates = {"fp32": Candidate(fp32, "f32", settings.device), "int8": Candidate(int8, deployed, settings.device)}
    if default_precision(settings.device) != "f32":
        candidates["default"] = Candidate(fp32, None, settings.device)
    samples = [sets.validation[i] for i in range(min(SAMPLES, len(sets.validation)))]
    bench = BenchmarkSettings(batches=(settings.batch,), threads=threads, seconds=0.4, warm_up=0.2)
    speeds = measure(candidates, samples, bench, progress)
    return speeds, (
        profile(fp32, samples[0], settings.device, "f32", threads),
        profile(int8, samples[0], settings.device, deployed, threads),
    )


def _deployed_precision(settings: Settings) -> str:
    return settings.inference_precision or default_precision(settings.device)


def _signed(graph: ov.Model, source: Model, settings: Settings, quantized: Quantized) -> ov.Model:
    """The result with a note in the file of where it comes from; the same bytes for the same input."""
    facts = {
        "version": __version__,
        "source_sha256": source.sha256,
        "preset": settings.preset,
        "recipe": quantized.quantization.recipe.name,
        "samples": str(quantized.used),
        "seed": str(settings.seed),
    }
    for name, value in facts.items():
        graph.set_rt_info(value, ["calibench", name])
    return graph


def _reported(samples: Dataset, threads: int, progress: Progress) -> Iterator[Sample]:
    for number, sample in enumerate(decode_ahead(samples, threads)):
        yield sample
        progress("evaluate", number + 1, len(samples))
