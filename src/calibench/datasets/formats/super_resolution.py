"""Super-resolution: large pictures in HR, small ones of the same names in LR."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.formats.format import Format, Layout, Rule
from calibench.datasets.formats.picture_names import is_picture, no_annotation, no_overlap, stem_of
from calibench.datasets.images import damage, read_rgb, upright_size
from calibench.datasets.listing import Listing, Problem, ReadOptions
from calibench.datasets.truth import Truth
from calibench.errors import DatasetError

PLACE = re.compile(  # DIV2K's folders are DIV2K_valid_HR and DIV2K_valid_LR_bicubic/X4
    r"(?:[^/]*_)?(?P<kind>HR|LR)(?:_[^/]+)?/(?:X[2-8]/)?(?P<inner>.+)", re.IGNORECASE
)
FACTOR = re.compile(r"x[2-8]$")  # and its small pictures are called 0801x4.png

Files = Mapping[str, list[str]]
"""Files by the part of their names that large and small pictures share."""


def read_super_resolution(layout: Layout, options: ReadOptions) -> Listing:
    """Small pictures, each with the large one that a model should make of it.

    Raises:
        DatasetError: no folder HR or LR with pictures, no pair of them, or a split or class names, which there are not.
    """
    large, small = _kind(layout, "hr"), _kind(layout, "lr")
    for name, files in (("HR", large), ("LR", small)):
        if not files:
            raise DatasetError(f"{layout.folder}: there is no folder {name} with pictures.")
    if options.split is not None:
        raise DatasetError(f"{layout.folder}: there is no split {options.split}; HR and LR are one set. Leave it out.")
    pairs, problems = _pairs(layout.folder, large, small)
    names = _sound(layout.folder, pairs, problems)
    return Listing(
        folder=layout.folder,
        format=SUPER_RESOLUTION.name,
        names=names,
        picture=lambda index: layout.folder / names[index],
        truth=lambda index: Truth(picture=_large(layout.folder / pairs[names[index]], layout.folder / names[index])),
        annotated=frozenset({"picture"}),
        problems=tuple(problems),
    )


def _kind(layout: Layout, kind: str) -> Files:
    found: dict[str, list[str]] = {}
    for name in layout.files:
        match = PLACE.fullmatch(name)
        if match and match["kind"].lower() == kind and is_picture(name):
            found.setdefault(stem_of(match["inner"]), []).append(name)
    return found


def _pairs(folder: Path, large: Files, small: Files) -> tuple[dict[str, str], list[Problem]]:
    """Small picture -> large one, and what has no other half or shares its name.

    Raises:
        DatasetError: not one pair.
    """
    of = {stem: stem if stem in large else FACTOR.sub("", stem) for stem in small}
    pairs = {files[0]: large[of[stem]][0] for stem, files in small.items() if of[stem] in large}
    if not pairs:
        first = next(iter(small.values()))[0]
        raise no_overlap(folder / "LR", len(small), Path(first).name, "HR and LR must hold the same names.")
    problems = no_annotation([files[0] for files in small.values() if files[0] not in pairs], "no large picture in HR")
    used = set(pairs.values())
    for stem, files in large.items():
        if files[0] not in used:
            problems.append(Problem("has no picture", f"{files[0]}:", f"there is no small picture {stem} in LR"))
    for files in [*small.values(), *large.values()]:
        for name in files[1:]:
            problems.append(Problem("shares its name", f"{name}:", f"{files[0]} has the same name; that one counts"))
    return pairs, problems


def _sound(folder: Path, pairs: Mapping[str, str], problems: list[Problem]) -> tuple[str, ...]:
    """The small pictures whose large one looks whole and has a fitting size, sorted; reads the heads of the files only.

    Raises:
        DatasetError: not one fits.
    """
    faults = {name: _fault(folder / large, folder / name) for name, large in sorted(pairs.items())}
    found = [Problem(fault[0], f"{pairs[name]}:", fault[1]) for name, fault in faults.items() if fault]
    if len(found) == len(pairs):
        raise DatasetError(f"{folder}: none of {len(pairs)} pairs can be used, the first: {found[0]}.")
    problems += found
    return tuple(name for name, fault in faults.items() if fault is None)


def _fault(large: Path, small: Path) -> tuple[str, str] | None:
    """Rule and sentence of a large picture that cannot be used; a damaged small one is not its fault."""
    why = damage(large)
    if why is not None:
        return "is a large picture that cannot be read", f"cannot be read ({why})"
    try:
        wrong = _wrong_size(upright_size(large), upright_size(small))
    except DatasetError:
        return None
    return ("is no multiple of its small picture", wrong) if wrong else None


def _wrong_size(large: tuple[int, int], small: tuple[int, int]) -> str | None:
    """What is wrong with two sizes (height, width); None where one is a multiple of the other."""
    factor = large[0] / small[0]
    if factor >= 1 and large[1] == small[1] * factor:
        return None
    return f"is {large[0]} x {large[1]}, the small one is {small[0]} x {small[1]}: no factor in both directions"


def _large(path: Path, small: Path) -> NDArray[np.uint8]:
    """uint8 [H, W, 3], RGB.

    Raises:
        DatasetError: damaged, or its size is no multiple of the small one's.
    """
    pixels = read_rgb(path)
    wrong = _wrong_size((pixels.shape[0], pixels.shape[1]), upright_size(small))
    if wrong:
        raise DatasetError(f"{path}: this picture {wrong}. Make the large one larger by the same factor both ways.")
    return pixels


SUPER_RESOLUTION = Format(
    "super-resolution",
    "super-resolution pairs",
    (
        Rule("folder HR with pictures", lambda layout: bool(_kind(layout, "hr"))),
        Rule("folder LR with pictures", lambda layout: bool(_kind(layout, "lr"))),
    ),
    read_super_resolution,
)
