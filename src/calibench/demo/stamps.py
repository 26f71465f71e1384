"""The raw material of the scenes: cut-out pictures with known classes, and wallpapers to put them on.

The cut-outs are of the Debian package `tuxpaint-stamps-default`; which of them show an ImageNet or a COCO class stands
in the two lists beside this file. Wallpapers come from any package that has large pictures, split by family: what lies
behind the scenes of one part never lies behind those of the other.
"""

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

from PIL import Image

from calibench.errors import DatasetError

Part = Literal["calibration", "validation"]
Listing = Literal["imagenet", "coco"]

PARTS: tuple[Part, ...] = ("calibration", "validation")
SMALLEST_WALLPAPER = 640  # pixels of the shorter side: crops of 320 to 640 shall differ
KEPT_WALLPAPER = 1024  # pixels of the shorter side kept in memory: 3 to 6 MB each
KEPT_STAMP = 320  # pixels of the longer side kept in memory: a scene never shows more


@dataclass(frozen=True)
class Stamp:
    """A cut-out picture.

    Attributes:
        path: PNG file with transparency.
        name: the class, as the list calls it.
        admitted: ImageNet indices that are right answers, the label first; empty for COCO.
    """

    path: Path
    name: str
    admitted: tuple[int, ...] = ()


@dataclass(frozen=True)
class Materials:
    """What the scenes of one part are made of."""

    stamps: tuple[Stamp, ...]
    wallpapers: tuple[Path, ...]
    part: Part


def read_materials(listing: Listing, stamps: Path, wallpapers: tuple[Path, ...], part: Part) -> Materials:
    """Find cut-outs and wallpapers in unpacked packages.

    Args:
        listing: which classes are wanted.
        stamps: folder of the unpacked package `tuxpaint-stamps-default`.
        wallpapers: folders of unpacked packages with pictures below `usr/share/backgrounds`.
        part: decides which half of the wallpaper families is used.

    Raises:
        DatasetError: a listed cut-out is absent, or fewer than two wallpaper families were found.
    """
    return Materials(_read_stamps(listing, stamps), _read_wallpapers(wallpapers, part), part)


@lru_cache(maxsize=512)
def open_stamp(path: Path) -> Image.Image:
    """The cut-out as RGBA, trimmed to what is visible and at most KEPT_STAMP pixels long."""
    with Image.open(path) as file:
        picture = file.convert("RGBA")
    picture = picture.crop(picture.getchannel("A").getbbox())
    picture.thumbnail((KEPT_STAMP, KEPT_STAMP), Image.Resampling.LANCZOS)
    return picture


@lru_cache(maxsize=64)
def open_wallpaper(path: Path) -> Image.Image:
    """The wallpaper as RGB, shrunk so that its shorter side is about KEPT_WALLPAPER pixels."""
    with Image.open(path) as file:
        picture = file.convert("RGB")
    return picture.reduce(max(1, min(picture.size) // KEPT_WALLPAPER))


def _read_stamps(listing: Listing, root: Path) -> tuple[Stamp, ...]:
    below = root / "usr/share/tuxpaint/stamps"
    text = files("calibench.demo").joinpath(f"stamps_{listing}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    column = "stamp_png_relative_to_usr_share_tuxpaint_stamps"
    missing = [row[column] for row in rows if not (below / row[column]).is_file()]
    if missing:
        raise DatasetError(
            f"{below}: {len(missing)} listed stamps are absent, {missing[0]} first; is the package another version?"
        )
    if listing == "coco":
        return tuple(Stamp(below / row[column], row["coco_class"]) for row in rows)
    return tuple(
        Stamp(below / row[column], row["names"].split("|")[0], tuple(int(i) for i in row["imagenet_ids"].split()))
        for row in rows
    )


def _read_wallpapers(roots: tuple[Path, ...], part: Part) -> tuple[Path, ...]:
    """Every second family: pictures whose names begin with one word. Copies in other sizes (`_640x480`) are left."""
    found: dict[str, list[Path]] = {}
    for path in sorted(file for root in roots for file in (root / "usr/share/backgrounds").rglob("*")):
        if path.suffix in (".webp", ".jpg", ".png") and not re.search(r"\d+x\d+$", path.stem) and _is_large(path):
            found.setdefault(re.split(r"[-_]", path.stem.lower())[0], []).append(path)
    if len(found) < len(PARTS):
        raise DatasetError(f"{', '.join(map(str, roots))}: {len(found)} families of wallpapers found, 2 are needed.")
    families = sorted(found)[PARTS.index(part) :: len(PARTS)]
    return tuple(path for family in families for path in found[family])


def _is_large(path: Path) -> bool:
    with Image.open(path) as file:
        return min(file.size) >= SMALLEST_WALLPAPER
