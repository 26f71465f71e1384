"""What transform_param makes of a picture, bit for bit."""

from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from calibench.caffe.schema import message
from calibench.datasets.caffe.find_path import Place
from calibench.datasets.caffe.transform import Transform, frame_of_blob, read_transform, transformed
from calibench.errors import DatasetError
from written_data import noise, write_mean

F = np.float32


def read(text: str, folder: Path = Path()) -> Transform:
    param = text_format.Parse(text, message("TransformationParameter")())
    return read_transform(param, Place(folder / "net.prototxt", "data", 3))


def test_by_hand_mean_is_taken_before_scale():
    picture = np.array([[[10, 20], [30, 40]]], np.uint8)  # 1 x 2 pixels, 2 channels
    found = transformed(picture, read("mean_value: 8 mean_value: 20 scale: 0.5"))
    assert found.shape == (1, 2, 1, 2)
    assert found.tolist() == [[[[1, 11]], [[0, 10]]]]


def test_by_hand_the_crop_is_the_centre_rounded_down():
    picture = np.arange(5 * 6, dtype=np.uint8).reshape(5, 6, 1)
    assert transformed(picture, read("crop_size: 2")).tolist() == [[[[8, 9], [14, 15]]]]


def test_by_hand_the_mean_file_is_taken_at_the_place_of_the_crop(tmp_path):
    picture = np.full((4, 4, 1), 100, np.uint8)
    write_mean(tmp_path / "mean.binaryproto", np.arange(16, dtype=F).reshape(1, 4, 4))
    found = transformed(picture, read('crop_size: 2 mean_file: "mean.binaryproto" scale: 2', tmp_path))
    assert found.tolist() == [[[[190, 188], [182, 180]]]]


def test_a_padded_pixel_is_exactly_what_stands_for_zero():
    found = transformed(noise(3, 4, 3), read("pad: 2 scale: 0.84106 mean_value: -48.189"))
    assert found.shape == (1, 3, 7, 8)
    inside = np.zeros((7, 8), bool)
    inside[2:5, 2:6] = True
    assert (found[0][:, ~inside] == 128).all()
    assert np.array_equal(
        found[0][:, 2:5, 2:6], transformed(noise(3, 4, 3), read("scale: 0.84106 mean_value: -48.189"))[0]
    )


def definition(picture, mean, scale, crop):
    """Caffe's DataTransformer, pixel by pixel."""
    height, width, channels = picture.shape
    rows, columns = crop or (height, width)
    top, left = (height - rows) // 2, (width - columns) // 2
    blob = np.zeros((1, channels, rows, columns), F)
    for c in range(channels):
        for h in range(rows):
            for w in range(columns):
                element = F(picture[top + h, left + w, c])
                taken = element if mean is None else F(element - mean[c, top + h, left + w])
                blob[0, c, h, w] = F(taken * F(scale))
    return blob


@given(
    size=st.tuples(st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3, 4])),
    kind=st.sampled_from(["none", "one", "each", "file"]),
    scale=st.floats(0.0009765625, 300, width=32),
    cut=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    is_float=st.booleans(),
    seed=st.integers(0, 99),
)
def test_every_combination_equals_the_definition_bit_for_bit(size, kind, scale, cut, is_float, seed):
    random = np.random.default_rng(seed)
    picture = noise(*size, seed=seed)
    if is_float:
        picture = (random.normal(size=size) * 100).astype(F)
    channels = size[2]
    means = (random.normal(size={"one": 1, "each": channels}.get(kind, 0)) * 100).astype(F)
    whole = (random.normal(size=(channels, *size[:2])) * 100).astype(F) if kind == "file" else None
    crop = tuple(max(side - off, 1) for side, off in zip(size[:2], cut, strict=True)) if any(cut) else None
    transform = Transform(scale, tuple(means.tolist()), whole, crop)
    mean = whole
    if len(means):
        mean = np.broadcast_to(means[:, None, None], (channels, *size[:2]))
    found = transformed(picture, transform)
    assert found.dtype == F
    assert found.flags.c_contiguous
    assert found.tobytes() == definition(picture, mean, scale, crop).tobytes()


def test_crop_may_have_two_sides():
    assert transformed(noise(8, 9, 3), read("crop_h: 3 crop_w: 5")).shape == (1, 3, 3, 5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("crop_size: 9", "a picture of 6 x 5 pixels is smaller than the crop of 9 x 9"),
        ("mean_value: 1 mean_value: 2", "2 mean_value for 3 channels"),
        ('mean_file: "mean.binaryproto"', r"the mean file is \[3, 4, 4\], the picture \[3, 5, 6\]"),
    ],
)
def test_what_does_not_fit_the_picture_is_refused(tmp_path, text, says):
    write_mean(tmp_path / "mean.binaryproto", np.zeros((3, 4, 4), F))
    with pytest.raises(DatasetError, match=says):
        transformed(noise(5, 6, 3), read(text, tmp_path))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            'mean_value: 1 mean_file: "m"',
            r"net\.prototxt, line 3, layer data: transform_param has mean_file and",
        ),
        ('mean_file: "lost file"', r"there is no mean file lost file, at .*lost file"),
        ("resize_param { resize_mode: WARP }", "resize_param has no height and width"),
    ],
)
def test_what_cannot_be_meant_is_refused(text, says):
    with pytest.raises(DatasetError, match=says):
        read(text)


@pytest.mark.parametrize("pad", ["", "pad: 3"])
def test_the_frame_leads_from_what_lies_inside_the_border_to_the_picture(pad):
    transform = read(f"resize_param {{ height: 40 width: 60 }} crop_size: 20 {pad}")
    frame = frame_of_blob((80, 30), transform)
    assert (frame.original, frame.size) == ((80, 30), (20, 20))
    assert frame.points_to_original(np.array([[0, 0], [20, 20]], F)).tolist() == [[10, 20], [20, 60]]


@given(
    size=st.tuples(st.integers(4, 90), st.integers(4, 90)),
    text=st.sampled_from(
        [
            "",
            "resize_param { height: 20 width: 30 }",
            "resize_param { resize_mode: FIT_SMALL_SIZE height: 20 width: 30 }",
            "resize_param { resize_mode: FIT_LARGE_SIZE_AND_PAD height: 20 width: 30 }",
            "random_resize_param { min_size: 16 max_size: 16 } crop_size: 12",
            "resize_param { height: 20 width: 30 } crop_h: 5 crop_w: 6",
        ]
    ),
)
def test_blob_and_frame_are_of_one_size(size, text):
    transform = read(text)
    made = transformed(noise(*size, 3), transform)
    assert made.shape[2:] == frame_of_blob(size, transform).size


def test_transforms_that_make_other_values_have_other_fingerprints():
    texts = ["", "scale: 2", "mean_value: 1", "crop_size: 3", "pad: 1", "resize_param { height: 3 width: 4 }"]
    assert len({read(text).fingerprint for text in texts}) == len(texts)
    assert read("mirror: true").fingerprint == read("").fingerprint
