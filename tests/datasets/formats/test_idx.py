"""MNIST and other IDX files."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layouts_without_boxes import idx_bytes, mnist, write

from calibench.datasets.formats.format import Layout
from calibench.datasets.formats.idx import MNIST_IDX
from calibench.datasets.listing import ReadOptions
from calibench.errors import DatasetError

PIXELS, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def read(folder, **options):
    return MNIST_IDX.read(Layout(folder), ReadOptions(**options))


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dot", [True, False])
@pytest.mark.parametrize("inner", ["", "MNIST/raw"])
def test_pictures_and_classes_of_the_test_files(tmp_path, packed, dot, inner):
    mnist(tmp_path / inner, packed=packed, dot=dot)
    listing = read(tmp_path)
    assert listing.names == ("t10k/0", "t10k/1", "t10k/2")
    assert listing.labels == (4, 0, 9)
    assert listing.truth(2).label == 9
    assert (listing.picture(2).shape, listing.picture(2).dtype) == ((28, 28), np.uint8)
    assert np.all(listing.picture(2) == 2)
    assert listing.problems == ()
    assert not MNIST_IDX.broken(Layout(tmp_path))


def test_the_split_chooses_the_files(tmp_path):
    mnist(tmp_path)
    assert read(tmp_path, split="train").names[0] == "train/0"
    assert read(tmp_path, split="test").names[0] == "t10k/0"


def test_unpacked_files_are_taken_where_both_are_there(tmp_path):
    mnist(tmp_path, packed=False)
    (tmp_path / f"{PIXELS}.gz").write_bytes(b"broken")
    assert len(read(tmp_path)) == 3


def test_class_names_come_from_labels_txt_and_unknown_classes_are_named(tmp_path):
    mnist(tmp_path)
    write(tmp_path / "labels.txt", "\n".join("abcde"))
    listing = read(tmp_path)
    assert listing.classes == tuple("abcde")
    assert (listing.names, listing.labels) == (("t10k/0", "t10k/1"), (4, 0))
    assert str(listing.problems[0]) == f"{LABELS}.gz: label 2 names class 9, but there are 5 classes"


def test_colour_pictures_have_a_fourth_axis(tmp_path):
    (tmp_path / "test-images-idx4-ubyte").write_bytes(idx_bytes(np.zeros((2, 5, 4, 3))))
    (tmp_path / "test-labels-idx1-ubyte").write_bytes(idx_bytes(np.array([1, 0])))
    assert read(tmp_path).picture(1).shape == (5, 4, 3)


@pytest.mark.parametrize("packed", [True, False])
def test_of_a_file_that_is_cut_off_the_whole_pictures_count(tmp_path, packed):
    mnist(tmp_path, packed=packed)
    path = tmp_path / (f"{PIXELS}.gz" if packed else PIXELS)
    data = gzip.decompress(path.read_bytes()) if packed else path.read_bytes()
    path.write_bytes(gzip.compress(data[:-1]) if packed else data[:-1])
    listing = read(tmp_path)
    assert listing.labels == (4, 0)
    assert str(listing.problems[0]) == f"{path.name}: holds 2 of the 3 that its header says"


def test_a_gzip_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path):
    mnist(tmp_path)
    random = np.random.default_rng(0).integers(0, 256, (300, 28, 28))
    (tmp_path / f"{PIXELS}.gz").write_bytes(gzip.compress(idx_bytes(random))[:100_000])
    (tmp_path / f"{LABELS}.gz").write_bytes(gzip.compress(idx_bytes(np.zeros(300))))
    listing = read(tmp_path)
    assert 80 < len(listing) < 300
    assert listing.problems[0].rule == "is cut off"
    np.testing.assert_array_equal(listing.picture(80), random[80])


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        (PIXELS, b"", "no IDX file: it begins with nothing"),
        (PIXELS, b"PK\3\4", "no IDX file: it begins with 504b0304"),
        (PIXELS, b"\0\0\x0d\3", "of type 0x0d with 3 axes; bytes"),
        (PIXELS, b"\0\0\x08\1", "of type 0x08 with 1 axes; bytes"),
        (PIXELS, b"\0\0\x08\3\0\0", "the header is cut off"),
        (PIXELS, b"\0\0\x08\3" + b"\xff" * 12, "more than a file can hold"),
        (PIXELS, b"\0\0\x08\3" + b"\0\0\0\3" + b"\0" * 8, r"says \[3, 0, 0\], which are no pictures"),
        (LABELS, idx_bytes(np.zeros(2)), "holds 3 pictures, but t10k-labels-idx1-ubyte holds 2 labels"),
        (LABELS, idx_bytes(np.zeros(0)), "holds 3 pictures, but"),
    ],
)
def test_damaged_files_are_named(tmp_path, name, data, sentence):
    mnist(tmp_path, packed=False)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DatasetError, match=sentence):
        read(tmp_path)


def test_a_gz_that_is_no_gzip_and_missing_labels_are_named(tmp_path):
    mnist(tmp_path)
    (tmp_path / f"{PIXELS}.gz").write_bytes(b"plain")
    with pytest.raises(DatasetError, match=r"this file is damaged \(Not a gzipped file"):
        read(tmp_path)
    (tmp_path / f"{LABELS}.gz").unlink()
    with pytest.raises(DatasetError, match=r"its labels are missing. Put t10k-labels-idx1-ubyte.gz beside"):
        read(tmp_path)


@given(st.binary(max_size=40), st.binary(max_size=40), st.booleans())
def test_any_bytes_are_read_or_refused_in_a_sentence(tmp_path_factory, pixels, labels, has_head):
    folder = tmp_path_factory.mktemp("idx")
    (folder / PIXELS).write_bytes((b"\0\0\x08\3\0\0\0" if has_head else b"") + pixels)
    (folder / LABELS).write_bytes((b"\0\0\x08\1\0\0\0" if has_head else b"") + labels)
    try:
        listing = read(folder)
    except DatasetError as error:
        assert str(error).endswith(".")
    else:
        assert all(listing.picture(i).size for i in range(len(listing)))
