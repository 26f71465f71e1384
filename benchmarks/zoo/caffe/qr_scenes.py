"""Photographs with QR codes in them, and where they are: small versions, seen aslant, blurred, in bad light."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import segno

from benchmarks.zoo.network import Array
from benchmarks.zoo.pictures.scenes import wallpaper_crops
from calibench.demo.stamps import PARTS, Part

SIDE = 480  # pixels of a scene
SEED = 23
VERSIONS = (1, 6)  # 21 to 41 modules
QUIET = 4  # modules of white around a code
MODULE = 8  # pixels of one module before it is warped
SMALL, LARGE = 44, 220  # pixels, side of a code in a scene
SLANT = 0.18  # of the side, that a corner is moved at most
MOST = 3  # codes of a scene
TRIES = 20  # places tried for a code that must not touch another
BLUR = 2.0  # pixels, standard deviation at most
DIFFICULT = 52  # pixels; smaller codes are marked as difficult


@dataclass(frozen=True, eq=False)
class QrScene:
    """A picture uint8 [SIDE, SIDE, 3] RGB, the boxes of its codes in pixels, and which of them are difficult."""

    image: Array
    boxes: tuple[Array, ...]
    difficult: tuple[bool, ...]


def qr_scenes(cache: Path, part: Part) -> Iterator[QrScene]:
    """Scenes without end; photographs and codes of one part never occur in the other.

    Raises:
        DatasetError: the photographs cannot be fetched.
    """
    for number, photo in enumerate(wallpaper_crops(cache, part, SIDE)):
        random = np.random.default_rng([SEED, PARTS.index(part), number])
        yield scene(np.asarray(photo.convert("RGB")), random)


def scene(photo: Array, random: np.random.Generator) -> QrScene:
    """Up to three codes put onto a photograph uint8 [SIDE, SIDE, 3]."""
    image = photo.astype(np.float32)
    boxes: list[Array] = []
    sides: list[float] = []
    for _ in range(int(random.integers(1, MOST, endpoint=True))):
        side = float(np.exp(random.uniform(np.log(SMALL), np.log(LARGE))))
        corners = _place(side, boxes, random)
        if corners is not None:
            image, box = _put(image, code(random), corners, random)
            boxes.append(box)
            sides.append(side)
    blurred = cv2.GaussianBlur(image, (0, 0), random.uniform(0.1, BLUR))
    noisy = blurred * random.uniform(0.6, 1.15) + random.normal(0, 3, image.shape)
    return QrScene(np.clip(noisy, 0, 255).astype(np.uint8), tuple(boxes), tuple(side < DIFFICULT for side in sides))


def code(random: np.random.Generator) -> Array:
    """A code with white around it, float32 [H, W], 0 or 255."""
    version = int(random.integers(*VERSIONS, endpoint=True))
    text = "".join(str(digit) for digit in random.integers(0, 10, 20))
    made = segno.make(text, version=version, error="m", boost_error=False, micro=False)
    modules = np.array(list(made.matrix_iter(border=QUIET)), np.uint8)
    return np.kron(np.where(modules, 0.0, 255.0), np.ones((MODULE, MODULE))).astype(np.float32)


def _place(side: float, others: list[Array], random: np.random.Generator) -> Array | None:
    """Corners float32 [4, 2] of a code somewhere in the picture, turned and aslant; None where there is no room."""
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    for _ in range(TRIES):
        angle = random.uniform(-np.pi / 6, np.pi / 6)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        corners = (square + random.uniform(-SLANT, SLANT, (4, 2))) @ turn * side + random.uniform(0, SIDE, 2)
        box = _around(corners)
        margin = side / 4  # the quiet zone lies outside of the box
        is_inside = box.min() >= margin and box.max() <= SIDE - margin
        if is_inside and not any(_touch(box, other, 2 * margin) for other in others):
            return corners.astype(np.float32)
    return None


def _put(image: Array, printed: Array, corners: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """The picture with a code in it, and the box around the code without its white border."""
    height, width = printed.shape
    inner = QUIET * MODULE
    before = np.array(
        [[inner, inner], [width - inner, inner], [width - inner, height - inner], [inner, height - inner]]
    )
    matrix = cv2.getPerspectiveTransform(before.astype(np.float32), corners)
    reduced = cv2.warpPerspective(printed, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA)
    cover = cv2.warpPerspective(np.ones_like(printed), matrix, (SIDE, SIDE))[..., None]
    dark, light = random.uniform(0, 60), random.uniform(170, 255)
    shade = dark + reduced[..., None] * (light - dark) / 255
    return image * (1 - cover) + cover * shade, _around(corners)


def _around(corners: Array) -> Array:
    return np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float32)


def _touch(one: Array, other: Array, margin: float) -> bool:
    return bool(np.all(one[:2] < other[2:] + margin) and np.all(other[:2] < one[2:] + margin))
