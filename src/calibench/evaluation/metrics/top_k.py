"""One class for each sample: top-k, and agreement with FP32."""

from collections.abc import Sequence

import numpy as np

from calibench.datasets.inputs import shape_text
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.metrics.metric import (
    PERCENT,
    Array,
    ClassScore,
    Metric,
    NamedOutputs,
    Observation,
    Summary,
    mean_of,
)


def class_scores(outputs: NamedOutputs) -> Array | None:
    """The first output that is one score per class, as [C]: all axes but one are 1, and C is at least 2; else None."""
    for array in outputs.values():
        if is_class_shape(array.shape):
            return array.reshape(-1)
    return None


def is_class_shape(shape: Sequence[int]) -> bool:
    """Whether an output [1, C] or [1, C, 1, 1] is one score per class; a free first axis (-1) is a batch of 1."""
    if -1 in shape[1:] or (len(shape) > 1 and shape[0] not in (1, -1)):
        return False
    sides = sorted(max(side, 1) for side in shape if side != 0)
    return len(sides) == len(shape) > 0 and sides[-1] > 1 and all(side == 1 for side in sides[:-1])


def top_k(k: int, offset: int = 0) -> Metric:
    """Share of samples whose label is among the k highest scores; of equal scores the lower class counts as higher.

    Args:
        offset: class of the model = class of the dataset + offset.
    """

    def value(seen: Observation) -> float:
        scores = _scores(seen, f"top{k}")
        if seen.truth.label is None:
            raise DatasetError(f"Metric top{k} needs labels. Give one folder per class, or take metric agreement.")
        label = seen.truth.label + offset
        check_label(label, len(scores))
        if scores.dtype.kind == "f" and np.isnan(scores).any():
            return 0.0
        own = scores[label]
        higher = int((scores > own).sum()) + int((scores[:label] == own).sum())
        return float(higher < k)

    def observe(seen: Observation) -> tuple[float, int]:
        return value(seen), -1 if seen.truth.label is None else seen.truth.label

    return Metric(f"top{k}", PERCENT, True, "label", observe, by_class, lambda evidence: 100.0 * float(evidence[0]))


def by_class(evidence: Sequence[tuple[float, int]]) -> Summary:
    """Percent of all samples, and of those of each class, from whether a sample is right and its label.

    NaN where there is no sample.
    """
    right = np.array([value for value, _ in evidence], np.float64)
    labels = np.array([label for _, label in evidence], np.int64)
    rows = []
    for label in np.unique(labels):
        own = right[labels == label]
        rows.append(ClassScore(int(label), 100.0 * float(own.mean()), len(own)))
    return Summary(100.0 * float(right.mean()) if len(right) else float("nan"), tuple(rows))


def check_labels(labels: Sequence[int] | None, outputs: NamedOutputs, offset: int = 0) -> None:
    """Raise DatasetError when a label is no class of the model; said at the first sample."""
    scores = class_scores(outputs)
    if labels and scores is not None:
        check_label(min(labels) + offset, len(scores))
        check_label(max(labels) + offset, len(scores))


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

    return mean_of("agreement", PERCENT, True, "reference", value)


def agrees(seen: Observation) -> bool | None:
    """Whether both models choose the same class; None where the outputs have no class axis."""
    own, reference = class_scores(seen.outputs), class_scores(seen.reference)
    if own is None or reference is None:
        return None
    if any(scores.dtype.kind == "f" and np.isnan(scores).any() for scores in (own, reference)):
        return False
    return bool(own.argmax() == reference.argmax())


def _scores(seen: Observation, metric: str) -> Array:
    scores = class_scores(seen.outputs)
    if scores is None:
        shapes = ", ".join(f"{name} {shape_text(array.shape)}" for name, array in seen.outputs.items())
        raise SettingsError(
            f"--metric {metric} needs an output with one score per class; the model gives {shapes}. "
            "Take cosine or a function of your own: --metric package.module:function."
        )
    return scores
