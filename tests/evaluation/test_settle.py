"""Settings that are found by trying, on a network whose right settings are known."""

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from PIL import Image

from calibench.errors import SettingsError
from calibench.evaluation.settle import settle
from calibench.progress import silent
from calibench.settings import InputSettings, Settings, make_settings

SIDE = 8


def _brightness(beyond_one: float = 20.0) -> ov.Model:
    """Dark, bright, and a third class for what lies beyond: of pictures [1, 1, 8, 8] from -1 to 1."""
    entry = ops.parameter([1, 1, SIDE, SIDE], np.float32, name="x")
    mean = ops.unsqueeze(ops.reduce_mean(entry, [1, 2, 3], keep_dims=False), 1)
    beyond = ops.multiply(
        ops.subtract(ops.multiply(mean, mean), np.float32(1)), np.array([[0, 0, beyond_one]], np.float32)
    )
    return ov.Model([ops.add(ops.multiply(mean, np.array([[-4, 4, 0]], np.float32)), beyond)], [entry])


def _pictures(folder: Path) -> Path:
    """30 dark ones in folder 0, 30 bright ones in folder 1."""
    random = np.random.default_rng(0)
    for label in range(2):
        (folder / str(label)).mkdir(parents=True)
        for number in range(30):
            level = 128 + (2 * label - 1) * random.integers(20, 100)
            Image.fromarray(np.full((SIDE, SIDE), level, np.uint8)).save(folder / str(label) / f"{number}.png")
    return folder


def test_mean_and_scale_that_were_left_open_are_found(tmp_path: Path) -> None:
    found = settle(_brightness(), _pictures(tmp_path / "set"), Settings(), 1, silent)
    assert found.settings.input("x").mean == (127.5,)
    assert found.settings.input("x").scale == (127.5,)
    assert found.warnings == ()
    assert "Found by trying" in found.notes[0]


def test_mean_and_scale_that_a_person_set_are_warned_about_and_kept(tmp_path: Path) -> None:
    given = Settings(inputs={"": InputSettings(mean=(), scale=())})
    found = settle(_brightness(), _pictures(tmp_path / "set"), given, 1, silent)
    assert found.settings.input("x").mean == ()
    assert found.warnings[0].startswith("Wrong mean and scale, it seems: with --mean 127.5 --scale 127.5")


def test_settings_by_the_name_of_the_input_count_as_set(tmp_path: Path) -> None:
    given = Settings(inputs={"x": InputSettings(mean=(), scale=())})
    found = settle(_brightness(), _pictures(tmp_path), given, 1, silent)
    assert found.settings.inputs == given.inputs
    assert "mean and scale" in found.warnings[0]


def test_right_settings_are_left_in_peace(tmp_path: Path) -> None:
    given = Settings(inputs={"": InputSettings(mean=(127.5,), scale=(127.5,))})
    assert settle(_brightness(), _pictures(tmp_path / "set"), given, 1, silent).warnings == ()


def test_labels_that_are_off_by_one_are_named_where_the_model_has_such_classes(tmp_path: Path) -> None:
    folder = _pictures(tmp_path / "set")
    (folder / "1").rename(folder / "2")
    (folder / "0").rename(folder / "1")
    given = Settings(inputs={"": InputSettings(mean=(127.5,), scale=(127.5,))})
    found = settle(_brightness(beyond_one=0.0), folder, given, 1, silent)
    assert "task.label_offset: -1" in " ".join((*found.warnings, *found.notes))


def test_a_metric_of_ones_own_shows_what_is_wrong_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_share.py").write_text(
        "def right(outputs, label):\n    (scores,) = outputs.values()\n    return float(scores.argmax() == label)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    given = Settings(metric="own_share:right")
    found = settle(_brightness(), _pictures(tmp_path / "set"), given, 1, silent)
    assert found.settings.input("x").mean == (127.5,)


def test_a_metric_of_ones_own_that_fails_is_named_with_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_failure.py").write_text("def wrong(outputs, label):\n    return float('nan')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SettingsError, match=r"\d\.png: --metric own_failure:wrong returned nan"):
        settle(_brightness(), _pictures(tmp_path / "set"), Settings(metric="own_failure:wrong"), 1, silent)


def test_unreadable_pictures_are_no_part_of_the_trial(tmp_path: Path) -> None:
    folder = _pictures(tmp_path / "set")
    for number in range(20):
        (folder / "0" / f"{number}.png").write_bytes(b"no picture")
    assert settle(_brightness(), folder, Settings(), 1, silent).settings.input("x").mean == (127.5,)


def test_with_too_few_readable_pictures_nothing_is_tried(tmp_path: Path) -> None:
    folder = _pictures(tmp_path / "set")
    for path in sorted(folder.rglob("*.png"))[7:]:
        path.write_bytes(b"")
    assert settle(_brightness(), folder, Settings(), 1, silent).settings.input("x").mean == ()


@pytest.mark.parametrize("given", [{"task": {"class_names": "gone.txt"}}, {"data": {"labels": "gone.txt"}}])
def test_a_file_that_the_settings_name_must_be_there_even_where_nothing_reads_it(given: Any) -> None:
    with pytest.raises(SettingsError, match=r"there is no file gone\.txt"):
        settle(_brightness(), Path("anywhere"), make_settings(given), 1, silent)
