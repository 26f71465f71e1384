"""Which task a model has, and which metric judges it."""

from calibench.datasets.frame import Frame
from calibench.datasets.inputs import shape_text
from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.metrics.caffe_scores import caffe_metric, preferred, score_layers
from calibench.evaluation.metrics.cosine import cosine
from calibench.evaluation.metrics.metric import Metric, NamedOutputs
from calibench.evaluation.metrics.top_k import agreement, top_k
from calibench.evaluation.tasks.classify import CLASSIFICATION, class_offset, has_classes
from calibench.evaluation.tasks.compare_faces import FACES
from calibench.evaluation.tasks.detect_objects import DETECTION, UNANNOTATED
from calibench.evaluation.tasks.embed import EMBEDDING
from calibench.evaluation.tasks.find_points import POINTS
from calibench.evaluation.tasks.instance_segmentation import INSTANCES
from calibench.evaluation.tasks.make_picture import PICTURES
from calibench.evaluation.tasks.read_lines import LINES
from calibench.evaluation.tasks.segment_pixels import PIXELS
from calibench.evaluation.tasks.task import Context, Task, TaskKind

TASKS: tuple[TaskKind, ...] = (
    INSTANCES,
    DETECTION,
    FACES,
    POINTS,
    PIXELS,
    PICTURES,
    LINES,
    UNANNOTATED,
    EMBEDDING,
    CLASSIFICATION,
)
"""In the order in which they are guessed: what is annotated tells most."""

FOR_ALL = ("agreement", "cosine", "package.module:function")
"""Metrics that every task has."""

MEANINGS = {
    "label": "classes",
    "objects": "boxes",
    "instances": "boxes with masks",
    "pixels": "classes of pixels",
    "picture": "pictures that should come out",
    "text": "texts",
    "points": "landmarks",
    "pairs": "pairs of faces",
}
"""What is annotated, for a person."""
ANNOTATIONS = {
    "label": "a class for every sample, such as one folder per class",
    "objects": "boxes, such as a COCO or VOC dataset",
    "instances": "boxes with masks, such as a COCO dataset with segmentations",
    "pixels": "a class for every pixel, such as Images/ and Masks/",
    "picture": "the picture that should come out, such as LR/ and HR/",
    "text": "a text for every sample, such as rec_gt.txt",
    "points": "landmarks, such as landmarks.txt",
    "pairs": "pairs of the same and of different persons, such as pairs.txt",
}


def choose_task(context: Context) -> Task:
    """The task of the settings, or the first that fits outputs and annotations.

    Raises:
        SettingsError, DatasetError: outputs or annotations do not fit the task that was asked for.
    """
    wanted = context.settings.kind
    if wanted == "custom":
        return _unknown()
    for kind in TASKS:
        if wanted == kind.name or (wanted == "auto" and kind.fits(context)):
            return kind.make(context)
    return _unknown()


def choose_metric(name: str, task: Task, context: Context) -> Metric:
    """The metric of a name, first those that a Caffe network brings along.

    'auto' is the task's first that is annotated, and of a Caffe classifier its own; else agreement with FP32 where
    there is one score per class, else cosine.

    Raises:
        SettingsError: there is no such metric, or the function cannot be imported.
        DatasetError: what the metric needs is not annotated.
    """
    own = score_layers(context.metadata)
    if name == "auto":
        chosen = preferred(context) if {"top1", "coco"} & task.metrics.keys() else None
        return _default(task, context) if chosen is None else caffe_metric(own[chosen], context)
    if ":" in name and name not in own:
        from calibench.evaluation.metrics.custom import custom  # it runs a user's code: only when asked for

        return custom(name)
    shared = {"agreement": agreement, "cosine": cosine}.get(name)
    if shared is not None and name not in own:
        return shared()
    metric = caffe_metric(own[name], context) if name in own else task.metrics.get(name) or _top_k(name, context)
    if metric is None:
        more = ("topK (such as top3)",) if "top1" in task.metrics else ()
        known = ", ".join(dict.fromkeys((*own, *task.metrics, *more, *FOR_ALL)))
        raise SettingsError(f"--metric {name}: there is no such metric for {task.kind}. Known: {known}.")
    if metric.needs not in ("reference", "nothing") and metric.needs not in context.annotated:
        raise DatasetError(
            f"Metric {name} needs {ANNOTATIONS[metric.needs]}; the dataset has "
            f"{' and '.join(sorted(context.annotated)) or 'no annotations'}. Take metric agreement, or annotate it."
        )
    return metric


def unused_annotations(task: Task, context: Context) -> str | None:
    """In one sentence that the model's outputs do not fit what is annotated; None where a metric uses it."""
    used = {metric.needs for metric in task.metrics.values()}
    if not context.annotated or used & context.annotated or context.settings.kind == "custom":
        return None
    kinds = " and ".join(MEANINGS[kind] for kind in sorted(context.annotated))
    outputs = ", ".join(f"{name} {shape_text(shape)}" for name, shape in context.outputs.items())
    read = f"the task {task.kind} does not use them" if task.kind != "custom" else "no known task reads them"
    return (
        f"The dataset has {kinds}, but the model gives {outputs}, and {read}. Give a dataset of the model's task, or "
        "say the task and how its outputs are read: --task, --decoder."
    )


def _default(task: Task, context: Context) -> Metric:
    usable = (m for m in task.metrics.values() if m.needs in context.annotated or m.needs in ("reference", "nothing"))
    return next(usable, None) or (agreement() if has_classes(context) else cosine())


def _top_k(name: str, context: Context) -> Metric | None:
    count = name.removeprefix("top")
    if not name.startswith("top") or not count.isdecimal() or int(count) < 1:
        return None
    return top_k(int(count), class_offset(context)[0])


def _unknown() -> Task:
    """A model whose outputs mean nothing to us: judged by its likeness to FP32, or by the person's own function."""

    def predict(outputs: NamedOutputs, frame: Frame | None) -> None:
        return None

    return Task("custom", predict, {})
