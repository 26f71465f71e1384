"""Scenes and crops for the zoo: cut-outs and wallpapers of one part never occur in the other."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.zoo.network import Array
from calibench.demo.packages import fetch_deb
from calibench.demo.scenes import ClassificationScene, DetectionScene, classification_scene, detection_scenes
from calibench.demo.stamps import PARTS, Listing, Materials, Part, Stamp, open_wallpaper, read_materials

SEED = 11
STAMPS = "tuxpaint-stamps-default"
WALLPAPERS = ("gnome-backgrounds", "mate-backgrounds")
PERSONS = {"calibration": "people/fireman240a.png", "validation": "people/fireman200b.png"}
LEAST_DETAIL = 3.0  # mean step between neighbouring pixels, of 255
ENOUGH = 100_000  # scenes are made one by one; nobody asks for so many


def object_scenes(cache: Path, part: Part, within: str = "") -> Iterator[ClassificationScene]:
    """Scenes with one object each, without end; `within` keeps to cut-outs of one folder, such as `animals/mammals`."""
    materials = disjoint(cache, part, "imagenet")
    stamps = tuple(stamp for stamp in materials.stamps if within in stamp.path.as_posix())
    return (classification_scene(replace(materials, stamps=stamps), SEED, index) for index in count())


def box_scenes(cache: Path, part: Part) -> Iterator[DetectionScene]:
    """Scenes with boxes of COCO classes."""
    return detection_scenes(disjoint(cache, part, "coco"), ENOUGH, SEED)


def pedestrian_scenes(cache: Path, part: Part) -> Iterator[tuple[Array, list[tuple[str, Array]]]]:
    """Scenes uint8 [416, 416, 3] with the boxes of the persons in them, without end; every second object is a person.

    There is one cut-out of a person for each part, a photograph of a fireman from the side; it comes in all sizes,
    mirrored and not, among animals and things that nobody annotated.
    """
    materials = disjoint(cache, part, "coco")
    path = fetch_deb(STAMPS, cache / "packages") / "usr/share/tuxpaint/stamps" / PERSONS[part]
    persons = (Stamp(path, "person"),) * len(materials.stamps)
    for scene in detection_scenes(replace(materials, stamps=(*materials.stamps, *persons)), ENOUGH, SEED):
        both = zip(scene.names, scene.boxes, strict=True)
        yield scene.image, [(name, box) for name, box in both if name == "person"]


def wallpaper_crops(cache: Path, part: Part, side: int) -> Iterator[Image.Image]:
    """Squares of `side` pixels of the wallpapers in turn, without end; flat ones say nothing and are left out."""
    wallpapers = disjoint(cache, part, "imagenet").wallpapers
    random = np.random.default_rng([SEED, PARTS.index(part)])
    for index in count():
        wallpaper = open_wallpaper(wallpapers[index % len(wallpapers)])
        left, top = (int(random.integers(extent - side, endpoint=True)) for extent in wallpaper.size)
        crop = wallpaper.crop((left, top, left + side, top + side))
        if np.abs(np.diff(np.asarray(crop, np.float32), axis=1)).mean() > LEAST_DETAIL:
            yield crop


def disjoint(cache: Path, part: Part, listing: Listing) -> Materials:
    """The part's half of the wallpapers, and every second cut-out."""
    packages = cache / "packages"
    roots = tuple(fetch_deb(name, packages) for name in WALLPAPERS)
    materials = read_materials(listing, fetch_deb(STAMPS, packages), roots, part)
    return replace(materials, stamps=materials.stamps[PARTS.index(part) :: len(PARTS)])


def shrunk(image: Array, side: int, margin: float = 1.0) -> Array:
    """A square picture resized (bicubic) so that `side` pixels are left after a margin was cut off.

    Args:
        image: uint8 [H, H, 3].
        side: pixels of the result.
        margin: part of the picture that is kept, in (0, 1].

    Returns:
        float32 [side, side, 3], 0 to 255.
    """
    whole = round(side / margin)
    edge = (whole - side) // 2
    resized = Image.fromarray(image).resize((whole, whole), Image.Resampling.BICUBIC)
    return np.asarray(resized.crop((edge, edge, edge + side, edge + side)), np.float32)


def planar(pixels: Array) -> Array:
    """[H, W, 3] -> float32 [1, 3, H, W]."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)


def imagenet_normalised(pixels: Array) -> Array:
    """Pixels 0 to 255, RGB, [H, W, 3] -> mean 0 and deviation 1 over ImageNet."""
    normalised: Array = (pixels / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    return normalised
