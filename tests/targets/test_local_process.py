"""The process of a job: outlives who started it, is found again, and ends when it is told to."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from calibench.errors import JobError
from calibench.targets.bundle import Bundle
from calibench.targets.bundle_files import read_end, write_bundle
from calibench.targets.local_process import GRACE_S, KILLED_S, began_at, is_alive, spawn, start, stop

PATIENCE_S = 60.0
STUBBORN = "import signal; signal.signal(signal.SIGTERM, lambda *_: None); print('ready', flush=True); "
IN_NATIVE_CODE = STUBBORN + "sum(range(10**14))"
WITH_CHILD = (
    "import subprocess, sys, time; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session={own}); "
    "print(child.pid, flush=True); time.sleep(600)"
)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def python(code: str, folder: Path) -> tuple[int, float]:
    """Run code, and wait until it printed its first line."""
    process = spawn([sys.executable, "-c", code], folder)
    wait_for(lambda: "\n" in (folder / "log.txt").read_text())
    return process


def test_a_job_runs_to_its_end_and_is_gone(tmp_path: Path) -> None:
    write_bundle(Bundle(kind="machine"), tmp_path)
    pid, created = start(tmp_path, is_low=True)
    wait_for(lambda: not is_alive(pid, created))
    end = read_end(tmp_path)
    assert end is not None
    assert end.state == "done"
    assert "machine" in (tmp_path / "log.txt").read_text()


def test_it_outlives_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from calibench.targets.local_process import spawn; "
        f"print(*spawn([sys.executable, '-c', 'import time; time.sleep(600)'], Path({str(tmp_path)!r})), flush=True); "
        "import time; time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pid, created = starter.stdout.readline().split()
    starter.kill()
    starter.wait()
    starter.stdout.close()
    assert is_alive(int(pid), float(created))
    assert stop(int(pid), float(created))
    assert not is_alive(int(pid), float(created))


def test_another_process_under_the_same_number_is_not_it(tmp_path: Path) -> None:
    pid, created = python("print('ready', flush=True); import time; time.sleep(600)", tmp_path)
    assert not is_alive(pid, created - 1.0)
    assert stop(pid, created - 1.0)  # nothing to stop, and nobody is hurt
    assert is_alive(pid, created)
    assert stop(pid, created)


def test_it_stops_inside_native_code_that_hears_no_signal(tmp_path: Path) -> None:
    pid, created = python(IN_NATIVE_CODE, tmp_path)
    assert stop(pid, created)
    assert not is_alive(pid, created)
    assert GRACE_S + KILLED_S < 2.0


@pytest.mark.parametrize("own", [False, True], ids=["of its group", "of a session of its own"])
def test_what_it_started_goes_with_it(tmp_path: Path, own: bool) -> None:
    pid, created = python(WITH_CHILD.format(own=own), tmp_path)
    child = int((tmp_path / "log.txt").read_text())
    assert stop(pid, created)
    wait_for(lambda: began_at(child) is None)


def test_what_it_left_behind_goes_too(tmp_path: Path) -> None:
    """The leader hears the signal and ends; its child does not hear it."""
    code = (
        "import subprocess, sys, time; "
        f"child = subprocess.Popen([sys.executable, '-c', {STUBBORN + 'import time; time.sleep(600)'!r}]); "
        "time.sleep(600)"
    )
    pid, created = python(code, tmp_path)
    (child,) = psutil.Process(pid).children()
    assert stop(pid, created)
    wait_for(lambda: began_at(child.pid) is None)


def test_one_that_ended_by_itself_is_not_alive(tmp_path: Path) -> None:
    pid, created = python("print('done', flush=True)", tmp_path)
    wait_for(lambda: not is_alive(pid, created))
    assert stop(pid, created)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="cannot be started"):
        start(tmp_path / "nowhere")
