"""The list of networks, and the small ones that stand in the repository."""

from pathlib import Path

import openvino as ov
import pytest
from benchmarks.zoo import NETWORKS, load
from benchmarks.zoo.zoo import RECIPES

from calibench.errors import ModelError


def test_every_name_occurs_once() -> None:
    assert len(set(NETWORKS)) == len(NETWORKS) == len(RECIPES)


def test_every_score_says_what_it_measures() -> None:
    assert all((recipe.score is None) == (recipe.metric == "") for recipe in RECIPES)


def test_enough_samples_are_held_out_of_all_but_the_heavy_network() -> None:
    assert {recipe.name for recipe in RECIPES if recipe.counts[1] < 128} == {"craft"}


def test_an_unknown_name_answers_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"resnet-900: no such network.*fashion-mbv3.*open-nsfw"):
        load("resnet-900", tmp_path)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name.startswith("fashion")])
def test_the_fashion_networks_read_as_they_are(name: str, tmp_path: Path) -> None:
    recipe = next(recipe for recipe in RECIPES if recipe.name == name)
    model = ov.Core().read_model(recipe.make_model(tmp_path))
    assert model.input("input").partial_shape == ov.PartialShape([-1, 1, 28, 28])
    assert model.output(0).partial_shape == ov.PartialShape([-1, 10])
