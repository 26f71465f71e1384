"""Which layer of a net holds the data, and which data serves for what."""

import sys

import numpy as np
import pytest

from calibench.caffe.read_net import read_net
from calibench.datasets.caffe.data_layer import caffe_sets, has_data_layer, open_data_layer, open_prototxt
from calibench.datasets.caffe.open_cv import open_cv
from calibench.errors import DatasetError
from written_data import data_layer, datum, encoded, noise, write_leveldb, write_lmdb, write_prototxt

INPUT = 'name: "in" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 4 dim: 4 } }'
RELU = 'name: "relu" type: "ReLU" bottom: "data" top: "relu"'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with two databases: train with labels 10, 11 ..., test with 0, 1 ..."""
    monkeypatch.chdir(tmp_path)
    write_lmdb(tmp_path / "train", [datum(noise(3, 6, 6, seed=i), 10 + i) for i in range(4)])
    write_lmdb(tmp_path / "test", [datum(noise(3, 6, 6, seed=i), i) for i in range(3)])
    return tmp_path


def test_an_input_layer_asks_for_a_folder(tmp_path):
    path = write_prototxt(tmp_path / "net.prototxt", INPUT, RELU)
    assert not has_data_layer(read_net(path, None))
    with pytest.raises(DatasetError, match=r"net\.prototxt, layer in: Input has no data: give --dataset DIR\.$"):
        open_prototxt(path)


def test_inputs_of_the_old_layout_ask_for_a_folder_too(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text('input: "data" input_dim: 1 input_dim: 3 input_dim: 4 input_dim: 4\n' + f"layer {{ {RELU} }}")
    with pytest.raises(DatasetError, match=r"net\.prototxt, input data: Input has no data: give --dataset DIR\.$"):
        open_prototxt(path)


def test_two_data_layers_are_refused(folder):
    other = data_layer("test").replace('"data" type', '"second" type').replace('top: "data" top: "label"', 'top: "b"')
    path = write_prototxt(folder / "net.prototxt", data_layer("test"), other)
    with pytest.raises(DatasetError, match=r"the TEST phase has 2 data layers \(data, second\)"):
        open_prototxt(path)


def test_each_phase_has_its_own_data(folder):
    layers = (data_layer("train", phase="TRAIN"), data_layer("test", phase="TEST"), RELU)
    path = write_prototxt(folder / "net.prototxt", *layers)
    assert list(open_data_layer(read_net(path, None)).labels) == [0, 1, 2]
    assert list(open_data_layer(read_net(path, None, phase="TRAIN")).labels) == [10, 11, 12, 13]


def test_calibration_takes_the_train_data_as_the_test_layer_transforms_it(folder):
    train = data_layer("train", "mirror: true crop_size: 2 scale: 3", phase="TRAIN")
    path = write_prototxt(folder / "net.prototxt", train, data_layer("test", "crop_size: 4", phase="TEST"), RELU)
    calibration, validation, note = caffe_sets(path)
    assert (len(calibration), len(validation)) == (4, 3)
    assert np.array_equal(calibration[1]["data"], noise(3, 6, 6, seed=1)[None, :, 1:5, 1:5])
    assert calibration.note is None
    assert note == "Calibration samples come from the TRAIN data (train), transformed as in TEST."


def test_a_picture_has_one_identity_in_both_where_its_label_is_the_same(folder):
    write_lmdb(folder / "copy", [datum(noise(3, 6, 6, seed=2), 2)])
    path = write_prototxt(
        folder / "net.prototxt", data_layer("copy", "mirror: true", "TRAIN"), data_layer("test", phase="TEST"), RELU
    )
    calibration, validation, _ = caffe_sets(path)
    assert calibration.identity(0) == validation.identity(2)


@pytest.mark.parametrize(
    ("layers", "says"),
    [
        ((data_layer("test"), RELU), "come from the TEST data too (test), which is the TRAIN data as well:"),
        ((data_layer("test", phase="TEST"), RELU), "come from the TEST data too (test): the INT8"),
        (
            (data_layer("lost", phase="TRAIN"), data_layer("test", phase="TEST"), RELU),
            "come from the TEST data too (test), because the TRAIN data cannot be read: the INT8 accuracy is "
            "measured on samples that also set the ranges. ",
        ),
    ],
)
def test_else_the_test_data_serves_for_both_and_it_is_said(folder, layers, says):
    path = write_prototxt(folder / "net.prototxt", *layers)
    calibration, validation, note = caffe_sets(path)
    assert calibration is validation
    assert says in note
    assert ("there is no LMDB lost" in note) == ("lost" in layers[0])


def test_what_is_left_out_is_said_once_for_both(folder):
    layers = (data_layer("train", phase="TRAIN"), data_layer("test", "mirror: true", phase="TEST"), RELU)
    *_, note = caffe_sets(write_prototxt(folder / "net.prototxt", *layers))
    assert note.count("mirror is left out") == 1
    assert note.startswith("Calibration samples come from the TRAIN data")


@pytest.mark.parametrize("package", ["cv2", "lmdb", "plyvel", "h5py"])
def test_a_package_that_is_not_installed_is_named_with_its_extra(folder, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    open_cv.cache_clear()
    match package:
        case "cv2":
            layer = data_layer(write_lmdb(folder / "data", [encoded(noise(4, 4, 3), 0)]))
        case "lmdb":
            layer = data_layer("test")
        case "plyvel":
            layer = data_layer(write_leveldb(folder / "data", [datum(noise(3, 4, 4), 0)]))
        case _:
            (folder / "list").write_text("test\n")
            layer = 'name: "data" type: "HDF5Data" top: "data" hdf5_data_param { source: "list" }'
    with pytest.raises(DatasetError, match=r"needs? .*\. Install it: pip install ('calibench\[caffe\]'|plyvel)\."):
        open_prototxt(write_prototxt(folder / "net.prototxt", layer, RELU))[0]
    open_cv.cache_clear()


@pytest.mark.parametrize(
    ("kind", "param"),
    [("Data", "data"), ("ImageData", "image_data"), ("HDF5Data", "hdf5_data"), ("AnnotatedData", "data")],
)
def test_a_batch_of_nothing_is_refused(folder, kind, param):
    layer = f'name: "in" type: "{kind}" top: "data" {param}_param {{ source: "test" batch_size: 0 }}'
    with pytest.raises(DatasetError, match=r"net\.prototxt, line 2, layer in: batch_size is 0\. Give 1 or more\.$"):
        open_prototxt(write_prototxt(folder / "net.prototxt", layer, RELU))


def test_missing_test_data_is_an_error(folder):
    path = write_prototxt(
        folder / "net.prototxt", data_layer("train", phase="TRAIN"), data_layer("lost", phase="TEST"), RELU
    )
    with pytest.raises(DatasetError, match="there is no LMDB lost"):
        caffe_sets(path)
