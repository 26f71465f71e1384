"""Common semantic segmentation: dataset_meta.json, pictures in Images, masks of the same names in Masks."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.formats.class_order import ClassOrder, order_classes, pixel_table
from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.mask_files import (
    LOSSY,
    Mask,
    check_size,
    look_up,
    look_up_colors,
    read_mask,
    sound_pairs,
)
from calibench.datasets.formats.picture_names import choose_split, is_picture, no_annotation, no_overlap, stem_of
from calibench.datasets.formats.text_file import read_text
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import IGNORED, Truth
from calibench.errors import DatasetError

META = "dataset_meta.json"
PLACE = re.compile(r"(?:(?P<split>[^/]+)/)?(?P<kind>images|masks)/(?P<inner>.+)", re.IGNORECASE)
ENDING = re.compile(r"_masks?$", re.IGNORECASE)  # some tools write a_mask.png for a.jpg
LOOKED_AT = 8  # masks by which it is known whether masks without a class list are black and white
LARGEST_ID = 1 << 20


@dataclass(frozen=True)
class Meaning:
    """What the pixels of the masks stand for.

    Attributes:
        ids: number of each class in the masks.
        names: of the classes, in the same order.
        colors: RGB -> number of the class; empty where the masks hold numbers.
    """

    ids: tuple[int, ...]
    names: tuple[str, ...]
    colors: Mapping[tuple[int, int, int], int]
    source: str


BLACK_AND_WHITE = Meaning((0, 255), ("background", "foreground"), {}, "black and white masks")


def read_semantic_folder(layout: Layout, options: ReadOptions) -> Listing:
    """Pictures with a class for every pixel.

    Raises:
        DatasetError: no pictures, no masks, no pair of them, or a dataset_meta.json that is broken or missing where
            the masks are not black and white.
    """
    splits = _splits(layout)
    if not splits:
        raise DatasetError(f"{layout.folder}: there is no folder Images with pictures beside a folder Masks.")
    split = choose_split(splits, options.split, layout.folder)
    pairs, problems = _pairs(layout.folder, *splits[split])
    names = tuple(sound_pairs(layout.folder, pairs, problems))
    masks = [layout.folder / pairs[name] for name in names]
    meaning = _meaning(layout, split, masks)
    order = order_classes(meaning.names, meaning.source, options.labels)
    table = _table(meaning, order)
    return Listing(
        folder=layout.folder,
        format=SEMANTIC_FOLDER.name,
        names=names,
        picture=lambda index: layout.folder / names[index],
        truth=lambda index: Truth(pixels=_pixels(masks[index], layout.folder / names[index], meaning, table)),
        annotated=frozenset({"pixels"}),
        classes=order.names,
        class_ids=meaning.ids if options.labels is None else (),
        problems=tuple(problems),
        label_source=order.source,
    )


def _splits(layout: Layout) -> dict[str, tuple[dict[str, list[str]], dict[str, list[str]]]]:
    """Pictures and masks of every split by the part of their names that they share; "" is the folder itself."""
    found: dict[str, tuple[dict[str, list[str]], dict[str, list[str]]]] = {}
    for name in layout.files:
        match = PLACE.fullmatch(name)
        if match and is_picture(name):
            pictures, masks = found.setdefault(match["split"] or "", ({}, {}))
            is_mask = match["kind"].lower() == "masks"
            (masks if is_mask else pictures).setdefault(stem_of(match["inner"]), []).append(name)
    return {split: both for split, both in found.items() if all(both)}


def _pairs(
    folder: Path, pictures: dict[str, list[str]], masks: dict[str, list[str]]
) -> tuple[dict[str, str], list[Problem]]:
    """Picture -> mask, and what has no other half or shares its name.

    Raises:
        DatasetError: not one pair.
    """
    by_stem = {**{ENDING.sub("", stem): files for stem, files in masks.items()}, **masks}
    shared = [stem for stem in pictures if stem in by_stem]
    if not shared:
        first = next(iter(masks.values()))[0]
        hint = "Give each mask the name of its picture."
        raise no_overlap(folder / first.rpartition("/")[0], len(masks), first.rpartition("/")[2], hint)
    pairs = {pictures[stem][0]: by_stem[stem][0] for stem in shared}
    problems = no_annotation([name for stem in pictures.keys() - set(shared) for name in pictures[stem]], "no mask")
    used = set(pairs.values())
    for stem, files in masks.items():
        if files[0] not in used:
            problems.append(Problem("has no picture", f"{files[0]}:", f"there is no picture {stem}"))
    for files in [*pictures.values(), *masks.values()]:
        for name in files[1:]:
            problems.append(Problem("shares its name", f"{name}:", f"{files[0]} has the same name; that one counts"))
    return pairs, sorted(problems, key=lambda problem: problem.where)


def _meaning(layout: Layout, split: str, masks: Sequence[Path]) -> Meaning:
    metas = [name for name in (f"{split}/{META}".lstrip("/"), META) if (layout.folder / name).is_file()]
    other = [name for name in layout.files if name.rpartition("/")[2] == META]
    if metas or other:
        return read_meta(layout.folder / (metas or other)[0])
    values: set[int] = set()
    for path in masks[:LOOKED_AT]:
        values |= _numbers(path)
    if values <= {0, 255}:
        return BLACK_AND_WHITE
    if values <= {0, 1}:
        return Meaning((0, 1), BLACK_AND_WHITE.names, {}, "masks of 0 and 1")
    raise DatasetError(
        f"{layout.folder}: there is no {META}, and the masks are not black and white. "
        'Add one: {"label_map": {"0": "background", "1": ...}}.'
    )


def _numbers(path: Path) -> set[int]:
    """The numbers in a mask; -1 for a colour mask, none for one that cannot be read."""
    if path.suffix.lower() in LOSSY:
        return set()
    try:
        mask = read_mask(path)
    except DatasetError:
        return set()  # said again when the mask is taken
    return {-1} if mask.values is None else set(np.unique(mask.values).tolist())


def read_meta(path: Path) -> Meaning:
    """The classes of a dataset_meta.json: "label_map" {"0": name, ...} or "labels" [name, ...], and where the masks
    are coloured "segmentation_colors" [[r, g, b], ...] in the same order.

    Raises:
        DatasetError: not UTF-8, no JSON, or of another form.
    """
    try:
        meta = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path}: this is no JSON ({str(error)[:80]}). Correct it.") from None
    if not isinstance(meta, dict):
        raise DatasetError(f"{path}: it must hold an object with label_map or labels.")
    ids, names = _labels(path, meta)
    colors = _colors(path, meta.get("segmentation_colors") or [], ids)
    return Meaning(ids, names, colors, path.name)


def _labels(path: Path, meta: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    label_map, labels = meta.get("label_map"), meta.get("labels")
    if isinstance(label_map, dict) and label_map:
        if not all(re.fullmatch(r"\d{1,7}", key) and int(key) <= LARGEST_ID for key in label_map):
            raise DatasetError(f'{path}: the keys of label_map must be numbers, such as {{"0": "background"}}.')
        by_id = {int(key): str(name) for key, name in label_map.items()}
        return tuple(sorted(by_id)), tuple(by_id[key] for key in sorted(by_id))
    if isinstance(labels, list) and labels:
        return tuple(range(len(labels))), tuple(map(str, labels))
    raise DatasetError(f'{path}: it has no classes. Add "label_map": {{"0": "background", ...}} or "labels": [...].')


def _colors(path: Path, colors: Any, ids: Sequence[int]) -> dict[tuple[int, int, int], int]:
    is_list = isinstance(colors, list) and all(_is_color(color) for color in colors)
    if not is_list or len(colors) not in (0, len(ids)):
        raise DatasetError(f"{path}: segmentation_colors must list [red, green, blue], 0..255, for {len(ids)} classes.")
    by_color = {(color[0], color[1], color[2]): number for color, number in zip(colors, ids, strict=False)}
    if len(by_color) < len(colors):
        raise DatasetError(f"{path}: segmentation_colors lists a colour twice. Give each class its own.")
    return by_color


def _is_color(color: Any) -> bool:
    return (
        isinstance(color, list) and len(color) == 3 and all(type(value) is int and 0 <= value <= 255 for value in color)
    )


def _table(meaning: Meaning, order: ClassOrder) -> NDArray[np.int32]:
    return pixel_table(meaning.ids, order.places, max(256, max(meaning.ids) + 1))


def _pixels(path: Path, picture: Path, meaning: Meaning, table: NDArray[np.int32]) -> NDArray[np.generic]:
    """The class of every pixel of a mask.

    Raises:
        DatasetError: damaged, of another size than its picture, or with a number or colour that is no class.
    """
    mask = read_mask(path)
    known = ", ".join(map(str, meaning.ids[:4])) + (f" ... {meaning.ids[-1]}" if len(meaning.ids) > 4 else "")
    values = _class_numbers(mask, path, meaning)
    check_size(values.shape, path, picture)
    return look_up(values, table, path, known)


def _class_numbers(mask: Mask, path: Path, meaning: Meaning) -> NDArray[np.generic]:
    """Numbers of a gray or palette mask whose numbers are classes; else by colour."""
    if meaning.colors and mask.rgb is not None:
        try:
            return look_up_colors(mask.rgb, meaning.colors, path)
        except DatasetError:
            if mask.values is None or not set(np.unique(mask.values).tolist()) <= {*meaning.ids, IGNORED}:
                raise
    if mask.values is None:
        raise DatasetError(f"{path}: this mask is coloured, but {META} has no segmentation_colors. Add them.")
    return mask.values


def _has(kind: str) -> Rule:
    def holds(layout: Layout) -> bool:
        matches = (PLACE.fullmatch(name) for name in layout.files if is_picture(name))
        return any(match is not None and match["kind"].lower() == kind for match in matches)

    return Rule(f"folder {kind.title()} with {'pictures' if kind == 'images' else 'masks'}", holds)


SEMANTIC_FOLDER = Format(
    "common-semantic-segmentation",
    "common semantic segmentation",
    (
        _has("images"),
        _has("masks"),
        Rule("folders Images and Masks side by side", lambda layout: bool(_splits(layout))),
    ),
    read_semantic_folder,
)
