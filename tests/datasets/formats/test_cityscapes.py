"""Cityscapes."""

import numpy as np
import pytest
from layouts_without_boxes import cityscapes, draw, write, write_mask

from calibench.datasets.formats.cityscapes import CITYSCAPES, CLASSES
from calibench.datasets.formats.format import Layout
from calibench.datasets.listing import ReadOptions
from calibench.datasets.truth import IGNORED
from calibench.errors import DatasetError

TRAIN_IDS = [0, 1, 11, IGNORED, IGNORED, 18, 2, IGNORED]


def read(folder, **options):
    return CITYSCAPES.read(Layout(folder), ReadOptions(**options))


@pytest.mark.parametrize("kind", ["labelIds", "labelTrainIds", "instanceIds"])
@pytest.mark.parametrize("outer", [True, False])
def test_label_ids_become_the_19_classes_that_are_scored(tmp_path, kind, outer):
    listing = read(cityscapes(tmp_path, kind=kind, outer=outer))
    top = "imgsFine/leftImg8bit" if outer else "leftImg8bit"
    assert listing.names == tuple(f"{top}/val/bonn/bonn_000000_{i:06d}_leftImg8bit.png" for i in (19, 21))
    assert len(listing.classes) == 19
    assert listing.class_ids == tuple(CLASSES.values())
    assert listing.truth(1).pixels[0].tolist() == TRAIN_IDS
    assert listing.truth(1).pixels.dtype == np.uint8
    assert listing.problems == ()
    assert not CITYSCAPES.broken(Layout(tmp_path))


def test_the_masks_with_label_ids_are_taken_where_others_lie_beside(tmp_path):
    cityscapes(tmp_path)
    cityscapes(tmp_path, kind="instanceIds")
    write_mask(tmp_path / "gtFine/val/bonn/bonn_000000_000019_gtFine_instanceIds.png", np.zeros((6, 8)))
    assert read(tmp_path).truth(0).pixels[0].tolist() == TRAIN_IDS


def test_val_is_read_unless_another_split_is_wanted(tmp_path):
    cityscapes(tmp_path, split="train")
    cityscapes(tmp_path, split="val")
    assert "/val/" in read(tmp_path).names[0]
    assert "/train/" in read(tmp_path, split="train").names[0]


def test_a_file_of_names_overrules_the_order(tmp_path):
    names = write(tmp_path / "names.txt", "\n".join(reversed(CLASSES)))
    listing = read(cityscapes(tmp_path / "set"), labels=names)
    assert listing.truth(0).pixels[0].tolist() == [18, 17, 7, IGNORED, IGNORED, 0, 16, IGNORED]


def test_halves_of_pairs_are_named(tmp_path):
    cityscapes(tmp_path)
    (tmp_path / "gtFine/val/bonn/bonn_000000_000019_gtFine_labelIds.png").unlink()
    write_mask(tmp_path / "gtFine/val/ulm/ulm_000000_000001_gtFine_labelIds.png", np.zeros((6, 8)))
    listing = read(tmp_path)
    assert len(listing) == 1
    assert list(map(str, listing.problems)) == [
        "imgsFine/leftImg8bit/val/bonn/bonn_000000_000019_leftImg8bit.png: there is no mask",
        "gtFine/val/ulm/ulm_000000_000001_gtFine_labelIds.png: there is no picture of ulm/ulm_000000_000001",
    ]


def test_without_a_pair_the_first_mask_is_named(tmp_path):
    cityscapes(tmp_path)
    top = tmp_path / "imgsFine/leftImg8bit/val"
    (top / "bonn").rename(top / "ulm")
    with pytest.raises(DatasetError, match=r"none of its 2 names is a picture here, the first is bonn_000000_000019"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (np.full((6, 8), 34), r"holds 34, but the classes are 0 to 33 and 255"),
        (np.zeros((5, 8)), r"this mask is 5 x 8, its picture .* is 6 x 8"),
        (np.full((6, 8, 3), (1, 2, 3)), "this mask is coloured"),
    ],
)
def test_masks_that_do_not_fit_are_named_when_they_are_taken(tmp_path, mask, sentence):
    listing = read(cityscapes(tmp_path))
    write_mask(tmp_path / "gtFine/val/bonn/bonn_000000_000019_gtFine_labelIds.png", mask)
    with pytest.raises(DatasetError, match=sentence):
        listing.truth(0)


def test_pictures_without_masks_are_no_cityscapes(tmp_path):
    draw(tmp_path / "leftImg8bit/val/bonn/bonn_000000_000019_leftImg8bit.png")
    assert [rule.wants for rule in CITYSCAPES.broken(Layout(tmp_path))] == [
        "gtFine/<split>/<city>/*_gtFine_labelIds.png"
    ]
    with pytest.raises(DatasetError, match="there is no gtFine/<split>/<city>/"):
        read(tmp_path)
