"""Reading a picture file and bringing it to size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from calibench.datasets import images
from calibench.datasets.images import damage, decode
from calibench.datasets.inputs import ImageInput
from calibench.errors import DatasetError
from calibench.settings import InputSettings


def image(height=8, width=8, channels=3, **values):
    return ImageInput("x", "NCHW", height, width, channels, InputSettings(**values))


@pytest.mark.parametrize("ending", ["png", "bmp", "tiff", "webp", "gif", "jpg", "jpeg", "PNG"])
def test_every_format_gives_its_pixels(tmp_path, picture, ending):
    options = {"quality": 100, "subsampling": 0} if ending.startswith("jp") else {}
    options |= {"lossless": True} if ending == "webp" else {}
    pixels = decode(picture(tmp_path / f"a.{ending}", **options), image())
    assert pixels.dtype == np.uint8
    assert pixels.shape == (1, 8, 8, 3)
    np.testing.assert_allclose(pixels[0, 0, 0], [10, 20, 30], atol=2)
    assert damage(tmp_path / f"a.{ending}") is None


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("L", 77, [77, 77, 77]),
        ("1", 1, [255, 255, 255]),
        ("LA", (77, 0), [77, 77, 77]),
        ("RGBA", (10, 20, 30, 0), [10, 20, 30]),
        ("I;16", 77 * 256 + 255, [77, 77, 77]),
        ("I", 77 * 256, [77, 77, 77]),
        ("F", 0.5, [127, 127, 127]),
        ("F", 77.0, [77, 77, 77]),
        ("CMYK", (0, 255, 255, 0), [255, 0, 0]),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, mode, color, expected):
    path = tmp_path / "a.tiff"
    Image.new(mode, (8, 8), color).save(path)
    assert decode(path, image())[0, 3, 3].tolist() == expected


def test_a_palette_with_transparency_becomes_rgb(tmp_path):
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 9, 8, 7])
    picture.save(tmp_path / "a.png", transparency=1)
    assert decode(tmp_path / "a.png", image())[0, 0, 0].tolist() == [9, 8, 7]


def test_16_bit_png_keeps_its_high_byte(tmp_path):
    values = np.full((8, 8), 200 * 256 + 17, np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    assert set(decode(tmp_path / "a.png", image(channels=1)).ravel()) == {200}


def test_gray_is_one_channel_or_three_equal_ones(tmp_path, picture):
    path = picture(tmp_path / "a.png")
    one = decode(path, image(channels=1))
    three = decode(path, image(color="gray"))
    assert one.shape == (1, 8, 8, 1)
    assert (three == one).all()


def test_the_first_frame_of_an_animation_is_taken(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert decode(tmp_path / "a.gif", image())[0, 0, 0].tolist() == [255, 0, 0]


def test_exif_turns_the_picture_upright(tmp_path):
    picture = Image.new("RGB", (4, 2), "black")
    picture.putpixel((0, 0), (255, 255, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    picture.save(tmp_path / "a.png", exif=exif)
    upright = decode(tmp_path / "a.png", image(height=4, width=2, resize="none"))
    assert upright[0, 0, 1].tolist() == [255, 255, 255]


def test_letterbox_pads_with_black_on_both_sides(tmp_path, picture):
    path = picture(tmp_path / "a.png", (4, 8), (200, 200, 200))
    rows = decode(path, image(resize="letterbox"))[0, :, 0, 0]
    assert rows.tolist() == [0, 0, 200, 200, 200, 200, 0, 0]


def test_crop_takes_the_centre_of_the_short_side_resized(tmp_path):
    values = np.zeros((16, 32, 3), np.uint8)
    values[:, 8:24] = 100
    Image.fromarray(values).save(tmp_path / "a.png")
    cut = decode(tmp_path / "a.png", image(resize="crop", resize_short=16))
    assert (cut == 100).all()
    default = decode(tmp_path / "a.png", image(14, 14, resize="crop"))  # 14 / 0.875 = 16: no resize
    assert (default == values[1:15, 9:23]).all()


def test_stretch_averages_when_it_shrinks(tmp_path):
    values = np.zeros((64, 64), np.uint8)
    values[:, ::2] = 200
    Image.fromarray(values).save(tmp_path / "a.png")
    shrunk = decode(tmp_path / "a.png", image(4, 4, 1))
    np.testing.assert_allclose(shrunk, 100, atol=8)


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    to=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    resize=st.sampled_from(["stretch", "crop", "letterbox"]),
    short=st.none() | st.integers(1, 40),
)
def test_every_picture_gets_the_size_and_one_colour_stays_one(tmp_path_factory, size, to, resize, short):
    path = tmp_path_factory.getbasetemp() / "any.bmp"
    Image.new("RGB", size, (50, 60, 70)).save(path)
    pixels = decode(path, image(*to, resize=resize, resize_short=short))
    assert pixels.shape == (1, *to, 3)
    inside = pixels.reshape(-1, 3)[pixels.reshape(-1, 3).any(axis=1)]
    assert (inside == [50, 60, 70]).all()


def test_a_wrong_size_is_refused_when_nothing_may_be_resized(tmp_path, picture):
    path = picture(tmp_path / "a.png", (8, 9))
    with pytest.raises(DatasetError) as error:
        decode(path, image(resize="none"))
    assert str(error.value) == (
        f"{path}: the picture is 8 x 9, the model takes 8 x 8. "
        "Let it be resized: --resize stretch, crop, letterbox or corner."
    )


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "webp", "bmp", "tiff"])
def test_a_truncated_file_is_found_by_a_look_and_named_when_decoded(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-1500])
    assert damage(path) is not None
    with pytest.raises(DatasetError) as error:
        decode(path, image())
    assert str(error.value).startswith(f"{path}: this picture cannot be read (")
    assert str(error.value).endswith("Remove or replace it.")


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_said(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert damage(path)
    with pytest.raises(DatasetError, match="cannot be read"):
        decode(path, image())


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(DatasetError, match="no such file or directory"):
        decode(tmp_path / "a.png", image())


@pytest.mark.parametrize("resize", ["stretch", "crop", "letterbox", "corner"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_decoded_smaller_and_stays_close(tmp_path, monkeypatch, resize, orientation):
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize((1600, 1200))
    exif = Image.Exif()
    exif[0x0112] = orientation
    coarse.save(tmp_path / "a.jpg", quality=95, exif=exif)
    planned = image(96, 128, resize=resize, pad=50)
    smaller = decode(tmp_path / "a.jpg", planned).astype(int)
    monkeypatch.setattr(images, "SPARE", 1000)
    whole = decode(tmp_path / "a.jpg", planned).astype(int)
    assert 0 < np.abs(smaller - whole).mean() < 0.5
    assert np.abs(smaller - whole).max() <= 6


def test_a_jpeg_that_is_not_much_too_large_is_decoded_whole(tmp_path, monkeypatch):
    values = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    Image.fromarray(values).save(tmp_path / "a.jpg")
    seen = decode(tmp_path / "a.jpg", image(224, 224))
    monkeypatch.setattr(images, "SPARE", 1000)
    assert (seen == decode(tmp_path / "a.jpg", image(224, 224))).all()


def test_a_large_jpeg_is_measured_before_it_is_decoded_smaller(tmp_path):
    Image.new("RGB", (1600, 1200)).save(tmp_path / "a.jpg")
    with pytest.raises(DatasetError, match="the picture is 1200 x 1600, the model takes 8 x 8"):
        decode(tmp_path / "a.jpg", image(resize="none"))
