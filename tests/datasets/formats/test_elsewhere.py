"""Samples of every format, on a worker on whose machine the files lie in another folder."""

import json
from collections.abc import Callable
from pathlib import Path

import cloudpickle
import h5py
import layouts_with_boxes as boxes
import layouts_without_boxes as plain
import numpy as np
import pytest

from calibench.datasets.caffe.data_layer import open_prototxt
from calibench.datasets.dataset import Dataset
from calibench.datasets.detect import read_dataset
from calibench.datasets.formats.formats import FORMATS
from calibench.datasets.inputs import InputPlan
from calibench.spread.moved_paths import VARIABLE, unpacked
from written_data import data_layer, datum, noise, write_leveldb, write_lmdb, write_prototxt


def plain_pictures(folder: Path) -> None:
    for number in range(3):
        plain.draw(folder / f"{number}.png", color=(number, 2, 3))


def class_folders(folder: Path) -> None:
    for number in range(4):
        plain.draw(folder / f"class{number % 2}" / f"{number}.png", color=(number, 2, 3))


def tensors(folder: Path) -> None:
    folder.mkdir()
    for number in range(3):
        np.save(folder / f"{number}.npy", np.full((8, 8, 3), number, np.uint8))


WRITERS: dict[str, Callable[[Path], object]] = {
    "folder": plain_pictures,
    "imagenet": class_folders,
    "arrays-folder": tensors,
    "coco": boxes.write_coco,
    "voc": boxes.write_voc,
    "yolo": boxes.write_ultralytics,
    "yolo, darknet": boxes.write_darknet,
    "yolo, pairs": boxes.write_yolo_pairs,
    "open-images": boxes.write_open_images,
    "wider-face": boxes.write_wider_face,
    "imagenet-list": plain.imagenet_list,
    "cifar": plain.cifar,
    "cifar, binary": plain.cifar_binary,
    "mnist": plain.mnist,
    "common-semantic-segmentation": plain.semantic,
    "cityscapes": plain.cityscapes,
    "lfw": plain.lfw,
    "vggface2": plain.vgg_face,
    "super-resolution": plain.super_resolution,
    "text-lines": plain.text_lines,
}


def test_no_format_is_missing_here() -> None:
    assert {name.partition(",")[0] for name in WRITERS} >= {each.name for each in FORMATS}


def seen(samples: Dataset) -> list[tuple[object, ...]]:
    """What of every sample decides a calibration."""
    found = []
    for index in range(len(samples)):
        truth = samples.describe(index).truth
        arrays = {name: array.tobytes() for name, array in samples[index].items()}
        found.append((samples.identity(index), arrays, repr(truth)))
    return found


def moved_to(there: Path, here: Path, packed: bytes, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    here.rename(there)
    monkeypatch.setenv(VARIABLE, json.dumps({str(here): str(there)}))
    found: Dataset = unpacked(packed)
    return found


@pytest.mark.parametrize("name", WRITERS)
def test_a_worker_reads_the_files_where_they_were_brought(
    name: str, tmp_path: Path, plan: Callable[..., InputPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    WRITERS[name](here)
    packed = cloudpickle.dumps(read_dataset(here, plan()))
    samples = read_dataset(here, plan())
    assert samples.about.format == name.partition(",")[0]
    expected = seen(samples)
    assert seen(moved_to(tmp_path / "there", here, packed, monkeypatch)) == expected
    assert len(expected) > 0


@pytest.mark.parametrize("kind", ["lmdb", "leveldb", "images", "hdf5"])
def test_a_worker_reads_what_a_caffe_layer_names_by_whole_paths(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    pixels = noise(4, 3, 6, 6)
    records = [datum(values.astype(np.uint8), number % 2) for number, values in enumerate(pixels)]
    if kind == "lmdb":
        layer = data_layer(write_lmdb(here / "data", records))
    elif kind == "leveldb":
        layer = data_layer(write_leveldb(here / "data", records))
    elif kind == "images":
        for number in range(4):
            plain.draw(here / f"{number}.png", color=(number, 2, 3))
        (here / "list").write_text("".join(f"{here}/{number}.png {number % 2}\n" for number in range(4)))
        layer = f'name: "data" type: "ImageData" top: "data" top: "label" image_data_param {{ source: "{here}/list" }}'
    else:
        with h5py.File(here / "data.h5", "w") as file:
            file["data"], file["label"] = pixels, [0, 1, 0, 1]
        (here / "list").write_text("data.h5\n")
        layer = 'name: "data" type: "HDF5Data" top: "data" top: "label" hdf5_data_param { source: "list" }'
    net = write_prototxt(here / "net.prototxt", layer)
    samples = open_prototxt(net)
    expected, packed = seen(samples), cloudpickle.dumps(samples)
    root = tmp_path / "there"
    (root / here.relative_to("/")).parent.mkdir(parents=True)
    here.rename(root / here.relative_to("/"))
    monkeypatch.setenv(VARIABLE, json.dumps({"/": str(root)}))
    assert seen(unpacked(packed)) == expected
