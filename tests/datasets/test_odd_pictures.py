"""Pictures that are odd, broken, huge, or none at all."""

import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from calibench.datasets.images import damage, decode, decode_array, upright_size
from calibench.datasets.inputs import ImageInput
from calibench.errors import DatasetError
from calibench.settings import InputSettings

GRAY, RGB, GRAY_ALPHA, RGBA = 0, 2, 4, 6  # colour types of PNG


def image(height=8, width=8, channels=3, **values):
    return ImageInput("x", "NCHW", height, width, channels, InputSettings(**values))


def png(height, width, depth, color, rows, extra=()):
    """A PNG by hand: `rows` are its raw bytes, `extra` chunks go behind the pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), *(chunk(*each) for each in extra)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def jpeg(height, width):
    """A JPEG of 8 x 8 pixels whose header says another size."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    data = bytearray(buffer.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def refused(path):
    """The whole message, after checking that all who look at the file agree."""
    with pytest.raises(DatasetError) as error:
        decode(path, image())
    with pytest.raises(DatasetError) as same:
        upright_size(path)
    assert str(error.value) == str(same.value)
    assert "\n" not in str(error.value)
    assert f"({damage(path)})" in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("color", "values", "expected"),
    [
        (GRAY, [0x12FF], [0x12] * 3),
        (RGB, [0x12FF, 0x8000, 0xFFFF], [0x12, 0x80, 0xFF]),
        (GRAY_ALPHA, [0x12FF, 0], [0x12] * 3),
        (RGBA, [0x12FF, 0x8000, 0xFFFF, 0], [0x12, 0x80, 0xFF]),
    ],
)
def test_of_16_bits_the_high_byte_is_kept(tmp_path, color, values, expected):
    row = b"\0" + struct.pack(f">{len(values)}H", *values) * 8
    (tmp_path / "a.png").write_bytes(png(8, 8, 16, color, row * 8))
    assert (decode(tmp_path / "a.png", image()) == expected).all()


def test_cmyk_as_adobe_writes_it_inverted(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(path, quality=100)
    assert b"Adobe" in path.read_bytes()
    np.testing.assert_allclose(decode(path, image())[0, 4, 4], [255, 0, 0], atol=3)


def test_gray_with_alpha_loses_the_alpha(tmp_path):
    Image.new("LA", (8, 8), (77, 0)).save(tmp_path / "a.png")
    assert (decode(tmp_path / "a.png", image(channels=1)) == 77).all()


def test_a_palette_with_a_transparency_of_many_levels(tmp_path):
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 9, 8, 7])
    picture.save(tmp_path / "a.png", transparency=bytes([255, 10]))
    assert (decode(tmp_path / "a.png", image()) == [9, 8, 7]).all()


@pytest.mark.parametrize("ending", ["gif", "webp", "png", "tiff"])
def test_of_an_animation_the_first_frame_is_taken(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "lime")]
    options = {"lossless": True} if ending == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    with Image.open(path) as opened:
        assert opened.n_frames == 3
    assert (decode(path, image()) == [255, 0, 0]).all()
    assert damage(path) is None
    assert upright_size(path) == (8, 8)


@pytest.mark.parametrize("ending", ["jpg", "png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path, ending, orientation):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16] = 255  # the upper left quarter is white
    undo = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    undo |= {6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}
    stored = Image.fromarray(upright)
    if orientation in undo:
        stored = stored.transpose(Image.Transpose[undo[orientation]])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"jpg": {"quality": 95, "subsampling": 0}, "webp": {"lossless": True}}.get(ending, {})
    stored.save(tmp_path / f"a.{ending}", exif=exif, **options)
    seen = decode(tmp_path / f"a.{ending}", image(16, 32, resize="none"))
    np.testing.assert_allclose(seen[0].astype(int), upright, atol=4)


def test_an_orientation_behind_the_pixels_of_a_png_counts_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    rows = (b"\0" + bytes(24 * 3)) * 16
    notes = [(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))]
    (tmp_path / "a.png").write_bytes(png(16, 24, 8, RGB, rows, notes))
    assert upright_size(tmp_path / "a.png") == (24, 16)
    assert decode(tmp_path / "a.png", image(24, 16, resize="none")).shape == (1, 24, 16, 3)


def test_an_unknown_orientation_changes_nothing(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 77
    Image.new("RGB", (24, 16)).save(tmp_path / "a.jpg", exif=exif)
    assert upright_size(tmp_path / "a.jpg") == (16, 24)


@pytest.mark.parametrize("resize", ["stretch", "crop", "letterbox", "corner"])
def test_one_pixel_is_a_picture(tmp_path, resize):
    Image.new("RGB", (1, 1), (9, 8, 7)).save(tmp_path / "a.png")
    assert (decode(tmp_path / "a.png", image(resize=resize)) == [9, 8, 7]).all()


@pytest.mark.parametrize(
    ("name", "content", "size"),
    [
        ("a.png", png(0, 0, 8, RGB, b""), "0 x 0"),
        ("b.png", png(4, 0, 8, RGB, b""), "4 x 0"),
        ("a.jpg", jpeg(0, 0), "0 x 0"),
        ("a.gif", b"GIF89a" + bytes(7) + b";", "0 x 0"),
    ],
)
def test_a_picture_without_pixels_is_refused_with_its_size(tmp_path, name, content, size):
    (tmp_path / name).write_bytes(content)
    assert refused(tmp_path / name) == (
        f"{tmp_path / name}: this picture cannot be read ({size} pixels). Remove or replace it."
    )


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_picture_of_20_000_by_20_000_is_refused_with_its_size(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(jpeg(20_000, 20_000) if kind == "jpg" else png(20_000, 20_000, 1, GRAY, bytes(2501 * 20_000)))
    assert refused(path) == (
        f"{path}: this picture cannot be read (its 20000 x 20000 pixels are more than the 178 million that are read). "
        "Remove or replace it."
    )


def test_a_large_picture_is_read_without_a_word(tmp_path):
    (tmp_path / "a.png").write_bytes(png(10_000, 10_000, 1, GRAY, (b"\0" + b"\xff" * 1250) * 10_000))
    code = (
        "import sys; from pathlib import Path; from calibench.datasets.images import decode\n"
        "from calibench.datasets.inputs import ImageInput; from calibench.settings import InputSettings\n"
        "print(decode(Path(sys.argv[1]), ImageInput('x', 'NCHW', 4, 4, 1, InputSettings())).min())"
    )
    told = subprocess.run([sys.executable, "-c", code, tmp_path / "a.png"], capture_output=True, text=True, timeout=60)
    assert (told.stdout, told.stderr) == ("255\n", "")


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(png(3000, 3000, 8, RGB, b"\0" * 100))
    with pytest.raises(DatasetError, match=r"cannot be read \(image file is truncated"):
        decode(tmp_path / "a.png", image())


@pytest.mark.parametrize("content", [b"", b"hello\n", bytes(100), b"<html></html>", b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture_is_refused(tmp_path, content):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert refused(path) == f"{path}: this picture cannot be read (it is no picture). Remove or replace it."


def test_a_folder_named_like_a_picture_is_refused(tmp_path):
    (tmp_path / "x.jpg").mkdir()
    assert "(it is a folder)" in refused(tmp_path / "x.jpg")


@pytest.mark.root
def test_a_picture_that_may_not_be_read_is_refused(tmp_path, picture):
    path = picture(tmp_path / "a.png")
    path.chmod(0)
    tmp_path.chmod(0o711)
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o711)
    who = os.geteuid()
    os.seteuid(65534)  # root may read all
    try:
        assert "(permission denied)" in refused(path)
    finally:
        os.seteuid(who)


@pytest.mark.parametrize("name", ["äöü 猫.png", "a\nb.png", "a\tb'\".png", os.fsdecode(b"\xff\xfe.png")])
def test_any_name_is_read_and_can_be_told_in_one_line(tmp_path, picture, name):
    path = tmp_path / name
    picture(tmp_path / "plain.png").rename(path)
    assert decode(path, image()).shape == (1, 8, 8, 3)
    path.write_bytes(b"no picture")
    refused(path).encode()


@pytest.mark.parametrize(
    "pixels", [np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8), np.float32), np.zeros((0, 8, 3), np.uint8)]
)
def test_an_array_that_is_no_picture_is_refused(pixels):
    with pytest.raises(DatasetError, match=r"^cifar: .* is no picture\. Give uint8 \[height, width, 3\]"):
        decode_array(pixels, image(), "cifar")


@pytest.mark.parametrize("resize", ["stretch", "crop", "letterbox", "corner"])
@pytest.mark.parametrize("channels", [1, 3])
def test_an_array_goes_the_way_of_a_file(tmp_path, resize, channels):
    values = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    planned = image(channels=channels, resize=resize)
    for name, pixels in (("rgb.png", values), ("gray.png", values[..., 0])):
        Image.fromarray(pixels).save(tmp_path / name)
        np.testing.assert_array_equal(decode_array(pixels, planned), decode(tmp_path / name, planned))


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert "(it is a pipe or a device)" in refused(tmp_path / "pipe.png")
    assert damage(tmp_path / "pipe.png") == "it is a pipe or a device"
