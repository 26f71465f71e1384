"""Object detection: outputs -> boxes in the picture with classes of the dataset; mean average precision."""

from dataclasses import replace

import numpy as np

from calibench.datasets.frame import Frame
from calibench.datasets.truth import Kind
from calibench.errors import DatasetError
from calibench.evaluation.class_map import NONE, ClassMap, map_classes
from calibench.evaluation.decoders.decoder import Decoder, listed
from calibench.evaluation.decoders.decoders import choose_decoder, guess_decoder
from calibench.evaluation.metrics.average_precision import coco_map, voc_map
from calibench.evaluation.metrics.metric import NamedOutputs
from calibench.evaluation.metrics.same_objects import same_objects
from calibench.evaluation.prediction import Detections
from calibench.evaluation.tasks.task import Context, Task, TaskKind


def has_decoder(context: Context) -> bool:
    """Whether a decoder is named, or one fits."""
    return context.settings.decoder != "auto" or guess_decoder(context) is not None


def read_objects(outputs: NamedOutputs, frame: Frame | None, settled: tuple[Decoder, ClassMap, Context]) -> Detections:
    """Decode the outputs of one sample: classes of the dataset, boxes in pixels of the upright original.

    Objects of classes that the dataset does not have are dropped, as are boxes that lie beside the picture.

    Args:
        frame: how the picture entered the model; None: it was not resized.

    Returns:
        The objects, the surest first; masks still in the size of the model's input.
    """
    decoder, classes, context = settled
    sized = context if frame is None else replace(context, input_size=frame.size)
    found = decoder.decode(outputs, sized)
    boxes = found.boxes if frame is None else frame.boxes_to_original(found.boxes)
    labels = classes.apply(found.labels)
    is_there = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return Detections(boxes, found.scores, labels, found.masks).take(np.flatnonzero((labels != NONE) & is_there))


def settle(context: Context, needs: Kind) -> tuple[Decoder, ClassMap, tuple[str, ...]]:
    """Decoder, classes, and what was guessed.

    Raises:
        SettingsError: no decoder fits, or nothing tells which class is which.
        DatasetError: the dataset has no such annotations.
    """
    if needs not in context.annotated:
        said = "boxes" if needs == "objects" else "boxes with masks"
        raise DatasetError(f"The dataset has no {said}, which the task needs. Give another dataset, or another --task.")
    decoder = choose_decoder(context)
    classes = map_classes(context, decoder.counting(context))
    guessed = "from the settings" if context.settings.decoder != "auto" else "from names and shapes of the outputs"
    notes = (f"decoder {decoder.name} ({decoder.title}), {guessed}", classes.note)
    if decoder.fits(context):
        return decoder, classes, notes
    odd = f"the outputs {listed(context.outputs)} do not look like those of {decoder.name}: is it the right --decoder?"
    return decoder, classes, (*notes, odd)


def _make(context: Context) -> Task:
    if "objects" not in context.annotated:
        return _make_unannotated(context)
    decoder, classes, notes = settle(context, "objects")

    def predict(outputs: NamedOutputs, frame: Frame | None) -> Detections:
        return replace(read_objects(outputs, frame, (decoder, classes, context)), masks=None)

    count = len(context.classes)
    return Task("detection", predict, {"coco": coco_map(count), "voc": voc_map(count)}, notes)


DETECTION = TaskKind("detection", lambda context: "objects" in context.annotated and has_decoder(context), _make)


def _finds_objects(context: Context) -> bool:
    """Whether a picture model gives objects, of which none are annotated.

    Shapes alone must not say so: two heads of classes look like lists of boxes and labels, and steps of a text line
    [1, ?, classes] like anchors of YOLO.
    """
    shapes = tuple(context.outputs.values())
    is_other = bool(context.annotated - {"label"}) or context.input_size is None
    is_vague = all(len(shape) == 2 for shape in shapes) or (len(shapes) == 1 and -1 in shapes[0][1:])
    return not is_other and not is_vague and has_decoder(context)


def _make_unannotated(context: Context) -> Task:
    """Objects are not annotated: those of FP32 are what INT8 should find."""
    decoder = choose_decoder(context)

    def decode(outputs: NamedOutputs, frame: Frame | None) -> Detections:
        return decoder.decode(outputs, context)

    note = f"decoder {decoder.name} ({decoder.title}); no objects are annotated, so INT8 is held against those of FP32"
    metrics = {"same-objects": same_objects(decode), "coco": coco_map(), "voc": voc_map()}
    return Task("detection", lambda outputs, frame: None, metrics, (note,))


UNANNOTATED = TaskKind("detection", _finds_objects, _make_unannotated)
"""The guess where nothing is annotated; by its name DETECTION makes the same task."""
