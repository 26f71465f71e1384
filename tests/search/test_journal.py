import errno
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibench.errors import JobError
from calibench.reports.run_file import asked, read_asked, run_file, write_asked
from calibench.search.folder_lock import check_free, locked
from calibench.search.journal import count_kept, journal_path, open_journal
from calibench.search.journal_key import absolute, differences, run_key
from calibench.settings import make_settings

KEY = {"model": "ab", "flags": ["avx2"]}

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ENTRY = st.tuples(st.sampled_from(["trial", "ranked", "times"]), st.text(max_size=5), PLAIN)


def written(out: Path, entries: list[tuple[str, str, Any]]) -> bytes:
    with open_journal(out, KEY) as journal:
        for kind, name, value in entries:
            journal.write(kind, name, value)
    return journal_path(out).read_bytes()


def put(out: Path, data: bytes) -> None:
    journal_path(out).parent.mkdir(parents=True, exist_ok=True)
    journal_path(out).write_bytes(data)


def same(left: Any, right: Any) -> bool:
    """Equal, types, signs of zero and NaN included."""
    return json.dumps(left) == json.dumps(right)


def test_what_was_written_is_there_after_reopening_and_the_last_one_wins(tmp_path: Path) -> None:
    written(tmp_path, [("trial", "1", {"drop": 0.5}), ("time", "a", 1), ("trial", "2", None), ("trial", "1", {})])
    with open_journal(tmp_path, KEY) as journal:
        assert journal.recall("trial", "1") == {}
        assert journal.recall("time", "a") == 1
        assert journal.recall("trial", "3") is None
        assert list(journal.entries("trial").items()) == [("1", {}), ("2", None)]
        assert journal.entries("none") == {}
    assert count_kept(tmp_path) == 2


def test_an_entry_is_a_line_that_a_person_can_read(tmp_path: Path) -> None:
    header, line = written(tmp_path, [("trial", "1", {"drop": 0.1})]).decode().splitlines()
    assert json.loads(header) == {"format": 1, "key": KEY}
    assert line == '{"kind":"trial","name":"1","value":{"drop":0.1}}'


def test_tuples_come_back_as_the_lists_that_json_knows_at_once_and_later(tmp_path: Path) -> None:
    with open_journal(tmp_path, KEY) as journal:
        journal.write("ranked", "order", (1, (2, 3)))
        assert journal.recall("ranked", "order") == [1, [2, 3]]
    with open_journal(tmp_path, KEY) as journal:
        assert journal.recall("ranked", "order") == [1, [2, 3]]


def test_without_a_folder_nothing_is_written_and_everything_recalled(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_journal(None, KEY) as journal:
        journal.write("trial", "1", math.inf)
        assert journal.recall("trial", "1") == math.inf
    assert list(tmp_path.iterdir()) == []


@given(st.lists(ENTRY, max_size=6))
def test_any_plain_value_comes_back_as_it_was(entries: list[tuple[str, str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        written(Path(name), entries)
        with open_journal(Path(name), KEY) as journal:
            last = {(kind, name): value for kind, name, value in entries}
            assert all(same(journal.recall(*place), value) for place, value in last.items())


@given(st.floats())
def test_a_float_comes_back_bit_for_bit(value: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        written(Path(name), [("a", "b", value)])
        with open_journal(Path(name), KEY) as journal:
            back = journal.recall("a", "b")
    assert repr(back) == repr(value)


def test_cut_anywhere_no_whole_entry_is_lost_and_the_run_goes_on(tmp_path: Path) -> None:
    data = written(tmp_path / "whole", [("trial", str(i), {"drop": 0.1 * i, "name": "\u00e4\n"}) for i in range(4)])
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    for cut in range(len(data) + 1):
        out = tmp_path / str(cut)
        put(out, data[:cut])
        whole = max(0, sum(end <= cut for end in ends) - 1)
        assert count_kept(out) == whole
        with open_journal(out, KEY) as journal:
            assert list(journal.entries("trial")) == [str(i) for i in range(whole)]
            journal.write("trial", "next", 7)
        with open_journal(out, KEY) as journal:
            assert list(journal.entries("trial").values())[whole:] == [7]


@given(st.binary(max_size=40).filter(lambda rest: b"\n" not in rest))
def test_a_last_line_of_anything_is_dropped_in_silence(rest: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        data = written(Path(name), [("trial", "1", 2)])
        put(Path(name), data + rest)
        with open_journal(Path(name), KEY) as journal:
            assert journal.entries("trial") == {"1": 2}
        assert journal_path(Path(name)).read_bytes() == data


def test_a_block_that_the_disk_lost_at_the_end_is_dropped_too(tmp_path: Path) -> None:
    data = written(tmp_path, [("trial", "1", 2)])
    put(tmp_path, data + b"\0" * 20 + b"\n")
    with open_journal(tmp_path, KEY) as journal:
        assert journal.entries("trial") == {"1": 2}


@pytest.mark.parametrize("line", [b"{broken", b"[]", b'{"kind":"trial"}', b""])
def test_a_broken_line_in_the_middle_is_named(line: bytes, tmp_path: Path) -> None:
    header, first, second = written(tmp_path, [("trial", "1", 2), ("trial", "2", 2)]).splitlines()
    put(tmp_path, b"\n".join([header, first, line, second, b""]))
    with pytest.raises(JobError, match=r"journal\.jsonl: line 3 is broken"), open_journal(tmp_path, KEY):
        pass


@pytest.mark.parametrize(
    ("first", "said"), [(b'{"a":1}', "line 1 is no header"), (b'{"format":9}', "has format 9, this Calibench reads 1")]
)
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(first: bytes, said: str, tmp_path: Path) -> None:
    put(tmp_path, first + b"\n{}\n")
    with pytest.raises(JobError, match=said), open_journal(tmp_path, KEY):
        pass
    assert journal_path(tmp_path).read_bytes() == first + b"\n{}\n"


def test_another_key_is_refused_with_what_differs(tmp_path: Path) -> None:
    written(tmp_path, [])
    with pytest.raises(JobError) as error, open_journal(tmp_path, {**KEY, "model": "cd"}):
        pass
    assert str(error.value) == (
        f"{tmp_path}: cannot go on, because the model has changed since. Begin anew with --force, or give another "
        "folder."
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"model": "a"}, {"model": "b"}, "the model has changed since"),
        ({"openvino": "2026.4"}, {"openvino": "2026.5"}, "OpenVINO is 2026.5 instead of 2026.4"),
        ({"calibench": "1"}, {"calibench": "2"}, "Calibench is 2 instead of 1"),
        ({"flags": ["avx2", "amx_int8"]}, {"flags": ["avx2"]}, "this CPU lacks amx_int8"),
        ({"flags": []}, {"flags": ["avx2"]}, "this CPU has avx2 in addition"),
        (
            {"datasets": {"validation dataset": "a"}},
            {"datasets": {"validation dataset": "b"}},
            "the validation dataset has changed since",
        ),
        (
            {"settings": {"preset": "mixed", "accuracy": {"max_drop": 1.0, "holdout": None}}},
            {"settings": {"preset": "performance", "accuracy": {"max_drop": 0.5, "holdout": "20%"}}},
            "accuracy.holdout is 20% instead of not set and accuracy.max_drop is 0.5 instead of 1.0 and "
            "preset is performance instead of mixed",
        ),
        (KEY, KEY, ""),
    ],
)
def test_differences_are_said_in_words(old: dict[str, Any], new: dict[str, Any], said: str) -> None:
    assert differences(old, new) == said


def test_the_key_holds_what_decides_and_not_how_long_to_look() -> None:
    def key(**accuracy: Any) -> dict[str, Any]:
        return run_key("ab", {"validation dataset": "cd"}, make_settings({"threads": 2, "accuracy": accuracy}))

    assert key() == key(time_budget_s=3, max_trials=5, front=0)
    assert key() != key(max_drop=0.1)
    assert key() == json.loads(json.dumps(key()))
    assert "threads" not in key()["settings"]


def test_the_key_is_the_same_in_another_folder_when_paths_are_absolute(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = make_settings({"data": {"labels": "l.txt"}, "accuracy": {"holdout": "h", "timings": "t.json"}})
    whole = absolute(said)
    assert (whole.data.labels, whole.accuracy.holdout) == (tmp_path / "l.txt", str(tmp_path / "h"))
    assert whole.accuracy.timings == tmp_path / "t.json"
    before = run_key("ab", {}, said)
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert run_key("ab", {}, whole) == before
    assert absolute(make_settings({"accuracy": {"holdout": "20%"}})).accuracy.holdout == "20%"


def test_a_second_run_is_refused_and_may_come_when_the_first_is_done(tmp_path: Path) -> None:
    with open_journal(tmp_path, KEY), pytest.raises(JobError, match="another run is at work there"):
        open_journal(tmp_path, KEY).__enter__()
    with open_journal(tmp_path, KEY):
        pass


def test_a_locked_folder_names_the_process_that_holds_it(tmp_path: Path) -> None:
    (tmp_path / "search").mkdir()
    with locked(tmp_path):
        for attempt in (lambda: locked(tmp_path).__enter__(), lambda: check_free(tmp_path)):
            with pytest.raises(JobError) as error:
                attempt()
            assert str(error.value) == (
                f"{tmp_path}: another run is at work there (process {os.getpid()}). "
                "Wait for it, or give another folder."
            )
    check_free(tmp_path)
    check_free(tmp_path / "nothing")


HOLDING = """
import sys, time
from pathlib import Path
from calibench.search.folder_lock import locked
from calibench.search.journal import open_journal
out = Path(sys.argv[1])
with locked(out), open_journal(out, {"model": "ab", "flags": ["avx2"]}) as journal:
    journal.write("trial", "1", 2)
    print("ready", flush=True)
    time.sleep(60)
"""


def test_the_lock_and_the_entries_of_a_process_that_is_killed_are_free(tmp_path: Path) -> None:
    (tmp_path / "search").mkdir()
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    with pytest.raises(JobError, match=rf"process {process.pid}"):
        check_free(tmp_path)
    process.kill()
    process.communicate()
    with locked(tmp_path), open_journal(tmp_path, KEY) as journal:
        assert journal.recall("trial", "1") == 2


def test_a_full_disk_is_said_and_what_was_written_stays(tmp_path: Path, monkeypatch) -> None:
    with open_journal(tmp_path, KEY) as journal:
        journal.write("trial", "6", 1)
        before = journal_path(tmp_path).read_bytes()

        def full(*_: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch, pytest.raises(JobError) as error:
            patch.setattr(os, "fsync", full)
            journal.write("trial", "7", 1)
        assert str(error.value) == (
            f"{tmp_path}: trial 7 cannot be written (No space left on device). Free some room, then go on with "
            f"--resume {tmp_path}."
        )
        assert journal_path(tmp_path).read_bytes() == before
        assert journal.recall("trial", "7") is None
        journal.write("trial", "7", 3)
    assert count_kept(tmp_path) == 2


def test_an_entry_with_a_long_name_is_called_by_its_place(tmp_path: Path, monkeypatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_journal(tmp_path, KEY) as journal:
        journal.write("trial", '{"floats":[]}', 1)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(JobError, match="trial 2 cannot be written"):
            journal.write("trial", '{"floats":["a"]}', 1)


def test_a_line_that_fits_only_in_part_is_taken_back(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_journal(tmp_path, KEY) as journal:
        before = journal_path(tmp_path).read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
        try:
            with pytest.raises(JobError, match=r"trial 7 cannot be written \(File too large\)"):
                journal.write("trial", "7", "x" * 100)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert journal_path(tmp_path).read_bytes() == before


def test_a_place_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "search").write_text("a file")
    with pytest.raises(JobError, match="cannot be written"), open_journal(tmp_path, KEY):
        pass


def test_an_entry_that_holds_something_else_is_refused_by_its_kind(tmp_path: Path) -> None:
    written(tmp_path, [("trial", "1", 3)])
    with open_journal(tmp_path, KEY) as journal:
        assert journal.recall_as("trial", "1", str) == "3"
        assert journal.recall_as("trial", "2", str) is None
        with pytest.raises(JobError, match=r"journal\.jsonl: an entry of kind trial was changed"):
            journal.recall_as("trial", "1", lambda value: value["drop"])


def test_what_nobody_set_is_open_again_after_an_interruption(tmp_path: Path) -> None:
    """Settings that trying has found must be found again, not be taken for those of the person."""
    said = make_settings({"method": "accuracy-aware", "data": {"labels": "labels.txt"}})
    run_file(tmp_path).parent.mkdir()
    write_asked(asked(tmp_path / "model.xml", tmp_path, None, said), tmp_path)
    back = read_asked(tmp_path).settings
    assert back == absolute(said)
    assert back.model_fields_set == {"method", "data"} and back.data.model_fields_set == {"labels"}
