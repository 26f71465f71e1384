"""The metrics that a Caffe network brings along: its layers Accuracy and DetectionEvaluate, by their tops."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from calibench.errors import ModelError
from calibench.evaluation.class_map import NONE, map_classes
from calibench.evaluation.decoders.decoder import Counting
from calibench.evaluation.metrics.caffe_accuracy import AccuracyLayer, caffe_accuracy, one_class_a_sample
from calibench.evaluation.metrics.caffe_detection import DetectionLayer, caffe_detection
from calibench.evaluation.metrics.metric import Metric
from calibench.evaluation.tasks.task import Context

SCORES = "caffe/scores"
"""Where a converted network says which layers scored it, in what its file says of itself."""

Layers = Mapping[str, AccuracyLayer | DetectionLayer]


def score_layers(metadata: Mapping[str, str]) -> Layers:
    """The scoring layers of a Caffe network by the name of their top, in the order of the file; of others none.

    Raises:
        ModelError: what the file says cannot be read.
    """
    text = metadata.get(SCORES)
    if not text:
        return {}
    try:
        made = [_layer(each) for each in json.loads(text)]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"The model says of its scores ({SCORES}) what cannot be read: {error!r}. "
            "Convert it from the prototxt anew."
        ) from None
    return {layer.blob: layer for layer in made if layer is not None}


def _layer(entry: Mapping[str, Any]) -> AccuracyLayer | DetectionLayer | None:
    """A layer of an entry; None for a type that scores nothing here."""
    if entry["type"] == "Accuracy":
        ignored = entry.get("ignore_label")
        return AccuracyLayer(
            entry["blob"],
            entry["output"],
            int(entry.get("top_k", 1)),
            int(entry.get("axis", 1)),
            None if ignored is None else int(ignored),
        )
    if entry["type"] == "DetectionEvaluate":
        classes, background = int(entry["num_classes"]), int(entry.get("background_label_id", 0))
        return DetectionLayer(
            entry["blob"],
            entry["output"],
            classes,
            background if background < classes else -1,  # -1 as an unsigned number
            float(entry.get("overlap_threshold", 0.5)),
            bool(entry.get("evaluate_difficult_gt", True)),
            bool(entry.get("name_size_file")),
        )
    return None


def usable(layers: Layers, context: Context) -> tuple[str, ...]:
    """Names of the layers whose annotations the dataset has; one that compares pixels is not among them."""
    return tuple(name for name, layer in layers.items() if _needs(layer) in context.annotated and _fits(layer, context))


def preferred(context: Context) -> str | None:
    """The Accuracy layer with the smallest top_k, else the first DetectionEvaluate; None where there is none of use."""
    layers = score_layers(context.metadata)
    found = [layers[name] for name in usable(layers, context)]
    of_classes = [layer for layer in found if isinstance(layer, AccuracyLayer)]
    if of_classes:
        return min(of_classes, key=lambda layer: layer.top_k).blob
    return found[0].blob if found else None


def caffe_metric(layer: AccuracyLayer | DetectionLayer, context: Context) -> Metric:
    """The metric of a layer.

    Raises:
        SettingsError: the layer does not fit the outputs, or nothing tells which class is which.
    """
    if isinstance(layer, AccuracyLayer):
        settings = context.settings
        offset = settings.label_offset or int(settings.background == "first")
        return caffe_accuracy(layer, _shape(layer, context), offset)
    return caffe_detection(layer, _numbers(layer, context))


def _needs(layer: AccuracyLayer | DetectionLayer) -> str:
    return "label" if isinstance(layer, AccuracyLayer) else "objects"


def _fits(layer: AccuracyLayer | DetectionLayer, context: Context) -> bool:
    return isinstance(layer, DetectionLayer) or one_class_a_sample(layer, _shape(layer, context))


def _shape(layer: AccuracyLayer | DetectionLayer, context: Context) -> Sequence[int]:
    if layer.output not in context.outputs:
        raise ModelError(
            f"{layer.blob} reads {layer.output}, which is none of the model's outputs: {', '.join(context.outputs)}."
        )
    return context.outputs[layer.output]


def _numbers(layer: DetectionLayer, context: Context) -> dict[int, int]:
    """Class of the dataset -> the model's number of it: the numbers of the label map, where the dataset has it."""
    _shape(layer, context)
    settings, ids = context.settings, context.class_ids
    is_free = settings.class_numbers == "auto" and not settings.label_offset and settings.class_names is None
    if is_free and ids and all(0 <= each < layer.num_classes and each != layer.background for each in ids):
        return dict(enumerate(ids))
    counting = Counting(layer.num_classes, "first" if layer.background == 0 else "none")
    lookup = map_classes(context, counting).lookup.tolist()
    return {label: number for number, label in reversed(list(enumerate(lookup))) if label != NONE}
