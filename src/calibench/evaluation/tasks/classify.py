"""Classification: one class for each sample."""

import numpy as np

from calibench.datasets.frame import Frame
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.metrics.top_k import check_labels, class_scores, is_class_shape, top_k
from calibench.evaluation.tasks.task import Context, Task, TaskKind

IMAGENET_WITH_BACKGROUND = 1001
"""Classes of the TensorFlow models that count "background" as class 0 of ImageNet."""


def class_offset(context: Context) -> tuple[int, str | None]:
    """What is added to a class of the dataset to get the model's, and how that was found."""
    settings = context.settings
    if settings.label_offset or settings.background in ("none", "last"):
        return settings.label_offset, None
    if settings.background == "first":
        return 1, None
    classes = {max(shape) for shape in context.outputs.values() if is_class_shape(shape)}
    if IMAGENET_WITH_BACKGROUND in classes and len(context.classes) < IMAGENET_WITH_BACKGROUND:
        return 1, "The model has 1001 classes: its first one is taken for the background of ImageNet."
    return 0, None


def _make(context: Context) -> Task:
    offset, note = class_offset(context)

    def predict(outputs: NamedOutputs, frame: Frame | None) -> int | None:
        scores = class_scores(outputs)
        return None if scores is None else int(np.argmax(scores)) - offset

    metrics = {name: top_k(k, offset) for name, k in (("top1", 1), ("top5", 5))}
    return Task(
        "classification",
        predict,
        metrics,
        (note,) if note else (),
        lambda outputs, labels: check_labels(labels, outputs, offset),
    )


def has_classes(context: Context) -> bool:
    """Whether an output is one score per class; [findings, 4] is none, though its first axis is free as well."""
    shapes = context.outputs.values()
    return any(is_class_shape(shape) and (context.is_batch_free or -1 not in shape) for shape in shapes)


CLASSIFICATION = TaskKind("classification", has_classes, _make)
