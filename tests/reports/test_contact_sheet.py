"""Thumbnails with annotations."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calibench.datasets.listing import Listing
from calibench.datasets.truth import IGNORED, NOTHING, Objects, Pair, Truth
from calibench.errors import DatasetError, JobError, SettingsError
from calibench.reports.contact_sheet import CAPTION, CELL, COLORS, GAP, caption, contact_sheet, mask_of, spread

GRAY = np.full((100, 200, 3), 128, np.uint8)


def listing(truths=(NOTHING,), pictures=None, names=None, classes=("cat", "dog")):
    pictures = pictures or [GRAY] * len(truths)
    names = names or [f"{number}.png" for number in range(len(truths))]
    return Listing(Path("data"), "test", names, pictures.__getitem__, truths.__getitem__, classes=classes)


def drawn(tmp_path, *args, **more):
    sheet = contact_sheet(listing(*args, **more), tmp_path / "sheet.png")
    return sheet, np.asarray(Image.open(tmp_path / "sheet.png"))


def objects(boxes, labels, masks=(), ignored=None):
    ignored = ignored or [False] * len(labels)
    return Objects(np.array(boxes, np.float32), np.array(labels), np.array(ignored), tuple(masks))


def near(pixels, color, atol=2):
    return (np.abs(pixels.astype(int) - color) <= atol).all(axis=-1)


def test_a_box_is_drawn_where_it_is(tmp_path):
    _, pixels = drawn(tmp_path, [Truth(objects=objects([[50, 25, 150, 75]], [1]))])
    rows, columns = np.nonzero(near(pixels, COLORS[1]))
    top = GAP + (CELL - 100) // 2  # 200 x 100 pixels at scale 1 in a cell of 200
    assert (rows.min(), rows.max()) == (top + 25, top + 75)
    assert (columns.min(), columns.max()) == (GAP + 50, GAP + 150)


def test_a_mask_is_a_veil_over_its_object(tmp_path):
    polygon = [[50.0, 20.0, 150.0, 20.0, 150.0, 80.0, 50.0, 80.0]]
    _, pixels = drawn(tmp_path, [Truth(objects=objects([[50, 20, 150, 80]], [0], [polygon]))])
    middle, outside = pixels[GAP + CELL // 2, GAP + 100], pixels[GAP + CELL // 2, GAP + 10]
    np.testing.assert_allclose(middle, (np.array(COLORS[0]) + 128) / 2, atol=2)
    assert outside.tolist() == [128] * 3


def test_classes_of_pixels_are_veiled_and_background_is_not(tmp_path):
    classes = np.zeros((100, 200), np.uint8)
    classes[:, 100:] = 1
    classes[:, 190:] = IGNORED
    _, pixels = drawn(tmp_path, [Truth(pixels=classes)])
    row = pixels[GAP + CELL // 2]
    assert row[GAP + 40].tolist() == [128] * 3
    np.testing.assert_allclose(row[GAP + 150], (np.array(COLORS[0]) + 128) / 2, atol=2)
    assert row[GAP + 195].tolist() == [124] * 3


def test_points_are_drawn_but_not_those_that_cannot_be_seen(tmp_path):
    points = np.array([[100, 50], [np.nan, np.nan]], np.float32)
    _, pixels = drawn(tmp_path, [Truth(points=points)])
    assert near(pixels[GAP + CELL // 2, GAP + 100], COLORS[2])


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (Truth(), "not annotated"),
        (Truth(label=1), "dog"),
        (Truth(label=7), "class 7"),
        (Truth(text="hello"), "'hello'"),
        (Truth(objects=objects([[0, 0, 1, 1]], [0])), "1 object"),
        (Truth(pixels=np.array([[0, 1, IGNORED]], np.uint8)), "cat, dog"),
        (Truth(label=0, points=np.zeros((5, 2), np.float32)), "cat | 5 points"),
        (Truth(picture=np.zeros((20, 30, 3), np.uint8)), "-> 20 x 30"),
        (Truth(pairs=(Pair(3, True), Pair(4, False))), "pair 3 same | pair 4 other"),
    ],
)
def test_the_caption_says_what_is_annotated(truth, words):
    assert caption(truth, ("cat", "dog")) == words


def test_run_lengths_go_down_the_columns():
    mask = mask_of({"size": [2, 3], "counts": [1, 2, 3]}, (2, 3))
    assert mask.astype(int).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_run_lengths_are_as_the_library_decodes_them():
    library = pytest.importorskip("faster_coco_eval.core.mask")
    wanted = np.random.default_rng(0).random((20, 31)) < 0.5
    encoded = library.encode(np.asfortranarray(wanted.astype(np.uint8)))
    assert (mask_of(encoded, (20, 31)) == wanted).all()


def test_forty_samples_are_spread_over_the_whole_and_laid_out_in_rows(tmp_path):
    assert spread(3, 40) == (0, 1, 2)
    assert spread(1001, 5) == (0, 250, 500, 750, 1000)
    seen = []

    def picture(number):
        seen.append(number)
        return GRAY

    many = Listing(Path("data"), "test", [f"{number}.png" for number in range(1000)], picture)
    sheet = contact_sheet(many, tmp_path / "a.jpg")
    assert sheet.shown == len(seen) == len(set(seen)) == 40
    assert Image.open(tmp_path / "a.jpg").size == (GAP + 8 * (CELL + GAP), GAP + 5 * (CELL + CAPTION + GAP))


def test_what_cannot_be_read_is_shown_as_such_and_told(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no")
    sheet, _ = drawn(tmp_path, [Truth(), Truth()], [GRAY, tmp_path / "a.png"])
    assert sheet.shown == 2
    assert len(sheet.unreadable) == 1
    assert "a.png: this picture cannot be read" in sheet.unreadable[0]


def test_odd_pictures_and_names_can_be_drawn(tmp_path):
    names = ["a\nb.png", "猫" * 100, "c" * 500 + ".png"]
    truths = [Truth(label=0), Truth(text="x" * 500), Truth(objects=objects([[-9, -9, 999, 999]], [5], ignored=[True]))]
    drawn(tmp_path, truths, [np.zeros((1, 300, 3), np.uint8), np.zeros((5, 5), np.uint8), GRAY], names, ())


def test_a_sheet_needs_samples_an_ending_and_a_place(tmp_path):
    with pytest.raises(DatasetError, match="there is no sample to show"):
        contact_sheet(listing([]), tmp_path / "a.png")
    with pytest.raises(SettingsError, match=r"ends in \.png or \.jpg"):
        contact_sheet(listing(), tmp_path / "a.pdf")
    with pytest.raises(JobError, match="cannot be written"):
        contact_sheet(listing(), tmp_path / "none" / "a.png")


def test_more_samples_than_fit_into_memory_are_refused(tmp_path):
    many = Listing(Path("data"), "test", [str(number) for number in range(3000)], lambda number: GRAY)
    with pytest.raises(SettingsError, match="at most 2000 samples"):
        contact_sheet(many, tmp_path / "a.png", 3000)
