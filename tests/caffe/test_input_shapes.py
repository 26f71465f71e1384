"""The shape of an input, wherever the prototxt says it."""

from pathlib import Path

import cv2
import h5py
import lmdb
import numpy as np
import pytest
from topologies import conv, dense, layer
from written_nets import write_net

from calibench.caffe.input_shapes import input_shapes
from calibench.caffe.read_net import read_net
from calibench.caffe.schema import message
from calibench.caffe.stripping import stripped
from calibench.errors import DatasetError, ModelError
from written_data import annotated, noise, write_lmdb
from written_data import datum as picture_datum

CONV = conv("c", "data", 2, "kernel_size: 1", relu=False)


def shapes_of(
    folder: Path, source: str, rest: str = CONV, channels: int = 4, blobs: bool = True
) -> dict[str, tuple[int, ...]]:
    weights = {"c": [np.zeros((2, channels, 1, 1), np.float32), np.zeros(2, np.float32)]} if blobs else {}
    files = write_net(folder, source + rest, blobs=weights)
    return input_shapes(stripped(read_net(*files)))


def source(kind: str, tops: str = "data label", **params: str) -> str:
    return layer(kind, "data", "", tops, **params)


SOURCES = {
    "crop": (source("Data", transform_param="crop_size: 7", data_param="batch_size: 5"), (5, 4, 7, 7)),
    "border of -fu": (source("Data", transform_param="crop_size: 7 pad: 3"), (1, 4, 13, 13)),
    "resize": (
        source("AnnotatedData", transform_param="resize_param { height: 6 width: 9 }", data_param="batch_size: 2"),
        (2, 4, 6, 9),
    ),
    "grey": (source("Data", transform_param="crop_size: 7 force_gray: true"), (1, 1, 7, 7)),
    "images": (source("ImageData", image_data_param="new_height: 6 new_width: 8 batch_size: 3"), (3, 3, 6, 8)),
    "grey images": (source("ImageData", image_data_param="new_height: 6 new_width: 8 is_color: false"), (1, 1, 6, 8)),
    "memory": (source("MemoryData", memory_data_param="batch_size: 2 channels: 3 height: 4 width: 5"), (2, 3, 4, 5)),
    "dummy": (source("DummyData", "data", dummy_data_param="num: 2 channels: 3 height: 4 width: 5"), (2, 3, 4, 5)),
    "dummy of shapes": (
        source("DummyData", dummy_data_param="shape { dim: 2 dim: 3 dim: 4 dim: 5 } shape { dim: 2 }"),
        (2, 3, 4, 5),
    ),
    "input": (source("Input", "data", input_param="shape { dim: 2 dim: 3 dim: 4 dim: 5 }"), (2, 3, 4, 5)),
    "old input": ('input: "data" input_dim: 2 input_dim: 3 input_dim: 4 input_dim: 5\n', (2, 3, 4, 5)),
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_file_says_the_shape(name: str, tmp_path: Path) -> None:
    text, shape = SOURCES[name]
    assert shapes_of(tmp_path, text)["data"] == shape


def test_channels_are_those_that_the_weights_read_behind_layers_that_keep_them(tmp_path: Path) -> None:
    rest = layer("Power", "p", "data", "data", power_param="scale: 0.5") + layer(
        "Pooling", "q", "data", pooling_param="kernel_size: 2"
    )
    rest += conv("c", "q", 2, "kernel_size: 1")
    assert shapes_of(tmp_path, source("Data", transform_param="crop_size: 8"), rest, channels=6)["data"] == (1, 6, 8, 8)


def test_channels_follow_from_the_length_of_an_inner_product(tmp_path: Path) -> None:
    text = source("Data", transform_param="crop_size: 8") + dense("c", "data", 2)
    files = write_net(tmp_path, text, blobs={"c": [np.zeros((2, 128), np.float32), np.zeros(2, np.float32)]})
    assert input_shapes(stripped(read_net(*files)))["data"] == (1, 2, 8, 8)


def datum(**fields: object) -> bytes:
    return message("Datum")(**fields).SerializeToString()


@pytest.mark.parametrize("is_encoded", [False, True])
def test_sizes_that_the_file_does_not_give_are_those_of_the_first_record(is_encoded: bool, tmp_path: Path) -> None:
    picture = cv2.imencode(".png", np.zeros((5, 6), np.uint8))[1].tobytes()
    record = datum(encoded=True, data=picture) if is_encoded else datum(channels=1, height=5, width=6, data=bytes(30))
    with lmdb.open(str(tmp_path / "train_lmdb")) as database, database.begin(write=True) as writing:
        writing.put(b"0", record)
    text = source("Data", data_param='source: "train_lmdb" backend: LMDB batch_size: 64')
    assert shapes_of(tmp_path, text, channels=1)["data"] == (64, 1, 5, 6)


def test_an_image_list_gives_the_size_of_its_first_picture(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a b.png"), np.zeros((5, 6, 3), np.uint8))
    (tmp_path / "list.txt").write_text("a b.png 3\n")
    text = source("ImageData", image_data_param='source: "list.txt" batch_size: 2')
    assert shapes_of(tmp_path, text)["data"] == (2, 3, 5, 6)


def test_an_hdf5_file_gives_the_shape_of_its_dataset(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["data"] = np.zeros((10, 4, 5, 6), np.float32)
    (tmp_path / "list.txt").write_text("one.h5\n")
    text = source("HDF5Data", hdf5_data_param='source: "list.txt" batch_size: 2')
    assert shapes_of(tmp_path, text)["data"] == (2, 4, 5, 6)


@pytest.mark.parametrize("kind", ["Data", "ImageData", "AnnotatedData", "HDF5Data"])
def test_a_size_that_is_said_nowhere_is_asked_for(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"line 1: layer 'data': it names no source to take height and width from"):
        shapes_of(tmp_path, source(kind))


@pytest.mark.parametrize(
    ("kind", "param"),
    [("Data", "data"), ("ImageData", "image_data"), ("AnnotatedData", "data"), ("HDF5Data", "hdf5_data")],
)
def test_a_source_that_is_not_there_is_named(kind: str, param: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"line 1: layer 'data': there is no far/away \(source\) to take"):
        shapes_of(tmp_path, source(kind, **{f"{param}_param": 'source: "far/away"'}))


@pytest.mark.parametrize(
    ("kind", "line", "what"),
    [
        ("ImageData", "gone.png 3", "there is no picture gone.png"),
        ("ImageData", "", "there is no picture in this list"),
        ("HDF5Data", "gone.h5", "there is no file gone.h5"),
        ("HDF5Data", "", "there is no file in this list"),
    ],
)
def test_what_a_list_names_first_has_to_be_there(kind: str, line: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"\n{line}\n")
    param = {"ImageData": "image_data_param", "HDF5Data": "hdf5_data_param"}[kind]
    with pytest.raises(DatasetError, match=f"list.txt: {what}"):
        shapes_of(tmp_path, source(kind, **{param: 'source: "list.txt"'}))


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(bytes(range(256)))
    with pytest.raises(DatasetError, match="list: is no text, so it is no list"):
        shapes_of(tmp_path, source("ImageData", image_data_param='source: "list"'))


def test_a_damaged_hdf5_file_and_one_without_the_top_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("one.h5\n")
    (tmp_path / "one.h5").write_bytes(b"x")
    text = source("HDF5Data", hdf5_data_param='source: "list.txt"')
    with pytest.raises(ModelError, match=r"one\.h5: is no HDF5 file, or a damaged one"):
        shapes_of(tmp_path, text)
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["label"] = np.zeros(3)
    with pytest.raises(ModelError, match=r"one\.h5: holds no dataset 'data'"):
        shapes_of(tmp_path, text)


def test_a_list_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Is a directory"):
        shapes_of(tmp_path, source("ImageData", image_data_param='source: "."'))


def test_a_picture_is_looked_for_beside_its_list_and_a_slash_of_the_folder_is_added(tmp_path: Path) -> None:
    (tmp_path / "lists" / "root").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "lists" / "root" / "a.png"), np.zeros((5, 6, 3), np.uint8))
    (tmp_path / "lists" / "one.txt").write_text("a.png\t3\n")
    text = source("ImageData", image_data_param='source: "lists/one.txt" root_folder: "root" batch_size: 2')
    assert shapes_of(tmp_path, text)["data"] == (2, 3, 5, 6)


def test_a_record_without_a_picture_says_that_the_type_of_the_layer_may_be_wrong(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "lmdb", [annotated(picture_datum(noise(3, 4, 5)))])
    with pytest.raises(ModelError, match=r"first record holds no picture.*AnnotatedData reads AnnotatedDatum"):
        shapes_of(tmp_path, source("Data", data_param='source: "lmdb"'))


def test_an_input_with_a_size_of_nothing_is_refused(tmp_path: Path) -> None:
    text = source("Input", "data", input_param="shape { dim: 1 dim: 3 dim: 0 dim: 5 }")
    with pytest.raises(ModelError, match=r"the shape \[1, 3, 0, 5\] of 'data' is not known"):
        shapes_of(tmp_path, text)
