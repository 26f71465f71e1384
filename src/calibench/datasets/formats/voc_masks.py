"""The class of every pixel in Pascal VOC: PNG files whose palette is the label map."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibench.datasets.formats.class_order import pixel_table
from calibench.datasets.formats.mask_files import check_size, look_up, look_up_colors, read_mask
from calibench.datasets.truth import IGNORED

Color = tuple[int, int, int]
VOID: Color = (224, 224, 192)  # number 255 of VOC's palette: the borders of objects, which do not count


@dataclass(frozen=True)
class MaskColors:
    """How a mask says its classes.

    Attributes:
        places: number of a class in the masks -> its index.
        colors: colour in the label map -> number of the class; empty where it has none: then VOC's palette counts.
    """

    places: tuple[int, ...]
    colors: Mapping[Color, int]


def read_voc_mask(path: Path, picture: Path, colors: MaskColors) -> NDArray[np.generic]:
    """uint8 [H, W], the class of every pixel, IGNORED where it does not count.

    Where the label map has colours they decide, else the number in the palette: an editor may have changed those.

    Raises:
        DatasetError: damaged, of another size than the picture, or with a number or colour that is no class.
    """
    mask = read_mask(path)
    values = mask.values
    if mask.rgb is not None and (colors.colors or values is None):
        listed = colors.colors or voc_palette(len(colors.places))
        values = look_up_colors(mask.rgb, {VOID: IGNORED, **listed}, path, "the label map")
    assert values is not None  # `read_mask` gives numbers or colours
    check_size(values.shape, path, picture)
    known = f"0 to {len(colors.places) - 1}"
    return look_up(values, pixel_table(range(len(colors.places)), colors.places), path, known)


def voc_palette(count: int) -> dict[Color, int]:
    """The colours of VOC's own palette: the bits of the number, three by three, from the top bit of each colour down.

    Source: VOClabelcolormap.m of the VOC development kit.
    """
    found: dict[Color, int] = {}
    for number in range(count):
        red, green, blue = (sum((number >> 3 * bit + part & 1) << 7 - bit for bit in range(8)) for part in range(3))
        found[red, green, blue] = number
    return found
