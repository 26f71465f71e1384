"""What every dataset does, whatever its format."""

import cv2
import h5py
import numpy as np
import pytest

from calibench.datasets.cache import cached
from calibench.datasets.caffe.caffe_samples import CaffeSamples
from calibench.datasets.caffe.data_layer import open_prototxt
from calibench.datasets.dataset import Arrays, Subset
from calibench.datasets.detect import read_dataset
from calibench.datasets.tensors import open_tensor_folder, open_tensors
from written_data import data_layer, datum, write_leveldb, write_lmdb, write_prototxt

CAFFE = ["caffe lmdb", "caffe leveldb", "caffe images", "caffe hdf5"]
"""Samples of a data layer: float32 [1, C, H, W], as the blob holds them."""
KINDS = ["plain folder", "class folders", "npz", "npy", "tensor folder", "arrays", "cached", "subset", *CAFFE]
COLORS = [(i * 20, 0, 0) for i in range(6)]


@pytest.fixture(params=KINDS)
def dataset(request, tmp_path, picture, plan):
    pixels = np.zeros((6, 8, 8, 3), np.uint8) + np.array(COLORS, np.uint8)[:, None, None, :]
    samples = [{"image": values[None]} for values in pixels]
    match request.param:
        case "plain folder" | "class folders":
            for i, color in enumerate(COLORS):
                inside = f"{i % 2}_class" if request.param == "class folders" else ""
                picture(tmp_path / inside / f"{i}.png", color=color)
            return read_dataset(tmp_path, plan())
        case "npz":
            np.savez(tmp_path / "a.npz", image=pixels, labels=np.arange(6) % 2)
            return open_tensors(tmp_path / "a.npz", plan())
        case "npy":
            np.save(tmp_path / "a.npy", pixels)
            return open_tensors(tmp_path / "a.npy", plan())
        case "tensor folder":
            for i, values in enumerate(pixels):
                np.save(tmp_path / f"{i}.npy", values)
            return open_tensor_folder(tmp_path, plan())
        case "arrays":
            return Arrays(samples, [0, 1, 0, 1, 0, 1])
        case "caffe lmdb" | "caffe leveldb" | "caffe images" | "caffe hdf5":
            return in_caffe(request.param, tmp_path, pixels)
        case "cached":
            return cached(Arrays(samples, [0, 1, 0, 1, 0, 1]), tmp_path, 10**6)
    return Subset(Arrays(samples, [0, 1, 0, 1, 0, 1]), (5, 4, 3, 2, 1, 0))


def in_caffe(kind, folder, pixels):
    """The same pictures and classes in the data layer of a prototxt, whose top is called `image`."""
    planes, labels = pixels.transpose(0, 3, 1, 2), [0, 1, 0, 1, 0, 1]
    records = [datum(values, label) for values, label in zip(planes, labels, strict=True)]
    match kind:
        case "caffe lmdb":
            layer = data_layer(write_lmdb(folder / "data", records))
        case "caffe leveldb":
            layer = data_layer(write_leveldb(folder / "data", records))
        case "caffe images":
            for i, values in enumerate(pixels):
                cv2.imwrite(str(folder / f"{i}.png"), values)
            (folder / "list").write_text("".join(f"{i}.png {label}\n" for i, label in enumerate(labels)))
            layer = 'name: "data" type: "ImageData" top: "data" top: "label" image_data_param { source: "list" }'
        case _:
            with h5py.File(folder / "data.h5", "w") as file:
                file["image"], file["label"] = planes, labels
            (folder / "list").write_text("data.h5\n")
            layer = 'name: "data" type: "HDF5Data" top: "data" top: "label" hdf5_data_param { source: "list" }'
    return open_prototxt(write_prototxt(folder / "net.prototxt", layer.replace('top: "data"', 'top: "image"')))


def first_pixel(array):
    return tuple(int(v) for v in (array[0, 0, 0] if array.dtype == np.uint8 else array[0, :, 0, 0]))


def test_a_sample_is_an_array_by_input_name_with_a_batch_axis(dataset):
    blob = isinstance(dataset, CaffeSamples)
    for i in range(len(dataset)):
        (array,) = dataset[i].values()
        assert list(dataset[i]) == ["image"]
        assert (array.dtype, array.shape) == ((np.float32, (1, 3, 8, 8)) if blob else (np.uint8, (1, 8, 8, 3)))
        assert array.flags.c_contiguous


def test_a_sample_is_the_same_each_time(dataset):
    assert all(np.array_equal(dataset[i]["image"], dataset[i]["image"]) for i in range(len(dataset)))


def test_every_content_is_there_once(dataset):
    assert len(dataset) == 6
    assert {first_pixel(dataset[i]["image"]) for i in range(6)} == set(COLORS)


def test_identities_are_sha256_and_tell_contents_apart(dataset):
    identities = [dataset.identity(i) for i in range(6)]
    assert len(set(identities)) == 6
    assert all(len(identity) == 64 and int(identity, 16) >= 0 for identity in identities)
    assert identities == [dataset.identity(i) for i in range(6)]


def test_labels_are_one_a_sample_or_none(dataset):
    assert dataset.labels is None or sorted(dataset.labels) == [0, 0, 0, 1, 1, 1]


def test_what_is_annotated_is_said_for_the_set_and_for_every_sample(dataset):
    assert ("label" in dataset.about.annotated) == (dataset.labels is not None)
    for i in range(6):
        described = dataset.describe(i)
        assert described.name
        assert described.truth.label == (None if dataset.labels is None else dataset.labels[i])


def test_it_has_a_name(dataset):
    assert isinstance(dataset.name, str)
    assert dataset.name


def test_beyond_the_end_is_an_index_error(dataset):
    with pytest.raises(IndexError):
        dataset[6]
