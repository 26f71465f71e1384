"""Text as pictures: single lines and whole pages, in 22 fonts, in dark ink on light paper."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.zoo.network import Array
from benchmarks.zoo.pictures.texts import lines
from calibench.demo.packages import fetch_deb
from calibench.demo.stamps import PARTS, Part

SEED = 13
FONTS = ("fonts-liberation", "fonts-dejavu-core")
LINE_FONT = (10, 32)  # pixels
PAGE_FONT = (16, 28)  # pixels
PAGE_SIDES = (480, 720)  # pixels
NOISE = 12.0  # deviation, of 255


def line_pictures(cache: Path, part: Part, shortest: int, longest: int) -> Iterator[tuple[Array, str]]:
    """Lines uint8 [H, W, 3] as they would be cut out of a page, with what is written; without end."""
    random = np.random.default_rng([SEED, PARTS.index(part)])
    fonts = font_files(cache)
    for text in lines(cache, part, shortest, longest):
        font = _font(fonts[random.integers(len(fonts))], int(random.integers(*LINE_FONT)))
        left, top, right, bottom = font.getbbox(text)
        edge = [int(random.integers(2, 7)) for _ in range(4)]
        size = (int(right - left) + edge[0] + edge[2], int(bottom - top) + edge[1] + edge[3])
        paper, draw, ink = _paper(size, random)
        draw.text((edge[0] - left, edge[1] - top), text, ink, font)
        yield _noisy(paper, random), text


def page_pictures(cache: Path, part: Part) -> Iterator[tuple[Array, Array]]:
    """Pages uint8 [H, W, 3] with a mask uint8 [H, W], 255 in the boxes of the lines; without end."""
    random = np.random.default_rng([SEED, PARTS.index(part), 1])
    fonts, texts = font_files(cache), lines(cache, part, 20, 60)
    while True:
        font = _font(fonts[random.integers(len(fonts))], int(random.integers(*PAGE_FONT)))
        width, height = (int(random.integers(*PAGE_SIDES)) for _ in range(2))
        paper, draw, ink = _paper((width, height), random)
        mask = Image.new("L", paper.size)
        for top in range(20, height - 40, int(font.size * random.uniform(1.3, 2.0))):
            text = " ".join(islice(texts, 2)) if random.random() < 0.8 else next(texts)
            while font.getlength(text) > width - 40:
                text = text.rpartition(" ")[0]
            draw.text((20, top), text, ink, font)
            ImageDraw.Draw(mask).rectangle(_box(font, text, top), 255)
        yield _noisy(paper, random), np.asarray(mask)


def font_files(cache: Path) -> list[Path]:
    """All fonts of the packages, in the order of their names."""
    roots = [fetch_deb(name, cache / "packages") for name in FONTS]
    return sorted((path for root in roots for path in root.rglob("*.ttf")), key=lambda path: path.name)


def _box(font: ImageFont.FreeTypeFont, text: str, top: int) -> tuple[float, float, float, float]:
    left, upper, right, lower = font.getbbox(text)
    return (20 + left, top + upper, 20 + right, top + lower)


@lru_cache(maxsize=1024)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def _paper(
    size: tuple[int, int], random: np.random.Generator
) -> tuple[Image.Image, ImageDraw.ImageDraw, tuple[int, ...]]:
    """An empty light sheet, its pen, and a dark colour to write with."""
    light = tuple(int(level) for level in random.integers(200, 256, 3))
    dark = tuple(int(level) for level in random.integers(0, 90, 3))
    sheet = Image.new("RGB", size, light)
    return sheet, ImageDraw.Draw(sheet), dark


def _noisy(picture: Image.Image, random: np.random.Generator) -> Array:
    pixels = np.asarray(picture, np.float32)
    noisy: Array = np.clip(pixels + random.normal(0, NOISE, pixels.shape), 0, 255).astype(np.uint8)
    return noisy
