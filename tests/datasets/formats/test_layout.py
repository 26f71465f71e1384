"""The files of a folder, as formats look at them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layouts_without_boxes import write

from calibench.datasets.formats.format import Layout


def layout_of(folder, *names):
    for name in names:
        write(folder / name, "")
    return Layout(folder)


def test_files_are_sorted_and_hidden_ones_do_not_count(tmp_path):
    layout = layout_of(tmp_path, "b.txt", "a/c.txt", ".git/x", "a/.x", "__MACOSX/._b.txt")
    assert layout.files == ("a/c.txt", "b.txt")


def test_linked_folders_count_but_a_link_to_a_folder_above_ends(tmp_path):
    layout_of(tmp_path, "set/a/x.png", "other/y.png")
    (tmp_path / "set/linked").symlink_to(tmp_path / "other")
    (tmp_path / "set/a/up").symlink_to(tmp_path / "set")
    (tmp_path / "set/a/same").symlink_to(tmp_path / "set/a")
    assert Layout(tmp_path / "set").files == ("a/x.png", "linked/y.png")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.txt", ("a.txt", "b+c.txt")),
        ("*/*.TXT", ("A/a.txt",)),
        ("a/a.txt", ("A/a.txt",)),
        ("b+c.txt", ("b+c.txt",)),
        ("?.txt", ("a.txt",)),
        ("[a].txt", ()),
        ("*", ("a.txt", "b+c.txt")),
    ],
)
def test_a_star_crosses_no_folder_and_case_does_not_count(tmp_path, pattern, found):
    layout = layout_of(tmp_path, "a.txt", "b+c.txt", "A/a.txt", "A/b/a.txt")
    assert layout.matching(pattern) == found
    assert layout.has(pattern) == bool(found)


def test_several_patterns_are_one_search(tmp_path):
    assert layout_of(tmp_path, "a.txt", "b/c.csv").matching("*.txt", "*/*.csv") == ("a.txt", "b/c.csv")


@given(st.text("ab*?./[]+", max_size=8))
def test_any_pattern_is_an_expression(pattern):
    assert Layout(Path("nowhere")).matching(pattern) == ()
