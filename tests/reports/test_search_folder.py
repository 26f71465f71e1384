import errno
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench.errors import DatasetError, JobError, SettingsError
from calibench.reports import search_folder
from calibench.reports.result import RESULT_FILES, check_keeps_models, result_folder, save_model
from calibench.reports.run_file import Asked, asked, is_unfinished, read_asked, run_file
from calibench.reports.search_folder import searched_folder, searched_or_temporary
from calibench.search.folder_lock import locked
from calibench.search.journal import count_kept, journal_path, open_journal
from calibench.settings import make_settings

KEY = {"model": "ab"}
SETTINGS = make_settings({"method": "accuracy-aware", "accuracy": {"max_drop": 0.25}})
NEW = ("model.xml", "model.bin", "report.json", "timings.json")


class Killed(BaseException):
    """Stands for kill -9: nobody catches it."""


@pytest.fixture
def what(tmp_path: Path) -> Asked:
    return asked(tmp_path / "m.xml", tmp_path / "data", None, SETTINGS)


def fill(folder: Path, text: str = "new", names: tuple[str, ...] = NEW) -> None:
    for name in names:
        (folder / name).write_text(text)
    (folder / "front/3").mkdir(parents=True)
    (folder / "front/3/model.xml").write_text(text)


def finished(out: Path, what: Asked, text: str = "old", **more: Any) -> None:
    with searched_folder(out, what, **more) as folder:
        keep_a_trial(out)
        fill(folder, text, (*NEW, "classes.csv") if text == "old" else NEW)


def keep_a_trial(out: Path, name: str = "1") -> None:
    with open_journal(out, KEY) as journal:
        journal.write("trial", name, 1)


def interrupted(out: Path, what: Asked, **more: Any) -> None:
    with pytest.raises(KeyboardInterrupt), searched_folder(out, what, **more) as folder:
        fill(folder)
        keep_a_trial(out)
        raise KeyboardInterrupt


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def texts(out: Path) -> set[str]:
    return {path.read_text() for path in out.rglob("*") if path.is_file() and out / "search" not in path.parents}


def test_while_it_works_there_is_the_search_and_afterwards_the_result_beside_it(what: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with searched_folder(out, what) as folder:
        assert names(out) == {"search"}
        assert read_asked(out) == what
        assert is_unfinished(out)
        keep_a_trial(out)
        fill(folder)
    assert names(out) == {*NEW, "front", "search"} <= RESULT_FILES
    assert names(out / "search") == {"journal.jsonl", "lock", "run.json"}
    assert texts(out) == {"new"}
    assert read_asked(out).is_finished and not is_unfinished(out)


def test_an_interrupted_run_leaves_the_search_and_nothing_else(what: Asked, tmp_path: Path) -> None:
    interrupted(tmp_path / "out", what)
    assert names(tmp_path / "out") == {"search"}
    assert names(tmp_path / "out/search") == {"journal.jsonl", "lock", "run.json"}
    assert count_kept(tmp_path / "out") == 1


def test_an_unfinished_search_is_gone_on_with_or_begun_anew_but_never_overwritten(what: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    interrupted(out, what)
    with pytest.raises(JobError) as error, searched_folder(out, what):
        pass
    assert str(error.value) == (
        f"{out}: holds an unfinished search. Go on with --resume {out}, or begin anew with --force."
    )
    with pytest.raises(JobError, match="holds an unfinished search"), result_folder(out, force=False):
        pass
    with searched_folder(out, what, resume=True) as folder:
        assert count_kept(out) == 1
        fill(folder)
    assert texts(out) == {"new"} and not is_unfinished(out)


def test_force_begins_anew_and_forgets_the_trials(what: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    interrupted(out, what)
    with searched_folder(out, what, force=True) as folder:
        assert count_kept(out) == 0
        fill(folder)
    assert not is_unfinished(out)


def test_the_default_method_replaces_a_search_only_by_force(what: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    finished(out, what)
    with pytest.raises(JobError, match="exists already"), result_folder(out, force=False):
        pass
    with result_folder(out, force=True) as folder:
        (folder / "report.json").write_text("default")
    assert names(out) == {"report.json"}


def test_no_run_replaces_a_folder_in_which_another_one_works(what: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with searched_folder(out, what) as folder:
        for attempt in (
            searched_folder(out, what),
            searched_folder(out, what, force=True),
            searched_folder(out, what, resume=True),
            result_folder(out, force=True),
        ):
            with pytest.raises(JobError, match="another run is at work there"):
                attempt.__enter__()
        fill(folder)
    assert texts(out) == {"new"}


def test_a_run_that_fails_before_it_found_anything_leaves_nothing(what: Asked, tmp_path: Path) -> None:
    with pytest.raises(DatasetError), searched_folder(tmp_path / "out", what), open_journal(tmp_path / "out", KEY):
        raise DatasetError("data: is no folder.")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_fails_leaves_the_older_result_beside_it(what: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    finished(out, what)
    with pytest.raises(DatasetError), searched_folder(out, what, force=True):
        raise DatasetError("data: is no folder.")
    assert texts(out) == {"old"} and (out / "report.json").exists()
    interrupted(out, what, force=True)
    assert texts(out) == {"old"} and is_unfinished(out)


def test_going_on_after_a_failure_keeps_what_was_asked(what: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(Killed), searched_folder(out, what):
        keep_a_trial(out)
        raise Killed
    with pytest.raises(DatasetError), searched_folder(out, what, resume=True):
        raise DatasetError("data: is no folder any more.")
    assert read_asked(out) == what


def test_a_finished_search_can_go_on_for_longer(what: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    finished(out, what)
    with searched_folder(out, what, resume=True) as folder:
        assert count_kept(out) == 1
        fill(folder)
    assert texts(out) == {"new"} and not (out / "classes.csv").exists()


def moments(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Count every change of the folder, and kill the run before number `at`."""
    count = iter(range(1000))
    for home, name in ((search_folder, "_remove"), (Path, "rename"), (search_folder, "write_asked")):
        original = getattr(home, name)

        def step(*args: Any, original: Any = original) -> Any:
            if next(count) == at:
                raise Killed
            return original(*args)

        monkeypatch.setattr(home, name, step)


@pytest.mark.parametrize("has_old", [False, True])
def test_killed_at_any_moment_there_is_an_old_result_or_a_search_that_resume_mends(
    has_old: bool, what: Asked, tmp_path: Path
) -> None:
    for at in range(100):
        out = tmp_path / str(at)
        if has_old:
            finished(out, what)
        with pytest.MonkeyPatch.context() as patch:
            moments(patch, at)
            try:
                finished(out, what, "new", force=has_old)
            except Killed:
                pass
            else:
                assert at > 10, "nothing was killed"
                return
        if (out / "report.json").exists():
            assert texts(out) in ({"old"}, {"new"})
        if is_unfinished(out):
            with searched_folder(out, what, resume=True) as folder:
                fill(folder)
            assert texts(out) == {"new"} and not is_unfinished(out)
    pytest.fail("the moments never ended")


def test_what_a_run_leaves_that_was_killed_in_its_first_moment_is_in_nobodys_way(what: Asked, tmp_path: Path) -> None:
    (tmp_path / "out/search").mkdir(parents=True)
    with locked(tmp_path / "out"):
        pass
    finished(tmp_path / "out", what)
    assert texts(tmp_path / "out") == {"old"}


@pytest.mark.parametrize("name", ["mine.txt", "search/mine.txt", "search", "front/mine.txt"])
def test_a_folder_with_anything_else_is_never_touched(name: str, what: Asked, tmp_path: Path) -> None:
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(JobError, match="no result of Calibench"), searched_folder(tmp_path / "out", what, force=True):
        pass
    assert path.read_text() == "mine" and sum(1 for _ in path.parent.iterdir()) == 1


@pytest.mark.parametrize("made", [False, True])
def test_there_must_be_a_search_to_go_on_with(made: bool, what: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    if made:
        out.mkdir()
    with pytest.raises(JobError) as error, searched_folder(out, what, resume=True):
        pass
    assert str(error.value) == f"{out}: holds no search to go on with. Give the folder of an accuracy-aware run."
    assert out.exists() == made


def test_a_run_file_that_was_changed_is_said(what: Asked, tmp_path: Path) -> None:
    interrupted(tmp_path / "out", what)
    run_file(tmp_path / "out").write_text('{"format": 1}')
    with pytest.raises(JobError, match=r"run\.json: was changed"):
        read_asked(tmp_path / "out")
    assert is_unfinished(tmp_path / "out")


def test_force_and_resume_exclude_each_other(what: Asked, tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="give one of them"),
        searched_folder(tmp_path, what, force=True, resume=True),
    ):
        pass


def test_what_was_asked_means_the_same_in_another_folder(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    labels = make_settings({"data": {"labels": "l.txt"}})
    said = asked(Path("m.xml"), "data", Path("val"), labels, benchmark=False)
    assert (said.model, said.dataset, said.validation) == (tmp_path / "m.xml", tmp_path / "data", tmp_path / "val")
    assert said.settings.data.labels == tmp_path / "l.txt" and not said.in_memory and not said.benchmark
    assert asked(Path("m.xml"), "data", object(), labels).in_memory


def test_a_full_disk_leaves_the_search_and_says_how_to_go_on(what: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(JobError) as error, searched_folder(out, what):
        keep_a_trial(out)
        raise OSError(errno.ENOSPC, "No space left on device")
    assert str(error.value) == (
        f"{out}: cannot be written (No space left on device). Free some room, then go on with --resume {out}."
    )
    assert names(out) == {"search"}


def test_a_model_that_cannot_be_written_leaves_the_search_and_says_how_to_go_on(what: Asked, tmp_path: Path) -> None:
    out = tmp_path / "out"
    node = ops.parameter([1], np.float32)
    with pytest.raises(JobError) as error, searched_folder(out, what) as aside:
        keep_a_trial(out)
        (aside / "model.bin").mkdir()  # as good as a full disk
        save_model(ov.Model([ops.result(ops.relu(node))], [node]), aside)
    assert str(error.value).startswith(f"{out}: the INT8 model cannot be written (")
    assert str(error.value).endswith(f"Is the disk full? Free some room, then go on with --resume {out}.")
    assert names(out) == {"search"}


def test_a_file_aside_is_called_by_the_name_that_the_person_knows(what: Asked, tmp_path: Path) -> None:
    with (
        pytest.raises(JobError, match=f"^{tmp_path}/out/report.html: "),
        searched_folder(tmp_path / "out", what) as aside,
    ):
        raise JobError(f"{aside}/report.html: cannot be written.")


def test_a_comparison_is_not_written_over_a_search(what: Asked, tmp_path: Path) -> None:
    interrupted(tmp_path / "out", what)
    with pytest.raises(JobError, match="holds the search of a calibration, which would be lost"):
        check_keeps_models(tmp_path / "out")


def test_without_a_folder_everything_is_thrown_away(what: Asked) -> None:
    with searched_or_temporary(None, what) as folder:
        fill(folder)
    assert not folder.exists()
    with pytest.raises(SettingsError, match="give it as out"), searched_or_temporary(None, what, resume=True):
        pass


def test_the_journal_lies_where_the_search_is(what: Asked, tmp_path: Path) -> None:
    finished(tmp_path, what)
    assert journal_path(tmp_path).read_text().count("\n") == 2
