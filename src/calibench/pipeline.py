"""The whole way on one page: from an FP32 model and samples to an INT8 model, a comparison and a report."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openvino as ov

from calibench import __version__
from calibench.datasets.dataset import Dataset
from calibench.datasets.facts import dataset_facts
from calibench.datasets.sets import open_set, open_sets
from calibench.errors import ModelError, SettingsError
from calibench.evaluation.audit import audit_batches
from calibench.evaluation.both_models import Both, Performance, compare_both, measure_both, reported
from calibench.evaluation.judge import make_judge
from calibench.evaluation.score import score, untold
from calibench.evaluation.settle import settle
from calibench.inference.runner import compile_for_samples, infer_batches
from calibench.inference.side_by_side import benchmark
from calibench.keeping import (
    certify,
    hold_out,
    how_it_ended,
    keep_front,
    keep_promise,
    key_of,
    result_place,
    with_metric,
)
from calibench.machine import check_device, default_precision, physical_cores
from calibench.models.normalise import normalise
from calibench.models.read import Model, as_path, hash_of, read_model
from calibench.progress import Progress, silent
from calibench.promise_checks import check_promise, too_few
from calibench.quantizers.placement import check_ignored
from calibench.quantizers.quantize import Quantized, nothing_to_quantize, placed, quantize, wanted_recipes
from calibench.reports.answers import DatasetInspection, Evaluation, Inspection, Plan, planned_search
from calibench.reports.assemble import Measured, assemble
from calibench.reports.contact_sheet import contact_sheet
from calibench.reports.report import Report
from calibench.reports.report_beside import Beside, settings_beside
from calibench.reports.result import save_model, write_result
from calibench.reports.run_file import asked
from calibench.reports.shown import sample_rows
from calibench.reports.stages import Stages
from calibench.search.accuracy_aware import OnTrial, unseen
from calibench.search.journal import open_journal
from calibench.search.keep_accuracy import Start
from calibench.settings import Settings, as_settings
from calibench.spread.opened_helpers import open_helpers
from calibench.things.target_spec import TargetSpec

__all__ = ["Calibrated", "Evaluation", "Plan", "benchmark", "calibrate", "evaluate", "inspect", "plan"]


@dataclass(frozen=True)
class Calibrated:
    """An INT8 model, and everything there is to say about it.

    Attributes:
        folder: None when nothing was to be written.
        quantized: the decisions behind the model, as values.
    """

    model: ov.Model
    report: Report
    folder: Path | None
    quantized: Quantized


def calibrate(
    model: Path | str,
    dataset: Path | str | Dataset,
    settings: Settings | None = None,
    out: Path | str | None = None,
    *,
    validation: Path | str | Dataset | None = None,
    benchmark: bool = True,
    force: bool = False,
    resume: bool = False,
    progress: Progress = silent,
    on_trial: OnTrial = unseen,
    notes: tuple[str, ...] = (),
    workers: int | TargetSpec = 0,
) -> Calibrated:
    """Calibrate a model, by the method of the settings, and compare INT8 with FP32.

    Args:
        dataset: sets the ranges; without `validation` it is split by content, half for calibration, half for accuracy.
        settings: defaults when None.
        out: folder for the model, report.json and the pages drawn from it; written whole or not at all.
        benchmark: measure speed and the profile of the layers too.
        force: replace an `out` that is there already.
        resume: go on with the search that was interrupted in `out`; everything else must be as it was.
        on_trial: of the accuracy-aware method: called with each model that was evaluated, and the most still to come.
        notes: what the report has to say of the sets, where both are of one dataset that too.
        workers: further processes that measure and evaluate, one core each: so many of this machine (0, 1: none), or
            those of a cluster. The result is the same.

    Raises:
        CalibenchError: by kind, in one sentence what, where and what to do.
        Cancelled: by `progress`.
    """
    settings = with_metric(as_settings(settings))
    check_device(settings.device)
    threads = settings.threads or physical_cores()
    stages = Stages()
    model = as_path(model)
    out, home = Path(out) if out is not None else None, model.parent
    what = asked(model, dataset, validation, settings, benchmark)
    with result_place(out, what, force=force, resume=resume) as folder, ExitStack() as stack:
        with stages.stage("read"):
            source, graph = _read(model, settings)
            collector, away = stack.enter_context(open_helpers(workers, settings))
        with stages.stage("diagnose"):
            settled = settle(source.graph, _as_dataset(validation or dataset), settings, threads, progress)
            settings = settled.settings
        with stages.stage("decode"):
            sets = stack.enter_context(
                open_sets(
                    graph, _as_dataset(dataset), _as_dataset(validation), settings, threads, progress, home, notes
                )
            )
            judge = make_judge(source.graph, sets.plan, sets.validation, settings)
            further = check_promise(source.graph, sets, judge, settings)
        with stages.stage("calibrate"):
            quantized = quantize(graph, sets.calibration, settings, sets.plan, threads, progress, collector)
        promise = None
        if settings.method == "accuracy-aware":
            with stages.stage("search"):
                journal = stack.enter_context(open_journal(out, key_of(source, sets, settings)))
                start = Start(
                    graph,
                    quantized,
                    sets.calibration,
                    sets.validation,
                    judge,
                    further,
                    settings,
                    " ".join(settled.warnings),
                    away,
                )
                promise = keep_promise(start, journal, progress, on_trial)
                quantized = promise.quantized
        fp32, int8 = sets.plan.attach(graph), sets.plan.attach(quantized.graph)
        both = Both(fp32, int8, sets.validation, settings, threads)
        with stages.stage("evaluate"):
            comparison = certify(both, judge, promise, progress) if promise else compare_both(both, judge, progress)
            samples = sample_rows(comparison, judge, sets.validation, both.run)
            batch_agreement = audit_batches(int8, sets.validation, settings.batch, settings.device, threads)
        with stages.stage("benchmark"):
            layers = quantized.quantization.placement.names
            performance = measure_both(both, layers, progress) if benchmark else Performance()
        found = None
        if promise is not None:
            with stages.stage("front"):
                front = keep_front(promise, both, folder, benchmark, progress)
                held_out = hold_out(both, sets.holdout, judge, progress)
                found = how_it_ended(promise, both, comparison, performance, front, held_out)
        with stages.stage("write"):
            result = _signed(int8 if settings.embed_preprocessing else quantized.graph, source, settings, quantized)
            int8_bytes = save_model(result, folder)
        measured = Measured(
            comparison,
            judge,
            settled,
            both.precision,
            default_precision(settings.device),
            batch_agreement,
            performance,
            int8_bytes,
            hash_of(folder / "model.xml"),
            stages.seconds,
            samples,
        )
        report = assemble(source, graph, sets, settings, quantized, measured, found)
        write_result(report, folder)
    return Calibrated(result, report, out, quantized)


def plan(
    model: Path,
    dataset: Path | Dataset,
    settings: Settings,
    validation: Path | Dataset | None = None,
    notes: tuple[str, ...] = (),
) -> Plan:
    """Check everything that can be checked before the work begins, and say what would be done.

    Raises:
        CalibenchError: as `calibrate` would.
    """
    settings = with_metric(settings)
    check_device(settings.device)
    source, graph = _read(model, settings)
    threads = settings.threads or physical_cores()
    settled = settle(source.graph, validation or dataset, settings, threads, silent)
    settings = settled.settings
    with open_sets(graph, dataset, validation, settings, threads, silent, model.parent, notes) as sets:
        counts = {"calibration": len(sets.calibration), "total": sets.total, "validation": len(sets.validation)}
        placement = placed(graph, settings)
        wanted = wanted_recipes(settings, placement, len(sets.calibration))
        judge = make_judge(source.graph, sets.plan, sets.validation, settings)
        check_promise(source.graph, sets, judge, settings)
        search = planned_search(settings, judge.metric, placement)
        task = f"Task: {judge.task.kind}, metric {judge.metric.name}."
        few = too_few(judge.metric, sets, settings)
        notes = (*source.notes, *settled.warnings, task, *settled.notes, *judge.task.notes, *sets.notes, *few)
        names, is_scored = tuple(recipe.name for recipe in wanted), judge.metric.needs != "reference"
        return Plan(Inspection(source, placement), counts, names, notes, search, is_scored)


def evaluate(
    model: Path | str,
    dataset: Path | str | Dataset,
    settings: Settings | None = None,
    progress: Progress = silent,
    *,
    report_beside: bool = True,
) -> Evaluation:
    """Score a model, FP32 or INT8; in exact FP32 unless `settings.inference_precision` says otherwise.

    Args:
        report_beside: an INT8 model with its report beside it is scored as it was when it was calibrated, but for what
            was set. False for files from elsewhere: a report may name others to be read.

    Raises:
        CalibenchError: by kind, in one sentence what, where and what to do.
    """
    model, given = as_path(model), _as_dataset(dataset)
    given_settings = as_settings(settings)
    beside = settings_beside(model, given_settings, dataset) if report_beside else Beside(given_settings)
    with beside.told():
        return _scored(model, given, beside.settings, beside.notes, progress)


def _scored(model: Path, given: Any, settings: Settings, notes: tuple[str, ...], progress: Progress) -> Evaluation:
    """As of `evaluate`, with all settings; `notes`: where they come from."""
    check_device(settings.device)
    threads = settings.threads or physical_cores()
    source = read_model(model, weights=settings.weights, allow_quantized=True)
    settled = settle(source.graph, given, settings, threads, progress)
    settings = settled.settings
    plan, opened = open_set(source.graph, given, settings, threads, progress, model.parent)
    judge = make_judge(source.graph, plan, opened.samples, settings)
    if judge.metric.needs == "reference":
        raise SettingsError(
            judge.mismatch
            or f"Metric {judge.metric.name} compares with FP32, and evaluate has one model only. Give an annotated "
            "dataset, or a metric of your own; calibrate and compare set INT8 beside FP32."
        )
    precision = settings.inference_precision or "f32"
    compiled = compile_for_samples(plan.attach(source.graph), settings.device, threads, precision)
    outputs = infer_batches(compiled, reported(opened.samples, threads, progress), settings.batch)
    found = score(outputs, opened.samples, judge)
    told = (*notes, *settled.warnings, *untold(found), *settled.notes, *judge.task.notes, *opened.notes)
    return Evaluation(model, found, opened.samples.about, (*source.notes, *told))


def inspect(model: Path | str, settings: Settings | None = None) -> Inspection:
    """What a model is, what would be quantized, and why not the rest.

    Raises:
        ModelError: the file cannot be read, or is quantized already.
    """
    settings = as_settings(settings)
    source = read_model(as_path(model), weights=settings.weights)
    graph = normalise(source.graph)
    return Inspection(source, placed(graph, settings))


def inspect_dataset(
    path: Path, settings: Settings, sheet: Path | None = None, count: int = 40, progress: Progress = silent
) -> DatasetInspection:
    """What a dataset holds and what is wrong with it; `sheet`: where a contact sheet of `count` samples is drawn.

    Raises:
        DatasetError, SettingsError, JobError: it cannot be read, or the sheet cannot be written.
    """
    facts = dataset_facts(path, settings.data, settings.threads or physical_cores(), progress)
    if sheet is not None and facts.listing is None:
        raise SettingsError(f"--sheet: {path} holds no pictures to draw.")
    if sheet is not None and path.is_dir() and sheet.resolve().is_relative_to(path.resolve()):
        raise SettingsError(f"--sheet {sheet}: lies in the dataset and would be a sample of it. Choose another place.")
    if sheet is not None and facts.listing is not None:
        contact_sheet(facts.listing, sheet, count)
    return DatasetInspection(facts, sheet)


def _as_dataset(given: Any) -> Any:
    return Path(given) if isinstance(given, str) else given


def _read(path: Path, settings: Settings) -> tuple[Model, ov.Model]:
    """The model as it was read, and its normalised graph, in which something can be quantized."""
    source = read_model(path, weights=settings.weights)
    graph = normalise(source.graph)
    check_ignored(graph, settings.ignored)
    placement = placed(graph, settings)
    if not placement.layers:
        raise ModelError(f"{path}: {nothing_to_quantize(placement)}")
    return source, graph


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
