"""COCO as it comes, with its quirks."""

import json
from pathlib import Path

import numpy as np
import pytest
from layouts_with_boxes import HEIGHT, THREE, WIDTH, coco_data, draw, write_coco

from calibench.datasets.formats.coco import COCO
from calibench.datasets.formats.format import Layout
from calibench.datasets.listing import Listing, ReadOptions
from calibench.errors import DatasetError


def read(folder: Path, **options: object) -> Listing:
    layout = Layout(folder)
    assert not COCO.broken(layout)
    return COCO.read(layout, ReadOptions(**options))  # type: ignore[arg-type]


def sentences(listing: Listing) -> list[str]:
    return [str(problem) for problem in listing.problems]


def test_pictures_boxes_and_the_numbers_of_the_categories_are_read(tmp_path: Path) -> None:
    listing = read(write_coco(tmp_path))

    assert listing.names == ("images/val2017/a.jpg", "images/val2017/b.jpg", "images/val2017/c.jpg")
    assert listing.picture(0) == tmp_path / "images/val2017/a.jpg"
    assert (listing.classes, listing.class_ids) == (("cat", "dog"), (17, 18))
    assert listing.annotated == {"objects"}
    assert listing.label_source == "the numbers of the categories"
    objects = listing.truth(0).objects
    assert objects is not None
    assert objects.boxes.tolist() == [[1, 2, 11, 22], [20, 10, 60, 40]]
    assert (objects.labels.tolist(), objects.is_ignored.tolist(), objects.masks) == ([1, 0], [False, False], ())
    assert not listing.problems


def test_a_picture_without_annotations_is_kept_for_false_positives(tmp_path: Path) -> None:
    objects = read(write_coco(tmp_path)).truth(2).objects
    assert objects is not None and len(objects.boxes) == 0


@pytest.mark.parametrize(
    ("pictures", "file"),
    [
        ("val2017", "annotations/instances_val2017.json"),
        ("images/val", "annotations/instances_val.json"),
        ("images", "annotations/instances_val2017.json"),
        ("", "instances_val.json"),
        ("valid", "valid/_annotations.coco.json"),
        ("data", "labels.json"),
    ],
)
def test_pictures_are_found_wherever_they_lie(tmp_path: Path, pictures: str, file: str) -> None:
    listing = read(write_coco(tmp_path, pictures=pictures, file=file))
    assert listing.names == tuple(f"{pictures}/{name}.jpg".lstrip("/") for name in "abc")
    assert not listing.problems


def test_file_names_with_folders_and_of_other_machines_are_found(tmp_path: Path) -> None:
    data = coco_data(folder="inner/")
    write_coco(tmp_path, data)
    for image in data["images"]:
        image["file_name"] = f"C:\\pictures\\{image['file_name']}"
    (tmp_path / "annotations/instances_val2017.json").write_text(json.dumps(data), "utf-8")
    assert read(tmp_path).names[0] == "images/val2017/inner/a.jpg"


def test_the_split_is_val_then_test_then_train_unless_one_is_named(tmp_path: Path) -> None:
    for split in ("train2017", "val2017"):
        write_coco(tmp_path, pictures=f"images/{split}", file=f"annotations/instances_{split}.json")

    assert read(tmp_path).names[0] == "images/val2017/a.jpg"
    assert read(tmp_path, split="train").names[0] == "images/train2017/a.jpg"
    with pytest.raises(DatasetError, match=r"no part is called 'test', there is .*instances_train2017"):
        read(tmp_path, split="test")


def test_files_of_captions_and_keypoints_are_not_read(tmp_path: Path) -> None:
    write_coco(tmp_path, file="annotations/instances_val2017.json")
    for task in ("captions", "person_keypoints"):
        write_coco(tmp_path, coco_data({}), file=f"annotations/{task}_val2017.json")
    assert len(read(tmp_path)) == 3


def test_polygons_are_kept_as_they_are(tmp_path: Path) -> None:
    data = coco_data(masks=True)
    data["annotations"][0]["segmentation"].append([1.25, 2.5, 3.75, 4.5, 5.5, 6.5])

    listing = read(write_coco(tmp_path, data))

    assert listing.annotated == {"objects", "instances"}
    first, second = listing.truth(0).objects.masks  # type: ignore[union-attr]
    assert first == [[1, 2, 11, 2, 11, 22], [1.25, 2.5, 3.75, 4.5, 5.5, 6.5]]
    assert second == [[20, 10, 60, 10, 60, 40]]


def test_a_crowd_has_run_lengths_and_does_not_count(tmp_path: Path) -> None:
    data = coco_data(masks=True)
    runs = {"size": [HEIGHT, WIDTH], "counts": [HEIGHT, HEIGHT, HEIGHT * (WIDTH - 2)]}
    data["annotations"][1] |= {"iscrowd": 1, "segmentation": runs}

    objects = read(write_coco(tmp_path, data)).truth(0).objects

    assert objects is not None
    assert objects.is_ignored.tolist() == [False, True]
    assert objects.masks[1] == runs


def test_run_lengths_agree_with_the_coco_library(tmp_path: Path) -> None:
    from faster_coco_eval import mask as library

    from calibench.datasets.formats.run_lengths import decode_counts, is_whole

    draw_mask = np.random.default_rng(0).random((HEIGHT, WIDTH)) < 0.3
    encoded = library.encode(np.asfortranarray(draw_mask.astype(np.uint8)))
    text = encoded["counts"].decode()
    counts = decode_counts(text)
    values = np.repeat(np.arange(len(counts)) % 2, counts).reshape(WIDTH, HEIGHT).T

    assert np.array_equal(values.astype(bool), draw_mask)
    assert is_whole(text, HEIGHT, WIDTH)
    assert not is_whole(text[:-3], HEIGHT, WIDTH)
    assert not is_whole(text + "é", HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("mask", "fault"),
    [
        ([[1, 2, 3, 4]], "has a segmentation that is no polygon of at least 3 points"),
        ([[1, 2, 3, 4, 5]], "has a segmentation that is no polygon of at least 3 points"),
        ([[1, 2, 3, 4, 5, "6"]], "has a segmentation that is no polygon of at least 3 points"),
        ([[1, 2, 3, 4, 5, float("nan")]], "has a segmentation that is no polygon of at least 3 points"),
        ({"size": [HEIGHT, WIDTH], "counts": "zz"}, "has run lengths that do not fill their size"),
        ({"size": [HEIGHT, WIDTH], "counts": [5, -5]}, "has run lengths that do not fill their size"),
        ({"size": [4, 2], "counts": [8]}, "has run lengths for 2 x 4 pixels, but its picture has 64 x 48"),
        ({"counts": [8]}, "has a segmentation of run lengths without a size"),
    ],
)
def test_a_broken_mask_is_reported_and_the_box_stands_for_it(tmp_path: Path, mask: object, fault: str) -> None:
    data = coco_data(masks=True)
    data["annotations"][0]["segmentation"] = mask

    listing = read(write_coco(tmp_path, data))

    assert sentences(listing) == [f"instances_val2017.json: annotation 1 {fault}; its box stands for it"]
    assert listing.truth(0).objects.masks[0] == [[1, 2, 11, 2, 11, 22, 1, 22]]  # type: ignore[union-attr]


def test_a_box_outside_the_picture_is_cut_off_and_reported(tmp_path: Path) -> None:
    objects = {"a": [("dog", -5, 2, 11, 60), ("dog", 0, 0, 64.6, 48)]}

    listing = read(write_coco(tmp_path, coco_data(objects)))

    assert listing.truth(0).objects.boxes.tolist() == [[0, 2, 11, 48], [0, 0, 64, 48]]  # type: ignore[union-attr]
    assert sentences(listing) == [
        "instances_val2017.json: annotation 1 has a box that reaches outside its picture of 64 x 48 and is cut off"
    ]


def test_the_size_of_the_picture_counts_where_the_file_lies(tmp_path: Path) -> None:
    data = coco_data({"a": [("dog", 1, 2, 200, 40)]})
    data["images"][0] |= {"width": 640, "height": 480}
    listing = read(write_coco(tmp_path, data))
    assert listing.truth(0).objects.boxes.tolist() == [[1, 2, 64, 40]]  # type: ignore[union-attr]
    assert sentences(listing) == [
        "instances_val2017.json: image 100 says 640 x 480, but images/val2017/a.jpg has 64 x 48 pixels: "
        "its boxes may be those of another size"
    ]


def test_a_labels_file_overrules_the_order_of_the_categories(tmp_path: Path) -> None:
    labels = tmp_path / "names.txt"
    labels.write_text("dog\nbird\ncat\n")
    listing = read(write_coco(tmp_path), labels=labels)

    assert listing.classes == ("dog", "bird", "cat")
    assert listing.class_ids == ()
    assert listing.truth(0).objects.labels.tolist() == [0, 2]  # type: ignore[union-attr]


def test_a_file_without_annotations_is_not_annotated(tmp_path: Path) -> None:
    data = coco_data()
    del data["annotations"], data["categories"]
    listing = read(write_coco(tmp_path, data))
    assert (len(listing), listing.annotated, listing.truth(0).objects) == (3, frozenset(), None)


def test_pictures_of_one_name_in_two_folders_are_told_apart_by_the_file_name(tmp_path: Path) -> None:
    draw(tmp_path / "other/a.jpg")
    listing = read(write_coco(tmp_path, coco_data({"a": THREE["a"]}, folder="one/")))
    assert listing.names == ("images/val2017/one/a.jpg",)


def test_pictures_that_the_file_does_not_name_are_reported(tmp_path: Path) -> None:
    write_coco(tmp_path)
    draw(tmp_path / "images/val2017/z.jpg")
    assert sentences(read(tmp_path)) == ["images/val2017/z.jpg: is not named in instances_val2017.json"]


def test_names_that_differ_by_case_or_ending_are_different_pictures(tmp_path: Path) -> None:
    data = coco_data({"a": THREE["a"], "A": THREE["b"], "b": []})
    data["images"][2]["file_name"] = "a.png"
    listing = read(write_coco(tmp_path, data))
    assert listing.names == tuple(f"images/val2017/{name}" for name in ("A.jpg", "a.jpg", "a.png"))
    assert [len(listing.truth(number).objects.boxes) for number in range(3)] == [1, 2, 0]  # type: ignore[union-attr]
    assert not listing.problems
