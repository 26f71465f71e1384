"""YOLO in its three layouts, with their quirks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from layouts_with_boxes import THREE, draw, write, write_darknet, write_ultralytics, write_yolo_pairs, yolo_line

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.yolo import YOLO
from calibench.datasets.listing import Listing, ReadOptions
from calibench.errors import DatasetError

WRITERS = [write_ultralytics, write_darknet, write_yolo_pairs]


def read(folder: Path, **options: object) -> Listing:
    layout = Layout(folder)
    assert not YOLO.broken(layout)
    return YOLO.read(layout, ReadOptions(**options))  # type: ignore[arg-type]


def sentences(listing: Listing) -> list[str]:
    return [str(problem) for problem in listing.problems]


@pytest.mark.parametrize("writer", WRITERS)
def test_pictures_boxes_and_classes_are_read(tmp_path: Path, writer: Callable[[Path], Path]) -> None:
    listing = read(writer(tmp_path))

    assert [Path(name).name for name in listing.names] == ["a.jpg", "b.jpg", "c.jpg"]
    assert listing.picture(0).is_file()  # type: ignore[union-attr]
    assert (listing.classes, listing.class_ids) == (("dog", "cat"), (0, 1))
    assert listing.annotated == {"objects"}
    objects = listing.truth(0).objects
    assert objects is not None
    assert objects.boxes.round(3).tolist() == [[1, 2, 11, 22], [20, 10, 60, 40]]
    assert (objects.labels.tolist(), objects.masks) == ([0, 1], ())
    assert len(listing.truth(2).objects.boxes) == 0  # type: ignore[union-attr]
    assert not listing.problems


@pytest.mark.parametrize("names", ["[dog, cat]", "{0: dog, 1: cat}", "\n  - dog\n  - cat", "\n  0: dog\n  1: cat"])
def test_names_are_a_list_or_numbers(tmp_path: Path, names: str) -> None:
    assert read(write_ultralytics(tmp_path, names=names)).classes == ("dog", "cat")


def test_numbers_of_classes_may_have_gaps(tmp_path: Path) -> None:
    write_ultralytics(tmp_path, names="{3: cat, 0: dog}")
    write(tmp_path / "labels/val/a.txt", "3 0.5 0.5 1 1\n1 0.5 0.5 1 1\n")
    listing = read(tmp_path)
    assert (listing.classes, listing.class_ids) == (("dog", "cat"), (0, 3))
    assert listing.truth(0).objects.labels.tolist() == [1]  # type: ignore[union-attr]
    assert sentences(listing) == ["labels/val/a.txt: line 2 names class 1, but the names are for 0, 3"]


@pytest.mark.parametrize(
    ("path", "val", "place"),
    [
        ("../datasets/pets", "images/val", "images/val"),
        ("/home/me/pets", "val/images", "val/images"),
        (".", "../valid/images", "valid/images"),
        ("pets", "./images/val2017/", "images/val2017"),
    ],
)
def test_paths_of_another_machine_are_found_here(tmp_path: Path, path: str, val: str, place: str) -> None:
    write_ultralytics(tmp_path, val=place)
    write(tmp_path / "data.yaml", f"path: {path}\ntrain: images/train\nval: {val}\nnames: [dog, cat]\n")
    assert read(tmp_path).names[0] == f"{place}/a.jpg"


def test_the_split_is_val_unless_one_is_named(tmp_path: Path) -> None:
    write_ultralytics(tmp_path, train="images/train", val="images/val")
    assert read(tmp_path).names[0] == "images/val/a.jpg"
    assert read(tmp_path, split="train").names[0] == "images/train/a.jpg"
    with pytest.raises(DatasetError, match="no part is called 'test', there is train, val"):
        read(tmp_path, split="test")


def test_a_split_may_be_a_list_of_pictures(tmp_path: Path) -> None:
    write_ultralytics(tmp_path)
    write(tmp_path / "data.yaml", "val: [val.txt]\nnames: [dog, cat]\n")
    write(tmp_path / "val.txt", "./images/val/b.jpg\n/far/away/images/val/a.jpg\nimages/val/z.jpg\n")
    listing = read(tmp_path)
    assert listing.names == ("images/val/a.jpg", "images/val/b.jpg")
    assert sentences(listing) == ["val.txt: line 3 names images/val/z.jpg, which is not there"]


def test_polygons_become_boxes_and_masks(tmp_path: Path) -> None:
    write_ultralytics(tmp_path)
    write(tmp_path / "labels/val/a.txt", "0 0.25 0.25 0.5 0.25 0.5 0.75\n" + yolo_line(THREE["a"][1]))
    write(tmp_path / "labels/val/b.txt", "1 0 0 1 0 1 1 0 1\n0 0.1 0.1 0.2 0.1 0.2 0.2")

    listing = read(tmp_path)

    assert listing.annotated == {"objects", "instances"}
    objects = listing.truth(0).objects
    assert objects is not None
    assert objects.boxes.round(3).tolist() == [[16, 12, 32, 36], [20, 10, 60, 40]]
    assert objects.masks[0] == [[16, 12, 32, 12, 32, 36]]
    assert [round(value) for value in objects.masks[1][0]] == [20, 10, 60, 10, 60, 40, 20, 40]


def test_landmarks_behind_a_box_are_no_polygon(tmp_path: Path) -> None:
    write_ultralytics(tmp_path)
    (tmp_path / "data.yaml").open("a").write("kpt_shape: [1, 2]\n")
    for name in "ab":
        write(tmp_path / f"labels/val/{name}.txt", "0 0.5 0.5 0.5 0.5 0.4 0.4\n")
    listing = read(tmp_path)
    assert listing.annotated == {"objects"}
    assert listing.truth(0).objects.boxes.tolist() == [[16, 12, 48, 36]]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("0 0.5 0.5 0.5", "has 4 numbers, a box has 5 and a polygon an odd count from 7"),
        ("0 0.5 0.5 0.5 0.5 0.9", "has 6 numbers, a box has 5 and a polygon an odd count from 7"),
        ("0 0.5 0.5 0.5 x", "holds something that is no number"),
        ("0 0.5 0.5 nan 0.5", "holds something that is no number"),
        ("dog 0.5 0.5 0.5 0.5", "holds something that is no number"),
        ("2 0.5 0.5 0.5 0.5", "names class 2, but the names are for 0 to 1"),
        ("-1 0.5 0.5 0.5 0.5", "names class -1, but the names are for 0 to 1"),
        ("0.5 0.5 0.5 0.5 0.5", "names class 0.5, but the names are for 0 to 1"),
        ("0 0.5 0.5 0 0.5", "has an empty box"),
        ("0 0.5 0.5 -0.1 0.5", "has a box with a negative side"),
        ("0 1.5 0.5 0.1 0.5", "has a box outside its picture"),
        ("0 30 20 10 10", "has numbers far above 1, they must be shares of the sides of the picture"),
        ("0  0.50 0.50 1 1", "says the same as line 1"),
    ],
)
def test_a_broken_line_is_named_and_the_others_are_kept(tmp_path: Path, line: str, sentence: str) -> None:
    write_ultralytics(tmp_path)
    write(tmp_path / "labels/val/a.txt", f"0 0.50 0.50 1 1\n{line}\n")
    listing = read(tmp_path)
    assert listing.truth(0).objects.boxes.tolist() == [[0, 0, 64, 48]]  # type: ignore[union-attr]
    assert sentences(listing) == [f"labels/val/a.txt: line 2 {sentence}"]


def test_a_box_outside_the_picture_is_cut_off_and_reported(tmp_path: Path) -> None:
    write_ultralytics(tmp_path)
    write(tmp_path / "labels/val/a.txt", "0 0.5 0.5 1.5 0.5\n")
    listing = read(tmp_path)
    assert listing.truth(0).objects.boxes.tolist() == [[0, 12, 64, 36]]  # type: ignore[union-attr]
    assert sentences(listing) == ["labels/val/a.txt: line 1 has a box that reaches outside its picture and is cut off"]


def test_label_files_without_a_picture_are_reported(tmp_path: Path) -> None:
    write_ultralytics(tmp_path)
    write(tmp_path / "labels/val/z.txt", "0 0.5 0.5 1 1\n")
    assert sentences(read(tmp_path)) == ["labels/val/z.txt: there is no picture of this name"]


def test_it_is_said_when_most_pictures_have_no_label_file(tmp_path: Path) -> None:
    write_ultralytics(tmp_path)
    for name in "xyz":
        draw(tmp_path / f"images/val/{name}.jpg")
    listing = read(tmp_path)
    assert len(listing) == 6
    assert sentences(listing) == [
        "2 of 6 pictures have a label file, the other 4 count as pictures without objects",
    ]


def test_the_boxes_of_a_turned_picture_are_those_of_the_upright_one(tmp_path: Path) -> None:
    write_ultralytics(tmp_path)
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    draw(tmp_path / "images/val/a.jpg", exif=exif)
    write(tmp_path / "labels/val/a.txt", "0 0.5 0.5 1 1\n")
    assert read(tmp_path).truth(0).objects.boxes.tolist() == [[0, 0, 48, 64]]  # type: ignore[union-attr]


def test_a_labels_file_overrules_the_order(tmp_path: Path) -> None:
    labels = write(tmp_path / "other/order.txt", "cat\nbird\ndog\n")
    listing = read(write_ultralytics(tmp_path), labels=labels)
    assert (listing.classes, listing.class_ids) == (("cat", "bird", "dog"), ())
    assert listing.truth(0).objects.labels.tolist() == [2, 0]  # type: ignore[union-attr]


def test_folders_named_like_splits_are_told_apart_without_a_settings_file(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write_yolo_pairs(tmp_path / split)
        (tmp_path / split / "classes.txt").unlink()
    write(tmp_path / "classes.txt", "dog\ncat\n")
    assert read(tmp_path).names[0] == "valid/a.jpg"
    assert read(tmp_path, split="train").names[0] == "train/a.jpg"
