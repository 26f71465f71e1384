"""The accuracy-aware method between calibration and report: search, certify, keep the whole front."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from calibench.datasets.dataset import Dataset, Subset
from calibench.datasets.sets import Sets, digest
from calibench.errors import ModelError, SettingsError
from calibench.evaluation.both_models import Both, Performance, compare_both
from calibench.evaluation.interval import fewest_samples, samples_needed
from calibench.evaluation.judge import Judge
from calibench.evaluation.metrics.metric import PERCENT
from calibench.evaluation.score import Comparison
from calibench.inference.benchmark import BenchmarkSettings, Candidate, measure
from calibench.inference.side_by_side import SAMPLES
from calibench.models.read import Model
from calibench.progress import Progress
from calibench.quantizers.quantize import Quantized
from calibench.reports.promise import float_reason
from calibench.reports.result import result_or_temporary, save_model
from calibench.reports.run_file import Asked
from calibench.reports.search_folder import searched_or_temporary
from calibench.search.accuracy_aware import OnTrial
from calibench.search.front import front_of, undominated
from calibench.search.journal import Journal
from calibench.search.journal_key import run_key
from calibench.search.keep_accuracy import Kept, Start, keep_accuracy
from calibench.search.timing import write_timings
from calibench.search.values import Found, FrontPoint, HeldOut, Trial
from calibench.settings import Settings

FRONT_SECONDS, FRONT_ROUNDS = 0.3, 3
"""Of one measurement of a point of the front, and how often it is repeated."""
RUN_AGAIN = 16
"""Samples on which both models run a second time."""
ROUNDING = 1e-6
"""In the unit of the metric; two ways to sum up a drop differ by less."""
MEND = "bias correction of the whole network"
SMOOTHED = "smoothing of its input"


@dataclass(frozen=True)
class Promise:
    """The chosen model and everything that the search learnt; `quantized`: the network as chosen."""

    kept: Kept
    quantized: Quantized

    @property
    def best(self) -> Trial:
        return self.kept.searched.best


def with_metric(settings: Settings) -> Settings:
    """The settings with the metric that bounds the drop where nothing is annotated."""
    if settings.method == "accuracy-aware" and settings.accuracy.label_free and settings.metric == "auto":
        return settings.model_copy(update={"metric": "agreement"})
    return settings


@contextmanager
def result_place(out: Path | None, what: Asked, *, force: bool, resume: bool) -> Iterator[Path]:
    """Where the finished files are written; the accuracy-aware method owns `out` meanwhile.

    Raises:
        SettingsError: `resume` with the Default method, which keeps nothing that it could go on with.
        JobError: as `result_folder` and `searched_folder`.
    """
    if what.settings.method == "accuracy-aware":
        with searched_or_temporary(out, what, force=force, resume=resume) as folder:
            yield folder
        return
    if resume:
        raise SettingsError("Only the accuracy-aware method can go on with a run. Calibrate anew.")
    with result_or_temporary(out, force=force) as folder:
        yield folder


def key_of(source: Model, sets: Sets, settings: Settings) -> dict[str, Any]:
    """What the entries of the journal depend on."""
    datasets = {"calibration dataset": digest(sets.calibration), "validation dataset": digest(sets.validation)}
    return run_key(source.sha256, datasets, settings)


def needed_samples(comparison: Comparison, limit: float) -> int | None:
    """How many samples tell a drop of the limit from noise; where each is right or wrong never fewer than must be."""
    found, values = samples_needed(comparison.worse, limit), (comparison.baseline.values, comparison.int8.values)
    is_yes_or_no = comparison.baseline.unit == PERCENT and bool(np.isin(values, (0.0, 100.0)).all())
    fewest = fewest_samples(limit) if is_yes_or_no else None
    return max((each for each in (found, fewest) if each is not None), default=None)


def keep_promise(start: Start, journal: Journal, progress: Progress, on_trial: OnTrial) -> Promise:
    """Search, and name for every layer in float why it is there.

    Raises:
        CalibenchError, Cancelled: as `keep_accuracy`.
    """
    kept = keep_accuracy(start, journal, progress, on_trial)
    best = kept.searched.best.configuration
    ranked = {each.name: each for each in kept.searched.ranking}
    repairs = tried_repairs(kept)

    def reason(name: str) -> str:
        return float_reason(ranked[name], repairs.get(name, ()), start.judge.metric.unit)

    quantized = replace(
        start.quantized,
        graph=kept.candidates.build(best),
        quantization=kept.candidates.quantization(best, reason),
        shifts=kept.candidates.shifts_of(best) if start.settings.caffe is not None else {},
    )
    return Promise(kept, quantized)


def certify(both: Both, judge: Judge, promise: Promise, progress: Progress) -> Comparison:
    """INT8 beside FP32 on all validation samples, from what both gave in their evaluations where that was kept.

    The first samples run again: a model or a metric that gives something else then cannot be promised anything.

    Raises:
        ModelError: outputs differ from one run to the next.
    """
    kept = promise.kept
    fp32 = kept.baseline.outputs
    if not fp32.is_whole or kept.outputs is None:
        return compare_both(both, judge, progress, fp32 if fp32.is_whole else None)
    again = Subset(both.samples, tuple(range(min(RUN_AGAIN, len(both.samples)))))
    for index, (now, then) in enumerate(zip(both.run(again), zip(fp32, kept.outputs(), strict=False), strict=False)):
        for name, one, other in zip(("FP32", "INT8"), now, then, strict=True):
            if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True)):
                raise ModelError(
                    f"{both.samples.describe(index).name}: the {name} model gives other outputs when it runs again. "
                    "An accuracy drop of such a model cannot be bounded; take what is random out of it."
                )
    return compare_both(both, judge, progress, fp32, kept.outputs())


def tried_repairs(kept: Kept) -> Mapping[str, tuple[str, ...]]:
    """Layer -> what was tried to mend it."""
    mended = kept.candidates.shifts if any(t.configuration.repair == "bias" for t in kept.trials) else {}
    factors = kept.candidates.quantized.quantization.factors
    found: dict[str, tuple[str, ...]] = dict.fromkeys(mended, (MEND,))
    for point in kept.candidates.quantized.quantization.placement.points:
        if point.tensor in factors:
            for consumer in point.consumers:
                found[consumer.operation] = (*found.get(consumer.operation, ()), SMOOTHED)
    return found


def keep_front(
    promise: Promise, both: Both, folder: Path, benchmark: bool, progress: Progress
) -> tuple[FrontPoint, ...]:
    """Save every model of the front but the chosen one, which is the result itself, and measure their speed.

    Raises:
        JobError: the disk is full.
    """
    kept, best = promise.kept, promise.best
    trials = front_of(kept.trials, best)
    graphs = {trial.number: kept.candidates.build(trial.configuration) for trial in trials}
    fps = _speeds(graphs, promise, both, progress) if benchmark and len(trials) > 1 else {}
    points = tuple(_point(trial, best, fps.get(trial.number)) for trial in trials)
    if fps:
        points = undominated(points, next(each.trial for each in points if each.folder == "."))
    if kept.timings is not None:
        write_timings(kept.timings, folder / "timings.json")
    return tuple(_saved(point, graphs[point.trial], both, promise, folder) for point in points)


def _point(trial: Trial, best: Trial, fps: float | None) -> FrontPoint:
    place = "." if trial.configuration == best.configuration else f"front/{trial.number}"
    outcome = trial.outcome
    return FrontPoint(trial.number, trial.configuration, outcome.drop, trial.time_ms, fps, place, outcome.interval)


def _saved(point: FrontPoint, graph: ov.Model, both: Both, promise: Promise, folder: Path) -> FrontPoint:
    """Written where the point says; the result itself is written with its report."""
    if point.folder == ".":
        return point
    place = folder / point.folder
    place.mkdir(parents=True, exist_ok=True)
    embeds = both.settings.embed_preprocessing  # then the result takes raw pictures, and so must each point
    return replace(point, int8_bytes=save_model(promise.quantized.run.plan.attach(graph) if embeds else graph, place))


def _speeds(graphs: Mapping[int, ov.Model], promise: Promise, both: Both, progress: Progress) -> dict[int, float]:
    """Throughput by trial, measured in turns."""
    run, settings = promise.quantized.run, both.settings
    candidates = {
        str(number): Candidate(run.plan.attach(graph), both.precision, settings.device)
        for number, graph in graphs.items()
    }
    samples = [both.samples[i] for i in range(min(SAMPLES, len(both.samples)))]
    bench = BenchmarkSettings(
        batches=(settings.batch,), threads=both.threads, seconds=FRONT_SECONDS, rounds=FRONT_ROUNDS, warm_up=0.1
    )
    return {int(name): speed.fps for name, speed in measure(candidates, samples, bench, progress).items()}


def hold_out(both: Both, holdout: Dataset | None, judge: Judge, progress: Progress) -> HeldOut | None:
    """The drop on samples that decided nothing."""
    if holdout is None:
        return None
    found = compare_both(replace(both, samples=holdout), judge, progress)
    return HeldOut(found.samples, found.baseline.score, found.int8.score, found.drop_points, found.drop_interval)


def how_it_ended(
    promise: Promise,
    both: Both,
    comparison: Comparison,
    performance: Performance,
    front: tuple[FrontPoint, ...],
    held_out: HeldOut | None,
) -> Found:
    """What the search found, with the final evaluation and the measured speed."""
    kept = promise.kept
    # a prototxt is asked to hold its tolerance, and may be for another machine; how fast it is here, the advice says
    speed = performance if both.settings.caffe is None else Performance()
    why_not = why_missed(promise, speed, comparison.drop_points)
    accuracy = both.settings.accuracy
    return Found(
        best=promise.best.number,
        is_reached=not why_not,
        why_not=why_not,
        limits=kept.limits,
        trials=kept.trials,
        ranking=kept.searched.ranking,
        front=front,
        most_trials=kept.searched.most_trials,
        tried_repairs=tried_repairs(kept),
        label_free=accuracy.label_free,
        needed_samples=needed_samples(comparison, kept.limits[0].drop),
        held_out=held_out,
    )


def why_missed(promise: Promise, performance: Performance, drop: float) -> str:
    """One sentence where the promise is not kept, or is not worth keeping; '' where all is well.

    Args:
        drop: of the main metric in the final evaluation.
    """
    kept, outcome = promise.kept, promise.best.outcome
    if not outcome.holds:
        limit = f"{kept.limits[0].drop:.3g}"
        nearest = f"the nearest loses {outcome.drop:.3g}, where {limit} is allowed ({outcome.broken} misses its limit)"
        if kept.searched.is_spent:
            trials = "1 trial" if len(kept.trials) == 1 else f"{len(kept.trials)} trials"
            return f"The budget was spent after {trials}: {nearest}. Go on with --resume."
        return f"No model with a layer in INT8 keeps the limit: {nearest}."
    if drop > kept.limits[0].drop + ROUNDING:
        return (
            f"Trial {promise.best.number} kept the limit in the search, and evaluated again it loses {drop:.3g}, where "
            f"{kept.limits[0].drop:.3g} is allowed: the metric or the journal was changed. Begin anew with --force."
        )
    speeds = performance.speeds
    default = speeds.get("default", speeds.get("fp32"))
    if default is not None and "int8" in speeds and speeds["int8"].fps <= default.fps:
        return (
            f"The accuracy holds, but INT8 is no faster here: {speeds['int8'].fps:.1f} samples a second, "
            f"{default.fps:.1f} without INT8."
        )
    return ""
