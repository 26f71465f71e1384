"""Which files a data layer reads, and that it reads the same where they have travelled."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from calibench.caffe.written_paths import Origin, whole_path, written_for
from calibench.datasets.caffe.caffe_samples import CaffeSamples
from calibench.datasets.caffe.data_layer import open_prototxt
from calibench.errors import DatasetError
from written_data import (
    annotated,
    data_layer,
    datum,
    encoded,
    noise,
    write_label_map,
    write_leveldb,
    write_lmdb,
    write_mean,
    write_prototxt,
)

MEAN = 'mean_file: "mean.binaryproto"'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `work`, where the command is started, `nets` and `data`."""
    home = tmp_path / "home"
    for name in ("work", "nets", "data/pictures"):
        (home / name).mkdir(parents=True)
    monkeypatch.chdir(home / "work")
    write_mean(home / "nets/mean.binaryproto", np.full((3, 6, 6), 3, np.float32))
    return home


def lmdb_beside(home: Path) -> str:
    write_lmdb(home / "nets/lmdb", [datum(noise(3, 6, 6, seed=i), i) for i in range(3)])
    return data_layer("lmdb", MEAN)


def leveldb_by_a_way_up(home: Path) -> str:
    write_leveldb(home / "data/leveldb", [datum(noise(3, 6, 6, seed=i), i) for i in range(3)])
    return data_layer("../data/leveldb", MEAN)


def annotated_by_a_whole_path(home: Path) -> str:
    write_label_map(home / "nets/map.prototxt")
    write_lmdb(home / "data/boxes", [annotated(encoded(noise(6, 6, 3)), [(1, (0.1, 0.1, 0.9, 0.9), False)])] * 3)
    more = 'annotated_data_param { label_map_file: "map.prototxt" }'
    return data_layer(home / "data/boxes", MEAN, more=more, kind="AnnotatedData")


def pictures_of_all_places(home: Path, count: int = 3) -> str:
    places = (home / "data/pictures", home / "work", home / "data")
    for number, place in enumerate(places[:count]):
        cv2.imwrite(str(place / f"{number}.png"), noise(6, 6, 3, seed=number))
    listed = (home / "data/pictures/0.png", "1.png", "../data/2.png")
    (home / "data/list.txt").write_text("".join(f"{path} {number}\n" for number, path in enumerate(listed)))
    param = f'image_data_param {{ source: "{home}/data/list.txt" batch_size: 2 }}'
    return f'name: "data" type: "ImageData" top: "data" top: "label" transform_param {{ {MEAN} }} {param}'


def rows_of_two_files(home: Path) -> str:
    for number in range(2):
        with h5py.File(home / f"data/{number}.h5", "w") as file:
            file["data"], file["label"] = np.full((2, 3), number, np.float32), np.array([[0], [1]], np.float32)
    (home / "data/rows.txt").write_text(f"0.h5\n{home}/data/1.h5\n")
    return (
        f'name: "data" type: "HDF5Data" top: "data" top: "label" hdf5_data_param {{ source: "{home}/data/rows.txt" }}'
    )


EVERY = {
    lmdb_beside: {"nets/lmdb", "nets/mean.binaryproto"},
    leveldb_by_a_way_up: {"data/leveldb", "nets/mean.binaryproto"},
    annotated_by_a_whole_path: {"data/boxes", "nets/mean.binaryproto", "nets/map.prototxt"},
    pictures_of_all_places: {
        *("data/list.txt", "nets/mean.binaryproto", "data/pictures/0.png", "work/1.png", "data/2.png")
    },
    rows_of_two_files: {"data/rows.txt", "data/0.h5", "data/1.h5"},
}


def opened(home: Path, layer: str, told: Callable[[Path], None] = lambda path: None) -> CaffeSamples:
    with written_for(Origin(Path.cwd(), told=told)):
        return open_prototxt(write_prototxt(home / "nets/net.prototxt", layer))


def told(samples: CaffeSamples) -> list[tuple[str, str, bytes]]:
    everything = range(len(samples))
    arrays = [samples[index] for index in everything]
    return [
        (
            samples.identity(index),
            samples.describe(index).name,
            b"".join(each.tobytes() for each in arrays[index].values()),
        )
        for index in everything
    ]


@pytest.mark.parametrize("layer", EVERY, ids=lambda layer: layer.__name__)
def test_by_hand_all_is_told_that_a_layer_reads(layer, home: Path) -> None:
    read: list[Path] = []
    samples = opened(home, layer(home), read.append)
    samples.layer.find_files(range(len(samples)))
    assert {Path(whole_path(path)).relative_to(whole_path(home)).as_posix() for path in read} == EVERY[layer]


@pytest.mark.parametrize("layer", EVERY, ids=lambda layer: layer.__name__)
def test_the_same_is_read_where_only_these_files_lie_below_another_folder(
    layer, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = [home / "nets/net.prototxt"]
    samples = opened(home, layer(home), read.append)
    before, root = told(samples), tmp_path / "root"
    for path in dict.fromkeys(read):
        place = root / whole_path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, place)
    home.rename(tmp_path / "gone")
    monkeypatch.chdir(tmp_path)
    with written_for(Origin(root / whole_path(home / "work"), root)):
        moved = open_prototxt(root / whole_path(home / "nets/net.prototxt"))
    assert told(moved) == before  # also outside of the block, as other threads read


def test_only_the_pictures_that_are_asked_for_are_looked_for(home: Path) -> None:
    read: list[Path] = []
    samples = opened(home, pictures_of_all_places(home, count=2), read.append)
    samples.layer.find_files((0, 1))
    assert [path.name for path in read] == ["list.txt", "mean.binaryproto", "0.png", "1.png"]
    with pytest.raises(DatasetError, match=r"list\.txt, line 3: there is no picture \.\./data/2\.png, looked for in"):
        samples.layer.find_files((2,))


def test_a_device_is_no_list(home: Path) -> None:
    layer = 'name: "data" type: "ImageData" top: "data" top: "label" image_data_param { source: "/dev/zero" }'
    with pytest.raises(DatasetError, match="/dev/zero is a pipe or a device"):
        open_prototxt(write_prototxt(home / "nets/net.prototxt", layer))
