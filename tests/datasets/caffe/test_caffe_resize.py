"""Resizing as Caffe's layers do it."""

import cv2
import numpy as np
import pytest
from google.protobuf import text_format

from calibench.caffe.schema import message
from calibench.datasets.caffe.caffe_resize import Resize, placing_of, read_resize, resized, short_side
from calibench.errors import DatasetError
from written_data import noise


def read(text: str) -> Resize:
    return read_resize(text_format.Parse(text, message("ResizeParameter")()))


def test_by_hand_a_picture_of_one_colour_keeps_it():
    assert (resized(np.full((5, 9, 3), 7, np.uint8), read("height: 4 width: 6")) == 7).all()


def test_without_a_word_a_picture_is_stretched_bilinearly():
    picture = noise(9, 7, 3)
    assert np.array_equal(resized(picture, read("height: 4 width: 6")), cv2.resize(picture, (6, 4)))


@pytest.mark.parametrize("name", ["LINEAR", "AREA", "NEAREST", "CUBIC", "LANCZOS4"])
def test_an_interpolation_is_that_of_opencv(name):
    picture = noise(12, 10, 3)
    wanted = cv2.resize(picture, (6, 4), interpolation=getattr(cv2, f"INTER_{name}"))
    assert np.array_equal(resized(picture, read(f"height: 4 width: 6 interp_mode: {name}")), wanted)


def test_of_several_interpolations_linear_is_taken_else_the_first():
    assert read("interp_mode: AREA interp_mode: LINEAR").interpolation == "LINEAR"
    assert read("interp_mode: AREA interp_mode: CUBIC").interpolation == "AREA"


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((100, 200), (30, 60)), ((200, 100), (80, 40)), ((75, 100), (30, 40)), ((100, 101), (39, 40))],
)
def test_by_hand_fit_small_size_keeps_the_proportions_until_both_sides_are_reached(size, wanted):
    assert placing_of(size, read("resize_mode: FIT_SMALL_SIZE height: 30 width: 40"))[0] == wanted


def test_by_hand_fit_large_size_fills_what_is_left():
    resize = read("resize_mode: FIT_LARGE_SIZE_AND_PAD height: 30 width: 40 pad_value: 1 pad_value: 2 pad_value: 3")
    made = resized(np.full((100, 200, 3), 9, np.uint8), resize)  # becomes 20 x 40, 5 rows above and below
    assert made.shape == (30, 40, 3)
    assert (made[5:25] == 9).all()
    assert (made[:5] == [1, 2, 3]).all()
    assert (made[25:] == [1, 2, 3]).all()


def test_what_is_left_may_be_filled_with_the_edge():
    resize = read("resize_mode: FIT_LARGE_SIZE_AND_PAD height: 30 width: 40 pad_mode: REPEAT_NEAREST")
    made = resized(noise(60, 30, 1), resize)
    assert (made[:, 0] == made[:, 12]).all()
    assert made.shape == (30, 40, 1)


def test_pad_values_must_be_one_or_one_a_channel():
    resize = read("resize_mode: FIT_LARGE_SIZE_AND_PAD height: 30 width: 40 pad_value: 1 pad_value: 2")
    with pytest.raises(DatasetError, match="pad_value has 2 values for 3 channels"):
        resized(noise(10, 40, 3), resize)


def test_a_side_must_not_vanish():
    with pytest.raises(DatasetError, match="cannot be resized"):
        resized(noise(1, 400, 3), read("resize_mode: FIT_LARGE_SIZE_AND_PAD height: 30 width: 40"))


@pytest.mark.parametrize(("size", "wanted"), [((300, 500), (256, 426)), ((500, 300), (426, 256)), ((7, 7), (256, 256))])
def test_by_hand_the_short_side_of_intel(size, wanted):
    assert short_side(size, 256) == wanted
