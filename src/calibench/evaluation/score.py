"""Score one model, or INT8 beside FP32, over a stream of outputs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calibench.datasets.dataset import Dataset
from calibench.errors import DatasetError
from calibench.evaluation.distortion import Distortion, sqnr_db
from calibench.evaluation.judge import Judge, at_sample
from calibench.evaluation.metrics.cosine import cosine_of
from calibench.evaluation.metrics.metric import (
    Array,
    ClassScore,
    FloatArray,
    Metric,
    NamedOutputs,
    Observation,
    Summary,
)
from calibench.evaluation.metrics.top_k import agrees
from calibench.evaluation.prediction import Prediction
from calibench.inference.runner import Outputs


@dataclass(frozen=True, eq=False)
class Score:
    """How good one model is.

    Attributes:
        score: of all samples, in `unit`.
        values: float64 [N], one a sample, in the order of the samples; points the same way as the metric, in its unit.
        not_finite: how many samples have an output with NaN or infinity.
        classes, details: as in `Summary`.
        evidence: of every sample, for scores of other selections of samples.
    """

    metric: str
    unit: str
    score: float
    values: FloatArray
    not_finite: int
    classes: tuple[ClassScore, ...] = ()
    details: Mapping[str, float] = field(default_factory=dict)
    evidence: tuple[Any, ...] = field(default=(), repr=False)


@dataclass(frozen=True, eq=False)
class Comparison:
    """INT8 beside FP32 on the same samples.

    `drop_points`: positive when INT8 is worse, whichever way the metric points; percentage points where the unit is
    '%', else in the unit of the metric. `agreement`: percent of samples with the same class or text, None where the
    outputs are no single answer. `sqnr_db`: over all outputs of one shape, inf when nothing differs (JSON knows no inf:
    write null); None where there are none: rows that shift would count as noise.
    `sample_sqnr_db`: float64 [N], of every sample. `cosine`: mean over the samples.
    `varying`: of every output, the samples for which INT8 gives it another shape, such as fewer boxes.
    `worse`: float64 [N], by how much INT8 is worse on every sample. `drop_interval`: 95 %, where it is known.
    """

    baseline: Score
    int8: Score
    drop_points: float
    agreement: float | None
    sqnr_db: float | None
    sqnr_db_by_output: Mapping[str, float]
    cosine: float
    sample_sqnr_db: FloatArray
    worse: FloatArray
    drop_interval: tuple[float, float] | None = None
    varying: Mapping[str, int] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """How many samples were compared."""
        return len(self.baseline.values)


def untold(found: Score) -> tuple[str, ...]:
    """That a score is no number, because no sample has anything to measure it on."""
    if not np.isnan(found.score):
        return ()
    return (
        f"{found.metric} cannot be told: none of the {len(found.values)} samples has anything annotated that it is "
        "measured on. Give other samples: --validation for calibrate, else --dataset.",
    )


def score(outputs: Iterable[Outputs], samples: Dataset, judge: Judge) -> Score:
    """Score one model; a metric that compares with FP32 sees the model as its own reference.

    Args:
        outputs: per sample, in the order of `samples` and of `judge.output_names`.

    Raises:
        DatasetError: no samples, or labels that the model does not know.
        SettingsError: the metric does not fit the outputs.
    """
    tally = _Tally(judge.metric)
    for index, each in enumerate(outputs):
        named = judge.named(each)
        if index == 0:
            judge.check(named, samples)
        described = samples.describe(index)
        with at_sample(described.name):
            tally.add(judge.observe(named, named, described))
    return tally.score()


def compare(pairs: Iterable[tuple[Outputs, Outputs]], samples: Dataset, judge: Judge) -> Comparison:
    """Compare the outputs of FP32 (first) and of INT8, sample by sample.

    Nothing but the evidence of each sample is kept.

    Raises:
        DatasetError: no samples, or labels that the model does not know.
        SettingsError: the metric does not fit the outputs.
    """
    baseline, int8 = _Tally(judge.metric), _Tally(judge.metric)
    distortions = {name: Distortion() for name in judge.output_names}
    cosines: list[float] = []
    agreed: list[bool] = []
    varying = dict.fromkeys(judge.output_names, 0)
    sqnrs: list[float] = []
    for index, (wanted, given) in enumerate(pairs):
        described = samples.describe(index)
        before, after = judge.named(wanted), judge.named(given)
        if index == 0:
            judge.check(before, samples)
        exact, seen = judge.observe(before, before, described), judge.observe(after, before, described)
        with at_sample(described.name):
            baseline.add(exact)
            int8.add(seen)
        sqnrs.append(_add(distortions, before, after))
        cosines.append(cosine_of(after, before))
        for name in varying:
            varying[name] += before[name].shape != after[name].shape
        same = _same_answer(exact.prediction, seen, judge)
        if same is not None:
            agreed.append(same)
    fp32, quantized = baseline.score(), int8.score()
    steady = [distortion for name, distortion in distortions.items() if not varying[name]]
    total = sqnr_db(sum(each.signal for each in steady), sum(each.noise for each in steady)) if steady else None
    sign = 1.0 if judge.metric.higher_is_better else -1.0
    return Comparison(
        baseline=fp32,
        int8=quantized,
        drop_points=drop(fp32.score, quantized.score, judge.metric),
        agreement=100.0 * float(np.mean(agreed)) if len(agreed) == len(cosines) else None,
        sqnr_db=total,
        sqnr_db_by_output={name: each.sqnr_db for name, each in distortions.items()},
        cosine=float(np.mean(cosines)),
        sample_sqnr_db=np.array(sqnrs, np.float64),
        worse=sign * (fp32.values - quantized.values),
        varying={name: count for name, count in varying.items() if count},
    )


def drop(baseline: float, int8: float, metric: Metric) -> float:
    """How much worse INT8 is, in the unit of the metric (percentage points for '%'); positive when worse."""
    return baseline - int8 if metric.higher_is_better else int8 - baseline


def _add(distortions: Mapping[str, Distortion], reference: NamedOutputs, candidate: NamedOutputs) -> float:
    """Add one sample to the sums of every output; its own signal over noise in dB, over all outputs."""
    own = Distortion()
    for name, distortion in distortions.items():
        distortion.add(reference[name], candidate[name])
        own.add(reference[name], candidate[name])
    return own.sqnr_db


def _same_answer(prediction: Prediction, seen: Observation, judge: Judge) -> bool | None:
    """Whether both models give the same text or class; None where an answer is no single choice."""
    if isinstance(prediction, str):
        return prediction == seen.prediction
    has_class = judge.task.kind == "classification" or judge.metric.name == "agreement"
    return agrees(seen) if has_class else None


class _Tally:
    """The evidence of one metric over the samples that came by so far."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._evidence: list[Any] = []
        self._not_finite = 0

    def add(self, seen: Observation) -> None:
        self._evidence.append(self._metric.observe(seen))
        self._not_finite += not all(_is_finite(array) for array in seen.outputs.values())

    def score(self) -> Score:
        if not self._evidence:
            raise DatasetError("There are no samples to evaluate. Give a validation set that is not empty.")
        metric = self._metric
        values = np.array([metric.value(each) for each in self._evidence], dtype=np.float64)
        found: Summary = metric.score(self._evidence)
        return Score(
            metric.name,
            metric.unit,
            found.score,
            values,
            self._not_finite,
            found.classes,
            found.details,
            tuple(self._evidence),
        )


def _is_finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
