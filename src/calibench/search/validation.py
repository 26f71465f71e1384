"""Evaluate INT8 models against the limits, with no more inferences than the verdict needs.

FP32 runs once, and what it gave is kept. The samples that it decides by the smallest margin come first: they are the
ones that INT8 may change. Where the score is a mean of right and wrong, an evaluation ends as soon as the samples that
are left cannot change the verdict, or surely will not; what is accepted in the end is always evaluated to the last
sample.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from calibench.datasets.ahead import decode_ahead
from calibench.datasets.dataset import Dataset, Description, Subset
from calibench.errors import JobError, SettingsError
from calibench.evaluation.difficulty import margin
from calibench.evaluation.interval import paired_normal
from calibench.evaluation.judge import Judge, at_sample
from calibench.evaluation.metrics.metric import PERCENT, Metric, Summary
from calibench.inference.kept_outputs import KeptOutputs
from calibench.inference.runner import Outputs, infer_batches
from calibench.progress import Progress
from calibench.search.limits import name_of
from calibench.search.values import Limit, Outcome

FIRST_SHARE = 0.2
"""Share of the samples, hardest first, after which an early verdict may fall: they hold nearly all that change."""
SAFE_SAMPLES = 0.5
"""An early verdict must be further from the limit than so many samples, and as many as have changed lately."""
TWICE = 32
"""Samples whose evidence is taken twice: a metric that is not the same both times decides nothing."""

FloatArray = NDArray[np.float64]
Evidence = tuple[Any, ...]
"""Of one sample: what each metric keeps of it."""
Seen = tuple[Evidence, Outputs | None]
"""Of one sample: the evidence, and what the model gave where that came along."""


class Elsewhere(Protocol):
    """An INT8 model that other processes run."""

    def see(self, indices: Sequence[int], beat: Callable[[], None]) -> Iterator[Seen]:
        """What it gives for samples, in their order; work beyond the last one taken is thrown away.

        Args:
            beat: called now and then while nothing comes; what it raises ends the work.

        Raises:
            SettingsError, DatasetError: as `Validation.evaluate`, at the sample.
            TargetError: nobody is left to run it.
        """


@dataclass(frozen=True, eq=False)
class Baseline:
    """What FP32 gave on the validation samples.

    Attributes:
        outputs: of every sample, where the disk had room for all.
        described: names and annotations.
        evidence: of every sample.
        values: float64 [N], of the main metric.
        summaries: by metric.
        order: int [N], the samples by margin, smallest first; None where there is no margin.
    """

    outputs: KeptOutputs
    described: tuple[Description, ...]
    evidence: tuple[Evidence, ...]
    values: FloatArray
    summaries: dict[str, Summary]
    order: NDArray[np.int64] | None


def run_baseline(
    outputs: Iterable[Outputs], samples: Dataset, judge: Judge, further: Sequence[Metric] = ()
) -> Baseline:
    """Take the outputs of FP32, once.

    Args:
        outputs: of exact FP32, in the order of the samples.
        further: metrics that have a limit of their own.

    Raises:
        SettingsError: a metric gives something else the second time; DatasetError: as `Judge.check`.
    """
    metrics = (judge.metric, *further)
    kept = KeptOutputs()
    described: list[Description] = []
    evidence: list[Evidence] = []
    margins: list[float | None] = []
    for index, each in enumerate(kept.passed_on(outputs)):
        described.append(samples.describe(index))
        named = judge.named(each)
        if index == 0:
            judge.check(named, samples)
        with at_sample(described[-1].name):
            seen = judge.observe(named, named, described[-1])
            evidence.append(tuple(metric.observe(seen) for metric in metrics))
            if index < TWICE:
                _check_steady(metrics, evidence[-1], tuple(metric.observe(seen) for metric in metrics))
        margins.append(margin(judge, named))
    if not kept.is_whole and any(metric.needs == "reference" for metric in metrics):
        raise JobError(
            f"The outputs of FP32 on {len(evidence)} samples found no room in the folder for temporary files, and "
            "the metric compares with them. Free some room there, or give fewer validation samples."
        )
    values = np.array([judge.metric.value(each[0]) for each in evidence], np.float64)
    gaps = np.array([np.nan if gap is None else gap for gap in margins], np.float64)
    order = None if np.isnan(gaps).any() else np.argsort(gaps, kind="stable")
    summaries = {m.name: m.score([each[i] for each in evidence]) for i, m in enumerate(metrics)}
    return Baseline(kept, tuple(described), tuple(evidence), values, summaries, order)


def _check_steady(metrics: Sequence[Metric], first: Evidence, second: Evidence) -> None:
    for metric, one, other in zip(metrics, first, second, strict=True):
        a, b = metric.value(one), metric.value(other)
        if not (a == b or (np.isnan(a) and np.isnan(b))):
            raise SettingsError(
                f"metric {metric.name} gives {a:g} and then {b:g} for the same outputs. A limit needs a metric that "
                "always gives the same: take what is random out of it."
            )


class Validation:
    """Judges INT8 models by what FP32 gave; made once for a search."""

    def __init__(
        self, samples: Dataset, judge: Judge, further: Sequence[Metric], baseline: Baseline, batch: int, threads: int
    ) -> None:
        self.samples, self.judge, self.baseline = samples, judge, baseline
        self.metrics, self.batch = (judge.metric, *further), batch
        self._threads = threads
        self.needs_reference = any(metric.needs == "reference" for metric in self.metrics)
        self._sign = 1.0 if judge.metric.higher_is_better else -1.0
        self.is_mean = bool(
            np.isclose(baseline.values.mean(), baseline.summaries[judge.metric.name].score, rtol=0, atol=1e-6)
        )

    @property
    def order(self) -> NDArray[np.int64]:
        """int [N], the samples in the order of evaluation."""
        return np.arange(len(self.samples)) if self.baseline.order is None else self.baseline.order

    def in_order(self, kept: KeptOutputs) -> Iterator[Outputs]:
        """Outputs that `evaluate` kept, in the order of the samples."""
        return (kept[int(place)] for place in np.argsort(self.order, kind="stable"))

    def evaluate(
        self,
        model: ov.CompiledModel | Elsewhere,
        limits: Sequence[Limit],
        progress: Progress,
        begun: "Begun | None" = None,
        *,
        whole: bool = True,
    ) -> Outcome:
        """Evaluate an INT8 model as it will be deployed.

        Args:
            begun: an evaluation of this model that stopped early, to go on with; it is continued.
            whole: to the last sample; else until the verdict is clear.

        Raises:
            SettingsError, DatasetError: a metric fails on a sample, which is named.
        """
        begun = Begun() if begun is None else begun
        count, order = len(self.samples), self.order
        bounds = None if whole else self._bounds(order, limits)
        left = order[len(begun.evidence) :].tolist()
        if isinstance(model, ov.CompiledModel):
            found = self._see(model, left)
        else:
            found = model.see(left, lambda: progress("validate", len(begun.evidence), count))
        for index, (evidence, outputs) in zip(left, found, strict=True):
            begun.outputs.keep(outputs)
            value = self.judge.metric.value(evidence[0])
            begun.add(evidence, self._sign * (float(self.baseline.values[index]) - value))
            progress("validate", len(begun.evidence), count)
            verdict = None if bounds is None or len(begun.evidence) == count else bounds.verdict(begun)
            if verdict is not None:
                drop = begun.worse / count
                broken = "" if verdict else limits[0].metric
                return Outcome(drop, {}, len(begun.evidence), count, verdict, drop - limits[0].drop, broken)
        places = np.argsort(order, kind="stable")
        return self._whole_outcome([begun.evidence[place] for place in places], limits)

    def _see(self, model: ov.CompiledModel, indices: Sequence[int]) -> Iterator[Seen]:
        """As `Elsewhere.see`, in this process."""
        ordered = decode_ahead(Subset(self.samples, tuple(indices)), self._threads)
        for index, outputs in zip(indices, infer_batches(model, ordered, self.batch), strict=True):
            reference = self.baseline.outputs[index] if self.needs_reference else None
            yield observe(self.judge, self.metrics, self.baseline.described[index], outputs, reference), outputs

    def _bounds(self, order: NDArray[np.int64], limits: Sequence[Limit]) -> "_Bounds | None":
        """None where only the whole set tells: a score that is no mean, or several limits."""
        metric, values = self.judge.metric, self.baseline.values[order]
        is_bounded = metric.unit == PERCENT and metric.higher_is_better and bool((values <= 100).all())
        if not (self.is_mean and is_bounded):
            return None
        return _Bounds(values, limits[0].drop, self.baseline.order is not None, len(limits) == 1)

    def _whole_outcome(self, evidence: Sequence[Evidence], limits: Sequence[Limit]) -> Outcome:
        found = {m.name: m.score([each[i] for each in evidence]) for i, m in enumerate(self.metrics)}
        tightest, broken = -np.inf, ""
        for limit in limits:
            excess = self._drop(limit, found) - limit.drop
            if np.isnan(excess) or excess > tightest:
                tightest = np.inf if np.isnan(excess) else excess
                broken = name_of(limit, self.samples.about.classes)
        holds = bool(tightest <= 1e-9)  # a sum of rounded shares may miss the limit by a hair
        main = self._drop(limits[0], found)
        return Outcome(
            main,
            {name: summary.score for name, summary in found.items()},
            len(evidence),
            len(self.samples),
            holds,
            float(tightest),
            "" if holds else broken,
            self._interval(evidence),
        )

    def _drop(self, limit: Limit, found: dict[str, Summary]) -> float:
        metric = next(each for each in self.metrics if each.name == limit.metric)
        before, after = (_score(each[limit.metric], limit.label) for each in (self.baseline.summaries, found))
        return before - after if metric.higher_is_better else after - before

    def _interval(self, evidence: Sequence[Evidence]) -> tuple[float, float] | None:
        if not self.is_mean or len(evidence) < 2:
            return None
        values = np.array([self.judge.metric.value(each[0]) for each in evidence])
        both = np.concatenate([values, self.baseline.values])
        is_yes_or_no = self.judge.metric.unit == PERCENT and bool(np.isin(both, (0.0, 100.0)).all())
        return paired_normal(self._sign * (self.baseline.values - values), 100.0 if is_yes_or_no else 0.0)


def observe(
    judge: Judge, metrics: Sequence[Metric], described: Description, outputs: Outputs, reference: Outputs | None
) -> Evidence:
    """The evidence of one sample; `reference`: the outputs of FP32, where a metric needs them.

    Raises:
        SettingsError, DatasetError: a metric fails on it.
    """
    named = judge.named(outputs)
    with at_sample(described.name):
        seen = judge.observe(named, named if reference is None else judge.named(reference), described)
        return tuple(metric.observe(seen) for metric in metrics)


def _score(summary: Summary, label: int | None) -> float:
    if label is None:
        return summary.score
    found = next((each.score for each in summary.classes if each.label == label), None)
    return float("nan") if found is None else found


class Begun:
    """An evaluation as far as it has come, in the order of evaluation.

    Attributes:
        worse: points of the main metric that INT8 has lost so far, summed over the samples.
        changes: after each sample, on how many INT8 has another value than FP32.
        outputs: of each sample.
    """

    def __init__(self) -> None:
        self.evidence: list[Evidence] = []
        self.worse = 0.0
        self.changes: list[int] = [0]
        self.outputs = KeptOutputs()

    def add(self, evidence: Evidence, worse: float) -> None:
        self.evidence.append(evidence)
        self.worse += worse
        self.changes.append(self.changes[-1] + (worse != 0.0))

    @property
    def lately(self) -> int:
        """Changes in the last third. Ordered by margin they get ever rarer: as many at most are still to come."""
        return self.changes[-1] - self.changes[len(self.evidence) * 2 // 3]


class _Bounds:
    """When the samples that are left cannot change the verdict any more, or surely will not.

    Args:
        values: float64 [N], of FP32 in percent, in the order of evaluation.
        limit: points.
        is_hard_first: ordered by margin, so that the rest changes little.
        can_accept: no other limit has to be kept.
    """

    def __init__(self, values: FloatArray, limit: float, is_hard_first: bool, can_accept: bool) -> None:
        left = np.concatenate([np.cumsum(values[::-1])[::-1], [0.0]])
        room = np.concatenate([np.cumsum((100.0 - values)[::-1])[::-1], [0.0]])
        self._most_worse, self._most_better = left, room  # of all samples from a place on
        self._allowed = limit * len(values) + 1e-6
        self._first = int(np.ceil(FIRST_SHARE * len(values))) if is_hard_first else len(values)
        self._can_accept = can_accept

    def verdict(self, begun: Begun) -> bool | None:
        """True: it holds, False: it does not, None: go on."""
        done, worse = len(begun.evidence), begun.worse
        if worse - self._most_better[done] > self._allowed:
            return False
        if self._can_accept and worse + self._most_worse[done] <= self._allowed:
            return True
        if done >= self._first and abs(worse - self._allowed) > 100.0 * (SAFE_SAMPLES + begun.lately):
            is_within = worse < self._allowed
            return is_within if not is_within or self._can_accept else None
        return None
