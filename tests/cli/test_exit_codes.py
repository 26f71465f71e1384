import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from calibench.errors import CalibenchError, Cancelled, DatasetError, JobError, ModelError, SettingsError, TargetError

BASE = ("calibrate", "m.xml", "--dataset", "data", "-o", "out")

FAILING = """
import sys, types, calibench
from pathlib import Path
pipeline = types.ModuleType("calibench.pipeline")
def inspect(model, settings):
    {body}
pipeline.inspect = inspect
sys.modules["calibench.pipeline"] = calibench.pipeline = pipeline
from calibench.cli.app import main
sys.argv = ["calibench", *sys.argv[1:]]
main()
"""


def raising(error: BaseException):
    def before() -> None:
        raise error

    return before


@pytest.mark.parametrize(
    ("kind", "code"), [(ModelError, 2), (DatasetError, 2), (SettingsError, 2), (TargetError, 2), (JobError, 1)]
)
def test_an_error_is_one_line_with_its_exit_code(kind: type[CalibenchError], code: int, pipeline, run) -> None:
    pipeline.before = raising(kind("m.xml: is broken. Export it again."))
    result = run("inspect", "m.xml")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == f"{kind.__name__}: m.xml: is broken. Export it again.\n"


def test_a_name_with_a_line_end_or_a_terminal_sequence_stays_in_one_line(pipeline, run) -> None:
    pipeline.before = raising(ModelError("a\nb\x1b[31m.xml: is broken."))
    assert run("inspect", "m.xml").stderr == "ModelError: a\\nb\\x1b[31m.xml: is broken.\n"


def test_a_path_that_no_system_can_look_up_is_wrong_input(run) -> None:
    result = run("inspect", "/" + "a" * 5000)
    assert result.exit_code == 2
    assert "cannot be looked up (File name too long)" in result.stderr and len(result.stderr) < 400


def test_an_empty_argument_is_not_taken_for_the_current_folder() -> None:
    command = [sys.executable, "-c", "from calibench.cli.app import main; main()", "inspect", ""]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "SettingsError: An argument is empty. Is a variable of the shell not set?\n"


def test_with_json_the_error_is_a_document_as_well(pipeline, run) -> None:
    pipeline.before = raising(ModelError("m.xml: is broken."))
    result = run("inspect", "m.xml", "--json")
    assert json.loads(result.stdout) == {"error": {"kind": "ModelError", "message": "m.xml: is broken."}}
    assert result.stderr == "ModelError: m.xml: is broken.\n"


def test_debug_shows_the_traceback(pipeline, run) -> None:
    pipeline.before = raising(ModelError("m.xml: is broken."))
    result = run("inspect", "m.xml", "--debug")
    assert result.exit_code == 2
    assert "Traceback (most recent call last)" in result.stderr
    assert result.stderr.endswith("ModelError: m.xml: is broken.\n")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Cancelled()])
def test_an_interrupted_run_says_that_nothing_was_written(error: BaseException, pipeline, run) -> None:
    pipeline.before = raising(error)
    result = run(*BASE)
    assert result.exit_code == 130
    assert result.stderr.endswith("Interrupted; nothing was written.\n")
    assert "Traceback" not in result.stderr


def test_sigterm_ends_a_run_like_an_interrupt() -> None:
    code = FAILING.format(body='print("ready", file=sys.stderr, flush=True); import time; time.sleep(60)')
    process = subprocess.Popen(
        [sys.executable, "-c", code, "inspect", "m.xml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err) == (130, "", "Interrupted; nothing was written.\n")


def test_a_fault_of_ours_is_one_line_too(program) -> None:
    result = program(FAILING.format(body='raise RuntimeError("odd\\nmore")'), "inspect", "m.xml")
    assert result.returncode == 1
    assert result.stderr == (
        "Internal error: RuntimeError: odd. This is a fault of Calibench: please report it, with what --debug shows.\n"
    )


def test_debug_shows_the_traceback_of_a_fault_of_ours(program) -> None:
    result = program(FAILING.format(body='raise RuntimeError("odd")'), "inspect", "m.xml", "--debug")
    assert result.returncode == 1
    assert "Traceback (most recent call last)" in result.stderr


def test_what_c_plus_plus_prints_never_reaches_the_json(program) -> None:
    body = 'import os; os.write(1, b"native\\n"); print("python"); return types.SimpleNamespace(as_json=dict, lines=())'
    result = program(FAILING.format(body=body), "inspect", "m.xml", "--json")
    assert (result.returncode, json.loads(result.stdout)) == (0, {})
    assert sorted(result.stderr.split()) == ["native", "python"]


@pytest.mark.parametrize(
    "args",
    [("calibrate", "m.xml"), ("calibrate",), ("nonsense",), ("calibrate", "--nonsense"), ("doctor", "--threads", "0")],
)
def test_wrong_usage_is_exit_2(args: tuple[str, ...], run) -> None:
    assert run(*args).exit_code == 2


def test_the_log_file_gets_the_progress_and_the_traceback(pipeline, run, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    pipeline.before = raising(JobError("out: is there already. Use --force."))
    result = run(*BASE, "--log-file", log)
    assert result.exit_code == 1
    text = log.read_text()
    assert "DEBUG statistics 1/3" in text
    assert "ERROR JobError: out: is there already. Use --force." in text
    assert "Traceback" in text
    assert "Traceback" not in result.stderr


def test_a_log_file_that_cannot_be_written_is_said(pipeline, run, tmp_path: Path) -> None:
    result = run(*BASE, "--log-file", tmp_path / "no" / "run.log")
    assert (result.exit_code, pipeline.calls) == (2, [])
    assert result.stderr.startswith("SettingsError: --log-file ")
