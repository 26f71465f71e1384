"""Where pixels go, and back."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from calibench.datasets.frame import Frame, same
from calibench.datasets.images import decode, decode_array, upright_size
from calibench.datasets.inputs import ImageInput
from calibench.datasets.placing import frame_of
from calibench.settings import InputSettings

MODES = ("stretch", "crop", "letterbox", "corner")


def image(height=8, width=8, channels=3, **values):
    return ImageInput("x", "NCHW", height, width, channels, InputSettings(**values))


def test_a_stretched_picture_by_hand():
    assert frame_of((100, 50), image(200, 200)) == Frame((100, 50), (200, 200), 4.0, 2.0, 0.0, 0.0)


def test_a_letterbox_by_hand():
    assert frame_of((100, 50), image(200, 200, resize="letterbox")) == Frame((100, 50), (200, 200), 2.0, 2.0, 50.0, 0.0)


def test_a_corner_by_hand():
    assert frame_of((100, 50), image(200, 200, resize="corner")) == Frame((100, 50), (200, 200), 2.0, 2.0, 0.0, 0.0)


def test_a_crop_by_hand():
    frame = frame_of((100, 50), image(32, 32, resize="crop", resize_short=40))
    assert frame == Frame((100, 50), (32, 32), 0.8, 0.8, -4.0, -24.0)


@pytest.mark.parametrize("resize", [*MODES, "none"])
def test_a_picture_of_the_right_size_stays_where_it_is(resize):
    assert frame_of((8, 8), image(resize=resize)) == same(8, 8)


def test_the_inner_part_is_what_shows_the_picture():
    assert frame_of((100, 50), image(200, 200, resize="letterbox")).inner() == (50, 0, 150, 200)
    assert frame_of((100, 50), image(32, 32, resize="crop")).inner() == (0, 0, 32, 32)


@settings(max_examples=150, deadline=None)
@given(
    size=st.tuples(st.integers(2, 60), st.integers(2, 60)),
    to=st.tuples(st.integers(4, 40), st.integers(4, 40)),
    resize=st.sampled_from(MODES),
    short=st.none() | st.integers(4, 60),
    at=st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
)
def test_a_marked_pixel_is_found_where_the_frame_says(size, to, resize, short, at):
    planned = image(*to, channels=1, resize=resize, resize_short=short)
    frame = frame_of(size, planned)
    row, column = (int(side * part) for side, part in zip(size, at, strict=True))
    x, y = frame.scale_x * (column + 0.5) + frame.left, frame.scale_y * (row + 0.5) + frame.top
    reach_x, reach_y = max(frame.scale_x, 1), max(frame.scale_y, 1)  # how far a resize smears a pixel
    left, top, right, bottom = frame.inner()
    assume(left + reach_x <= x <= right - reach_x and top + reach_y <= y <= bottom - reach_y)
    pixels = np.zeros(size, np.uint8)
    pixels[row, column] = 255
    light = decode_array(pixels, planned)[0, :, :, 0].astype(float)
    assume(light.sum() > 10)  # a huge picture dims one pixel to nothing
    rows, columns = np.indices(light.shape) + 0.5
    assert abs((columns * light).sum() / light.sum() - x) < 0.51
    assert abs((rows * light).sum() / light.sum() - y) < 0.51


@settings(max_examples=100, deadline=None)
@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    to=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    resize=st.sampled_from(MODES),
    short=st.none() | st.integers(1, 300),
)
def test_a_box_that_lies_inside_comes_back(size, to, resize, short):
    frame = frame_of(size, image(*to, resize=resize, resize_short=short))
    height, width = size
    boxes = np.array([[0, 0, width, height], [width / 4, height / 3, width / 2, height / 2]], np.float32)
    scale = np.array([frame.scale_x, frame.scale_y] * 2, np.float32)
    inside = boxes * scale + np.array([frame.left, frame.top] * 2, np.float32)
    np.testing.assert_allclose(frame.boxes_to_original(inside), boxes, atol=max(size) * 2e-4 + 1e-3 / scale.min())


@settings(max_examples=100, deadline=None)
@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    to=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    resize=st.sampled_from(("letterbox", "corner")),
)
def test_the_padding_lies_outside_of_the_inner_part_only(size, to, resize):
    planned = image(*to, channels=1, resize=resize, pad=7)
    left, top, right, bottom = frame_of(size, planned).inner()
    wanted = np.full(to, 7, np.uint8)
    wanted[top:bottom, left:right] = 200
    np.testing.assert_array_equal(decode_array(np.full(size, 200, np.uint8), planned)[0, :, :, 0], wanted)


def test_padding_has_its_value_in_all_channels(tmp_path):
    Image.new("RGB", (4, 8), (200, 100, 50)).save(tmp_path / "a.png")
    corner = decode(tmp_path / "a.png", image(resize="corner", pad=114))
    assert (corner[0, :, :4] == [200, 100, 50]).all()
    assert (corner[0, :, 4:] == 114).all()
    both = decode(tmp_path / "a.png", image(resize="letterbox", pad=114))
    assert (both[0, :, 2:6] == [200, 100, 50]).all()
    assert (both[0, :, [0, 1, 6, 7]] == 114).all()


def test_the_padding_is_part_of_what_decides_the_decoded_bytes():
    assert image(resize="letterbox", pad=0).decoding != image(resize="letterbox", pad=114).decoding


@pytest.mark.parametrize("ending", ["jpg", "png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_upright_size_is_that_of_the_decoded_picture(tmp_path, ending, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{ending}"
    Image.new("RGB", (24, 16)).save(path, exif=exif)
    height, width = (24, 16) if orientation > 4 else (16, 24)
    assert upright_size(path) == (height, width)
    assert decode(path, image(height, width, resize="none")).shape == (1, height, width, 3)
