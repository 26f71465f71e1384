"""Change pictures as a camera or the world might: more samples out of a few."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from calibench.errors import SettingsError

Pixels = NDArray[np.uint8]
Change = Callable[[Pixels, np.random.Generator], Pixels]

FACTORS = (0.8, 1.0, 1.2)
MOST_ERASED, MOST_NOISE, MOST_COPIES = 20.0, 5.0, 20  # percent of the area, percent of the pixels, of each picture


@dataclass(frozen=True)
class Augmenting:
    """Which changes are made; each one alone, to the original.

    Attributes:
        count: pictures in all, originals included; None: all that the changes give.
        erase: percent of the area of a picture, 1..20; 0: no erasing.
        noise: percent of the pixels of a picture, 1..5; 0: no noise.
        copies: of erasing and of noise, each at other places.
        brightness: eight pairs of a brightness and a contrast out of 0.8, 1.0 and 1.2.
    """

    count: int | None = None
    seed: int = 0
    flip_horizontal: bool = True
    flip_vertical: bool = True
    erase: float = 10.0
    noise: float = 5.0
    copies: int = 10
    brightness: bool = True

    def __post_init__(self) -> None:
        for name, value, most in (("erase", self.erase, MOST_ERASED), ("noise", self.noise, MOST_NOISE)):
            if value != 0 and not 1 <= value <= most:
                raise SettingsError(f"--{name} {value:g}: give a percentage of 1..{most:g}, or 0 for none.")
        if not 1 <= self.copies <= MOST_COPIES:
            raise SettingsError(f"--copies {self.copies}: give a number of 1..{MOST_COPIES}.")


@dataclass(frozen=True)
class Variant:
    """One change: its `kind`, as it is counted, and its `name`, as it stands in the name of a file."""

    kind: str
    name: str
    change: Change


def variants(wanted: Augmenting) -> Iterator[Variant]:
    """All changes that are wanted, in a fixed order."""
    if wanted.flip_horizontal:
        yield Variant("flip", "flip-horizontal", lambda pixels, rng: np.ascontiguousarray(pixels[:, ::-1]))
    if wanted.flip_vertical:
        yield Variant("flip", "flip-vertical", lambda pixels, rng: np.ascontiguousarray(pixels[::-1]))
    for number in range(wanted.copies if wanted.erase else 0):
        yield Variant("erase", f"erase-{number + 1:02}", lambda pixels, rng: erase(pixels, wanted.erase / 100, rng))
    for number in range(wanted.copies if wanted.noise else 0):
        yield Variant("noise", f"noise-{number + 1:02}", lambda pixels, rng: add_noise(pixels, wanted.noise / 100, rng))
    for brightness, contrast in product(FACTORS, FACTORS) if wanted.brightness else ():
        if (brightness, contrast) != (1.0, 1.0):
            yield _light(brightness, contrast)


def erase(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Cover a rectangle with one random colour or with noise.

    Args:
        pixels: uint8 [H, W, 3].
        share: of the area, 0..1; sides between 1 : 2 and 2 : 1 where the picture has room.

    Source: Zhong et al. 2017, random erasing (arXiv:1708.04896).
    """
    height, width = pixels.shape[:2]
    area, ratio = share * height * width, 2 ** rng.uniform(-1, 1)
    tall = int(np.clip(round(np.sqrt(area * ratio)), 1, height))
    wide = int(np.clip(round(area / tall), 1, width))
    top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    shape = (tall, wide, 3) if rng.random() < 0.5 else (1, 1, 3)
    changed = pixels.copy()
    changed[top : top + tall, left : left + wide] = rng.integers(0, 256, shape, dtype=np.uint8)
    return changed


def add_noise(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """Salt and pepper: so many pixels become white or black, one as likely as the other.

    Args:
        pixels: uint8 [H, W, 3].
        share: of the pixels, 0..1.
    """
    total = pixels.shape[0] * pixels.shape[1]
    places = rng.choice(total, round(share * total), replace=False)
    changed = pixels.copy()
    changed.reshape(total, 3)[places] = (rng.integers(0, 2, (len(places), 1)) * 255).astype(np.uint8)
    return changed


def relight(pixels: Pixels, brightness: float, contrast: float) -> Pixels:
    """Stretch values around their mean by `contrast`, then multiply by `brightness`; cut off at 0 and 255."""
    values = pixels.astype(np.float32)
    mean = values.mean()
    changed: Pixels = np.clip(np.rint(((values - mean) * contrast + mean) * brightness), 0, 255).astype(np.uint8)
    return changed


def _light(brightness: float, contrast: float) -> Variant:
    name = f"brightness-{brightness:.1f}-contrast-{contrast:.1f}"
    return Variant("brightness", name, lambda pixels, rng: relight(pixels, brightness, contrast))
