"""Super-resolution pairs."""

import pytest
from layouts_without_boxes import draw, super_resolution

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.super_resolution import SUPER_RESOLUTION
from calibench.datasets.listing import ReadOptions
from calibench.errors import DatasetError


def read(folder, **options):
    return SUPER_RESOLUTION.read(Layout(folder), ReadOptions(**options))


@pytest.mark.parametrize("suffix", ["", "x2"])
@pytest.mark.parametrize("lower", [True, False])
def test_small_pictures_with_their_large_ones(tmp_path, suffix, lower):
    listing = read(super_resolution(tmp_path, suffix=suffix, lower=lower, upsampled=True))
    small = "lr" if lower else "LR"
    assert listing.names == (f"{small}/0801{suffix}.png", f"{small}/0802{suffix}.png")
    assert listing.annotated == {"picture"}
    assert listing.truth(0).picture.shape == (12, 16, 3)
    assert listing.truth(0).picture[0, 0].tolist() == [1, 2, 3]
    assert listing.problems == ()
    assert not SUPER_RESOLUTION.broken(Layout(tmp_path))


def test_the_folders_of_div2k_are_known(tmp_path):
    draw(tmp_path / "DIV2K_valid_HR/0801.png", 24, 32)
    draw(tmp_path / "DIV2K_valid_LR_bicubic/X2/0801x2.png", 12, 16)
    draw(tmp_path / "DIV2K_valid_LR_bicubic/X4/0801x4.png", 6, 8)
    listing = read(tmp_path)
    assert listing.names == tuple(f"DIV2K_valid_LR_bicubic/X{i}/0801x{i}.png" for i in (2, 4))
    assert [listing.truth(i).picture.shape for i in range(2)] == [(24, 32, 3)] * 2
    assert not SUPER_RESOLUTION.broken(Layout(tmp_path))


def test_halves_of_pairs_and_names_that_occur_twice_are_named(tmp_path):
    super_resolution(tmp_path)
    draw(tmp_path / "LR/0803.png")
    draw(tmp_path / "HR/0804.png")
    draw(tmp_path / "HR/0801.jpg")
    listing = read(tmp_path)
    assert len(listing) == 2
    assert list(map(str, listing.problems)) == [
        "LR/0803.png: there is no large picture in HR",
        "HR/0804.png: there is no small picture 0804 in LR",
        "HR/0801.png: HR/0801.jpg has the same name; that one counts",
    ]


@pytest.mark.parametrize(("height", "width"), [(12, 15), (5, 8), (3, 4)])
def test_sizes_that_do_not_fit_are_named(tmp_path, height, width):
    listing = read(super_resolution(tmp_path))
    draw(tmp_path / "HR/0801.png", height, width)
    wrong = f"is {height} x {width}, the small one is 6 x 8: no factor in both directions"
    with pytest.raises(DatasetError, match=wrong):
        listing.truth(0)
    listing = read(tmp_path)
    assert listing.names == ("LR/0802.png",)
    assert list(map(str, listing.problems)) == [f"HR/0801.png: {wrong}"]


def test_a_large_picture_that_cannot_be_read_is_named_and_none_is_refused(tmp_path):
    super_resolution(tmp_path)
    (tmp_path / "HR/0801.png").write_bytes(b"nothing")
    listing = read(tmp_path)
    assert (len(listing), str(listing.problems[0])) == (1, "HR/0801.png: cannot be read (it is no picture)")
    (tmp_path / "HR/0802.png").write_bytes(b"\x89PNG")
    with pytest.raises(DatasetError, match=r"none of 2 pairs can be used, the first: HR/0801.png: cannot be read"):
        read(tmp_path)


def test_without_a_pair_or_a_folder_the_sentence_says_so(tmp_path):
    super_resolution(tmp_path)
    with pytest.raises(DatasetError, match="there is no split val; HR and LR are one set"):
        read(tmp_path, split="val")
    for name in ("0801", "0802"):
        (tmp_path / "LR" / f"{name}.png").rename(tmp_path / "LR" / f"small{name}.png")
    with pytest.raises(DatasetError, match=r"none of its 2 names is a picture here, the first is small0801.png"):
        read(tmp_path)
    (tmp_path / "HR").rename(tmp_path / "large")
    assert [rule.wants for rule in SUPER_RESOLUTION.broken(Layout(tmp_path))] == ["folder HR with pictures"]
    with pytest.raises(DatasetError, match="there is no folder HR with pictures"):
        read(tmp_path)
