"""All formats that Datumaro reads, by its own name: `--format datumaro:kitti_detection`."""

import functools
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.formats.datumaro_items import Item, as_problems, kind, label_of, objects_of, read_items
from calibench.datasets.formats.format import Format, Layout
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import IGNORED, Kind, Truth
from calibench.errors import DatasetError, SettingsError

PREFIX = "datumaro:"
MOST = 0.5
"""Share of the samples that must have an annotation for the dataset to count as annotated with it."""


def datumaro_format(name: str) -> Format:
    """A format out of Datumaro's own list.

    Args:
        name: such as "datumaro:kitti_detection".

    Raises:
        SettingsError: nothing stands behind the colon.
    """
    theirs = name.removeprefix(PREFIX)
    if not theirs:
        raise SettingsError(f"--format {name}: no format is named. Give Datumaro's name, such as {PREFIX}kitti.")
    return Format(name, f"Datumaro's {theirs}", (), functools.partial(_read, theirs))


def _read(theirs: str, layout: Layout, options: ReadOptions) -> Listing:
    if options.labels is not None:
        raise SettingsError(f"--labels: the order of the classes of {PREFIX}{theirs} is Datumaro's. Leave it out.")
    found = read_items(layout.folder, theirs)
    items = [item for item in found.items if options.split in (None, item.subset)]
    kept = [item for item in items if _is_here(item.picture, layout.folder)]
    if not kept:
        raise DatasetError(
            f"{layout.folder}: Datumaro finds no sample with a picture as {theirs} (of {len(items)} samples). "
            "Is this the folder that holds the dataset?"
        )
    missing = tuple(
        Problem("picture is missing", f"{item.name}:", "the annotation names a picture that is not there")
        for item in items
        if item not in kept
    )
    labels = [label_of(item) for item in kept]
    annotated = _annotated(kept)
    return Listing(
        folder=layout.folder,
        format=f"{PREFIX}{theirs}",
        names=[_name(item, layout.folder) for item in kept],
        picture=lambda index: _picture(kept[index]),
        truth=lambda index: _truth(kept[index], annotated),
        annotated=annotated,
        classes=found.classes,
        labels=[label or 0 for label in labels] if None not in labels else None,
        problems=(*as_problems(found.faults, lambda name: name), *missing),
        label_source="Datumaro's list",
    )


def _is_here(picture: Path | None, folder: Path) -> bool:
    """Whether a picture is there, and in the dataset: a list from a stranger may name any file of this machine."""
    if picture is None or not picture.is_file():
        return False
    return Path(os.path.abspath(picture)).is_relative_to(os.path.abspath(folder))  # noqa: PTH100 - links may lead out


def _picture(item: Item) -> Path:
    assert item.picture is not None
    return item.picture


def _name(item: Item, folder: Path) -> str:
    picture = _picture(item)
    return picture.relative_to(folder).as_posix() if picture.is_relative_to(folder) else item.name


def _annotated(items: list[Item]) -> frozenset[Kind]:
    """What most samples have."""
    kinds = [{kind(each) for each in item.annotations} for item in items]
    named: tuple[tuple[str, Kind], ...] = (("label", "label"), ("bbox", "objects"), ("mask", "pixels"))
    return frozenset(ours for theirs, ours in named if sum(theirs in found for found in kinds) > MOST * len(items))


def _truth(item: Item, annotated: frozenset[Kind]) -> Truth:
    return Truth(
        label=label_of(item) if "label" in annotated else None,
        objects=objects_of(item) if "objects" in annotated else None,
        pixels=_pixels(item) if "pixels" in annotated else None,
    )


def _pixels(item: Item) -> NDArray[np.int32] | None:
    """The classes of all masks over each other, in Datumaro's order; where none lies, nothing counts."""
    masks = [each for each in item.annotations if kind(each) == "mask" and each.label is not None]
    if not masks:
        return None
    classes = np.full(masks[0].image.shape, IGNORED, np.int32)
    for mask in sorted(masks, key=lambda each: each.z_order):
        classes[np.asarray(mask.image, np.bool_)] = mask.label
    return classes
