"""Running a job: however it ends, its folder says so, and nobody sees a traceback."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from told_events import told
from typer.testing import CliRunner

from calibench.cli.app import app
from calibench.errors import Cancelled
from calibench.targets import run_bundle as running
from calibench.targets.bundle import END, OUT, Bundle, End
from calibench.targets.bundle_files import read_end, write_bundle, write_end
from calibench.targets.run_bundle import run_bundle

Run = Callable[..., End]


def with_body(monkeypatch: pytest.MonkeyPatch, body: Callable[..., object]) -> None:
    monkeypatch.setattr(running, "_body", lambda kind: body)


def failing(error: BaseException) -> Callable[..., object]:
    def body(job: object) -> object:
        raise error

    return body


def test_a_job_ends_with_its_result_and_a_whole_progress(run: Run, job: Path) -> None:
    end = run(kind="machine")
    assert end.state == "done"
    assert "CPU" in end.result["devices"]
    assert told(job, "progress")[-1]["progress"] == 1.0
    assert read_end(job) == end


def test_an_error_of_a_person_keeps_its_kind_and_sentence(run: Run, job: Path) -> None:
    end = run(kind="baseline")
    assert end.failure is not None
    assert (end.failure.kind, end.failure.message) == (
        "SettingsError",
        "baseline: no model is named. Write one into bundle.json.",
    )
    assert "Traceback" in (job / "log.txt").read_text()


def test_a_fault_of_ours_is_one_line_with_its_traceback_in_the_log(
    run: Run, job: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with_body(monkeypatch, failing(ZeroDivisionError("division by zero\nsecond line")))
    end = run(kind="machine")
    assert end.failure is not None
    assert end.failure.kind == "InternalError"
    assert end.failure.message == "ZeroDivisionError: division by zero. This is a fault of Calibench."
    assert "Traceback" in (job / "log.txt").read_text()
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError("Unable to allocate 112. GiB for an array"), "(Unable to allocate 112. GiB for an array)"),
        (MemoryError(), "(no message)"),
        (
            RuntimeError("Exception from src/core.cpp:117:\nException from src/plugin.cpp:54:\nstd::bad_alloc\n\n"),
            "bad",
        ),
    ],
)
def test_too_little_memory_is_no_fault_of_ours(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    with_body(monkeypatch, failing(error))
    failure = run(kind="machine").failure
    assert failure is not None
    assert failure.kind == "JobError"
    assert failure.message.startswith("Not enough memory (") and told in failure.message
    assert "Ask for less" in failure.message


def test_of_a_fault_in_openvino_the_line_that_tells_something_is_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_body(monkeypatch, failing(RuntimeError("Exception from src/core.cpp:1:\nCheck 'x' failed\nNo such layer.\n")))
    failure = run(kind="machine").failure
    assert failure is not None
    assert failure.message == "RuntimeError: No such layer. This is a fault of Calibench."


def test_a_full_disk_is_no_fault_of_ours(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with_body(monkeypatch, failing(OSError(28, "No space left on device", "/x/y")))
    end = run(kind="machine")
    assert end.failure is not None
    assert end.failure.kind == "JobError"
    assert end.failure.message == "The disk is full. Free some room in the data folder, and try again."


@pytest.mark.parametrize("stopped", [KeyboardInterrupt(), Cancelled()])
def test_a_stopped_job_is_cancelled(run: Run, monkeypatch: pytest.MonkeyPatch, stopped: BaseException) -> None:
    with_body(monkeypatch, failing(stopped))
    assert run(kind="machine").state == "cancelled"


def test_the_end_of_an_attempt_before_is_not_taken_for_that_of_this_one(
    job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(Bundle(kind="machine"), job)
    write_end(End(state="failed"), job)

    def body(running: object) -> dict[str, bool]:
        return {"is_there": (job / END).exists()}

    with_body(monkeypatch, body)
    assert run_bundle(job).result == {"is_there": False}


def test_what_is_temporary_stays_in_the_folder_and_goes(run: Run, job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def body(running: object) -> dict[str, str]:
        return {"place": tempfile.mkdtemp(prefix="calibench-")}

    (job / "tmp/left").mkdir(parents=True)  # by an attempt that was killed
    (job / ".out-x.partial").mkdir()
    with_body(monkeypatch, body)
    end = run(kind="machine")
    assert Path(end.result["place"]).parent == job / "tmp"
    assert sorted(path.name for path in job.iterdir()) == ["bundle.json", "end.json", "events.jsonl", "out"]
    assert tempfile.gettempdir() != str(job / "tmp")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (lambda job: {}, 0),
        (failing(ZeroDivisionError()), 1),
        (failing(OSError(28, "full")), 1),
        (failing(KeyboardInterrupt()), 130),
    ],
)
def test_the_command_ends_with_the_usual_codes(
    job: Path, monkeypatch: pytest.MonkeyPatch, body: Callable[..., object], code: int
) -> None:
    write_bundle(Bundle(kind="machine"), job)
    with_body(monkeypatch, body)
    assert CliRunner().invoke(app, ["run", str(job)]).exit_code == code


def test_wrong_input_and_no_folder_have_their_codes_too(tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text('{"kind": "baseline"}')
    assert CliRunner().invoke(app, ["run", str(tmp_path)]).exit_code == 2
    nowhere = CliRunner().invoke(app, ["run", str(tmp_path / "nowhere")])
    assert nowhere.exit_code == 1
    assert "there is no such folder" in nowhere.output


def test_a_bundle_that_is_none_ends_with_its_reason(tmp_path: Path) -> None:
    end = run_bundle(tmp_path)
    assert end.failure is not None
    assert end.failure.kind == "JobError"
    assert read_end(tmp_path) == end


def test_it_runs_as_a_module_and_sigterm_cancels_it(tmp_path: Path, resnet: Path, clothes: Path) -> None:
    values = {"kind": "benchmark", "model": resnet, "dataset": clothes, "points": {"seconds": 60, "rounds": 20}}
    write_bundle(Bundle.model_validate(values), tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "calibench", "run", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "points" in line:
            break
    os.kill(process.pid, signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in errors
    end = read_end(tmp_path)
    assert end is not None
    assert end.state == "cancelled"
    assert not list((tmp_path / OUT).iterdir())


def test_messages_name_files_as_a_person_knows_them(run: Run, job: Path, tmp_path: Path, resnet: Path) -> None:
    (tmp_path / "trees/abc").mkdir(parents=True)
    end = run(kind="evaluate", model=resnet, dataset=tmp_path / "trees/abc")
    assert end.failure is not None
    assert str(tmp_path) not in end.failure.message
    assert end.failure.message.startswith("dataset: no pictures")
