"""Annotated scenes: cut-outs of known class pasted on crops of wallpapers, the same for the same seed.

A scene's random numbers depend on seed, part and position alone, so a longer dataset begins with the scenes of a
shorter one and the number of threads changes nothing.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from calibench.demo.stamps import PARTS, Materials, Stamp, open_stamp, open_wallpaper

CLASSIFICATION_SIDE = 320  # pixels
CLASSIFICATION_SHARE = (0.6, 0.95)  # of the side, taken by the cut-out's longer side
DETECTION_SIDE = 416  # pixels
DETECTION_LENGTHS = (90, 220)  # pixels of a cut-out's longer side
DETECTION_OBJECTS = 3  # at most in one scene
LARGEST_OVERLAP = 0.1  # of the smaller box
JPEG_QUALITY = 92
THREADS = 2  # Pillow works outside the interpreter lock; more gain nothing on small machines

Image8 = NDArray[np.uint8]


@dataclass(frozen=True)
class ClassificationScene:
    """One object: `image` uint8 [320, 320, 3] RGB; `mask` uint8 [320, 320], 255 where it is; the cut-out used."""

    image: Image8
    mask: Image8
    stamp: Stamp


@dataclass(frozen=True)
class DetectionScene:
    """Objects: `image` uint8 [416, 416, 3] RGB; `boxes` float32 [N, 4] left, top, right, bottom (pixels); N names."""

    image: Image8
    boxes: NDArray[np.float32]
    names: tuple[str, ...]


def classification_scene(materials: Materials, seed: int, index: int) -> ClassificationScene:
    """Scene number `index`; the cut-outs take turns in an order that the seed decides."""
    random = _random(materials, seed, index)
    order = np.random.default_rng([seed, PARTS.index(materials.part)]).permutation(len(materials.stamps))
    stamp = materials.stamps[order[index % len(order)]]
    canvas = _background(materials, CLASSIFICATION_SIDE, random)
    cutout = _resized(open_stamp(stamp.path), CLASSIFICATION_SIDE * random.uniform(*CLASSIFICATION_SHARE), random)
    place = _place(cutout, CLASSIFICATION_SIDE, random)
    mask = Image.new("L", canvas.size)
    canvas.paste(cutout, place, cutout)
    mask.paste(cutout.getchannel("A"), place)
    return ClassificationScene(np.asarray(canvas), np.asarray(mask), stamp)


def write_classification_scenes(folder: Path, materials: Materials, count: int, seed: int) -> None:
    """Write scenes as JPEG files, one folder for each class.

    Args:
        folder: made when absent. Class folders are named by ImageNet index and name, as `0097_drake`.
        materials: cut-outs and wallpapers of one part.
        count: how many scenes, > 0.
        seed: which scenes.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(partial(_write_scene, folder, materials, seed), range(count)))


def detection_scenes(materials: Materials, count: int, seed: int) -> Iterator[DetectionScene]:
    """Scenes of one to three objects that hardly overlap, made one by one."""
    return (_detection_scene(materials, seed, index) for index in range(count))


def _write_scene(folder: Path, materials: Materials, seed: int, index: int) -> None:
    scene = classification_scene(materials, seed, index)
    place = folder / f"{scene.stamp.admitted[0]:04d}_{scene.stamp.name}"
    place.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene.image).save(place / f"{index:05d}_{scene.stamp.path.stem}.jpg", quality=JPEG_QUALITY)


def _detection_scene(materials: Materials, seed: int, index: int) -> DetectionScene:
    random = _random(materials, seed, index)
    canvas = _background(materials, DETECTION_SIDE, random)
    boxes: list[tuple[int, int, int, int]] = []
    names: list[str] = []
    for _ in range(random.integers(1, DETECTION_OBJECTS, endpoint=True)):
        stamp = materials.stamps[random.integers(len(materials.stamps))]
        cutout = _resized(open_stamp(stamp.path), random.uniform(*DETECTION_LENGTHS), random)
        left, top = _place(cutout, DETECTION_SIDE, random)
        box = (left, top, left + cutout.width, top + cutout.height)
        if all(_overlap(box, other) <= LARGEST_OVERLAP for other in boxes):
            canvas.paste(cutout, (left, top), cutout)
            boxes.append(box)
            names.append(stamp.name)
    return DetectionScene(np.asarray(canvas), np.array(boxes, np.float32), tuple(names))


def _random(materials: Materials, seed: int, index: int) -> np.random.Generator:
    return np.random.default_rng([seed, PARTS.index(materials.part), index])


def _background(materials: Materials, side: int, random: np.random.Generator) -> Image.Image:
    """A square of a wallpaper, at any place and between one and two times as large as it is shown."""
    wallpaper = open_wallpaper(materials.wallpapers[random.integers(len(materials.wallpapers))])
    length = int(min(side * random.uniform(1, 2), *wallpaper.size))
    left, top = (int(random.integers(extent - length, endpoint=True)) for extent in wallpaper.size)
    return wallpaper.resize((side, side), Image.Resampling.BILINEAR, (left, top, left + length, top + length))


def _resized(cutout: Image.Image, length: float, random: np.random.Generator) -> Image.Image:
    """The cut-out with its longer side `length` pixels, mirrored in every second scene."""
    scale = length / max(cutout.size)
    size = (max(1, round(cutout.width * scale)), max(1, round(cutout.height * scale)))
    resized = cutout.resize(size, Image.Resampling.BILINEAR)
    return resized.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else resized


def _place(cutout: Image.Image, side: int, random: np.random.Generator) -> tuple[int, int]:
    left, top = (int(random.integers(side - extent, endpoint=True)) for extent in cutout.size)
    return left, top


def _overlap(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Shared area as a part of the smaller box."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return max(width, 0) * max(height, 0) / min(areas)
