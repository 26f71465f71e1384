"""Read masks: pictures whose pixels are class numbers or colours that stand for classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calibench.datasets.images import damage, upright_size
from calibench.datasets.listing import Problem
from calibench.datasets.truth import IGNORED
from calibench.datasets.unreadable import FAILURES, reason
from calibench.errors import DatasetError

LOSSY = (".jpg", ".jpeg")
Colors = Mapping[tuple[int, int, int], int]
"""RGB, 0..255 -> number of the class."""


@dataclass(frozen=True)
class Mask:
    """What a mask file holds.

    Attributes:
        values: [H, W], the number of every pixel (of its palette's colour in a palette PNG); None in a colour picture.
        rgb: uint8 [H, W, 3]; None in a gray picture.
    """

    values: NDArray[np.generic] | None
    rgb: NDArray[np.uint8] | None


def read_mask(path: Path) -> Mask:
    """Numbers and colours of a mask, as far as it has them.

    Raises:
        DatasetError: missing, damaged, no picture, or a JPEG, whose pixels are not exact.
    """
    if path.suffix.lower() in LOSSY:
        raise DatasetError(f"{path}: JPEG does not keep the numbers of a mask. Save it as PNG.")
    try:
        with Image.open(path) as opened:
            if opened.mode == "1":
                return Mask(np.array(opened, np.uint8), None)
            if opened.mode == "P":
                return Mask(np.array(opened), np.array(opened.convert("RGB")))
            if opened.mode in ("L", "I") or opened.mode.startswith("I;16"):
                return Mask(np.array(opened), None)
            return _gray_or_color(np.array(opened.convert("RGB")))
    except FAILURES as error:
        raise DatasetError(f"{path}: this mask cannot be read ({reason(error, path)}). Replace it.") from None


def _gray_or_color(rgb: NDArray[np.uint8]) -> Mask:
    """Three equal channels are numbers too."""
    red, green, blue = np.moveaxis(rgb, 2, 0)
    is_gray = bool(np.array_equal(red, green) and np.array_equal(red, blue))
    return Mask(red if is_gray else None, rgb)


def look_up(values: NDArray[np.generic], table: NDArray[np.int32], path: Path, known: str) -> NDArray[np.generic]:
    """uint8 [H, W] (int32 where a class is above 254): the class of every number.

    Args:
        table: see `class_order.pixel_table`.
        known: names the classes that there are, for the error: "0 to 33".

    Raises:
        DatasetError: the mask holds a number that is no class.
    """
    numbers = np.asarray(values, np.int64)
    inside = (numbers >= 0) & (numbers < len(table))
    classes = table[np.where(inside, numbers, 0)]
    wrong = ~inside | (classes < 0)
    if wrong.any():
        raise DatasetError(
            f"{path}: this mask holds {int(numbers[wrong][0])}, but the classes are {known}. "
            "Correct the mask, or add the class."
        )
    return classes.astype(np.uint8) if table.max() <= IGNORED else classes


def look_up_colors(
    rgb: NDArray[np.uint8], colors: Colors, path: Path, listed_in: str = "segmentation_colors"
) -> NDArray[np.int64]:
    """int64 [H, W]: the number of the class of every colour.

    Args:
        listed_in: where the colours come from, for the error.

    Raises:
        DatasetError: the mask holds a colour that is not listed.
    """
    packed = _packed(rgb.astype(np.int64))
    listed = np.array([_packed(np.array(color)) for color in colors], np.int64)
    order = np.argsort(listed)
    place = np.clip(np.searchsorted(listed[order], packed), 0, len(listed) - 1)
    wrong = listed[order][place] != packed
    if wrong.any():
        raise DatasetError(
            f"{path}: this mask holds the colour {rgb[wrong][0].tolist()}, which {listed_in} does not list. "
            "Add it, or correct the mask."
        )
    return np.array(list(colors.values()), np.int64)[order][place]


def _packed(rgb: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2], np.int64)


def sound_pairs(folder: Path, pairs: Mapping[str, str], problems: list[Problem]) -> list[str]:
    """The pictures whose mask looks whole and has their size, sorted; reads the heads of the files only.

    Args:
        pairs: picture -> mask, relative to `folder`.
        problems: takes the masks that do not fit.

    Raises:
        DatasetError: not one fits.
    """
    faults = {name: _fault(folder / mask, folder / name) for name, mask in sorted(pairs.items())}
    found = [Problem(fault[0], f"{pairs[name]}:", fault[1]) for name, fault in faults.items() if fault]
    if len(found) == len(pairs):
        raise DatasetError(f"{folder}: none of {len(pairs)} masks can be used, the first: {found[0]}.")
    problems += found
    return [name for name, fault in faults.items() if fault is None]


def _fault(mask: Path, picture: Path) -> tuple[str, str] | None:
    """Rule and sentence of a mask that cannot be used; a damaged picture is not its fault."""
    if mask.suffix.lower() in LOSSY:
        return "is a mask in JPEG", "is a JPEG, which does not keep the numbers of a mask"
    why = damage(mask)
    if why is not None:
        return "is a mask that cannot be read", f"cannot be read ({why})"
    try:
        wanted = upright_size(picture)
    except DatasetError:
        return None
    size = upright_size(mask)
    if size == wanted:
        return None
    sizes = f"is {size[0]} x {size[1]}, its picture {picture.name} is {wanted[0]} x {wanted[1]}"
    return "is a mask of another size than its picture", sizes


def check_size(size: Sequence[int], mask: Path, picture: Path) -> None:
    """Raise DatasetError when a mask (height, width) is not as large as its upright picture."""
    wanted = upright_size(picture)
    if tuple(size[:2]) != wanted:
        raise DatasetError(
            f"{mask}: this mask is {size[0]} x {size[1]}, its picture {picture.name} is {wanted[0]} x {wanted[1]}. "
            "Both must have the same size."
        )
