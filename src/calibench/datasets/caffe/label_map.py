"""The classes of annotated pictures: from a label map, else from the layers that count them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from calibench.caffe.net import Layer, Net
from calibench.caffe.prototxt import read_prototxt
from calibench.datasets.caffe.find_path import exists, find, place_of
from calibench.datasets.unreadable import shown
from calibench.errors import DatasetError

COUNTING = {
    "DetectionEvaluate": "detection_evaluate_param",
    "DetectionOutput": "detection_output_param",
    "MultiBoxLoss": "multibox_loss_param",
}
"""Layers that know the number of classes and the background, and where they say it."""


@dataclass(frozen=True)
class ClassList:
    """The classes of a dataset in the order of their index, without the background.

    Attributes:
        ids: the label of each in the records.
        background: its label.
        note: what the person should know; None when all is well.
    """

    names: tuple[str, ...]
    ids: tuple[int, ...]
    background: int
    note: str | None = None


def read_classes(net: Net, layer: Layer, labels: Callable[[], set[int]]) -> ClassList:
    """The classes of a layer of type AnnotatedData.

    Args:
        labels: all that occur in the records; asked for where no file and no layer tells the classes.

    Raises:
        DatasetError: the label map contradicts itself.
        ModelError: it cannot be read.
    """
    counting = next((each for each in net.layers if each.type in COUNTING), None)
    param = None if counting is None else getattr(counting.params, COUNTING[counting.type])
    background = 0 if param is None else int(param.background_label_id)
    written, note = layer.params.annotated_data_param.label_map_file, None
    if written and exists(written, place_of(net, layer)):
        return _of_map(find(written, "label map", place_of(net, layer)), background)
    if written:
        note = f"There is no label map {shown(written)}: classes are called by their numbers."
    numbers: Iterable[int] = range(param.num_classes) if param is not None and param.num_classes else sorted(labels())
    ids = tuple(number for number in numbers if number != background)
    return ClassList(tuple(map(str, ids)), ids, background, note)


def _of_map(path: Path, background: int) -> ClassList:
    """The classes of a file of message LabelMap in text form."""
    found = read_prototxt(path, "LabelMap").message
    items = [item for item in found.item if not (item.HasField("label") and item.label == background)]
    bare = next((item for item in items if not item.HasField("label") or not (item.name or item.display_name)), None)
    if bare is not None:
        raise DatasetError(f"{shown(path)}: item {bare.name or bare.label!r} needs a name and a label. Complete it.")
    double = next((label for label, count in Counter(item.label for item in items).items() if count > 1), None)
    if double is not None:
        raise DatasetError(f"{shown(path)}: label {double} is there twice. Keep one of the items.")
    if not items:
        raise DatasetError(f"{shown(path)}: has no class but the background, label {background}. Add the classes.")
    items.sort(key=lambda item: int(item.label))
    names = tuple(item.display_name or item.name for item in items)
    return ClassList(names, tuple(int(item.label) for item in items), background)
