"""Times of the layers: what is written is read back, and what is none is refused."""

from pathlib import Path

import pytest

from calibench.errors import SettingsError
from calibench.search.timing import Timings, read_timings, timings_of, write_timings

TIMES = Timings(3.0, 2.0, {"first": 0.75, "second": 0.25})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_timings(TIMES, tmp_path / "timings.json")
    return tmp_path / "timings.json"


def test_times_are_read_as_they_were_written(file: Path) -> None:
    assert read_timings(file) == TIMES
    assert timings_of(file, ["second", "third"]) == TIMES


def test_times_of_another_network_are_refused(file: Path) -> None:
    with pytest.raises(SettingsError, match="holds no layer of this network"):
        timings_of(file, ["third"])


@pytest.mark.parametrize(
    "text",
    [
        "much",
        "[]",
        '{"fp32_ms": 1, "int8_ms": 1}',
        '{"fp32_ms": 1, "int8_ms": NaN, "saves_ms": {}}',
        '{"fp32_ms": 1, "int8_ms": 1, "saves_ms": {"first": Infinity}}',
        '{"fp32_ms": 1, "int8_ms": 1, "saves_ms": 3}',
    ],
)
def test_what_holds_no_times_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(SettingsError, match=r"is no timings\.json of a search"):
        read_timings(tmp_path / "t.json")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.json: cannot be read"):
        read_timings(tmp_path / "none.json")
