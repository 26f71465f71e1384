"""The mistakes that are looked for."""

from collections import Counter

import pytest

from calibench.evaluation.alternatives import IMAGENET_MEAN, IMAGENET_SCALE, alternatives
from calibench.settings import InputSettings, TaskSettings


def found(channels=3, has_labels=False, **inputs):
    return list(alternatives(InputSettings(**inputs), TaskSettings(), channels, has_labels))


def test_what_is_set_already_is_not_tried_again():
    settings = [(c.inputs, c.task) for c in found(scale=(255.0,), has_labels=True)]
    assert ({"mean": (), "scale": (255.0,)}, {}) not in settings
    assert ({"mean": (), "scale": ()}, {}) in settings


def test_the_colour_order_is_exchanged_with_the_mean_as_it_stands_and_turned_round():
    changes = [c.inputs for c in found(mean=(1, 2, 3)) if c.cause == "colour order"]
    assert changes == [{"color": "bgr"}, {"color": "bgr", "mean": (3, 2, 1), "scale": ()}]


def test_a_convention_in_bgr_has_its_values_in_that_order():
    both = [c.inputs for c in found() if c.cause == "mean and scale" and c.inputs.get("color") == "bgr"]
    assert {"color": "bgr", "mean": IMAGENET_MEAN[::-1], "scale": IMAGENET_SCALE[::-1]} in both
    assert all(c["mean"] or c["scale"] for c in both), "the colour order alone is another mistake"


@pytest.mark.parametrize("inputs", [{"color": "gray"}, {}])
def test_gray_pictures_have_no_colour_order(inputs):
    changes = found(channels=3 if inputs else 1, **inputs)
    assert all("color" not in c.inputs for c in changes)
    assert all(len(c.inputs.get("mean", ())) <= 1 for c in changes)


def test_labels_are_shifted_by_one_either_way_where_there_are_any():
    assert [c.task["label_offset"] for c in found(has_labels=True) if c.cause == "labels"] == [-1, 1]
    assert "labels" not in Counter(c.cause for c in found())


def test_pictures_that_must_not_be_resized_are_not():
    assert "resize" not in Counter(c.cause for c in found(resize="none"))
