"""Cityscapes: pictures in leftImg8bit, masks with label ids in gtFine, both by split and city."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.formats.class_order import order_classes, pixel_table
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.mask_files import check_size, look_up, read_mask, sound_pairs
from calibench.datasets.formats.picture_names import choose_split, no_annotation, no_overlap
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import IGNORED, Truth
from calibench.errors import DatasetError

CLASSES = {  # the 19 classes that are scored, in the order of their train id, and their label id
    "road": 7,
    "sidewalk": 8,
    "building": 11,
    "wall": 12,
    "fence": 13,
    "pole": 17,
    "traffic light": 19,
    "traffic sign": 20,
    "vegetation": 21,
    "terrain": 22,
    "sky": 23,
    "person": 24,
    "rider": 25,
    "car": 26,
    "truck": 27,
    "bus": 28,
    "train": 31,
    "motorcycle": 32,
    "bicycle": 33,
}
LABEL_IDS = 34  # 0 to 33; the licence plate's -1 is 255 in a mask
PICTURE = re.compile(r"(?:.*/)?leftImg8bit/(?P<split>[^/]+)/(?P<name>.+)_leftImg8bit\.[a-z]+", re.IGNORECASE)
MASK = re.compile(r"(?:.*/)?gtFine/(?P<split>[^/]+)/(?P<name>.+)_gtFine_(?P<kind>label(?:Train)?Ids|instanceIds)\.png")

Kind = Literal["labelIds", "labelTrainIds", "instanceIds"]
KINDS: tuple[Kind, ...] = ("labelIds", "labelTrainIds", "instanceIds")


def read_cityscapes(layout: Layout, options: ReadOptions) -> Listing:
    """Pictures with the 19 classes that are scored; all other label ids are IGNORED.

    Raises:
        DatasetError: no pictures, no masks, or no pair of them.
    """
    pictures, masks = _by_split(layout, PICTURE), _by_split(layout, MASK)
    for found, what in ((pictures, "leftImg8bit/<split>/<city>/*_leftImg8bit.png"), (masks, MASK_WANTED)):
        if not found:
            raise DatasetError(f"{layout.folder}: there is no {what}. Give the folder that holds both.")
    both = pictures.keys() & masks.keys() or pictures.keys()
    split = choose_split(both, options.split, layout.folder)
    pairs, problems = _pairs(layout.folder, pictures[split], masks.get(split) or next(iter(masks.values())))
    names = tuple(sound_pairs(layout.folder, {name: mask for name, (mask, _) in pairs.items()}, problems))
    order = order_classes(tuple(CLASSES), "Cityscapes' train ids", options.labels)
    tables = _tables(order.places)
    return Listing(
        folder=layout.folder,
        format=CITYSCAPES.name,
        names=names,
        picture=lambda index: layout.folder / names[index],
        truth=lambda index: Truth(pixels=_pixels(layout.folder, names[index], *pairs[names[index]], tables)),
        annotated=frozenset({"pixels"}),
        classes=order.names,
        class_ids=tuple(CLASSES.values()) if options.labels is None else (),
        problems=tuple(problems),
        label_source=order.source,
    )


def _by_split(layout: Layout, pattern: re.Pattern[str]) -> dict[str, dict[str, list[str]]]:
    """Files by split and by the name that picture and mask share: "bonn/bonn_000000_000019"."""
    splits: dict[str, dict[str, list[str]]] = {}
    for name in layout.files:
        if match := pattern.fullmatch(name):
            splits.setdefault(match["split"], {}).setdefault(match["name"], []).append(name)
    return splits


def _pairs(
    folder: Path, pictures: Mapping[str, list[str]], masks: Mapping[str, list[str]]
) -> tuple[dict[str, tuple[str, Kind]], list[Problem]]:
    """Picture -> its mask and the kind of it, and what has no other half.

    Raises:
        DatasetError: not one pair.
    """
    shared = pictures.keys() & masks.keys()
    if not shared:
        first = next(iter(masks.values()))[0]
        hint = "City and number must be the same in leftImg8bit and gtFine."
        raise no_overlap(folder / first.rpartition("/")[0], len(masks), first.rpartition("/")[2], hint)
    pairs = {pictures[name][0]: _best(masks[name]) for name in shared}
    problems = no_annotation(sorted(pictures[name][0] for name in pictures.keys() - shared), "no mask")
    for name in sorted(masks.keys() - shared):
        problems.append(Problem("has no picture", f"{masks[name][0]}:", f"there is no picture of {name}"))
    return pairs, problems


def _best(masks: list[str]) -> tuple[str, Kind]:
    kinds = {_kind(name): name for name in masks}
    kind = next(kind for kind in KINDS if kind in kinds)
    return kinds[kind], kind


def _kind(name: str) -> Kind:
    return next(kind for kind in KINDS if name.endswith(f"_{kind}.png"))


def _tables(places: tuple[int, ...]) -> dict[Kind, NDArray[np.int32]]:
    by_id = pixel_table(tuple(CLASSES.values()), places)
    by_id[:LABEL_IDS] = np.where(by_id[:LABEL_IDS] < 0, IGNORED, by_id[:LABEL_IDS])
    by_train_id = pixel_table(range(len(CLASSES)), places)
    return {"labelIds": by_id, "labelTrainIds": by_train_id, "instanceIds": by_id}


def _pixels(
    folder: Path, picture: str, mask: str, kind: Kind, tables: Mapping[Kind, NDArray[np.int32]]
) -> NDArray[np.generic]:
    """Raises DatasetError: damaged, of another size than its picture, or with a number that is no label id."""
    path = folder / mask
    values = read_mask(path).values
    if values is None:
        raise DatasetError(f"{path}: this mask is coloured. Masks of Cityscapes hold numbers in gray.")
    check_size(values.shape, path, folder / picture)
    if kind == "instanceIds":  # 24017 is the 18th person, 24 a group of persons
        values = np.where(np.asarray(values) >= 1000, np.asarray(values, np.int64) // 1000, values)
    known = f"0 to {len(CLASSES) - 1}" if kind == "labelTrainIds" else f"0 to {LABEL_IDS - 1}"
    return look_up(values, tables[kind], path, f"{known} and 255")


MASK_WANTED = "gtFine/<split>/<city>/*_gtFine_labelIds.png"
CITYSCAPES = Format(
    "cityscapes",
    "Cityscapes",
    (
        Rule("leftImg8bit/<split>/<city>/*_leftImg8bit.png", lambda layout: any(map(PICTURE.fullmatch, layout.files))),
        Rule(MASK_WANTED, lambda layout: any(map(MASK.fullmatch, layout.files))),
    ),
    read_cityscapes,
)
