"""From a calibrated network to the fastest INT8 model within the limits: what the search needs, strung together."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from time import perf_counter
from typing import Any

import openvino as ov

from calibench.datasets.dataset import Dataset, Subset
from calibench.datasets.truth import truth_digest
from calibench.errors import JobError
from calibench.evaluation.both_models import deployed_precision, reported
from calibench.evaluation.judge import Judge
from calibench.evaluation.metrics.metric import PERCENT, Metric
from calibench.inference.runner import Outputs, compile_for_samples, infer_all
from calibench.progress import Progress
from calibench.quantizers.quantize import Quantized
from calibench.search.accuracy_aware import Bounds, OnTrial, Searched, Space, search
from calibench.search.candidates import Candidates
from calibench.search.journal import Journal
from calibench.search.limits import applied, check_baseline
from calibench.search.sensitivity import rank
from calibench.search.timing import Timings, as_timings, measure_timings, timings_of
from calibench.search.validation import Baseline, Begun, Elsewhere, Validation, run_baseline
from calibench.search.values import Configuration, Limit, Outcome, Ranked, Repair, Trial
from calibench.settings import Settings

ANNOTATIONS = ("annotations", "validation dataset")
"""Where the journal keeps their digest."""
REMEMBERED = 8
"""Evaluations whose outputs are kept, to go on with those that stopped early."""
RANKED_ON = 32
"""Calibration samples for ranking and repair, spread over the set; few tell as much as many."""


Away = Callable[[ov.Model, Validation], Elsewhere]
"""Takes an INT8 graph, which takes the samples as they are, to the processes that evaluate it."""


@dataclass(frozen=True)
class Start:
    """What the search is about.

    Attributes:
        graph: normalised FP32 graph; not changed.
        calibration: the samples that set the ranges; ranking and repair use some of them.
        validation: the samples that decide.
        further: metrics with a limit of their own, beside that of the judge.
        cause: what the trial of the settings found wrong, in one sentence; '' for nothing.
        away: to those who evaluate models; None: this process does.
    """

    graph: ov.Model
    quantized: Quantized
    calibration: Dataset
    validation: Dataset
    judge: Judge
    further: tuple[Metric, ...]
    settings: Settings
    cause: str = ""
    away: Away | None = None

    @property
    def precision(self) -> str:
        """Of the float layers, as deployed."""
        return deployed_precision(self.settings)


@dataclass(frozen=True)
class Kept:
    """What came out.

    Attributes:
        timings: None where no layer had to be compared.
        outputs: of the chosen model on the validation samples, in their order; None where they were not kept.
    """

    searched: Searched
    limits: tuple[Limit, ...]
    candidates: Candidates
    baseline: Baseline
    timings: Timings | None
    outputs: Callable[[], Iterator[Outputs]] | None

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, with the predicted time where the layers were measured."""
        if self.timings is None:
            return self.searched.trials
        times = self.timings
        return tuple(replace(each, time_ms=times.time_ms(each.configuration)) for each in self.searched.trials)


def _usual_cause(settings: Settings) -> str:
    """Of an FP32 score near nothing where no trial of the settings found one; '' where `check_baseline` knows."""
    if settings.caffe is None:
        return ""
    return "Probably transform_param (mean, scale, colour), the labels, or weights of another training"


def keep_accuracy(start: Start, journal: Journal, progress: Progress, on_trial: OnTrial) -> Kept:
    """Search the fastest model within the limits of the settings.

    Raises:
        SettingsError, DatasetError: a limit, the metric or the baseline makes no sense.
        JobError: a trial cannot be written down.
        Cancelled: by `progress`.
    """
    settings, run = start.settings, start.quantized.run
    exact = compile_for_samples(run.plan.attach(start.graph), run.device, run.threads)
    samples = reported(start.validation, run.threads, progress)
    baseline = run_baseline(infer_all(exact, samples), start.validation, start.judge, start.further)
    metric = start.judge.metric
    classes = len(start.validation.about.classes) or len(set(start.validation.labels or ()))
    check_baseline(
        metric, baseline.summaries[metric.name], baseline.values, classes, start.cause or _usual_cause(settings)
    )
    limits = applied((metric, *start.further), baseline.summaries, settings.accuracy)
    steps = _Steps(start, baseline, limits, journal, progress)
    accuracy = settings.accuracy
    if accuracy.timings is not None:
        _ = steps.timings  # refused now, not after half the search
    bounds = Bounds(
        limits[0].drop, accuracy.time_budget_s, accuracy.max_trials, accuracy.repair != "off", accuracy.front
    )
    searched = search(steps.space, bounds, progress, on_trial)
    timings = steps.timings if searched.ranking else None
    return Kept(searched, limits, steps.candidates, baseline, timings, steps.outputs_of(searched.best.configuration))


class _Steps:
    """The costly functions of a search on a real network; each writes down what it found, and looks there first."""

    def __init__(
        self, start: Start, baseline: Baseline, limits: tuple[Limit, ...], journal: Journal, progress: Progress
    ) -> None:
        self._asked, self._limits, self._journal, self._progress = start, limits, journal, progress
        self._is_ranked = False
        self._annotations = truth_digest(each.truth for each in baseline.described)
        check_unchanged(journal, self._annotations)
        self._begun: dict[Configuration, Begun] = {}
        self.candidates = Candidates(start.graph, start.quantized, self._few, start.precision)
        settings, run = start.settings, start.quantized.run
        self._validation = Validation(
            start.validation, start.judge, start.further, baseline, settings.batch, run.threads
        )

    @cached_property
    def space(self) -> Space:
        is_percent = self._asked.judge.metric.unit == PERCENT and self._validation.is_mean
        item = 100 / len(self._asked.validation) if is_percent else 0.0
        return Space(self.candidates.layers, self._evaluate, self._mend, self._rank, self._time_ms, item)

    @cached_property
    def _few(self) -> Dataset:
        """Samples for ranking and repair, spread evenly over the calibration subset."""
        total = len(self._asked.calibration)
        count = min(RANKED_ON, total)
        return Subset(self._asked.calibration, tuple(i * total // count for i in range(count)))

    @cached_property
    def timings(self) -> Timings:
        """Of the layers: from a file that was given, from the journal, else measured now."""
        start, run = self._asked, self._asked.quantized.run
        if start.settings.accuracy.timings is not None:
            return timings_of(start.settings.accuracy.timings, self.candidates.layers)
        kept = self._journal.recall_as("timings", "layers", as_timings)
        if kept is not None:
            return kept
        fp32, int8 = run.plan.attach(start.graph), run.plan.attach(start.quantized.graph)
        how = (run.device, run.threads, start.precision)
        found = measure_timings(fp32, int8, self.candidates.layers, start.validation[0], how)
        self._journal.write("timings", "layers", asdict(found))
        return found

    def outputs_of(self, configuration: Configuration) -> Callable[[], Iterator[Outputs]] | None:
        """What a model gave in its last evaluation, where that was kept."""
        begun = self._begun.get(configuration)
        is_known = begun is not None and begun.outputs.is_whole and len(begun.evidence) == len(self._asked.validation)
        return partial(self._validation.in_order, begun.outputs) if begun is not None and is_known else None

    def _evaluate(self, configuration: Configuration, whole: bool) -> Outcome:
        kept = recall_outcome(self._journal, configuration, whole)
        if kept is not None:
            return kept
        started = perf_counter()
        begun = self._begun.setdefault(configuration, Begun())
        model = self._runnable(configuration)
        found = self._validation.evaluate(model, self._limits, self._progress, begun, whole=whole)
        found = replace(found, seconds=perf_counter() - started)
        while len(self._begun) > REMEMBERED:
            self._begun.pop(next(each for each in self._begun if each != configuration))
        if self._journal.recall(*ANNOTATIONS) is None:
            self._journal.write(*ANNOTATIONS, self._annotations)
        self._journal.write("trial", _name(configuration, whole), asdict(found))
        return found

    def _runnable(self, configuration: Configuration) -> ov.CompiledModel | Elsewhere:
        away = self._asked.away
        if away is None:
            return self.candidates.compile(configuration)
        return away(self.candidates.attached(configuration), self._validation)

    def _mend(self) -> bool:
        return bool(self.candidates.shifts)

    def _rank(self, repair: Repair) -> tuple[Ranked, ...]:
        found = self._journal.recall_as("ranking", repair, lambda kept: tuple(Ranked(**each) for each in kept))
        if found is None:
            each = self._asked.quantized
            found = rank(
                self._asked.graph, each.quantization, each.options, self._few, each.run, progress=self._progress
            )
            self._journal.write("ranking", repair, [asdict(one) for one in found])
        self._is_ranked = True
        return tuple(replace(one, saves_ms=self.timings.saves_ms.get(one.name)) for one in found)

    def _time_ms(self, configuration: Configuration) -> float | None:
        return self.timings.time_ms(configuration) if self._is_ranked else None


def recall_outcome(journal: Journal, configuration: Configuration, whole: bool) -> Outcome | None:
    """What an evaluation gave before, in this run or an earlier one.

    One that stopped early and a later one of all samples are two entries: a run that goes on sees first what the search
    saw first, and takes the same way.
    """
    early, exact = (journal.recall_as("trial", _name(configuration, each), _as_outcome) for each in (False, True))
    return early if early is not None and (not whole or early.is_exact) else exact


def _name(configuration: Configuration, whole: bool) -> str:
    """An evaluation as the name of an entry of the journal."""
    return json.dumps({**configuration.as_json(), "whole": whole}, ensure_ascii=False)


def _as_outcome(kept: Mapping[str, Any]) -> Outcome:
    interval: Sequence[float] | None = kept["interval"]
    found = Outcome(**{**kept, "interval": None if interval is None else (interval[0], interval[1])})
    for number in (found.drop, found.excess, found.seconds, found.evaluated, found.total, *(interval or ())):
        float(number)
    return found


def check_unchanged(journal: Journal, annotations: str) -> None:
    """Refuse to go on with a search that was judged by other annotations: a sample has the same digest with any.

    Raises:
        JobError: the digest is another one than was written with the first trial.
    """
    if journal.recall(*ANNOTATIONS) not in (None, annotations):
        raise JobError(
            "The annotations of the validation dataset have changed since the search began. Begin anew with --force, "
            "or give another folder."
        )
