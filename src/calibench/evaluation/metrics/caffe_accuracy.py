"""The layer Accuracy of Caffe as a metric."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibench.datasets.inputs import shape_text
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.metrics.metric import PERCENT, Metric, NamedOutputs, Observation, Summary
from calibench.evaluation.metrics.top_k import by_class

Evidence = tuple[float, int, bool]
"""Whether the label is among the first, the label, whether the sample counts."""


@dataclass(frozen=True)
class AccuracyLayer:
    """An Accuracy layer.

    Attributes:
        blob: its top, by which it is asked for.
        output: of the model, that it reads.
        axis: of the classes in that output; negative from the end.
        ignore_label: samples of this label do not count; None: all count.
    """

    blob: str
    output: str
    top_k: int = 1
    axis: int = 1
    ignore_label: int | None = None


def one_class_a_sample(layer: AccuracyLayer, shape: Sequence[int]) -> bool:
    """Whether an output of a shape (-1 for a free axis) has one score per class, and not one per class and pixel."""
    axis = layer.axis % len(shape) if shape and -len(shape) <= layer.axis < len(shape) else 0
    return axis > 0 and math.prod(shape[1:axis]) == 1 and math.prod(shape[axis + 1 :]) == 1


def caffe_accuracy(layer: AccuracyLayer, shape: Sequence[int], offset: int = 0) -> Metric:
    """Share of samples whose label is among the k highest scores; of equal scores the higher class counts as higher.

    Args:
        shape: of the output, -1 for a free axis.
        offset: class of the model = class of the dataset + offset.

    Raises:
        SettingsError: the layer compares pixels, or k is above the number of classes.

    Source: Caffe sorts pairs (score, class) by `std::greater`. Its figure is the mean over batches of the mean in each
    batch; this is the mean over the samples, which is the same but where batches hold unequally many ignored labels.
    """
    _refuse(layer, shape)

    def observe(seen: Observation) -> Evidence:
        label, scores = seen.truth.label, seen.outputs[layer.output].reshape(-1)
        if label is None:
            raise DatasetError(f"Metric {layer.blob} needs a label for every sample. Take metric agreement.")
        if label == layer.ignore_label:
            return 1.0, label, False
        _check_label(label + offset, len(scores), layer)
        if scores.dtype.kind == "f" and np.isnan(scores).any():
            return 0.0, label, True
        own, rest = scores[label + offset], scores[label + offset + 1 :]
        higher = int((scores > own).sum()) + int((rest == own).sum())
        return float(higher < layer.top_k), label, True

    def check(outputs: NamedOutputs, labels: Sequence[int]) -> None:
        for label in set(labels) - {layer.ignore_label}:
            _check_label(label + offset, outputs[layer.output].size, layer)

    return Metric(
        layer.blob,
        PERCENT,
        True,
        "label",
        observe,
        _score,
        lambda evidence: 100.0 * evidence[0],
        check=check,
        output=layer.output,
    )


def _score(evidence: Sequence[Evidence]) -> Summary:
    return by_class([(right, label) for right, label, counts in evidence if counts])


def _refuse(layer: AccuracyLayer, shape: Sequence[int]) -> None:
    if not one_class_a_sample(layer, shape):
        raise SettingsError(
            f"--metric {layer.blob}: this Accuracy layer compares a class for every pixel of {layer.output} "
            f"{shape_text(tuple(shape))}. Take metric mean-iou with a dataset of masks, or metric agreement."
        )
    classes = shape[layer.axis]
    if 0 <= classes < layer.top_k:
        raise SettingsError(
            f"--metric {layer.blob}: top_k is {layer.top_k}, but {layer.output} has {classes} classes. "
            "Correct top_k in the prototxt."
        )


def _check_label(label: int, classes: int, layer: AccuracyLayer) -> None:
    if 0 <= label < classes:
        return
    raise DatasetError(
        f"Label {label}, but {layer.output} has {classes} classes, 0 to {classes - 1}. Correct the label in the "
        f"dataset, or have it ignored: ignore_label in the layer of {layer.blob}."
    )
