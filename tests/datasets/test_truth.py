"""What was annotated, and its digest."""

import numpy as np
import pytest

from calibench.datasets.truth import NOTHING, Objects, Pair, Truth, truth_digest


def objects(label: int = 3) -> Truth:
    boxes = np.array([[1, 2, 3, 4]], np.float32)
    return Truth(objects=Objects(boxes, np.array([label]), np.array([False]), ([[1.0, 2.0, 3.0, 4.0]],)))


ALL = (
    *(NOTHING, Truth(label=0), Truth(label=1), Truth(text="0"), Truth(pairs=(Pair(0, True),))),
    *(objects(), objects(4), Truth(points=np.zeros((2, 2), np.float32)), Truth(pixels=np.zeros((2, 2), np.uint8))),
    Truth(picture=np.zeros((2, 2, 3), np.uint8)),
)


def test_different_annotations_have_different_digests() -> None:
    assert len({truth_digest([each]) for each in ALL}) == len(ALL)


@pytest.mark.parametrize("make", [lambda: Truth(label=7), objects, lambda: Truth(points=np.ones((2, 2), np.float32))])
def test_equal_annotations_have_the_same_digest(make) -> None:
    assert truth_digest([make(), NOTHING]) == truth_digest([make(), NOTHING])


def test_the_order_counts() -> None:
    one, other = Truth(label=1), Truth(label=2)
    assert truth_digest([one, other]) != truth_digest([other, one])
