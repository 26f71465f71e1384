"""The files of a job's folder: what is written comes back, and what is half there is not taken for whole."""

from pathlib import Path

import pytest

from calibench.errors import JobError
from calibench.settings import Settings, make_settings
from calibench.targets.bundle import BUNDLE, END, EVENTS, Bundle, End
from calibench.targets.bundle_files import EventLog, read_bundle, read_end, read_events, write_bundle, write_end
from calibench.things.kept import Failure


def test_a_bundle_comes_back_as_it_was(tmp_path: Path) -> None:
    bundle = Bundle(
        kind="calibrate", model=Path("/m/model.xml"), dataset=Path("/d"), settings=make_settings({"preset": "mixed"})
    )
    write_bundle(bundle, tmp_path / "job")
    assert read_bundle(tmp_path / "job") == bundle


def test_settings_that_nobody_set_stay_unset(tmp_path: Path) -> None:
    write_bundle(Bundle(kind="baseline", settings=Settings(preset="mixed")), tmp_path)
    settings = read_bundle(tmp_path).settings
    assert settings.model_fields_set == {"preset"} and not settings.task.model_fields_set


def test_relative_paths_are_of_the_bundles_folder(tmp_path: Path) -> None:
    write_bundle(Bundle(kind="import-model", sources=(Path("in/a.onnx"),), model=Path("m.xml")), tmp_path)
    bundle = read_bundle(tmp_path)
    assert bundle.sources == (tmp_path / "in/a.onnx",)
    assert bundle.model == tmp_path / "m.xml"
    assert bundle.dataset is None


@pytest.mark.parametrize("text", ["", "{", '{"kind": "fly"}', '{"kind": "machine", "format": 2}', '{"more": 1}'])
def test_a_bundle_that_is_none_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / BUNDLE).write_text(text)
    with pytest.raises(JobError, match=r"bundle\.json.*another Calibench"):
        read_bundle(tmp_path)


def test_a_folder_without_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="cannot be read"):
        read_bundle(tmp_path)


def test_an_end_comes_back_and_is_none_before(tmp_path: Path) -> None:
    assert read_end(tmp_path) is None
    end = End(state="failed", failure=Failure(kind="DatasetError", message="Empty."), result={"a": [1, None]})
    write_end(end, tmp_path)
    assert read_end(tmp_path) == end
    assert [path.name for path in tmp_path.iterdir()] == [END]


def test_an_end_that_says_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / END).write_text("{}")
    with pytest.raises(JobError):
        read_end(tmp_path)


def test_events_are_read_on_from_where_one_was(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.write("note", {"text": "größe\nzwei"})
    events, offset = read_events(tmp_path)
    assert [event["text"] for event in events] == ["größe\nzwei"]
    log.write("progress", {"done": 1})
    events, offset = read_events(tmp_path, offset)
    assert [(event["type"], event["done"]) for event in events] == [("progress", 1)]
    assert read_events(tmp_path, offset) == ([], offset)


def test_half_a_line_waits_until_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / EVENTS).write_text('{"type": "note", "text": "a"}\n{"type": "no')
    events, offset = read_events(tmp_path)
    assert len(events) == 1
    with (tmp_path / EVENTS).open("a") as file:
        file.write('te", "text": "b"}\n')
    assert read_events(tmp_path, offset)[0][0]["text"] == "b"


def test_what_a_killed_run_cut_off_costs_no_event_of_the_next(tmp_path: Path) -> None:
    (tmp_path / EVENTS).write_text('{"type": "progress", "do')
    EventLog(tmp_path).write("note", {"text": "again"})
    assert [event["text"] for event in read_events(tmp_path)[0]] == ["again"]


def test_no_events_are_no_error(tmp_path: Path) -> None:
    assert read_events(tmp_path) == ([], 0)
