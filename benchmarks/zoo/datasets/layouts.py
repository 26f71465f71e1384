"""Write samples in the formats in which people keep them."""

import csv
import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.zoo.network import Array
from calibench.evaluation.class_names import COCO

QUALITY = 95  # of JPEG files
HALF = 127  # a mask is white above it

Boxes = Sequence[tuple[str, Array]]
"""Name of a class, and left, top, right, bottom in pixels."""


def write_class_folders(folder: Path, samples: Iterable[tuple[Array, str]], classes: Sequence[str] = ()) -> None:
    """One folder per class with JPEG files.

    Args:
        samples: uint8 [H, W, 3] RGB, name of the folder.
        classes: in the order of the model, for labels.txt; none where the names of the folders begin with the number.
    """
    for number, (picture, name) in enumerate(samples):
        (folder / name).mkdir(exist_ok=True)
        _save(picture, folder / name / f"{number:05d}.jpg")
    if classes:
        (folder / "labels.txt").write_text("\n".join(classes) + "\n", encoding="utf-8")


def write_pictures(folder: Path, pictures: Iterable[Array]) -> None:
    """JPEG files of uint8 [H, W, 3] RGB, and nothing else."""
    for number, picture in enumerate(pictures):
        _save(picture, folder / f"{number:05d}.jpg")


def write_coco(folder: Path, samples: Iterable[tuple[Array, Boxes]]) -> None:
    """COCO: JPEG files in images, annotations/instances_val.json with COCO's 80 classes and their numbers."""
    (folder / "images").mkdir()
    (folder / "annotations").mkdir()
    numbers = {name: number for number, name in COCO}
    images, annotations = [], []
    for index, (picture, boxes) in enumerate(samples):
        name = f"{index:012d}.jpg"
        _save(picture, folder / "images" / name)
        images.append({"id": index, "file_name": name, "width": picture.shape[1], "height": picture.shape[0]})
        for label, box in boxes:
            left, top, right, bottom = (float(side) for side in box)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": numbers[label],
                    "bbox": [left, top, right - left, bottom - top],
                    "area": (right - left) * (bottom - top),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": name} for number, name in COCO]
    whole = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations/instances_val.json").write_text(json.dumps(whole), encoding="utf-8")


def write_masks(folder: Path, samples: Iterable[tuple[Array, Array]]) -> None:
    """JPEG files in Images, black and white PNG files of the same names in Masks.

    Args:
        samples: uint8 [H, W, 3] RGB, mask uint8 [H, W].
    """
    (folder / "Images").mkdir()
    (folder / "Masks").mkdir()
    for number, (picture, mask) in enumerate(samples):
        _save(picture, folder / "Images" / f"{number:05d}.jpg")
        white = np.where(mask > HALF, 255, 0).astype(np.uint8)
        Image.fromarray(white).save(folder / "Masks" / f"{number:05d}.png")


def write_super_resolution(folder: Path, samples: Iterable[tuple[Array, Array]]) -> None:
    """PNG files in LR and HR, small and large pictures uint8 [H, W, 3] RGB."""
    (folder / "LR").mkdir()
    (folder / "HR").mkdir()
    for number, (small, large) in enumerate(samples):
        Image.fromarray(small).save(folder / "LR" / f"{number:05d}.png")
        Image.fromarray(large).save(folder / "HR" / f"{number:05d}.png")


def write_text_lines(folder: Path, samples: Iterable[tuple[Array, str]]) -> None:
    """JPEG files of lines in images, rec_gt.txt with `images/NAME<TAB>TEXT`."""
    (folder / "images").mkdir()
    lines = []
    for number, (picture, text) in enumerate(samples):
        _save(picture, folder / "images" / f"{number:05d}.jpg")
        lines.append(f"images/{number:05d}.jpg\t{text}\n")
    (folder / "rec_gt.txt").write_text("".join(lines), encoding="utf-8")


def write_table(folder: Path, samples: Iterable[tuple[str, str]]) -> None:
    """texts.csv with the columns text and label."""
    with (folder / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(samples)


def write_idx(path: Path, values: Array) -> None:
    """An IDX file of bytes, gzipped: two zeros, type 8, rank, the sizes as big-endian int32, the values."""
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
    path.write_bytes(gzip.compress(head + values.astype(np.uint8).tobytes(), mtime=0))


def _save(picture: Array, path: Path) -> None:
    Image.fromarray(np.ascontiguousarray(picture)).save(path, quality=QUALITY)
