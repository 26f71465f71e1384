"""Open Images as it comes, with its quirks."""

from pathlib import Path
from typing import Any

import pytest
from layouts_with_boxes import THREE, draw, open_images_rows, write, write_open_images

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.open_images import OPEN_IMAGES
from calibench.datasets.listing import Listing, ReadOptions

TWO = {name: boxes for name, boxes in THREE.items() if boxes}


def read(folder: Path, **options: Any) -> Listing:
    layout = Layout(folder)
    assert not OPEN_IMAGES.broken(layout)
    return OPEN_IMAGES.read(layout, ReadOptions(**options))


def sentences(listing: Listing) -> list[str]:
    return [str(problem) for problem in listing.problems]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"header": True, "classes": "oidv6-class-descriptions.csv", "file": "validation-annotations-bbox.csv"},
        {"images": "images/validation", "file": "annotations/oidv6-validation-annotations-bbox.csv"},
        {"file": "boxes.csv", "classes": "meta/class-descriptions.csv"},
    ],
)
def test_pictures_boxes_and_classes_are_read(tmp_path: Path, options: dict[str, Any]) -> None:
    listing = read(write_open_images(tmp_path, TWO, **options))

    assert [Path(name).name for name in listing.names] == ["a.jpg", "b.jpg"]
    assert listing.picture(0).is_file()  # type: ignore[union-attr]
    assert (listing.classes, listing.annotated) == (("Dog", "Cat"), {"objects"})
    objects = listing.truth(0).objects
    assert objects is not None
    assert objects.boxes.round(3).tolist() == [[1, 2, 11, 22], [20, 10, 60, 40]]
    assert (objects.labels.tolist(), objects.is_ignored.tolist()) == ([0, 1], [False, False])
    assert not listing.problems


def test_groups_do_not_count(tmp_path: Path) -> None:
    objects = read(write_open_images(tmp_path, TWO, rows=open_images_rows(TWO, is_group=1))).truth(0).objects
    assert objects is not None and objects.is_ignored.all()


def test_shares_are_of_the_sides_of_the_upright_picture(tmp_path: Path) -> None:
    write_open_images(tmp_path, {"a": [("dog", 0, 0, 64, 48)]})
    draw(tmp_path / "Images/a.jpg", (640, 100))
    assert read(tmp_path).truth(0).objects.boxes.tolist() == [[0, 0, 640, 100]]  # type: ignore[union-attr]


def test_pictures_without_rows_are_left_out_and_named(tmp_path: Path) -> None:
    listing = read(write_open_images(tmp_path))
    assert listing.names == ("Images/a.jpg", "Images/b.jpg")
    assert sentences(listing) == ["Images/c.jpg: there is no line in annotations.csv"]


def test_rows_of_missing_pictures_are_counted(tmp_path: Path) -> None:
    write_open_images(tmp_path, TWO)
    (tmp_path / "Images/a.jpg").unlink()
    assert sentences(read(tmp_path)) == ["annotations.csv: its 2 lines of picture a are left out: it is not there"]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (["a", "", "/m/none", 1, 0, 1, 0, 1], "names class '/m/none', which the class descriptions do not have"),
        (["a", "", "/m/01yrx", 1, "x", 1, 0, 1], "has no numbers in XMin, YMin, XMax, YMax"),
        (["a", "", "/m/01yrx", 1, 0.5], "has no numbers in XMin, YMin, XMax, YMax"),
        (["a", "", "/m/01yrx", 1, 0.5, 0.4, 0, 1], "has a box with a negative side"),
        (["a", "", "/m/01yrx", 1, 0.5, 0.5, 0, 1], "has an empty box"),
        (["a", "", "/m/01yrx", 1, 0, 1, "nan", 1], "has a box with a number that is no position"),
        (
            ["a", "", "/m/01yrx", 1, 10, 40, 10, 30],
            "has numbers far above 1, they must be shares of the sides of the picture",
        ),
    ],
)
def test_a_broken_row_is_named_and_the_others_are_kept(tmp_path: Path, row: list[Any], sentence: str) -> None:
    listing = read(write_open_images(tmp_path, TWO, rows=[*open_images_rows(TWO), row]))
    assert sentences(listing) == [f"annotations.csv: line 5 {sentence}"]
    assert len(listing.truth(0).objects.boxes) == 2  # type: ignore[union-attr]


def test_a_box_outside_the_picture_is_cut_off_and_reported(tmp_path: Path) -> None:
    listing = read(write_open_images(tmp_path, {"a": [("dog", -6.4, 0, 32, 48)]}))
    assert listing.truth(0).objects.boxes.tolist() == [[0, 0, 32, 48]]  # type: ignore[union-attr]
    assert sentences(listing) == ["annotations.csv: line 2 has a box that reaches outside its picture and is cut off"]


def test_the_split_chooses_among_the_files(tmp_path: Path) -> None:
    write_open_images(tmp_path, {"a": TWO["a"]}, file="test-annotations-bbox.csv")
    write_open_images(tmp_path, {"b": TWO["b"]}, file="validation-annotations-bbox.csv")
    assert read(tmp_path).names == ("Images/b.jpg",)
    assert read(tmp_path, split="test").names == ("Images/a.jpg",)


def test_of_a_list_of_all_labels_only_those_that_occur_are_kept(tmp_path: Path) -> None:
    write_open_images(tmp_path, TWO)
    lines = "".join(f"/m/{number},Thing {number}\n" for number in range(2000))
    file = tmp_path / "class-descriptions-boxable.csv"
    write(file, lines + file.read_text())
    assert read(tmp_path).classes == ("Dog", "Cat")
