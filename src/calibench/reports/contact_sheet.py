"""One picture that shows what a dataset holds: thumbnails with their annotations."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from calibench.datasets.formats.run_lengths import decode_counts
from calibench.datasets.images import read_upright
from calibench.datasets.listing import Listing
from calibench.datasets.truth import IGNORED, Objects, Truth
from calibench.datasets.unreadable import shown
from calibench.errors import DatasetError, JobError, SettingsError

CELL, CAPTION, GAP, COLUMNS = 200, 34, 8, 8  # pixels; 8 x 5 cells of 40 samples fit a screen
MOST = 2000  # samples on a sheet: 300 MB of pixels, and a JPEG can be no higher
INK, PAPER, FAINT = (30, 30, 30), (255, 255, 255), (120, 120, 120)
COLORS = (
    *((230, 60, 60), (60, 140, 230), (70, 180, 80), (240, 160, 40), (160, 90, 200), (0, 170, 170), (220, 90, 160)),
    *((140, 110, 60), (110, 110, 240), (150, 190, 30)),
)
VEIL = 0.5  # of a mask over its picture
ENDINGS = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Sheet:
    """A sheet that was written: how many samples it shows, and what could not be read."""

    path: Path
    shown: int
    unreadable: tuple[str, ...]


def contact_sheet(listing: Listing, path: Path, count: int = 40) -> Sheet:
    """Draw samples, evenly spread over the dataset, with names, classes, boxes, masks, points and texts.

    Args:
        path: ends in .png or .jpg.
        count: samples at most.

    Raises:
        SettingsError: another ending, or more samples than a sheet holds.
        DatasetError: there is no sample.
        JobError: the file cannot be written.
    """
    if path.suffix.lower() not in ENDINGS:
        raise SettingsError(f"{path}: a contact sheet is a picture. Give a name that ends in .png or .jpg.")
    if not len(listing):
        raise DatasetError(f"{listing.folder}: there is no sample to show.")
    if min(len(listing), count) > MOST:
        raise SettingsError(f"--count {count}: a sheet holds at most {MOST} samples. Give fewer.")
    numbers = spread(len(listing), count)
    columns = min(COLUMNS, len(numbers))
    rows = -(-len(numbers) // columns)
    size = (GAP + columns * (CELL + GAP), GAP + rows * (CELL + CAPTION + GAP))
    sheet = Image.new("RGB", size, PAPER)
    unreadable = []
    for place, number in enumerate(numbers):
        cell, problem = _cell(listing, number)
        unreadable += [problem] if problem else []
        row, column = divmod(place, columns)
        sheet.paste(cell, (GAP + column * (CELL + GAP), GAP + row * (CELL + CAPTION + GAP)))
    try:
        sheet.save(path)
    except OSError as error:
        raise JobError(f"{path}: cannot be written ({error.strerror}). Choose another place.") from None
    return Sheet(path, len(numbers), tuple(unreadable))


def spread(total: int, count: int) -> tuple[int, ...]:
    """At most `count` numbers below `total`, evenly spread, the first and the last among them."""
    if total <= count:
        return tuple(range(total))
    return tuple(int(number) for number in np.linspace(0, total - 1, count).round())


def _cell(listing: Listing, number: int) -> tuple[Image.Image, str | None]:
    """A thumbnail with its caption, and why it could not be drawn."""
    cell = Image.new("RGB", (CELL, CELL + CAPTION), PAPER)
    draw = ImageDraw.Draw(cell)
    _write(draw, (0, CELL + 2), shown(listing.names[number]), INK, keep_end=True)
    try:
        picture = _picture(listing, number)
        truth = listing.truth(number)
    except DatasetError as error:
        draw.line((0, 0, CELL, CELL), fill=FAINT)
        draw.line((0, CELL, CELL, 0), fill=FAINT)
        _write(draw, (0, CELL + 17), "cannot be read", COLORS[0])
        return cell, str(error)
    scale = min(CELL / picture.width, CELL / picture.height)
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    thumbnail = picture.resize(size, Image.Resampling.BILINEAR)
    if truth.pixels is not None:
        thumbnail = _veiled(thumbnail, truth.pixels)
    if truth.objects is not None:
        thumbnail = _with_objects(thumbnail, truth.objects, scale, (picture.height, picture.width), listing.classes)
    if truth.points is not None:
        _draw_points(thumbnail, truth.points * scale)
    cell.paste(thumbnail, ((CELL - size[0]) // 2, (CELL - size[1]) // 2))
    _write(draw, (0, CELL + 17), caption(truth, listing.classes), FAINT)
    return cell, None


def caption(truth: Truth, classes: Sequence[str]) -> str:
    """The annotations of a sample in a few words."""
    parts = []
    if truth.label is not None:
        parts.append(_class_name(truth.label, classes))
    if truth.text is not None:
        parts.append(f"'{truth.text}'")
    if truth.objects is not None:
        count = len(truth.objects.labels)
        parts.append(f"{count} object{'' if count == 1 else 's'}")
    if truth.pixels is not None:
        found = [label for label in np.unique(truth.pixels).tolist() if label != IGNORED]
        parts.append(", ".join(_class_name(label, classes) for label in found))
    if truth.points is not None:
        parts.append(f"{int(np.isfinite(truth.points).all(axis=1).sum())} points")
    if truth.picture is not None:
        parts.append(f"-> {truth.picture.shape[0]} x {truth.picture.shape[1]}")
    parts += [f"pair {pair.number} {'same' if pair.is_same else 'other'}" for pair in truth.pairs]
    return " | ".join(parts) or "not annotated"


def mask_of(mask: object, size: tuple[int, int]) -> NDArray[np.bool_]:
    """A COCO mask as bool [H, W].

    Args:
        mask: polygons (lists of x, y, x, y, ...) or run lengths down the columns.
        size: height, width of the picture.
    """
    if isinstance(mask, dict):
        height, width = mask["size"]
        counts = mask["counts"]
        if isinstance(counts, bytes | str):
            counts = decode_counts(counts if isinstance(counts, str) else counts.decode())
        inside = np.arange(len(counts)) % 2 == 1
        return np.repeat(inside, counts).reshape(width, height).T
    drawn = Image.new("1", (size[1], size[0]))
    pen = ImageDraw.Draw(drawn)
    for polygon in mask if isinstance(mask, list | tuple) else ():
        if len(polygon) >= 6:
            pen.polygon([float(value) for value in polygon], fill=1)
    return np.array(drawn, dtype=bool)


def _picture(listing: Listing, number: int) -> Image.Image:
    source = listing.picture(number)
    pixels = read_upright(source) if isinstance(source, Path) else source
    return Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")


def _with_objects(
    thumbnail: Image.Image, objects: Objects, scale: float, size: tuple[int, int], classes: Sequence[str]
) -> Image.Image:
    """Masks under boxes under names; crowds and difficult ones in gray."""
    for label, mask in zip(objects.labels, objects.masks, strict=False):
        small = Image.fromarray(mask_of(mask, size)).resize(thumbnail.size)
        veil = Image.new("L", thumbnail.size)
        veil.paste(round(255 * VEIL), mask=small)
        thumbnail.paste(COLORS[int(label) % len(COLORS)], mask=veil)
    pen = ImageDraw.Draw(thumbnail)
    for box, label, is_ignored in zip(objects.boxes * scale, objects.labels, objects.is_ignored, strict=True):
        color = FAINT if is_ignored else COLORS[int(label) % len(COLORS)]
        left, top, right, bottom = (float(value) for value in box)
        pen.rectangle((left, top, max(left, right), max(top, bottom)), outline=color, width=2)
        name = _class_name(int(label), classes)
        corner = (min(max(left, 0), CELL - 20) + 2, max(top, 0))
        pen.rectangle(pen.textbbox(corner, name, font=_font()), fill=color)
        pen.text(corner, name, fill=PAPER, font=_font())
    return thumbnail


def _veiled(thumbnail: Image.Image, classes: NDArray[np.generic]) -> Image.Image:
    """A colour over every class but the first, which is background as a rule; what does not count stays gray."""
    rows = np.arange(thumbnail.height) * classes.shape[0] // thumbnail.height
    columns = np.arange(thumbnail.width) * classes.shape[1] // thumbnail.width
    small = classes[rows][:, columns].astype(np.int64)
    colors = np.array(COLORS, np.float32)[np.maximum(small - 1, 0) % len(COLORS)]
    colors[small == IGNORED] = FAINT
    strength = np.where(small == 0, 0.0, VEIL)[..., None]
    return Image.fromarray((np.asarray(thumbnail, np.float32) * (1 - strength) + colors * strength).astype(np.uint8))


def _draw_points(thumbnail: Image.Image, points: NDArray[np.float32]) -> None:
    pen = ImageDraw.Draw(thumbnail)
    for x, y in points[np.isfinite(points).all(axis=1)].tolist():
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=COLORS[2], outline=PAPER)


def _class_name(label: int, classes: Sequence[str]) -> str:
    return classes[label] if 0 <= label < len(classes) else f"class {label}"


def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(11)


def _write(
    draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, color: tuple[int, int, int], keep_end: bool = False
) -> None:
    """One line, cut where the cell ends; of a file name the end is kept."""
    text = shown(text)
    whole = text
    while text and draw.textlength(text if text == whole else f"...{text}", font=_font()) > CELL:
        text = text[1:] if keep_end else text[:-1]
    if text != whole:
        text = f"...{text}" if keep_end else f"{text}..."
    draw.text(at, text, fill=color, font=_font())
