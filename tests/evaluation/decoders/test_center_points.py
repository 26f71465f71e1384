"""Peaks of a heat map against outputs made from known boxes."""

import math

import numpy as np
import pytest
from known_objects import SIZES, assert_found, context_of, known_objects

from calibench.evaluation.decoders.decoders import choose_decoder


@pytest.mark.parametrize(("seed", "size"), [(seed, size) for seed in range(3) for size in SIZES])
def test_centerface_gives_the_boxes_back(seed, size):
    known = known_objects(seed, size, 1)
    shape = size[0] // 4, size[1] // 4
    heat, sides, offsets, points = (np.zeros((1, channels, *shape), np.float32) for channels in (1, 2, 2, 10))
    for each in known:
        x, y = each.middle
        row, column = int(y / 4), int(x / 4)
        heat[0, 0, row, column] = each.score
        sides[0, :, row, column] = math.log(each.sides[1] / 4), math.log(each.sides[0] / 4)
        offsets[0, :, row, column] = y / 4 - row - 0.5, x / 4 - column - 0.5
    outputs = {"537": heat, "538": sides, "539": offsets, "540": points}
    context = context_of(outputs, size)
    decoder = choose_decoder(context)
    assert decoder.name == "centerface" and decoder.counting(context).count == 1
    assert_found(decoder.decode(outputs, context), known)
