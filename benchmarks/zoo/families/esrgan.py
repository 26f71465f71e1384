"""ESRGAN medium, twice the size (npm `@upscalerjs/esrgan-medium`, MIT), on crops of wallpapers."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.zoo.converters.keras import read_layers_model
from benchmarks.zoo.families.sources import converted, npm_file
from benchmarks.zoo.network import Array, Outputs, Recipe, Sample, Truth
from benchmarks.zoo.pictures.scenes import wallpaper_crops
from benchmarks.zoo.scoring import only
from calibench.demo.stamps import Part

SIDE = 128  # pixels of the small picture
LARGEST = 255.0


def model_file(cache: Path) -> Path:
    """The IR file, converted when absent."""
    source = partial(npm_file, "@upscalerjs/esrgan-medium@1.0.0", "models/x2/model.json", cache)
    return converted("esrgan-medium", cache, lambda: read_layers_model(source(), (SIDE, SIDE)))


def draw(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Small pictures float32 [1, 128, 128, 3], RGB 0 to 255, with the large ones uint8 [256, 256, 3]."""
    for crop in wallpaper_crops(cache, part, 2 * SIDE):
        small = crop.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        yield {"input": np.asarray(small, np.float32)[None]}, np.asarray(crop)


def psnr(outputs: Outputs, pictures: Array) -> float:
    """Mean peak signal-to-noise ratio in dB, of pictures [1, 256, 256, 3] against uint8 [N, 256, 256, 3]."""
    errors = [
        float(np.square(np.clip(only(output)[0], 0, LARGEST) - picture).mean())
        for output, picture in zip(outputs, pictures, strict=True)
    ]
    return float(np.mean(10 * np.log10(LARGEST**2 / np.maximum(errors, 1e-2))))


ESRGAN = Recipe(
    name="esrgan-medium",
    make_model=model_file,
    draw=draw,
    counts=(100, 128),
    metric="PSNR, dB",
    score=psnr,
)
