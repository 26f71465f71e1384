"""Layers of type AnnotatedData, as SSD has them: messages AnnotatedDatum in an LMDB, with boxes."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.caffe.net import Layer, Net
from calibench.datasets.caffe.datum_reading import DatumReading, read_datums
from calibench.datasets.caffe.label_map import ClassList, read_classes
from calibench.datasets.caffe.layer_source import LayerSource, class_number, notes_on_chance
from calibench.datasets.caffe.transform import frame_of_blob
from calibench.datasets.dataset import Description
from calibench.datasets.frame import Frame
from calibench.datasets.listing import Problem
from calibench.datasets.truth import Objects, Truth
from calibench.errors import DatasetError

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Boxes:
    """How the annotations of one layer become objects; what is left out is gathered in `problems`."""

    reading: DatumReading
    classes: ClassList
    problems: dict[str, Problem] = field(default_factory=dict)

    def describe(self, index: int) -> Description:
        records = self.reading.records
        found = self.reading.message(index)
        try:
            frame = frame_of_blob(self.reading.size(index), self.reading.transform)
        except DatasetError as error:
            raise DatasetError(_at(records.where(index), error)) from None
        return Description(records.name_of(index), Truth(objects=self._objects(index, found, frame)), frame)

    def check(self, index: int) -> None:
        """Raise DatasetError where an object of a record is of no class; its picture is not decoded."""
        for group in self.reading.message(index).annotation_group:
            self._label(index, group)

    def _objects(self, index: int, found: Any, frame: Frame) -> Objects:
        boxes, labels, is_ignored = [], [], []
        visible = _visible(frame) if self.reading.transform.crop else np.array([0, 0, 1, 1], np.float32)
        for group in found.annotation_group:
            label = self._label(index, group)
            for annotation in group.annotation:
                box = _clipped(annotation.bbox, visible)
                if box is None:
                    self._leave_out(index, group.group_label, annotation.instance_id)
                    continue
                boxes.append(box)
                labels.append(label)
                is_ignored.append(annotation.bbox.difficult)
        height, width = frame.original
        sides = np.array([width, height, width, height], np.float32)
        return Objects(
            np.array(boxes, np.float32).reshape(-1, 4) * sides,
            np.array(labels, np.int64),
            np.array(is_ignored, np.bool_),
        )

    def _label(self, index: int, group: Any) -> int:
        """Index of the class of a group.

        Raises:
            DatasetError: it is the background, or no class.
        """
        number, where = int(group.group_label), self.reading.records.where(index)
        if number == self.classes.background:
            raise DatasetError(f"{where}: an object has label {number}, which is the background. Mend the database.")
        if number not in self.classes.ids:
            ids = self.classes.ids
            raise DatasetError(
                f"{where}: an object has label {number}, but the classes are {min(ids)} to {max(ids)}. Correct "
                "the label map."
            )
        return self.classes.ids.index(number)

    def _leave_out(self, index: int, label: int, instance: int) -> None:
        where = self.reading.records.where(index)
        what = f"label {label}, instance {instance}: its box has no area inside the picture"
        self.problems[f"{index} {label} {instance}"] = Problem("has a box without area", where, what)


def open_annotated(net: Net, layer: Layer) -> LayerSource:
    """The samples of a layer of type AnnotatedData; records without boxes hold a class, as those of Data.

    Raises:
        DatasetError: there is no database, or it cannot be read; the label map contradicts itself.
        ModelError: the mean file or the label map is damaged.
    """
    reading = _cut_as_drawn(read_datums(net, layer, "AnnotatedDatum"), layer)
    records = reading.records
    has_boxes = layer.params.annotated_data_param.HasField("anno_type") or _has_boxes(reading.message(0))
    notes = [*notes_on_chance(layer, layer.params.data_param), *_note_on_samplers(reading, layer)]
    boxes = None
    if has_boxes:
        classes = read_classes(net, layer, lambda: _labels(reading))
        notes += [classes.note] if classes.note else []
        boxes = _Boxes(reading, classes)

    def label(index: int) -> int:
        return class_number(reading.message(index).datum.label, records.where(index))

    def describe(index: int) -> Description:
        return Description(records.name_of(index), Truth(label=label(index)) if is_labelled else Truth())

    is_annotated = len(layer.tops) > 1
    is_labelled = is_annotated and boxes is None
    return LayerSource(
        format=f"caffe-annotated-{records.kind}",
        written=layer.params.data_param.source,
        path=records.path,
        batch_size=layer.params.data_param.batch_size or 1,
        count=len(records),
        arrays=reading.arrays,
        where=records.where,
        describe=boxes.describe if boxes and is_annotated else describe,
        identity=reading.identity,
        label=label if is_labelled else None,
        annotated=frozenset(("objects" if boxes else "label",)) if is_annotated else frozenset(),
        classes=boxes.classes.names if boxes else (),
        class_ids=boxes.classes.ids if boxes else (),
        check=boxes.check if boxes and is_annotated else lambda index: None,
        problems=boxes.problems if boxes else {},
        notes=tuple(notes),
    )


def _cut_as_drawn(reading: DatumReading, layer: Layer) -> DatumReading:
    """With samplers that can draw nothing but the whole picture, SSD cuts it out, which goes through a JPEG."""
    samplers = layer.params.annotated_data_param.batch_sampler
    is_cut = bool(samplers) and all(_is_whole(each) for each in samplers)
    return replace(reading, is_cut=is_cut)


def _note_on_samplers(reading: DatumReading, layer: Layer) -> tuple[str, ...]:
    if not layer.params.annotated_data_param.batch_sampler or reading.is_cut:
        return ()
    return (f"Layer {layer.name}: batch_sampler is left out: pictures are taken whole.",)


def _is_whole(sampler: Any) -> bool:
    sizes = (sampler.sampler.min_scale, sampler.sampler.max_scale)
    shapes = (sampler.sampler.min_aspect_ratio, sampler.sampler.max_aspect_ratio)
    return sampler.use_original_image and {*sizes, *shapes} == {1.0} and not sampler.HasField("sample_constraint")


def _has_boxes(found: Any) -> bool:
    return found.HasField("type") or bool(found.annotation_group)


def _labels(reading: DatumReading) -> set[int]:
    """All labels in the records."""
    found = (reading.message(index) for index in range(len(reading.records)))
    return {int(group.group_label) for each in found for group in each.annotation_group}


def _clipped(box: Any, visible: FloatArray) -> FloatArray | None:
    """A box within what is visible, shares of the sides; None where nothing of it is.

    Source: SSD's ProjectBBox, which leaves such boxes out.
    """
    values = np.array([box.xmin, box.ymin, box.xmax, box.ymax], np.float32)
    low, high = np.tile(visible[:2], 2), np.tile(visible[2:], 2)
    clipped = np.asarray(np.clip(values, low, high), np.float32)
    has_area = bool(np.isfinite(values).all()) and clipped[2] > clipped[0] and clipped[3] > clipped[1]
    return clipped if has_area else None


def _visible(frame: Frame) -> FloatArray:
    """The part of the picture that the blob shows, shares of its sides: left, top, right, bottom."""
    whole = np.array([[0, 0, frame.size[1], frame.size[0]]], np.float32)
    height, width = frame.original
    shares = frame.boxes_to_original(whole)[0] / np.array([width, height, width, height], np.float32)
    return np.asarray(shares, np.float32)


def _at(where: str, error: DatasetError) -> str:
    """A message with its record, once."""
    return str(error) if str(error).startswith(where) else f"{where}: {error}"
