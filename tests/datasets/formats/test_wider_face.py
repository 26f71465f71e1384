"""WIDER FACE as it comes, with its quirks."""

from pathlib import Path
from typing import Any

import pytest
from layouts_with_boxes import FACES, draw, wider_text, write_wider_face

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.wider_face import WIDER_FACE
from calibench.datasets.listing import Listing, ReadOptions

FIRST = "0--Parade/0_Parade_1.jpg"


def read(folder: Path, **options: Any) -> Listing:
    layout = Layout(folder)
    assert not WIDER_FACE.broken(layout)
    return WIDER_FACE.read(layout, ReadOptions(**options))


def sentences(listing: Listing) -> list[str]:
    return [str(problem) for problem in listing.problems]


@pytest.mark.parametrize(
    ("images", "file"),
    [
        ("Images", "Annotations/wider_face_val_bbx_gt.txt"),
        ("WIDER_val/images", "wider_face_split/wider_face_val_bbx_gt.txt"),
    ],
)
def test_pictures_and_faces_are_read(tmp_path: Path, images: str, file: str) -> None:
    listing = read(write_wider_face(tmp_path, images=images, file=file))

    assert listing.names == tuple(f"{images}/{name}" for name in FACES)
    assert listing.picture(0).is_file()  # type: ignore[union-attr]
    assert (listing.classes, listing.annotated) == (("face",), {"objects"})
    objects = listing.truth(0).objects
    assert objects is not None
    assert objects.boxes.tolist() == [[1, 2, 11, 22], [20, 10, 60, 40]]
    assert objects.labels.tolist() == [0, 0]
    assert not listing.problems


def test_invalid_faces_do_not_count(tmp_path: Path) -> None:
    objects = read(write_wider_face(tmp_path)).truth(0).objects
    assert objects is not None and objects.is_ignored.tolist() == [False, True]


def test_a_picture_without_faces_has_a_line_of_zeros_and_is_kept(tmp_path: Path) -> None:
    text = wider_text(FACES)
    assert "0_Parade_2.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \n" in text
    listing = read(write_wider_face(tmp_path))
    assert len(listing.truth(1).objects.boxes) == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{FIRST}\n2\n1 2 10 20 0 0 0 0 0 0\n", ["line 1 says 2 faces, but 1 lines follow"]),
        (f"{FIRST}\n1\n1 2 10 20\n1 2 3 4\n", ["line 1 says 1 faces, but 2 lines follow"]),
        (f"{FIRST}\n2\n1 2 10 20\nx y 3 4\n", ["line 4 does not begin with four numbers"]),
        (f"{FIRST}\n2\n1 2 10 20\n1 2 3\n", ["line 4 does not begin with four numbers"]),
        (f"{FIRST}\n2\n1 2 10 20\n1 2 0 4\n", ["line 4 has an empty box"]),
        (f"{FIRST}\n2\n1 2 10 20\n90 2 3 4\n", ["line 4 has a box outside its picture"]),
        (f"{FIRST}\n1\n1 2 10 20\n{FIRST}\n1\n1 2 3 4\n", [f"line 4 names Images/{FIRST} again"]),
        (f"{FIRST}\n1\n1 2 10 20\nfar/away.jpg\n1\n1 2 3 4\n", ["line 4 names far/away.jpg, which is not there"]),
        (f"7\n{FIRST}\n1\n1 2 10 20\n", ["line 1 belongs to no picture"]),
        (f"{FIRST}\n1\n1 2 10 20\n0--Parade/0_Parade_2.jpg\n", ["line 4 is not followed by the number of faces"]),
    ],
)
def test_what_is_broken_is_named_and_the_rest_is_kept(tmp_path: Path, text: str, expected: list[str]) -> None:
    listing = read(write_wider_face(tmp_path, text=text))
    file = "Annotations/wider_face_val_bbx_gt.txt"
    assert [line for line in sentences(listing) if line.startswith(file)] == [f"{file}: {each}" for each in expected]
    assert listing.truth(0).objects.boxes[0].tolist() == [1, 2, 11, 22]  # type: ignore[union-attr]


def test_a_box_outside_the_picture_is_cut_off_and_reported(tmp_path: Path) -> None:
    listing = read(write_wider_face(tmp_path, {FIRST: [(-5, 2, 100, 20)]}))
    assert listing.truth(0).objects.boxes.tolist() == [[0, 2, 64, 22]]  # type: ignore[union-attr]
    assert sentences(listing) == [
        "Annotations/wider_face_val_bbx_gt.txt: line 3 has a box that reaches outside its picture of 64 x 48 "
        "and is cut off"
    ]


def test_pictures_without_an_entry_are_left_out_and_named(tmp_path: Path) -> None:
    write_wider_face(tmp_path)
    draw(tmp_path / "Images/0--Parade/z.jpg")
    assert sentences(read(tmp_path)) == [
        "Images/0--Parade/z.jpg: there is no entry in Annotations/wider_face_val_bbx_gt.txt"
    ]


def test_the_split_chooses_among_the_files(tmp_path: Path) -> None:
    for split, name in (("train", "0--Parade/t.jpg"), ("val", "0--Parade/v.jpg")):
        file = f"wider_face_split/wider_face_{split}_bbx_gt.txt"
        write_wider_face(tmp_path, {name: [(1, 2, 3, 4)]}, images=f"WIDER_{split}/images", file=file)
    assert read(tmp_path).names == ("WIDER_val/images/0--Parade/v.jpg",)
    assert read(tmp_path, split="train").names == ("WIDER_train/images/0--Parade/t.jpg",)
