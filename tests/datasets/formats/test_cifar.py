"""CIFAR-10 and CIFAR-100, in pickles and in binary files."""

import os
import pickle

import numpy as np
import pytest
from layouts_without_boxes import cifar, cifar_binary, cifar_pictures, write

from calibench.datasets.formats.cifar import CIFAR
from calibench.datasets.formats.format import Layout
from calibench.datasets.listing import ReadOptions
from calibench.errors import DatasetError


def read(folder, **options):
    return CIFAR.read(Layout(folder), ReadOptions(**options))


@pytest.mark.parametrize(
    ("write_set", "first"),
    [
        (lambda path: cifar(path), "test_batch/0"),
        (lambda path: cifar(path, protocol=5), "test_batch/0"),
        (lambda path: cifar(path, coarse=True), "test/0"),
        (lambda path: cifar(path / "cifar-10-batches-py"), "cifar-10-batches-py/test_batch/0"),
        (lambda path: cifar_binary(path), "test_batch/0"),
        (lambda path: cifar_binary(path, coarse=True), "test/0"),
    ],
)
def test_pictures_and_classes_of_the_test_batch(tmp_path, write_set, first):
    write_set(tmp_path)
    listing = read(tmp_path)
    assert listing.names[0] == first
    assert listing.labels == (1, 0, 2)
    assert listing.classes == ("airplane", "automobile", "bird")
    assert listing.problems == ()
    picture = listing.picture(2)
    assert (picture.shape, picture.dtype, picture[5, 6].tolist()) == ((32, 32, 3), np.uint8, [2, 100, 200])
    assert listing.truth(2).label == 2
    assert not CIFAR.broken(Layout(tmp_path))


def test_all_train_batches_are_one_split_in_order(tmp_path):
    cifar(tmp_path)
    (tmp_path / "data_batch_2").write_bytes((tmp_path / "data_batch_1").read_bytes())
    listing = read(tmp_path, split="train")
    assert listing.names == tuple(f"data_batch_{i}/{j}" for i in (1, 2) for j in range(3))


def test_pickles_of_python_2_are_read(tmp_path):
    held = {"data": cifar_pictures(), "labels": [1, 0, 2]}
    text = pickle.dumps(held, protocol=2).replace(b"numpy._core", b"numpy.core")
    cifar(tmp_path)
    (tmp_path / "test_batch").write_bytes(text)
    assert read(tmp_path).labels == (1, 0, 2)


class Bad:
    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("file", ["test_batch", "batches.meta"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_would_run_something_is_refused(tmp_path, file, protocol):
    cifar(tmp_path)
    witness = tmp_path / "ran"
    bad = {"data": Bad(os.mkdir, (str(witness),)), "label_names": Bad(os.mkdir, (str(witness),))}
    (tmp_path / file).write_bytes(pickle.dumps(bad, protocol=protocol))
    with pytest.raises(DatasetError, match=r"this pickle is refused, it asks to run \w+.mkdir; CIFAR holds arrays"):
        read(tmp_path)
    assert not witness.exists()


def test_one_damaged_batch_is_named_and_the_others_are_read(tmp_path):
    cifar(tmp_path)
    (tmp_path / "data_batch_2").write_bytes(b"\x80\x02}q")
    listing = read(tmp_path, split="train")
    assert len(listing) == 3
    assert list(map(str, listing.problems)) == ["data_batch_2: this pickle is damaged. Fetch it again"]


def test_pictures_of_unknown_classes_are_left_out_and_named(tmp_path):
    listing = read(cifar(tmp_path, labels=(0, 3, 1)))
    assert listing.names == ("test_batch/0", "test_batch/2")
    assert str(listing.problems[0]) == "test_batch: picture 1 names class 3, but there are 3 classes"
    assert listing.picture(1)[0, 0, 0] == 2


def test_without_class_names_the_numbers_count_and_it_is_said(tmp_path):
    cifar(tmp_path)
    (tmp_path / "batches.meta").unlink()
    listing = read(tmp_path)
    assert (listing.labels, listing.classes) == ((1, 0, 2), ())
    assert [each.rule for each in listing.problems] == ["has no class names"]
    names = write(tmp_path / "names.txt", "a\nb\nc\n")
    assert read(tmp_path, labels=names).classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ([1], "holds no dictionary"),
        ({"labels": [1]}, "holds no uint8 array named data"),
        ({"data": np.zeros((1, 3072))}, "holds no uint8 array named data"),
        ({"data": np.zeros((1, 3072), np.uint8)}, "holds no list of numbers named labels"),
        ({"data": np.zeros((1, 3072), np.uint8), "labels": ["x"]}, "holds no list of numbers named labels"),
        ({"data": np.zeros((2, 3072), np.uint8), "labels": [1]}, r"its data are \[2, 3072\] values with 1 labels"),
        ({"data": np.zeros((1, 9), np.uint8), "labels": [1]}, r"its data are \[1, 9\] values"),
    ],
)
def test_batches_of_another_form_are_refused(tmp_path, held, sentence):
    cifar(tmp_path)
    (tmp_path / "test_batch").write_bytes(pickle.dumps(held))
    with pytest.raises(DatasetError, match=sentence):
        read(tmp_path)


def test_a_binary_batch_that_is_cut_off_is_refused(tmp_path):
    cifar_binary(tmp_path)
    path = tmp_path / "test_batch.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DatasetError, match="9218 bytes, no multiple of the 3073 of a picture"):
        read(tmp_path)
