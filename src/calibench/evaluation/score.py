"""Score one model, or INT8 beside FP32, over a stream of outputs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from calibench.errors import DatasetError
from calibench.evaluation.distortion import Distortion, sqnr_db
from calibench.evaluation.metrics import (
    Array,
    FloatArray,
    Metric,
    NamedOutputs,
    Observation,
    agrees,
    check_labels,
    cosine_of,
)
from calibench.inference.runner import Outputs


@dataclass(frozen=True, eq=False)
class Score:
    """How good one model is. `values`: float64 [N], one a sample, in the order of the samples.

    `not_finite`: how many samples have an output with NaN or infinity.
    """

    metric: str
    unit: str
    score: float
    values: FloatArray
    not_finite: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """INT8 beside FP32 on the same samples.

    `drop_points`: positive when INT8 is worse, whichever way the metric points; percentage points where the unit is
    '%', else in the unit of the metric. `agreement`: percent of samples with the same class, None without a class
    axis. `sqnr_db`: over all outputs, inf when nothing differs (JSON knows no inf: write null). `cosine`: mean over
    the samples.
    """

    baseline: Score
    int8: Score
    drop_points: float
    agreement: float | None
    sqnr_db: float
    sqnr_db_by_output: Mapping[str, float]
    cosine: float

    @property
    def samples(self) -> int:
        """How many samples were compared."""
        return len(self.baseline.values)


def score(
    outputs: Iterable[Outputs], labels: Sequence[int] | None, metric: Metric, output_names: Sequence[str]
) -> Score:
    """Score one model; a metric that compares with FP32 sees the model as its own reference.

    Args:
        outputs: per sample, in the order of `output_names`.
        labels: per sample, or None.

    Raises:
        DatasetError: no samples, or labels that the model does not know.
        SettingsError: the metric does not fit the outputs.
    """
    tally = _Tally(metric)
    for index, each in enumerate(outputs):
        named = _named(each, output_names)
        if index == 0 and labels is not None:
            check_labels(labels, named, metric)
        tally.add(Observation(named, named, _label(labels, index)))
    return tally.score()


def compare(
    reference: Iterable[Outputs],
    candidate: Iterable[Outputs],
    labels: Sequence[int] | None,
    metric: Metric,
    output_names: Sequence[str],
) -> Comparison:
    """Compare the outputs of INT8 (`candidate`) with those of FP32 (`reference`), sample by sample.

    Nothing but a few numbers a sample is kept.

    Raises:
        DatasetError: no samples, or labels that the model does not know.
        SettingsError: the metric does not fit the outputs.
        ValueError: one stream is longer than the other.
    """
    baseline, int8 = _Tally(metric), _Tally(metric)
    distortions = {name: Distortion() for name in output_names}
    cosines: list[float] = []
    agreed: list[bool] = []
    for index, (wanted, given) in enumerate(zip(reference, candidate, strict=True)):
        label = _label(labels, index)
        seen = Observation(_named(given, output_names), _named(wanted, output_names), label)
        if index == 0 and labels is not None:
            check_labels(labels, seen.reference, metric)
        baseline.add(Observation(seen.reference, seen.reference, label))
        int8.add(seen)
        for name, distortion in distortions.items():
            distortion.add(seen.reference[name], seen.outputs[name])
        cosines.append(cosine_of(seen.outputs, seen.reference))
        same = agrees(seen)
        if same is not None:
            agreed.append(same)
    before, after = baseline.score(), int8.score()
    total = sqnr_db(sum(each.signal for each in distortions.values()), sum(e.noise for e in distortions.values()))
    return Comparison(
        baseline=before,
        int8=after,
        drop_points=drop(before.score, after.score, metric),
        agreement=100.0 * float(np.mean(agreed)) if len(agreed) == len(cosines) else None,
        sqnr_db=total,
        sqnr_db_by_output={name: each.sqnr_db for name, each in distortions.items()},
        cosine=float(np.mean(cosines)),
    )


def drop(baseline: float, int8: float, metric: Metric) -> float:
    """How much worse INT8 is, in the unit of the metric (percentage points for '%'); positive when worse."""
    return baseline - int8 if metric.higher_is_better else int8 - baseline


class _Tally:
    """The values of one metric over the samples that came by so far."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values: list[float] = []
        self._not_finite = 0

    def add(self, seen: Observation) -> None:
        self._values.append(self._metric.value(seen))
        self._not_finite += not all(_is_finite(array) for array in seen.outputs.values())

    def score(self) -> Score:
        if not self._values:
            raise DatasetError("There are no samples to evaluate. Give a validation set that is not empty.")
        values = np.array(self._values, dtype=np.float64)
        return Score(self._metric.name, self._metric.unit, self._metric.mean(values), values, self._not_finite)


def _named(outputs: Outputs, names: Sequence[str]) -> NamedOutputs:
    return dict(zip(names, outputs, strict=True))


def _label(labels: Sequence[int] | None, index: int) -> int | None:
    return None if labels is None else labels[index]


def _is_finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())
