"""A few samples to try settings on: readable ones, always the same, and no more than are asked for."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from PIL import Image

from calibench.datasets.few import open_few
from calibench.errors import DatasetError
from calibench.settings import Settings


def network() -> ov.Model:
    x = ops.parameter([1, 3, 8, 8], np.float32, "x")
    x.output(0).set_names({"x"})
    return ov.Model([ops.relu(x)], [x], "net")


def pictures(folder: Path, count: int, broken: int = 0) -> Path:
    folder.mkdir()
    for number in range(count):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number:03d}.png")
    for number in range(broken):
        (folder / f"{number:03d}.png").write_bytes(b"no picture")
    return folder


def names(folder: Path, count: int) -> list[str]:
    few = open_few(network(), folder, Settings(), count, folder)
    return [few.samples.describe(index).name for index in range(len(few.samples))]


def test_the_same_ones_are_chosen_each_time_and_more_begin_with_them(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "set", 30)
    assert len(names(folder, 5)) == 5
    assert names(folder, 5) == names(folder, 5) == names(folder, 10)[:5]
    assert names(folder, 5) != sorted(names(folder, 30))[:5]


def test_where_there_are_fewer_all_are_taken(tmp_path: Path) -> None:
    assert len(names(pictures(tmp_path / "set", 3), 20)) == 3


def test_what_cannot_be_read_is_replaced_and_said(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "set", 12, broken=4)
    few = open_few(network(), folder, Settings(), 8, folder)
    assert (len(few.samples), few.total) == (8, 12)
    assert few.notes == () or "left out" in few.notes[0]
    assert len(open_few(network(), folder, Settings(), 12, folder).samples) == 8


def test_where_nothing_can_be_read_the_first_reason_is_given(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "set", 2, broken=2)
    with pytest.raises(DatasetError, match=r"\.png"):
        open_few(network(), folder, Settings(), 5, folder)
