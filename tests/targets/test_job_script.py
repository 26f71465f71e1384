"""The script around a job's command, run by a shell as a queue would run it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from calibench.targets.job_script import body

WITHIN_S = 120.0
ASKED = 'trap "echo asked; exit 7" TERM; touch ready; sleep 60 & while :; do wait; sleep 0.1; done'
CAREFUL = "import signal, sys, time\ndef end(*_): print('tidied', flush=True); sys.exit(5)\n"
CAREFUL += "signal.signal(signal.SIGTERM, end)\nopen('ready', 'w').close()\ntime.sleep(60)"


def wait_for(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)


def begin(folder: Path, command: str, warn_after_s: int | None = None) -> "subprocess.Popen[bytes]":
    (folder / "job.sh").write_text(f"#!/bin/bash\n{body('.', command, 3, warn_after_s)}", "utf-8")
    return subprocess.Popen(["bash", "job.sh"], cwd=folder, start_new_session=True)


def live(session: int) -> list[int]:
    """Processes of a session that have not ended."""
    told = subprocess.run(["ps", "-o", "pid=,stat=", "-s", str(session)], stdout=subprocess.PIPE, check=False).stdout
    rows = [row.split() for row in told.decode().splitlines()]
    return [int(number) for number, state in rows if not state.startswith("Z")]


def end(job: "subprocess.Popen[bytes]", folder: Path, how: str) -> int:
    """Send TERM as queues do, when the command is ready."""
    wait_for((folder / "ready").exists)
    for number in live(job.pid) if how == "to all" else [job.pid]:
        os.kill(number, signal.SIGTERM)
    code = job.wait(WITHIN_S)
    assert live(job.pid) == []
    return code


def test_a_job_writes_when_it_began_what_it_said_and_how_it_ended(tmp_path: Path) -> None:
    assert begin(tmp_path, 'echo said; echo cried >&2; echo "it\'s $PWD"; exit 3').wait(WITHIN_S) == 3
    assert (tmp_path / "log.txt").read_text("utf-8").splitlines() == ["said", "cried", f"it's {tmp_path}"]
    assert (tmp_path / "exit_code").read_text("utf-8") == "3\n"
    seconds, host = (tmp_path / "started").read_text("utf-8").split()
    assert seconds.isdecimal()
    assert host == os.uname().nodename
    assert not (tmp_path / "told_to_end").exists()


@pytest.mark.parametrize("how", ["to all", "to the shell"])
@pytest.mark.parametrize(
    ("command", "code", "says"), [(ASKED, 7, "asked"), (f'exec python3 -c "{CAREFUL}"', 5, "tidied")]
)
def test_a_job_that_is_told_to_end_ends_in_order(tmp_path: Path, how: str, command: str, code: int, says: str) -> None:
    assert end(begin(tmp_path, command), tmp_path, how) == code
    assert (tmp_path / "exit_code").read_text("utf-8") == f"{code}\n"
    assert (tmp_path / "told_to_end").read_text("utf-8").strip().isdecimal()
    rows = (tmp_path / "log.txt").read_text("utf-8").splitlines()
    assert rows.count(says) == 1
    assert "The queue told this job to end." in rows


def test_a_job_that_does_not_want_to_end_is_ended(tmp_path: Path) -> None:
    assert end(begin(tmp_path, "trap '' TERM; touch ready; sleep 60"), tmp_path, "to all") == 137
    assert (tmp_path / "exit_code").read_text("utf-8") == "137\n"


def test_what_a_command_left_running_ends_with_it(tmp_path: Path) -> None:
    job = begin(tmp_path, "sleep 60 & echo left")
    assert job.wait(WITHIN_S) == 0
    assert live(job.pid) == []
    assert (tmp_path / "exit_code").read_text("utf-8") == "0\n"


def test_a_script_tells_the_job_itself_where_its_queue_warns_too_late(tmp_path: Path) -> None:
    job = begin(tmp_path, ASKED, warn_after_s=2)
    assert job.wait(WITHIN_S) == 7
    assert (tmp_path / "told_to_end").exists()
    assert live(job.pid) == []


def test_a_job_uses_the_cores_that_were_asked_for(tmp_path: Path) -> None:
    job = begin(tmp_path, 'echo "$CALIBENCH_CORES" > cores')
    job.wait(WITHIN_S)
    assert (tmp_path / "cores").read_text() == "3\n"
