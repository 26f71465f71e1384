"""Pictures by the names that lists give them, and the choice of a split."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.datasets.formats.picture_names import choose_split, index_pictures, stem_of
from calibench.errors import DatasetError

FILES = ("a.jpg", "val/a.jpg", "val/b.c.JPEG", "train/x/d.png", "train/x/d.jpg", "notes.txt")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.jpg", ("a.jpg",)),
        ("./a", ("a.jpg",)),
        ("val/a.jpg", ("val/a.jpg",)),
        ("val\\a.jpg", ("val/a.jpg",)),
        ("/data/set/val/a.jpg", ("val/a.jpg",)),
        ("b.c.jpeg", ("val/b.c.JPEG",)),
        ("x/d.png", ("train/x/d.png",)),
        ("d", ("train/x/d.jpg", "train/x/d.png")),
        ("test/d.png", ()),
        ("notes.txt", ()),
        ("", ()),
        ("../a.jpg", ("a.jpg",)),
    ],
)
def test_a_name_finds_the_pictures_that_it_may_mean(name, found):
    assert tuple(sorted(index_pictures(FILES).find(name))) == found


@given(st.lists(st.text("ab/", min_size=1, max_size=6).map(lambda name: name.strip("/") or "a"), unique=True))
def test_every_picture_is_found_by_its_own_path(names):
    files = [f"{name}.png" for name in names]
    found = index_pictures(files)
    assert all(found.find(file) == (file,) for file in files)


@given(st.text(max_size=12))
def test_any_name_finds_only_pictures_that_are_there(name):
    assert set(index_pictures(FILES).find(name)) <= set(FILES)


def test_the_stem_keeps_folders_and_other_endings():
    assert [stem_of(name) for name in ("a/b.c.JPEG", "a.b", "x")] == ["a/b.c", "a.b", "x"]


@pytest.mark.parametrize(
    ("splits", "wanted", "chosen"),
    [
        (["train", "val", "test"], None, "val"),
        (["train", "test"], None, "test"),
        (["train", "extra"], None, "train"),
        (["b", "a"], None, "a"),
        (["train", "val"], "train", "train"),
    ],
)
def test_val_then_test_then_train_unless_a_split_is_wanted(splits, wanted, chosen):
    assert choose_split(splits, wanted, Path("set")) == chosen


def test_a_split_that_is_not_there_names_those_that_are():
    with pytest.raises(DatasetError, match=r"set: there is no split dev\. It holds: train, val\."):
        choose_split(["val", "train"], "dev", Path("set"))
