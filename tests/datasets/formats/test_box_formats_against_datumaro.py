"""Our readers and Datumaro agree on whole sets in the layouts that it knows."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layouts_with_boxes import (
    MIDS,
    write_coco,
    write_darknet,
    write_open_images,
    write_ultralytics,
    write_voc,
    write_wider_face,
)

from calibench.datasets.formats.coco import COCO
from calibench.datasets.formats.datumaro_items import objects_of, read_items
from calibench.datasets.formats.format import Format, Layout
from calibench.datasets.formats.open_images import OPEN_IMAGES
from calibench.datasets.formats.voc import VOC
from calibench.datasets.formats.wider_face import WIDER_FACE
from calibench.datasets.formats.yolo import YOLO
from calibench.datasets.listing import ReadOptions

OFFICIAL = {
    "images": "images/validation",
    "file": "annotations/validation-annotations-bbox.csv",
    "classes": "annotations/class-descriptions-boxable.csv",
}
SPLIT = {"images": "WIDER_val/images", "file": "wider_face_split/wider_face_val_bbx_gt.txt"}
SAME = [
    (COCO, write_coco, "coco_instances"),
    (VOC, write_voc, "voc_detection"),
    (YOLO, write_ultralytics, "yolo"),
    (YOLO, write_darknet, "yolo"),
    (OPEN_IMAGES, partial(write_open_images, **OFFICIAL), "open_images"),
    (WIDER_FACE, partial(write_wider_face, **SPLIT), "wider_face"),
]


@pytest.mark.parametrize(
    ("format_", "writer", "theirs"), SAME, ids=["coco", "voc", "ultralytics", "darknet", "oi", "wider"]
)
def test_boxes_and_classes_are_those_of_datumaro(
    tmp_path: Path, format_: Format, writer: Callable[..., Any], theirs: str
) -> None:
    writer(tmp_path)
    ours = format_.read(Layout(tmp_path), ReadOptions())
    read = read_items(tmp_path, theirs)
    display = {mid: name.title() for name, mid in MIDS.items()}
    compared = 0
    for item in read.items:
        expected = objects_of(item)
        if not len(expected.boxes):
            continue  # Datumaro leaves out pictures without objects in some formats
        number = [Path(name).stem for name in ours.names].index(Path(item.name).name)
        objects = ours.truth(number).objects
        assert objects is not None
        here, there = np.argsort(objects.boxes[:, 0]), np.argsort(expected.boxes[:, 0])  # Datumaro turns COCO's order
        boxes = objects.boxes[here], expected.boxes[there]
        np.testing.assert_allclose(*boxes, atol=0.02)  # Datumaro rounds to two places
        names = [display.get(read.classes[label], read.classes[label]) for label in expected.labels[there]]
        assert [ours.classes[label] for label in objects.labels[here]] == names
        compared += 1
    assert compared == 2
