"""Small pictures as data URIs, and the colours of classes."""

import base64
import colorsys
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from calibench.datasets.dataset import Sample
from calibench.datasets.frame import Frame
from calibench.datasets.truth import IGNORED

LONG_SIDE = 320
"""Pixels of the longer side of a small picture."""
OPACITY = 130
"""Of a coloured area, 0..255: what lies under it can still be seen."""
GOLDEN = 0.61803398875
"""Turns of the colour circle from one class to the next, so that neighbours differ most."""

Size = tuple[int, int]
Pixels = NDArray[np.uint8]


def small_size(height: int, width: int) -> Size:
    """Height, width of the small picture, pixels."""
    factor = min(1.0, LONG_SIDE / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def jpeg(pixels: Pixels) -> str:
    """A data URI of uint8 [H, W, 1 or 3], made small."""
    values = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    height, width = small_size(*pixels.shape[:2])
    picture = Image.fromarray(np.ascontiguousarray(values)).convert("RGB").resize((width, height))
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return _uri("jpeg", buffer)


def class_overlay(classes: NDArray[np.generic], frame: Frame, size: Size) -> str:
    """A data URI of a PNG in the small picture's size that colours every class but 0.

    Args:
        classes: [H, W] in the size of the original; IGNORED and negative ones stay clear.
    """
    seen = _as_seen(np.asarray(classes, np.int64), frame, size, -1)
    colours = np.zeros((*size, 4), np.uint8)
    for label in np.unique(seen):
        if label > 0 and label != IGNORED:
            colours[seen == label] = (*class_colour(int(label)), OPACITY)
    return _png(colours)


def mask_overlay(masks: NDArray[np.bool_], frame: Frame, size: Size) -> str:
    """A data URI of a PNG that colours objects one by one.

    Args:
        masks: bool [N, H, W] in the size of the original.
    """
    colours = np.zeros((*size, 4), np.uint8)
    for number, mask in enumerate(masks):
        colours[_as_seen(mask.astype(np.int64), frame, size, 0) > 0] = (*class_colour(number + 1), OPACITY)
    return _png(colours)


def polygon_masks(masks: tuple[Any, ...], frame: Frame) -> NDArray[np.bool_]:
    """bool [N, H, W] out of polygons of the original; run lengths are left out."""
    height, width = frame.original
    drawn = []
    for polygons in masks:
        canvas = Image.new("1", (width, height))
        if isinstance(polygons, list | tuple):
            for polygon in polygons:
                if len(polygon) >= 6:
                    ImageDraw.Draw(canvas).polygon([float(value) for value in polygon], fill=1)
        drawn.append(np.array(canvas, np.bool_))
    return np.stack(drawn) if drawn else np.zeros((0, height, width), np.bool_)


def class_colour(label: int) -> tuple[int, int, int]:
    """Red, green, blue of a class, 0..255; the same in every report."""
    red, green, blue = colorsys.hsv_to_rgb(label * GOLDEN % 1.0, 0.75, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)


def _as_seen(values: NDArray[np.int64], frame: Frame, size: Size, outside: int) -> NDArray[np.int64]:
    """[H, W] of the original as the small picture shows it; `outside` where no original is."""
    rows, columns = ((np.arange(small) + 0.5) * side / small for small, side in zip(size, frame.size, strict=True))
    y = np.floor((rows - frame.top) / frame.scale_y).astype(np.int64)
    x = np.floor((columns - frame.left) / frame.scale_x).astype(np.int64)
    height, width = values.shape
    inside = ((y >= 0) & (y < height))[:, None] & ((x >= 0) & (x < width))[None]
    taken = values[np.clip(y, 0, height - 1)][:, np.clip(x, 0, width - 1)]
    return np.where(inside, taken, outside)


def _png(colours: Pixels) -> str:
    buffer = BytesIO()
    Image.fromarray(colours, "RGBA").save(buffer, "PNG", optimize=True)
    return _uri("png", buffer)


def _uri(kind: str, buffer: BytesIO) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def sample_pixels(sample: Sample, is_blob: bool) -> NDArray[np.uint8] | None:
    """uint8 [H, W, C] of the picture in a sample; None where there is none.

    Args:
        is_blob: the sample is a blob of Caffe, prepared already: blue first; its values are spread over 0..255.
    """
    if not is_blob:
        found = next((a for a in sample.values() if a.dtype == np.uint8 and a.ndim == 4), None)
        return None if found is None else np.asarray(found[0], np.uint8)
    blob = next((a for a in sample.values() if a.ndim == 4 and a.shape[1] in (1, 3)), None)
    if blob is None:
        return None
    values = np.nan_to_num(np.asarray(blob[0], np.float32).transpose(1, 2, 0)[:, :, ::-1])
    low, high = float(values.min()), float(values.max())
    return np.asarray(np.rint((values - low) * (255 / max(high - low, 1e-12))), np.uint8)
