"""A subset whose choice needs no look at the pictures: the others are not read, and the choice is the same."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from PIL import Image

from calibench.datasets.ahead import readable
from calibench.datasets.dataset import Arrays, Dataset
from calibench.datasets.sets import Sets, open_sets
from calibench.datasets.subset import choose, draw, drawn_unseen
from calibench.settings import Settings, make_settings

TOTAL = 20


@pytest.fixture(scope="module")
def network() -> ov.Model:
    data = ops.parameter([1, 3, 8, 8], np.float32, name="x")
    return ov.Model([ops.result(ops.relu(data))], [data], "net")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder for calibration with two classes, and one for validation."""
    random = np.random.default_rng(0)
    for name, count in (("calibration", TOTAL), ("validation", 4)):
        for number in range(count):
            path = tmp_path / name / f"{number % 2}_kind" / f"{number:02d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(path)
    return tmp_path / "calibration", tmp_path / "validation"


def opened(network: ov.Model, folders: tuple[Path, Path | None], **values: Any) -> tuple[Sets, list[str]]:
    """The sets, and the names of the samples chosen for calibration."""
    calibration, validation = folders
    with open_sets(network, calibration, validation, make_settings(values), 2, lambda *call: None) as sets:
        return sets, [sets.calibration.describe(index).name for index in range(len(sets.calibration))]


def test_the_choice_is_that_of_all_samples(network: ov.Model, folders: tuple[Path, Path]) -> None:
    sets, names = opened(network, folders, subset="6", seed=3)
    listed = sorted(path.relative_to(folders[0]).as_posix() for path in folders[0].rglob("*.png"))
    assert names == [listed[index] for index in draw(TOTAL, 3)[:6]]
    assert sets.total == TOTAL


def test_pictures_that_are_not_chosen_are_not_read(network: ov.Model, folders: tuple[Path, Path]) -> None:
    before, names = opened(network, folders, subset="6")
    for path in folders[0].rglob("*.png"):
        if path.relative_to(folders[0]).as_posix() not in names:
            path.write_bytes(b"")
    after, again = opened(network, folders, subset="6")
    assert again == names
    assert (after.total, after.notes, after.opened.skipped) == (before.total, before.notes, ())
    assert len(after.opened.samples) == 6


def test_the_next_one_of_the_draw_stands_in_for_one_that_cannot_be_read(
    network: ov.Model, folders: tuple[Path, Path]
) -> None:
    _, seven = opened(network, folders, subset="7")
    (folders[0] / seven[2]).write_bytes(b"damaged")
    sets, names = opened(network, folders, subset="6")
    assert sorted(names) == sorted([*seven[:2], *seven[3:]])
    assert len(sets.opened.skipped) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"subset": "100%"},
        {"subset": "20"},
        {"subset": "6", "subset_by": "class"},
        {"subset": "6", "subset_by": "features"},
    ],
)
def test_all_are_read_where_the_choice_needs_it(
    network: ov.Model, folders: tuple[Path, Path], values: dict[str, str]
) -> None:
    sets, _ = opened(network, folders, **values)
    assert len(sets.opened.samples) == TOTAL and not sets.opened.is_chosen


def test_a_set_that_is_split_by_content_is_read_whole(network: ov.Model, folders: tuple[Path, Path]) -> None:
    sets, _ = opened(network, (folders[0], None), subset="3")
    assert len(sets.opened.samples) == TOTAL


def test_an_order_is_given_only_where_the_number_of_samples_says_all() -> None:
    some = Settings(subset="25%", seed=5)
    assert drawn_unseen(8, some, has_own_validation=True) == draw(8, 5)
    assert drawn_unseen(8, some, has_own_validation=False) is None
    assert drawn_unseen(8, Settings(), has_own_validation=True) is None


def test_readable_samples_in_an_order_are_those_of_the_choice() -> None:
    samples: Dataset = Arrays([{"x": np.array([number])} for number in range(9)])
    seen: list[tuple[str, int, int]] = []
    found = readable(samples, 2, lambda *call: seen.append(call), draw(9, 1), 4)
    assert found.samples.indices == choose(samples, "4", 1).indices
    assert seen[-1] == ("decode", 4, 4) and found.note is None
