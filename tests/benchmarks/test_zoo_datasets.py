"""The datasets of the zoo on disk: each is found to be what it is meant to be, and is the same every time."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from benchmarks.region_metric import region_auc
from benchmarks.zoo.datasets import TASK_SETS, prepare
from benchmarks.zoo.datasets.layouts import (
    write_class_folders,
    write_coco,
    write_idx,
    write_masks,
    write_super_resolution,
    write_table,
    write_text_lines,
)
from benchmarks.zoo.datasets.task_set import TaskSet, write_once

from calibench.datasets.detect import list_pictures
from calibench.datasets.labelled_texts import read_texts
from calibench.datasets.truth import Truth
from calibench.demo.stamps import PARTS
from calibench.settings import DataSettings

CACHE = Path(__file__).parents[2] / ".cache/zoo"
RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.integers(0, 255, (3, 12, 16, 3), np.uint8)
MASKS = [np.full((12, 16), level, np.uint8) for level in (0, 128, 255)]
BOX = np.array([2.0, 3.0, 8.0, 11.0], np.float32)


def _idx(folder: Path) -> None:
    write_idx(folder / "t10k-images-idx3-ubyte.gz", PICTURES[..., 0])
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", np.arange(3))


WRITERS: dict[str, Callable[[Path], None]] = {
    "imagenet": lambda folder: write_class_folders(
        folder, zip(PICTURES, ["0004_cat", "0007_dog", "0004_cat"], strict=True)
    ),
    "coco": lambda folder: write_coco(
        folder, zip(PICTURES, [[("dog", BOX)], [], [("person", BOX), ("dog", BOX)]], strict=True)
    ),
    "common-semantic-segmentation": lambda folder: write_masks(folder, zip(PICTURES, MASKS, strict=True)),
    "super-resolution": lambda folder: write_super_resolution(
        folder, ((picture[::2, ::2], picture) for picture in PICTURES)
    ),
    "text-lines": lambda folder: write_text_lines(folder, zip(PICTURES, ["one", "two, 2", "three  3"], strict=True)),
    "mnist": _idx,
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_dataset_is_found_to_be_of_its_format(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path)
    listing = list_pictures(tmp_path)
    assert (listing.format, len(listing), listing.problems) == (name, 3, ())


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_samples_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    for place in ("one", "other"):
        (tmp_path / place).mkdir()
        WRITERS[name](tmp_path / place)
    assert _digests(tmp_path / "one") == _digests(tmp_path / "other")


def test_boxes_come_back_with_their_class(tmp_path: Path) -> None:
    WRITERS["coco"](tmp_path)
    listing = list_pictures(tmp_path)
    truth = listing.truth(2).objects
    assert truth is not None
    assert [listing.classes[label] for label in truth.labels] == ["person", "dog"]
    np.testing.assert_allclose(truth.boxes[1], BOX)


def test_gray_borders_of_masks_become_black_or_white(tmp_path: Path) -> None:
    WRITERS["common-semantic-segmentation"](tmp_path)
    listing = list_pictures(tmp_path)
    truths = [listing.truth(index).pixels for index in range(3)]
    assert [set(np.unique(each)) for each in truths if each is not None] == [{0}, {1}, {1}]


def test_named_classes_are_in_the_order_of_the_model_and_not_of_the_alphabet(tmp_path: Path) -> None:
    write_class_folders(tmp_path, zip(PICTURES, ["180", "0", "90"], strict=True), ("0", "90", "180", "270"))
    listing = list_pictures(tmp_path)
    found = {Path(name).parent.name: label for name, label in zip(listing.names, listing.labels or (), strict=True)}
    assert found == {"0": 0, "90": 1, "180": 2}


def test_texts_keep_their_commas_and_quotes(tmp_path: Path) -> None:
    write_table(tmp_path, [('one, "two"', "law"), ("three", "food")])
    table = read_texts(tmp_path / "texts.csv", DataSettings())
    assert table.texts == (('one, "two"',), ("three",))
    assert table.labels is not None
    assert len(set(table.labels)) == 2


def test_a_folder_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write_once(tmp_path / "set", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_map_that_is_higher_on_the_lines_has_an_area_of_one() -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[2:4] = 1
    maps = np.zeros((1, 4, 4, 2), np.float32)
    maps[0, 1, :, 0] = 0.2
    assert region_auc({"scores": maps}, Truth(pixels=mask)) == 1.0
    assert region_auc({"scores": -maps}, Truth(pixels=mask)) == 0.0


def test_nothing_is_set_for_any_network_but_a_metric_of_its_own_for_one() -> None:
    assert {each.name: set(each.settings) for each in TASK_SETS if each.settings} == {"craft": {"metric"}}


@pytest.mark.packages
@pytest.mark.parametrize("task_set", TASK_SETS, ids=lambda each: each.name)
def test_every_part_of_every_network_can_be_written(task_set: TaskSet, tmp_path: Path) -> None:
    for part in PARTS:
        (tmp_path / part).mkdir()
        task_set.write(tmp_path / part, CACHE, part, 3)
    calibration, validation = (_own(tmp_path / part) for part in PARTS)
    assert calibration
    assert validation
    assert not set(calibration.values()) & set(validation.values())


@pytest.mark.packages
def test_a_prepared_network_is_there_at_once_the_second_time(tmp_path: Path) -> None:
    fashion = TASK_SETS[0]
    small = TaskSet(fashion.recipe, fashion.write, fashion.layout, (3, 3))
    first = prepare(small, tmp_path)
    assert len(list_pictures(first.validation)) == 3
    assert prepare(small, tmp_path) == first


def _own(folder: Path) -> dict[str, str]:
    """The files that hold samples."""
    return {name: digest for name, digest in _digests(folder).items() if name.endswith((".jpg", ".png", ".gz", ".csv"))}


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
