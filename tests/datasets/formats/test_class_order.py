"""The index of a class."""

import pytest

from calibench.datasets.formats.class_order import order_classes, pixel_table, read_names
from calibench.datasets.truth import IGNORED
from calibench.errors import DatasetError


def test_without_a_file_of_names_the_dataset_gives_the_order():
    order = order_classes(("cat", "dog"), "labels.txt", None)
    assert (order.names, order.places, order.source) == (("cat", "dog"), (0, 1), "labels.txt")
    assert [order.index(place) for place in (-1, 0, 1, 2)] == [None, 0, 1, None]


def test_numbers_without_names_are_their_own_index():
    order = order_classes((), "numbers", None)
    assert [order.index(place) for place in (-1, 0, 999)] == [None, 0, 999]


def test_a_file_of_names_overrules_by_name_and_names_numbers_by_place(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("dog\n\nbird\ncat\ncat\n")
    order = order_classes(("cat", "dog"), "labels.txt", names)
    assert (order.names, order.places) == (("dog", "bird", "cat", "cat"), (2, 0))
    assert order.source == "--labels names.txt"
    numbered = order_classes((), "numbers", names)
    assert [numbered.index(place) for place in (1, 3, 4)] == [1, 3, None]


def test_a_class_that_the_file_lacks_and_an_empty_file_are_told(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("dog\n")
    with pytest.raises(DatasetError, match=r"names\.txt: class cat of the dataset is not among its 1 names\. Add it"):
        order_classes(("dog", "cat"), "labels.txt", names)
    names.write_text("\n")
    with pytest.raises(DatasetError, match=r"this file is empty\. List one class name a line"):
        read_names(names)


def test_numbers_of_pixels_that_are_no_class_are_marked():
    table = pixel_table((7, 11), (1, 0))
    assert (table[7], table[11], table[0], table[IGNORED]) == (1, 0, -1, IGNORED)
