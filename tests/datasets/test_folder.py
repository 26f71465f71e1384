"""Folders of pictures: plain, or one folder per class."""

import os

import pytest

from calibench.datasets.folder import open_folder
from calibench.errors import DatasetError


def test_a_plain_folder_has_no_labels_and_is_in_the_order_of_names(tmp_path, picture, plan):
    for name in ("b.png", "a.jpg", "c.PNG"):
        picture(tmp_path / name)
    folder = open_folder(tmp_path, plan())
    assert folder.files == ("a.jpg", "b.png", "c.PNG")
    assert folder.labels is None
    assert folder.label_source == "none"
    assert folder[1]["image"].shape == (1, 8, 8, 3)


@pytest.mark.parametrize(
    ("names", "labels", "source"),
    [
        (("0097_drake", "0003_tiger shark", "7"), (3, 97, 7), "numbers"),
        (("dog", "cat", "bird"), (0, 1, 2), "alphabet"),
        (("2cats", "3dogs"), (0, 1), "alphabet"),
        (("0001_a", "b"), (0, 1), "alphabet"),
        (("0097_drake",), (97,), "numbers"),
    ],
)
def test_folders_are_classes(tmp_path, picture, plan, names, labels, source):
    for name in names:
        picture(tmp_path / name / "x.png")
    folder = open_folder(tmp_path, plan())
    assert folder.labels == labels
    assert folder.label_source == source


@pytest.mark.parametrize("listing", ["labels.txt", "classes.txt"])
def test_a_list_of_class_names_overrules(tmp_path, picture, plan, listing):
    for name in ("1_dog", "2_cat"):
        picture(tmp_path / name / "x.png")
    (tmp_path / listing).write_text("2_cat\nother\n1_dog\n")
    folder = open_folder(tmp_path, plan())
    assert folder.labels == (2, 0)
    assert folder.label_source == "file"


def test_one_folder_in_a_folder_is_no_class(tmp_path, picture, plan):
    picture(tmp_path / "images" / "x.png")
    assert open_folder(tmp_path, plan()).labels is None


def test_deeper_folders_belong_to_their_class(tmp_path, picture, plan):
    picture(tmp_path / "0_a" / "x.png")
    picture(tmp_path / "1_b" / "day" / "x.png")
    assert open_folder(tmp_path, plan()).labels == (0, 1)


def test_other_and_hidden_files_are_ignored_and_counted(tmp_path, picture, plan):
    picture(tmp_path / "a.png")
    picture(tmp_path / ".thumbs" / "b.png")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "._a.png").write_bytes(b"")
    folder = open_folder(tmp_path, plan())
    assert (folder.files, folder.ignored) == (("a.png",), 3)


def test_unreadable_pictures_are_left_out_counted_and_named(tmp_path, picture, plan):
    for i in range(8):
        picture(tmp_path / "0_a" / f"{i}.png")
    for i in range(7):
        (tmp_path / "0_a" / f"{i}.png").write_bytes(b"broken")
    folder = open_folder(tmp_path, plan())
    assert (folder.files, folder.labels, len(folder)) == (("0_a/7.png",), (0,), 1)
    assert folder.unreadable == tuple(f"0_a/{i}.png" for i in range(7))
    assert folder.note == (
        "7 of 8 samples are unreadable and left out: 0_a/0.png, 0_a/1.png, 0_a/2.png, 0_a/3.png, 0_a/4.png and 2 more."
    )


def test_a_clean_folder_has_no_note(tmp_path, picture, plan):
    picture(tmp_path / "a.png")
    assert open_folder(tmp_path, plan()).note is None


def test_the_classes_do_not_move_when_a_picture_is_unreadable(tmp_path, picture, plan):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"broken")
    picture(tmp_path / "b" / "x.png")
    assert open_folder(tmp_path, plan()).labels == (1,)


def test_only_unreadable_pictures_are_an_error(tmp_path, plan):
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(DatasetError) as error:
        open_folder(tmp_path, plan())
    assert str(error.value) == f"{tmp_path}: all 1 pictures are unreadable, the first, a.png: it is no picture."


def test_an_empty_folder_is_an_error(tmp_path, plan):
    with pytest.raises(DatasetError, match=r"no pictures in this folder\. Accepted: \.png, \.jpg"):
        open_folder(tmp_path, plan())
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DatasetError, match=r"no pictures in this folder \(1 other files were found\)"):
        open_folder(tmp_path, plan())


def test_a_missing_folder_and_a_file_are_errors(tmp_path, plan):
    with pytest.raises(DatasetError, match=r"nowhere: there is no such folder\. Give the folder"):
        open_folder(tmp_path / "nowhere", plan())
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(DatasetError, match=r"a\.txt: this is a file\. Give the folder"):
        open_folder(tmp_path / "a.txt", plan())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_an_error(tmp_path, plan):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(DatasetError, match="you may not read this folder"):
        open_folder(closed, plan())


def test_pictures_beside_folders_are_an_error(tmp_path, picture, plan):
    picture(tmp_path / "a.png")
    picture(tmp_path / "dogs" / "b.png")
    with pytest.raises(DatasetError, match="1 pictures lie beside 1 folders of pictures"):
        open_folder(tmp_path, plan())


def test_a_folder_that_the_list_does_not_know_is_an_error(tmp_path, picture, plan):
    picture(tmp_path / "dogs" / "b.png")
    (tmp_path / "labels.txt").write_text("cats\n")
    with pytest.raises(DatasetError, match=r"labels\.txt: folder dogs is not among its 1 names\. Add it, or rename it"):
        open_folder(tmp_path, plan())
    (tmp_path / "labels.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DatasetError, match=r"labels\.txt: this is no readable text"):
        open_folder(tmp_path, plan())


def test_the_same_picture_has_the_same_identity_whatever_its_name(tmp_path, picture, plan):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    picture(tmp_path / "c.png", color="red")
    folder = open_folder(tmp_path, plan())
    assert folder.identity(0) == folder.identity(1) != folder.identity(2)
