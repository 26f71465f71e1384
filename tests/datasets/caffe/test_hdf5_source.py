"""Layers of type HDF5Data."""

import h5py
import numpy as np
import pytest

from calibench.datasets.caffe.data_layer import open_prototxt
from calibench.errors import DatasetError
from written_data import write_prototxt

LAYER = 'name: "data" type: "HDF5Data" {tops} hdf5_data_param {{ source: "list.txt" batch_size: 3 {more} }}'
SCORE = 'name: "accuracy" type: "Accuracy" bottom: "data" bottom: "{label}" top: "accuracy"'


def write(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


@pytest.fixture
def samples(tmp_path, monkeypatch):
    """Open an HDF5Data layer with these tops and this list."""
    monkeypatch.chdir(tmp_path)

    def opened(lines, tops=("data", "label"), more="", label="label", extra=""):
        (tmp_path / "list.txt").write_text(lines)
        named = " ".join(f'top: "{top}"' for top in tops)
        layers = [LAYER.format(tops=named, more=more) + extra, SCORE.format(label=label)]
        return open_prototxt(write_prototxt(tmp_path / "net.prototxt", *layers))

    return opened


def test_rows_of_several_files_follow_one_another(samples, tmp_path):
    write(tmp_path / "one.h5", data=np.arange(12.0).reshape(2, 3, 2), label=np.array([4.0, 5.0]))
    write(tmp_path / "with space.h5", data=np.arange(6).reshape(1, 3, 2), label=np.array([6]))
    found = samples("one.h5\nwith space.h5\n")
    assert len(found) == 3
    assert list(found.labels) == [4, 5, 6]
    assert found[1]["data"].tolist() == [[[6, 7], [8, 9], [10, 11]]]
    assert found[2]["data"].dtype == np.float32
    assert list(found[0]) == ["data"]
    assert found.describe(2).name == "row 2"
    assert (found.format, found.batch_size) == ("caffe-hdf5", 3)


def test_names_may_stand_in_one_line_as_in_caffe(samples, tmp_path):
    for name in ("a.h5", "b.h5"):
        write(tmp_path / name, data=np.zeros((2, 5)), label=np.zeros(2))
    assert len(samples("a.h5 b.h5")) == 4


def test_the_class_is_what_accuracy_compares_with(samples, tmp_path):
    write(tmp_path / "a.h5", data=np.zeros((2, 5)), truth=np.array([1, 0]), more=np.ones((2, 1)))
    found = samples("a.h5", ("data", "more", "truth"), label="truth")
    assert list(found.labels) == [1, 0]
    assert {top: array.shape for top, array in found[0].items()} == {"data": (1, 5), "more": (1, 1)}


def test_several_values_a_row_are_no_class(samples, tmp_path):
    write(tmp_path / "a.h5", data=np.zeros((2, 5)), label=np.zeros((2, 4)))
    found = samples("a.h5")
    assert found.labels is None
    assert list(found[0]) == ["data", "label"]


@pytest.mark.parametrize("label", [-1, 0.5, np.nan])
def test_a_label_that_is_no_class_is_refused_by_its_row(samples, tmp_path, label):
    write(tmp_path / "a.h5", data=np.zeros((2, 5)), label=np.array([0, label]))
    with pytest.raises(DatasetError, match=r"a\.h5, row 1: label .* is no class"):
        samples("a.h5").describe(1)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"data": np.zeros((2, 5))}, "has no dataset label; it has data"),
        ({"data": np.zeros((2, 5)), "label": np.zeros(3)}, r"has data \[2, 5\], label \[3\]. All tops need the same"),
        ({"data": np.zeros((0, 5)), "label": np.zeros(0)}, "there are no rows"),
        ({"data": 3.0, "label": np.zeros(2)}, r"data is float64 \[\], not rows of numbers"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(samples, tmp_path, arrays, says):
    write(tmp_path / "a.h5", **arrays)
    with pytest.raises(DatasetError, match=rf"a\.h5: {says}"):
        samples("a.h5")


def test_files_of_other_shapes_are_refused(samples, tmp_path):
    write(tmp_path / "a.h5", data=np.zeros((2, 5)), label=np.zeros(2))
    write(tmp_path / "b.h5", data=np.zeros((2, 6)), label=np.zeros(2))
    with pytest.raises(DatasetError, match=r"b\.h5: has data \[2, 6\], label \[2\]. All tops need .*a\.h5"):
        samples("a.h5\nb.h5")


def test_damaged_missing_and_empty_are_each_said(samples, tmp_path):
    (tmp_path / "a.h5").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"a\.h5: is no HDF5 file, or a damaged one"):
        samples("a.h5")
    with pytest.raises(DatasetError, match=r"there is no HDF5 file lost\.h5"):
        samples("lost.h5")
    with pytest.raises(DatasetError, match="this list names no file"):
        samples("\n")


def test_a_transform_is_refused_as_by_caffe(samples):
    with pytest.raises(DatasetError, match="HDF5Data takes arrays as they are"):
        samples("a.h5", extra=" transform_param { scale: 2 }")


def test_identities_tell_rows_apart(samples, tmp_path):
    write(tmp_path / "a.h5", data=np.array([[1.0], [1.0], [2.0]]), label=np.array([0, 0, 0]))
    found = samples("a.h5")
    assert found.identity(0) == found.identity(1) != found.identity(2)
