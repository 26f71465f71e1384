"""EfficientNet-Lite0 and Lite1 (pip, Google's weights) on scenes of ImageNet classes."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.zoo.network import Recipe, Sample, Truth
from benchmarks.zoo.pictures.scenes import object_scenes, planar, shrunk
from benchmarks.zoo.scoring import class_indices, same_class, top1
from calibench.demo.efficientnet_lite import MEAN, SCALE, VARIANTS
from calibench.demo.files import prepare_model
from calibench.demo.stamps import Part

MARGIN = 0.875  # part of the picture that is kept, as in the published evaluation
MOST_CLASSES = 8  # that are right answers for one cut-out


def model_file(variant: str, cache: Path) -> Path:
    """The IR file, built from the published weights when absent."""
    return prepare_model(variant, cache / "models", cache / "packages")


def draw(variant: str, cache: Path, part: Part) -> Iterator[tuple[Sample, Truth]]:
    """Scenes float32 [1, 3, S, S] with the classes that are right."""
    side = VARIANTS[variant].image_size
    for scene in object_scenes(cache, part):
        pixels = (shrunk(scene.image, side, MARGIN) - MEAN) / SCALE
        yield {"image": planar(pixels)}, class_indices(*scene.stamp.admitted, room=MOST_CLASSES)


def _recipe(variant: str) -> Recipe:
    return Recipe(
        name=f"efficientnet-{variant}",
        make_model=partial(model_file, variant),
        draw=partial(draw, variant),
        metric="top-1, %",
        score=top1,
        agreement=same_class,
    )


LITE0 = _recipe("lite0")
LITE1 = _recipe("lite1")
