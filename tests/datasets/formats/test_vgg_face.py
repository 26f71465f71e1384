"""VGGFace2."""

import numpy as np
import pytest
from layouts_without_boxes import draw, vgg_face, write

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.vgg_face import VGG_FACE
from calibench.datasets.listing import ReadOptions
from calibench.errors import DatasetError

BOXES, POINTS = "Annotations/loose_bb_test.csv", "Annotations/loose_landmark_test.csv"


def read(folder, **options):
    return VGG_FACE.read(Layout(folder), ReadOptions(**options))


@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize("inner", ["Images", "test"])
def test_boxes_and_points(tmp_path, quoted, inner):
    listing = read(vgg_face(tmp_path, quoted=quoted, inner=inner))
    assert listing.names == (f"{inner}/n000001/0001_01.jpg", f"{inner}/n000009/0002_01.jpg")
    assert listing.classes == ("face",)
    assert listing.annotated == {"objects", "points"}
    truth = listing.truth(1)
    np.testing.assert_array_equal(truth.objects.boxes, np.float32([[2, -3, 22, 28]]))
    assert truth.objects.labels.tolist() == [0]
    np.testing.assert_array_equal(truth.points[:2], np.float32([[1.5, 2], [3, 4]]))
    assert listing.problems == ()
    assert not VGG_FACE.broken(Layout(tmp_path))


@pytest.mark.parametrize(("gone", "kinds"), [(BOXES, {"points"}), (POINTS, {"objects"})])
def test_one_table_is_enough(tmp_path, gone, kinds):
    vgg_face(tmp_path)
    (tmp_path / gone).unlink()
    listing = read(tmp_path)
    assert listing.annotated == kinds
    assert (listing.truth(0).objects is None, listing.truth(0).points is None) == (gone == BOXES, gone == POINTS)


def test_the_test_tables_are_read_unless_others_are_wanted(tmp_path):
    vgg_face(tmp_path, inner="test")
    vgg_face(tmp_path, inner="train", split="train")
    assert read(tmp_path).names[0].startswith("test/")
    assert read(tmp_path).problems == ()
    assert read(tmp_path, split="train").names[0].startswith("train/")


def test_a_point_without_numbers_is_not_visible(tmp_path):
    vgg_face(tmp_path)
    write(tmp_path / POINTS, "NAME_ID,P1X\nn000001/0001_01,,,3,4,5,6,7,8,9,10\n")
    points = read(tmp_path).truth(0).points
    assert np.isnan(points[0]).all()
    assert np.isfinite(points[1:]).all()


def test_rows_that_do_not_fit_are_counted_and_named(tmp_path):
    vgg_face(tmp_path)
    draw(tmp_path / "Images/n000009/0003_01.jpg")
    rows = ["n000001/0001_01,1,2,3,4", "n000001/0001_01,1,2,3,4", "gone/1,1,2,3,4", "n000009/0002_01,1,2,0,4"]
    rows += ["n000009/0002_01,1,x,3,4", "n000009/0002_01,1,2,3", ",1,2,3,4", '"n0,1', "n000009/0002_01,1,inf,3,4"]
    write(tmp_path / BOXES, "NAME_ID,X,Y,W,H\n" + "\n".join(rows))
    listing = read(tmp_path)
    assert listing.truth(0).objects is not None
    assert sorted(str(each).removeprefix(f"{BOXES}: ") for each in listing.problems) == [
        "Images/n000009/0003_01.jpg: there is no row for it",
        "line 10 has no box: left, top, width and height must follow",
        "line 3 names n000001/0001_01 again; its first line counts",
        "line 4 names gone/1, which is missing",
        "line 5 has a box of 0 x 4 pixels",
        "line 6 has no box: left, top, width and height must follow",
        "line 7 has no box: left, top, width and height must follow",
        "line 8 is no row of a CSV table with a name first",
        "line 9 is no row of a CSV table with a name first",
    ]


def test_tables_that_fit_no_picture_are_refused(tmp_path):
    vgg_face(tmp_path)
    (tmp_path / POINTS).unlink()
    write(tmp_path / BOXES, "NAME_ID,X,Y,W,H\ngone/1,1,2,3,4\n")
    with pytest.raises(DatasetError, match=r"none of its 1 names is a picture here, the first is gone/1"):
        read(tmp_path)
    write(tmp_path / BOXES, "NAME_ID,X,Y,W,H\n")
    with pytest.raises(DatasetError, match=r"loose_bb_test.csv: there is no row in it that can be used\."):
        read(tmp_path)


def test_missing_tables_are_named(tmp_path):
    draw(tmp_path / "Images/n1/1.jpg")
    assert [rule.wants for rule in VGG_FACE.broken(Layout(tmp_path))] == [f"{BOXES} or loose_landmark_test.csv"]
    with pytest.raises(DatasetError, match=r"there is no loose_bb_test.csv or loose_landmark_test.csv"):
        read(tmp_path)
