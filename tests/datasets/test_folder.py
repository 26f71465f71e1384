"""Folders of pictures: plain, or one folder per class."""

import os

import pytest

from calibench.datasets.ahead import readable
from calibench.datasets.detect import read_dataset
from calibench.errors import DatasetError
from calibench.settings import DataSettings


def test_a_plain_folder_has_no_labels_and_is_in_the_order_of_names(tmp_path, picture, plan):
    for name in ("b.png", "a.jpg", "c.PNG"):
        picture(tmp_path / name)
    folder = read_dataset(tmp_path, plan())
    assert folder.listing.names == ("a.jpg", "b.png", "c.PNG")
    assert folder.labels is None
    assert folder.listing.label_source == "none"
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
    folder = read_dataset(tmp_path, plan())
    assert folder.labels == labels
    assert folder.listing.label_source == source


@pytest.mark.parametrize("listing", ["labels.txt", "classes.txt"])
def test_a_list_of_class_names_overrules(tmp_path, picture, plan, listing):
    for name in ("1_dog", "2_cat"):
        picture(tmp_path / name / "x.png")
    (tmp_path / listing).write_text("2_cat\nother\n1_dog\n")
    folder = read_dataset(tmp_path, plan())
    assert folder.labels == (2, 0)
    assert folder.listing.label_source == "file"


def test_one_folder_in_a_folder_is_no_class(tmp_path, picture, plan):
    picture(tmp_path / "images" / "x.png")
    assert read_dataset(tmp_path, plan()).labels is None


def test_deeper_folders_belong_to_their_class(tmp_path, picture, plan):
    picture(tmp_path / "0_a" / "x.png")
    picture(tmp_path / "1_b" / "day" / "x.png")
    assert read_dataset(tmp_path, plan()).labels == (0, 1)


def test_other_and_hidden_files_are_no_samples(tmp_path, picture, plan):
    picture(tmp_path / "a.png")
    picture(tmp_path / ".thumbs" / "b.png")
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "._a.png").write_bytes(b"")
    assert read_dataset(tmp_path, plan()).listing.names == ("a.png",)


def test_unreadable_pictures_are_left_out_counted_and_named(tmp_path, picture, plan):
    for i in range(8):
        picture(tmp_path / "0_a" / f"{i}.png")
    for i in range(7):
        (tmp_path / "0_a" / f"{i}.png").write_bytes(b"broken")
    found = readable(read_dataset(tmp_path, plan()), threads=2)
    assert (found.samples.labels, len(found.samples)) == ((0,), 1)
    assert found.unreadable[0].startswith(f"{tmp_path}/0_a/0.png: this picture cannot be read")
    named = ", ".join(f"{tmp_path}/0_a/{i}.png" for i in range(5))
    assert found.note == f"7 of 8 samples are unreadable and left out: {named} and 2 more."


def test_a_clean_folder_has_no_note(tmp_path, picture, plan):
    picture(tmp_path / "a.png")
    assert readable(read_dataset(tmp_path, plan()), threads=1).note is None


def test_the_classes_do_not_move_when_a_picture_is_unreadable(tmp_path, picture, plan):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.png").write_bytes(b"broken")
    picture(tmp_path / "b" / "x.png")
    assert read_dataset(tmp_path, plan()).labels == (0, 1)


def test_only_unreadable_pictures_are_an_error(tmp_path, plan):
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(DatasetError, match=r"none of 1 samples can be read\. The first: .*a\.png: this picture cannot"):
        readable(read_dataset(tmp_path, plan()), threads=1)


def test_an_empty_folder_is_an_error(tmp_path, plan):
    with pytest.raises(DatasetError, match=r"no pictures in this folder\. Accepted: \.png, \.jpg"):
        read_dataset(tmp_path, plan())
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DatasetError, match=r"no pictures in this folder \(1 other files were found\)"):
        read_dataset(tmp_path, plan())


def test_a_missing_folder_and_a_file_are_errors(tmp_path, plan):
    with pytest.raises(DatasetError, match=r"nowhere: there is no such file or folder"):
        read_dataset(tmp_path / "nowhere", plan())
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(DatasetError, match=r"a\.txt: this is no dataset\. Accepted: a folder"):
        read_dataset(tmp_path / "a.txt", plan())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_an_error(tmp_path, plan):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(DatasetError, match="you may not read this folder"):
        read_dataset(closed, plan())


def test_pictures_beside_folders_are_an_error(tmp_path, picture, plan):
    picture(tmp_path / "a.png")
    picture(tmp_path / "dogs" / "b.png")
    with pytest.raises(DatasetError, match="1 pictures lie beside 1 folders of pictures"):
        read_dataset(tmp_path, plan())


def test_a_folder_that_the_list_does_not_know_is_an_error(tmp_path, picture, plan):
    picture(tmp_path / "dogs" / "b.png")
    (tmp_path / "labels.txt").write_text("cats\n")
    with pytest.raises(DatasetError, match=r"labels\.txt: folder dogs is not among its 1 names\. Add it, or rename it"):
        read_dataset(tmp_path, plan())
    (tmp_path / "labels.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DatasetError, match=r"labels\.txt: this is no readable text"):
        read_dataset(tmp_path, plan())


def test_the_same_picture_has_the_same_identity_whatever_its_name(tmp_path, picture, plan):
    picture(tmp_path / "a.png")
    picture(tmp_path / "b.png")
    picture(tmp_path / "c.png", color="red")
    folder = read_dataset(tmp_path, plan())
    assert folder.identity(0) == folder.identity(1) != folder.identity(2)


def test_folders_train_and_val_are_splits_and_not_classes(tmp_path, picture, plan):
    for name in ("train/cat/1", "train/dog/2", "val/cat/3", "val/dog/4", "val/dog/5"):
        picture(tmp_path / f"{name}.png")
    assert read_dataset(tmp_path, plan()).listing.names == ("val/cat/3.png", "val/dog/4.png", "val/dog/5.png")
    train = read_dataset(tmp_path, plan(), DataSettings(split="train"))
    assert train.listing.names == ("train/cat/1.png", "train/dog/2.png")
    assert train.labels == (0, 1) and train.listing.classes == ("cat", "dog")
    with pytest.raises(DatasetError, match="no part is called 'test', there is train, val"):
        read_dataset(tmp_path, plan(), DataSettings(split="test"))


def test_pictures_in_train_and_val_alone_have_no_class(tmp_path, picture, plan):
    for name in ("train/1", "val/2", "val/3"):
        picture(tmp_path / f"{name}.png")
    folder = read_dataset(tmp_path, plan())
    assert folder.labels is None and folder.listing.names == ("val/2.png", "val/3.png")


def test_a_split_of_a_folder_without_splits_is_a_fault_that_is_named(tmp_path, picture, plan):
    for name in ("cat", "dog"):
        picture(tmp_path / name / "x.png")
    (problem,) = read_dataset(tmp_path, plan(), DataSettings(split="val")).about.problems
    assert "all of its pictures are read, not only val" in str(problem)


def test_dates_and_ids_are_no_class_numbers(tmp_path, picture, plan):
    for name in ("20231101", "1699999999_cam", "99999999999999999999"):
        picture(tmp_path / name / "x.png")
    folder = read_dataset(tmp_path, plan())
    assert folder.listing.label_source == "alphabet" and folder.labels == (0, 1, 2)


@pytest.mark.root
def test_a_class_folder_that_may_not_be_read_is_refused_and_not_skipped(tmp_path, picture, plan):
    for name in ("cat", "dog", "eel"):
        picture(tmp_path / name / "x.png")
    for path in (tmp_path, *tmp_path.parents):
        path.chmod(path.stat().st_mode | 0o055)
    (tmp_path / "dog").chmod(0)
    os.seteuid(65534)
    try:
        with pytest.raises(DatasetError, match=r"dog: this folder cannot be read \(Permission denied\)"):
            read_dataset(tmp_path, plan())
    finally:
        os.seteuid(0)
