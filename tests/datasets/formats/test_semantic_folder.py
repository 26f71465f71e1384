"""Common semantic segmentation: Images and Masks."""

import json

import numpy as np
import pytest
from layouts_without_boxes import HALVES, SEMANTIC_META, draw, semantic, write, write_mask

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.mask_files import read_mask
from calibench.datasets.formats.semantic_folder import SEMANTIC_FOLDER
from calibench.datasets.listing import ReadOptions
from calibench.datasets.truth import IGNORED
from calibench.errors import DatasetError


def read(folder, **options):
    return SEMANTIC_FOLDER.read(Layout(folder), ReadOptions(**options))


@pytest.mark.parametrize("form", ["index", "palette", "color"])
@pytest.mark.parametrize("lower", [True, False])
def test_masks_give_the_class_of_every_pixel(tmp_path, form, lower):
    listing = read(semantic(tmp_path, form=form, lower=lower))
    assert [name.rpartition("/")[2] for name in listing.names] == ["a.jpg", "b.jpg"]
    assert listing.classes == ("background", "cat", "dog")
    assert listing.class_ids == (0, 1, 2)
    assert listing.annotated == {"pixels"}
    assert listing.problems == ()
    pixels = listing.truth(1).pixels
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, HALVES if form == "index" else np.where(HALVES == IGNORED, 0, HALVES))
    assert not SEMANTIC_FOLDER.broken(Layout(tmp_path))


def test_black_and_white_masks_need_no_list_of_classes(tmp_path):
    listing = read(semantic(tmp_path, form="binary", meta=None))
    assert listing.classes == ("background", "foreground")
    assert listing.class_ids == (0, 255)
    assert listing.truth(0).pixels[0].tolist() == [0, 0, 1, 1, 1, 1, 1, 1]


def test_other_masks_without_a_list_of_classes_are_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"there is no dataset_meta.json, and the masks are not black and white"):
        read(semantic(tmp_path, meta=None))


def test_numbers_of_classes_may_have_gaps(tmp_path):
    meta = {"label_map": {"2": "dog", "0": "sky", "1": "cat", "40": "sea"}}
    listing = read(semantic(tmp_path, meta=meta))
    assert listing.class_ids == (0, 1, 2, 40)
    write_mask(tmp_path / "Masks" / "a.png", np.where(HALVES == 1, 40, HALVES))
    assert listing.truth(0).pixels[0].tolist() == [0, 0, 3, 3, 2, 2, 2, IGNORED]


def test_a_list_of_names_serves_too_and_a_file_of_names_overrules_the_order(tmp_path):
    semantic(tmp_path / "set", meta={"labels": ["sky", "cat", "dog"]})
    assert read(tmp_path / "set").classes == ("sky", "cat", "dog")
    names = write(tmp_path / "names.txt", "dog\nsky\nmore\ncat\n")
    listing = read(tmp_path / "set", labels=names)
    assert listing.truth(0).pixels[0].tolist() == [1, 1, 3, 3, 0, 0, 0, IGNORED]
    assert listing.class_ids == ()


def test_splits_are_folders(tmp_path):
    semantic(tmp_path / "train")
    semantic(tmp_path / "val", meta=None)
    write(tmp_path / "dataset_meta.json", json.dumps(SEMANTIC_META))
    assert read(tmp_path).names == ("val/Images/a.jpg", "val/Images/b.jpg")
    assert read(tmp_path, split="train").names[0] == "train/Images/a.jpg"


def test_halves_of_pairs_and_names_that_occur_twice_are_named(tmp_path):
    semantic(tmp_path)
    draw(tmp_path / "Images" / "c.png")
    draw(tmp_path / "Images" / "a.png")
    write_mask(tmp_path / "Masks" / "d.png", HALVES)
    listing = read(tmp_path)
    assert listing.names == ("Images/a.jpg", "Images/b.jpg")
    assert list(map(str, listing.problems)) == [
        "Images/a.png: Images/a.jpg has the same name; that one counts",
        "Images/c.png: there is no mask",
        "Masks/d.png: there is no picture d",
    ]


def test_masks_may_say_in_their_names_that_they_are_masks(tmp_path):
    semantic(tmp_path)
    for name in ("a", "b"):
        (tmp_path / "Masks" / f"{name}.png").rename(tmp_path / "Masks" / f"{name}_mask.png")
    listing = read(tmp_path)
    assert (len(listing), listing.problems) == (2, ())


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (HALVES[:3], r"this mask is 3 x 8, its picture a.jpg is 6 x 8. Both must have the same size"),
        (np.full((6, 8), 7), r"this mask holds 7, but the classes are 0, 1, 2"),
        (np.full((6, 8, 3), (9, 8, 7)), r"holds the colour \[9, 8, 7\], which segmentation_colors does not list"),
    ],
)
def test_masks_that_do_not_fit_are_named_when_they_are_taken(tmp_path, mask, sentence):
    listing = read(semantic(tmp_path))
    write_mask(tmp_path / "Masks" / "a.png", mask)
    with pytest.raises(DatasetError, match=sentence):
        listing.truth(0)
    assert listing.truth(1).pixels.shape == (6, 8)


def test_coloured_masks_without_colours_damaged_and_jpeg_masks_are_named(tmp_path):
    listing = read(semantic(tmp_path, form="color", meta={"labels": ["a", "b", "c"]}))
    with pytest.raises(DatasetError, match=r"is coloured, but dataset_meta.json has no segmentation_colors"):
        listing.truth(0)
    (tmp_path / "Masks" / "a.png").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"this mask cannot be read \(it is no picture\)"):
        listing.truth(0)
    with pytest.raises(DatasetError, match="JPEG does not keep the numbers of a mask"):
        read_mask(draw(tmp_path / "b.jpg"))


def test_masks_that_cannot_be_used_are_left_out_and_named_before_any_is_decoded(tmp_path):
    semantic(tmp_path)
    for name in ("c", "d", "e"):
        draw(tmp_path / "Images" / f"{name}.jpg")
    write(tmp_path / "Masks/a.png", "nothing")
    write_mask(tmp_path / "Masks/c.png", HALVES[:3])
    draw(tmp_path / "Masks/d.jpg")
    write_mask(tmp_path / "Masks/e.png", HALVES)
    write(tmp_path / "Images/e.jpg", "a damaged picture is left to those who decode it")
    listing = read(tmp_path)
    assert listing.names == ("Images/b.jpg", "Images/e.jpg")
    assert list(map(str, listing.problems)) == [
        "Masks/a.png: cannot be read (it is no picture)",
        "Masks/c.png: is 3 x 8, its picture c.jpg is 6 x 8",
        "Masks/d.jpg: is a JPEG, which does not keep the numbers of a mask",
    ]
    for name in ("b.png", "e.png"):
        (tmp_path / "Masks" / name).write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"none of 5 masks can be used, the first: Masks/a.png: cannot be read"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "this is no JSON"),
        ("[" * 100_000, "this is no JSON"),
        ("[]", "must hold an object with label_map or labels"),
        ("{}", "it has no classes"),
        ('{"labels": []}', "it has no classes"),
        ('{"label_map": {"cat": "0"}}', "the keys of label_map must be numbers"),
        ('{"label_map": {"9999999": "cat"}}', "the keys of label_map must be numbers"),
        (
            '{"labels": ["a"], "segmentation_colors": [[0, 0]]}',
            r"must list \[red, green, blue\], 0..255, for 1 classes",
        ),
        ('{"labels": ["a"], "segmentation_colors": 5}', "segmentation_colors must list"),
        ('{"labels": ["a", "b"], "segmentation_colors": [[0, 0, 0]]}', "segmentation_colors must list"),
        ('{"labels": ["a", "b"], "segmentation_colors": [[0, 0, 0], [0, 0, 0]]}', "lists a colour twice"),
    ],
)
def test_a_broken_list_of_classes_is_named(tmp_path, text, sentence):
    write(semantic(tmp_path) / "dataset_meta.json", text)
    with pytest.raises(DatasetError, match=sentence):
        read(tmp_path)
