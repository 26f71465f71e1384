"""What a metric is: evidence from every sample, one score for the set, and a value for each sample."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.frame import Frame
from calibench.datasets.truth import NOTHING, Kind, Truth
from calibench.evaluation.prediction import Prediction

Array = NDArray[np.generic]
FloatArray = NDArray[np.float64]
NamedOutputs = Mapping[str, Array]
Unit = str
Needs = Kind | Literal["reference", "nothing"]

PERCENT: Unit = "%"


@dataclass(frozen=True, eq=False)
class Observation:
    """All that a metric may look at: one sample. Arrays keep their batch axis of 1.

    Attributes:
        outputs: of the model that is scored, by name.
        reference: outputs of the FP32 model for the same sample; the outputs themselves when FP32 is what is scored.
        truth: what was annotated.
        frame: how the picture entered the model; None where the sample is no picture.
        prediction: what the task makes of `outputs`, in the terms of `truth`.
    """

    outputs: NamedOutputs
    reference: NamedOutputs
    truth: Truth = NOTHING
    frame: Frame | None = None
    prediction: Prediction = None


@dataclass(frozen=True)
class ClassScore:
    """The score of one class.

    Attributes:
        label: index into the classes of the dataset.
        score: in the unit of the metric; None where the class has no annotated sample.
        count: annotated samples, objects or pixels of it.
    """

    label: int
    score: float | None
    count: int


@dataclass(frozen=True)
class Summary:
    """The score of a set, in the unit of the metric ('%': 0..100), with what else is usually said.

    `details`: further figures by name, such as {"AP50": 67.1, "AP75": 60.2}, in the same unit.
    """

    score: float
    classes: tuple[ClassScore, ...] = ()
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """How good a model is, seen sample by sample.

    Attributes:
        name: as in `--metric`.
        unit: '%' for shares, 'dB', '' for none.
        higher_is_better: which way it points.
        needs: what must be annotated; "reference": the outputs of FP32 instead; "nothing".
        observe: a sample -> its evidence: small, so that thousands can be kept (a number, a confusion matrix).
        score: evidence of any selection of samples -> the score of that selection.
        value: evidence of one sample -> one number that points the same way as the metric, in its unit; it ranks
            samples and gives intervals. Its mean need not be the score.
        check: first outputs, labels of samples -> nothing; raises DatasetError where a label is no class of the model;
            None: as the task checks it.
        output: the one that it reads; None: as the task reads them.
    """

    name: str
    unit: Unit
    higher_is_better: bool
    needs: Needs
    observe: Callable[[Observation], Any]
    score: Callable[[Sequence[Any]], Summary]
    value: Callable[[Any], float]
    check: Callable[[NamedOutputs, Sequence[int]], None] | None = None
    output: str | None = None


def mean_of(
    name: str, unit: Unit, higher_is_better: bool, needs: Needs, value: Callable[[Observation], float]
) -> Metric:
    """A metric whose score is the mean of one number a sample: a share in 0..1 where the unit is '%'."""
    factor = 100.0 if unit == PERCENT else 1.0

    def score(evidence: Sequence[float]) -> Summary:
        return Summary(factor * float(np.mean(np.asarray(evidence, np.float64))))

    return Metric(name, unit, higher_is_better, needs, value, score, lambda evidence: factor * float(evidence))
