"""Write small datasets with boxes, in the layouts of their makers, with the quirks of real ones as options.

Pictures are 64 wide and 48 high. Every writer takes `objects`: name of a picture -> its objects as (class, left, top,
right, bottom), in pixels.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

WIDTH, HEIGHT = 64, 48
Box = tuple[str, float, float, float, float]
Objects = Mapping[str, Sequence[Box]]

THREE: Objects = {
    "a": [("dog", 1, 2, 11, 22), ("cat", 20, 10, 60, 40)],
    "b": [("dog", 0, 0, 64, 48)],
    "c": [],
}
CLASSES = ("dog", "cat")


def draw(path: Path, size: tuple[int, int] = (WIDTH, HEIGHT), **options: Any) -> Path:
    """A picture of one colour; size as width, height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (len(path.name) * 9 % 256, 20, 30)).save(path, **options)
    return path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


# COCO ---------------------------------------------------------------------------------------------------------------


def coco_data(objects: Objects = THREE, *, masks: bool = False, folder: str = "") -> dict[str, Any]:
    """What stands in an annotation file; categories have the numbers 18, 17, ... as COCO's own begin anywhere."""
    numbers = {name: 18 - place for place, name in enumerate(CLASSES)}
    images, annotations = [], []
    for image, (name, boxes) in enumerate(objects.items(), 100):
        images.append({"id": image, "file_name": f"{folder}{name}.jpg", "width": WIDTH, "height": HEIGHT})
        for label, left, top, right, bottom in boxes:
            annotation = {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": numbers[label],
                "bbox": [left, top, right - left, bottom - top],
                "area": (right - left) * (bottom - top),
                "iscrowd": 0,
            }
            if masks:
                annotation["segmentation"] = [[left, top, right, top, right, bottom]]
            annotations.append(annotation)
    categories = [{"id": number, "name": name, "supercategory": "animal"} for name, number in numbers.items()]
    return {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": categories}


def write_coco(
    folder: Path,
    data: Any = None,
    *,
    pictures: str = "images/val2017",
    file: str = "annotations/instances_val2017.json",
) -> Path:
    """COCO with its pictures in one folder; `data` as from `coco_data`."""
    data = coco_data() if data is None else data
    for image in data["images"]:
        draw(folder / pictures / image["file_name"])
    write(folder / file, json.dumps(data))
    return folder


# Pascal VOC ---------------------------------------------------------------------------------------------------------


def voc_object(box: Box, extra: str = "<difficult>0</difficult>") -> str:
    name, *corners = box
    keys = ("xmin", "ymin", "xmax", "ymax")
    inside = "".join(f"<{key}>{value}</{key}>" for key, value in zip(keys, corners, strict=True))
    return f"<object><name>{name}</name><pose>Left</pose><bndbox>{inside}</bndbox>{extra}</object>"


def voc_text(name: str, inside: str, size: tuple[int, int] | None = (WIDTH, HEIGHT)) -> str:
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>" if size else ""
    return f"<annotation><folder>VOC</folder><filename>{name}.jpg</filename>{sides}{inside}</annotation>"


def write_voc(folder: Path, objects: Objects = THREE, *, lists: Sequence[str] = ("Main/val",), extra: str = "") -> Path:
    """VOC without a label map; `lists` hold all names; `extra` goes into every object."""
    for name, boxes in objects.items():
        draw(folder / f"JPEGImages/{name}.jpg")
        write(folder / f"Annotations/{name}.xml", voc_text(name, "".join(voc_object(box, extra) for box in boxes)))
    for each in lists:
        write(folder / f"ImageSets/{each}.txt", "".join(f"{name}\n" for name in objects))
    return folder


# YOLO ---------------------------------------------------------------------------------------------------------------


def yolo_line(box: Box) -> str:
    name, left, top, right, bottom = box
    middle = (left + right) / 2 / WIDTH, (top + bottom) / 2 / HEIGHT
    sides = (right - left) / WIDTH, (bottom - top) / HEIGHT
    return " ".join([str(CLASSES.index(name)), *(f"{value:.9f}" for value in (*middle, *sides))])


def yolo_text(boxes: Sequence[Box]) -> str:
    return "".join(f"{yolo_line(box)}\n" for box in boxes)


def write_ultralytics(
    folder: Path, objects: Objects = THREE, *, names: str = "{0: dog, 1: cat}", **splits: str
) -> Path:
    """data.yaml with images/ and labels/ side by side; `splits`: name -> folder of pictures, val: images/val."""
    for place in (splits or {"val": "images/val"}).values():
        labels = place.replace("images", "labels")
        for name, boxes in objects.items():
            draw(folder / place / f"{name}.jpg")
            if boxes:
                write(folder / labels / f"{name}.txt", yolo_text(boxes))
    lines = "".join(f"{split}: {place}\n" for split, place in (splits or {"val": "images/val"}).items())
    write(folder / "data.yaml", f"path: .\n{lines}names: {names}\n")
    return folder


def write_darknet(folder: Path, objects: Objects = THREE, *, prefix: str = "data/") -> Path:
    """obj.data, obj.names and a list; labels lie beside the pictures."""
    for name, boxes in objects.items():
        draw(folder / f"obj_valid_data/{name}.jpg")
        write(folder / f"obj_valid_data/{name}.txt", yolo_text(boxes))
    write(folder / "obj.names", "".join(f"{name}\n" for name in CLASSES))
    write(folder / "valid.txt", "".join(f"{prefix}obj_valid_data/{name}.jpg\n" for name in objects))
    lines = (
        f"classes = {len(CLASSES)}",
        f"valid = {prefix}valid.txt",
        f"names = {prefix}obj.names",
        "backup = backup/",
    )
    write(folder / "obj.data", "\n".join(lines))
    return folder


def write_yolo_pairs(folder: Path, objects: Objects = THREE) -> Path:
    """Pictures with their labels beside them, and classes.txt."""
    for name, boxes in objects.items():
        draw(folder / f"{name}.jpg")
        write(folder / f"{name}.txt", yolo_text(boxes))
    write(folder / "classes.txt", "".join(f"{name}\n" for name in CLASSES))
    return folder


# Open Images --------------------------------------------------------------------------------------------------------

OPEN_IMAGES_BOX = ["ImageID", "Source", "LabelName", "Confidence", "XMin", "XMax", "YMin", "YMax"]
OPEN_IMAGES_COLUMNS = [*OPEN_IMAGES_BOX, "IsOccluded", "IsTruncated", "IsGroupOf", "IsDepiction", "IsInside"]
MIDS = {"dog": "/m/0bt9lr", "cat": "/m/01yrx"}


def open_images_rows(objects: Objects = THREE, *, is_group: int = 0) -> list[list[Any]]:
    rows = []
    for name, boxes in objects.items():
        for label, left, top, right, bottom in boxes:
            sides = [left / WIDTH, right / WIDTH, top / HEIGHT, bottom / HEIGHT]
            rows.append([name, "xclick", MIDS[label], 1, *sides, 0, 0, is_group, 0, 0])
    return rows


def write_open_images(
    folder: Path,
    objects: Objects = THREE,
    *,
    rows: Sequence[Sequence[Any]] | None = None,
    images: str = "Images",
    file: str = "annotations.csv",
    classes: str = "class-descriptions-boxable.csv",
    header: bool = False,
) -> Path:
    """Open Images; `header`: the class descriptions have one, as since version 6."""
    for name in objects:
        draw(folder / images / f"{name}.jpg")
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    with (folder / file).open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([OPEN_IMAGES_COLUMNS, *(open_images_rows(objects) if rows is None else rows)])
    lines = ["LabelName,DisplayName"] if header else []
    write(folder / classes, "\n".join([*lines, *(f"{mid},{name.title()}" for name, mid in MIDS.items())]) + "\n")
    return folder


# WIDER FACE ---------------------------------------------------------------------------------------------------------


def wider_text(objects: Mapping[str, Sequence[Sequence[int]]]) -> str:
    """Name of a picture -> its faces: left, top, width, height, and invalid if need be; none gives a line of zeros."""
    lines = []
    for name, faces in objects.items():
        lines += [name, str(len(faces))]
        lines += ["{} {} {} {} 0 0 0 {} 0 0 ".format(*face[:4], face[4] if len(face) > 4 else 0) for face in faces]
        if not faces:
            lines.append("0 0 0 0 0 0 0 0 0 0 ")
    return "\n".join(lines) + "\n"


FACES = {
    "0--Parade/0_Parade_1.jpg": [(1, 2, 10, 20), (20, 10, 40, 30, 1)],
    "0--Parade/0_Parade_2.jpg": [],
    "1--Handshaking/1_Hand_1.jpg": [(0, 0, 64, 48)],
}


def write_wider_face(
    folder: Path,
    faces: Mapping[str, Sequence[Sequence[int]]] = FACES,
    *,
    images: str = "Images",
    file: str = "Annotations/wider_face_val_bbx_gt.txt",
    text: str | None = None,
) -> Path:
    for name in faces:
        draw(folder / images / name)
    write(folder / file, wider_text(faces) if text is None else text)
    return folder
