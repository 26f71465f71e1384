"""What is measured on every sample, and which way is better."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.inputs import shape_text
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.distortion import comparable

Array = NDArray[np.generic]
FloatArray = NDArray[np.float64]
NamedOutputs = Mapping[str, Array]
Unit = str
Needs = Literal["labels", "reference", "nothing"]

PERCENT: Unit = "%"
KNOWN = ("auto", "top1", "topK (such as top5)", "agreement", "cosine", "package.module:function")


@dataclass(frozen=True)
class Observation:
    """All that a metric may look at: one sample. Arrays keep their batch axis of 1.

    `reference`: outputs of the FP32 model for the same sample; the outputs themselves when FP32 is what is scored.
    """

    outputs: NamedOutputs
    reference: NamedOutputs
    label: int | None


@dataclass(frozen=True)
class Metric:
    """A number per sample whose mean is the score.

    `unit`: '%' for shares: then `value` is in 0..1 and the score is 100 x the mean, so that a difference of two scores
    is in percentage points. Otherwise the score is the mean itself, in that unit ('' for none).
    """

    name: str
    unit: Unit
    higher_is_better: bool
    needs: Needs
    value: Callable[[Observation], float]

    @property
    def needs_labels(self) -> bool:
        return self.needs == "labels"

    def mean(self, values: FloatArray) -> float:
        """The score of float64 [N] values per sample."""
        return float(values.mean()) * (100.0 if self.unit == PERCENT else 1.0)


def class_scores(outputs: NamedOutputs) -> Array | None:
    """The first output that is one score per class, as [C]: all axes but one are 1, and C is at least 2; else None."""
    for array in outputs.values():
        if is_class_shape(array.shape):
            return array.reshape(-1)
    return None


def is_class_shape(shape: Sequence[int]) -> bool:
    """Whether an output [1, C] or [1, C, 1, 1] is one score per class; a free first axis (-1) is a batch of 1."""
    if -1 in shape[1:]:
        return False
    sides = sorted(max(side, 1) for side in shape if side != 0)
    return len(sides) == len(shape) > 0 and sides[-1] > 1 and all(side == 1 for side in sides[:-1])


def top_k(k: int) -> Metric:
    """Share of samples whose label is among the k highest scores; of equal scores the lower class counts as higher."""

    def value(seen: Observation) -> float:
        scores, label = _scores(seen, f"top{k}"), seen.label
        if label is None:
            raise DatasetError(f"Metric top{k} needs labels. Give one folder per class, or take metric agreement.")
        check_label(label, len(scores))
        if scores.dtype.kind == "f" and np.isnan(scores).any():
            return 0.0
        own = scores[label]
        higher = int((scores > own).sum()) + int((scores[:label] == own).sum())
        return float(higher < k)

    return Metric(f"top{k}", PERCENT, True, "labels", value)


def check_labels(labels: Sequence[int], outputs: NamedOutputs, metric: Metric) -> None:
    """Raise DatasetError when a label that the metric needs is no class of the model; said at the first sample."""
    if metric.needs_labels and len(labels):
        classes = len(_scores(Observation(outputs, outputs, None), metric.name))
        check_label(min(labels), classes)
        check_label(max(labels), classes)


def check_label(label: int, classes: int) -> None:
    """Raise DatasetError when the model has no such class."""
    if 0 <= label < classes:
        return
    hint = "The labels seem off by one: does one side count a background class? " if label == classes else ""
    raise DatasetError(
        f"Label {label}, but the model has {classes} classes, 0 to {classes - 1}. "
        f"{hint}Begin the folder names with the class numbers of the model, or list its classes in labels.txt."
    )


def agreement() -> Metric:
    """Share of samples where the highest score is at the same class as in FP32; a NaN agrees with nothing."""

    def value(seen: Observation) -> float:
        same = agrees(seen)
        if same is None:
            _scores(seen, "agreement")  # says what is missing
        return float(bool(same))

    return Metric("agreement", PERCENT, True, "reference", value)


def agrees(seen: Observation) -> bool | None:
    """Whether both models choose the same class; None where the outputs have no class axis."""
    own, reference = class_scores(seen.outputs), class_scores(seen.reference)
    if own is None or reference is None:
        return None
    if any(scores.dtype.kind == "f" and np.isnan(scores).any() for scores in (own, reference)):
        return False
    return bool(own.argmax() == reference.argmax())


def cosine() -> Metric:
    """Mean cosine of the angle between the outputs of both models, 1 when they are equal."""
    return Metric("cosine", "", True, "reference", lambda seen: cosine_of(seen.outputs, seen.reference))


def cosine_of(outputs: NamedOutputs, reference: NamedOutputs) -> float:
    """Cosine between all outputs of one sample taken as one vector, over the values that are finite in `reference`.

    0 when the outputs cannot be compared (see `comparable`); two all-zero vectors are equal: 1.
    """
    dot = own = other = 0.0
    for name, wanted in reference.items():
        pair = comparable(wanted, outputs[name])
        if pair is None:
            return 0.0
        a, b = pair
        dot, own, other = dot + float((a * b).sum()), own + float((a * a).sum()), other + float((b * b).sum())
    if own == other == 0.0:
        return 1.0
    length = math.sqrt(own) * math.sqrt(other)
    return min(max(dot / length, -1.0), 1.0) if length > 0.0 else 0.0


def choose_metric(name: str, is_annotated: bool, output_shapes: Sequence[Sequence[int]]) -> Metric:
    """The metric of a name.

    Args:
        name: 'auto', 'top1', 'top5', ..., 'agreement', 'cosine' or 'package.module:function'. 'auto' is top1 where
            there are labels and one score per class, agreement where there are only the scores, else cosine.
        output_shapes: of the model, -1 for a free axis.

    Raises:
        SettingsError: there is no such metric, or the function cannot be imported.
        DatasetError: labels are needed and missing.
    """
    has_classes = any(is_class_shape(shape) for shape in output_shapes)
    if name == "auto":
        name = "cosine" if not has_classes else "top1" if is_annotated else "agreement"
    if ":" in name:
        from calibench.evaluation.custom import custom  # it runs a user's code: only when asked for

        return custom(name)
    found = {"agreement": agreement, "cosine": cosine}.get(name)
    if found is not None:
        return found()
    count = name.removeprefix("top")
    if not name.startswith("top") or not count.isdecimal() or int(count) < 1:
        raise SettingsError(f"--metric {name}: there is no such metric. Known: {', '.join(KNOWN)}.")
    if not is_annotated:
        raise DatasetError(f"Metric {name} needs labels. Give one folder per class, or take metric agreement.")
    return top_k(int(count))


def _scores(seen: Observation, metric: str) -> Array:
    scores = class_scores(seen.outputs)
    if scores is None:
        shapes = ", ".join(f"{name} {shape_text(array.shape)}" for name, array in seen.outputs.items())
        raise SettingsError(
            f"--metric {metric} needs an output with one score per class; the model gives {shapes}. "
            "Take cosine or a function of your own: --metric package.module:function."
        )
    return scores
