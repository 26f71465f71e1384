"""LFW."""

import numpy as np
import pytest
from layouts_without_boxes import draw, lfw, write

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.lfw import LFW
from calibench.datasets.listing import ReadOptions
from calibench.datasets.truth import Pair
from calibench.errors import DatasetError


def read(folder, **options):
    return LFW.read(Layout(folder), ReadOptions(**options))


@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize("header", ["1\t1", "10\t300", "500", ""])
def test_pairs_persons_and_landmarks(tmp_path, outer, header):
    listing = read(lfw(tmp_path, outer=outer, header=header))
    top = "Images/" if outer else ""
    assert listing.names == tuple(
        f"{top}{name}.jpg" for name in ("Ann_Lee/Ann_Lee_0001", "Ann_Lee/Ann_Lee_0002", "Bob_Ray/Bob_Ray_0001")
    )
    assert listing.annotated == {"label", "pairs", "points"}
    assert (listing.classes, listing.labels) == (("Ann_Lee", "Bob_Ray"), (0, 0, 1))
    assert [listing.truth(i).pairs for i in range(3)] == [
        (Pair(0, True),),
        (Pair(0, True), Pair(1, False)),
        (Pair(1, False),),
    ]
    np.testing.assert_array_equal(listing.truth(2).points, np.arange(10, dtype=np.float32).reshape(5, 2))
    assert listing.truth(1).points is None
    assert listing.problems == ()
    assert not LFW.broken(Layout(tmp_path))


def test_without_landmarks_there_are_pairs_only(tmp_path):
    assert read(lfw(tmp_path, landmarks=False)).annotated == {"label", "pairs"}


def test_lines_that_are_no_pair_of_pictures_here_are_named(tmp_path):
    lfw(tmp_path, landmarks=False)
    lines = ["Ann_Lee 1 2", "Ann_Lee 2 1", "Ann_Lee 1 1", "Ann_Lee 1 Carl 1", "Ann_Lee 1 9", "Ann_Lee", "a b c d e"]
    write(tmp_path / "Annotations/pairs.txt", "\n".join(lines))
    listing = read(tmp_path)
    assert listing.truth(0).pairs == (Pair(0, True),)
    assert [str(each).removeprefix("Annotations/pairs.txt: ") for each in listing.problems] == [
        "line 6 is no pair: a name and two numbers, or a name and a number twice",
        "line 7 is no pair: a name and two numbers, or a name and a number twice",
        "line 2 repeats the pair of line 1",
        "line 3 pairs Images/Ann_Lee/Ann_Lee_0001.jpg with itself",
        "line 4 names picture 1 of Carl, which is missing",
        "line 5 names picture 9 of Ann_Lee, which is missing",
    ]


def test_rows_of_landmarks_that_do_not_fit_are_named(tmp_path):
    lfw(tmp_path)
    ten = "\t".join("0123456789")
    rows = [f"Ann_Lee/Ann_Lee_0001.jpg\t{ten}", "Ann_Lee/Ann_Lee_0002.jpg\t1\t2", f"Carl/Carl_0001.jpg\t{ten}"]
    write(
        tmp_path / "Annotations/landmarks.txt", "\n".join([*rows, rows[0], "Bob_Ray/Bob_Ray_0001.jpg" + "\tnan" * 10])
    )
    listing = read(tmp_path)
    assert [listing.truth(i).points is None for i in range(3)] == [False, True, True]
    assert [str(each).removeprefix("Annotations/landmarks.txt: ") for each in listing.problems] == [
        "line 2 has no 5 points: 10 numbers must follow the name",
        "line 3 names Carl/Carl_0001.jpg, which is missing",
        "line 4 names Ann_Lee/Ann_Lee_0001.jpg again; its first line counts",
        "line 5 has no 5 points: 10 numbers must follow the name",
    ]


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ("", "there is no pair in it"),
        ("10\t300\n", "there is no pair in it"),
        ("some words that are none\n", "there is no pair in it, the first: .*line 1 is no pair"),
        ("Carl\t1\t2\n", "none of its 2 names is a picture here, the first is Carl 1"),
    ],
)
def test_a_list_without_pairs_is_refused(tmp_path, pairs, sentence):
    lfw(tmp_path)
    write(tmp_path / "Annotations/pairs.txt", pairs)
    with pytest.raises(DatasetError, match=sentence):
        read(tmp_path)


def test_missing_parts_are_named(tmp_path):
    draw(tmp_path / "Images/Ann/Ann_0001.jpg")
    assert [rule.wants for rule in LFW.broken(Layout(tmp_path))] == ["Annotations/pairs.txt"]
    with pytest.raises(DatasetError, match=r"there is no pairs.txt"):
        read(tmp_path)
