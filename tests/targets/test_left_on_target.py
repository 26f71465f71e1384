"""A job that is deleted here is ended and removed on its target, unless a retry goes on with it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from carried_play import play
from carried_ways import kill, wait_for
from told_events import told

from calibench.targets.bundle import END, REMOTE
from calibench.targets.bundle_files import read_bundle, write_bundle
from calibench.targets.left_on_target import end_there, has_left
from calibench.targets.remote_record import hand_over, read_record, write_record

pytestmark = pytest.mark.targets

HERE = Path(__file__).parent


@pytest.fixture
def left(tmp_path: Path) -> Iterator[Path]:
    """The folder of a job whose carrier is gone, while it runs on its target."""
    job = play(tmp_path / "job", tmp_path / "there", {"trials": 1, "wait_for": str(tmp_path / "go")})
    with (job / "log.txt").open("ab") as log:
        command = [sys.executable, str(HERE / "carried_play.py"), str(job)]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    wait_for(lambda: told(job, "trial"))
    kill(process)
    yield job
    (tmp_path / "go").touch()


def runs(job: Path) -> bool:
    """Whether it is at work there."""
    group = int(read_record(job).handle.split()[0])
    try:
        os.kill(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_runs_there_is_ended_and_removed(left: Path, tmp_path: Path) -> None:
    group = read_record(left).handle.split()[0]
    assert runs(left) and has_left(left)
    assert end_there(left) == ""
    wait_for(lambda: not Path(f"/proc/{group}").exists())
    assert list((tmp_path / "there").glob("jobs/*")) == []
    assert not has_left(left)
    assert end_there(left) == ""


def test_a_machine_out_of_reach_is_said_and_may_be_tried_again(left: Path, tmp_path: Path) -> None:
    bundle = read_bundle(left)
    assert bundle.target is not None
    gone = bundle.target.model_copy(update={"host": "127.0.0.1", "port": 1})
    write_bundle(bundle.model_copy(update={"target": gone}), left)
    said = end_there(left)
    assert said.startswith("What the job left on its target could not be removed: ") and "port 1" in said
    assert said.endswith("Remove it later: calibench target clean.")
    assert has_left(left) and runs(left)
    write_bundle(bundle, left)
    assert end_there(left) == ""


def test_what_a_retry_goes_on_with_is_not_touched(left: Path, tmp_path: Path) -> None:
    retry = play(tmp_path / "retry", tmp_path / "there", {})
    os.utime(left / REMOTE, ns=(0, 0))
    hand_over(left, retry)
    assert not has_left(left) and has_left(retry)
    assert end_there(left) == ""
    assert runs(left)
    assert end_there(retry) == ""


def test_a_job_whose_result_was_fetched_has_left_nothing(tmp_path: Path) -> None:
    job = play(tmp_path / "job", tmp_path / "there", {})
    subprocess.run([sys.executable, str(HERE / "carried_play.py"), str(job)], check=True, stdout=subprocess.DEVNULL)
    assert (job / END).exists()
    assert read_record(job).phase == "removed"
    assert not has_left(job)


def test_one_that_cannot_be_begun_is_said(tmp_path: Path) -> None:
    record = read_record(tmp_path).model_copy(update={"phase": "started", "handle": "1 2"})
    write_record(record, tmp_path)
    assert "could not be removed" in end_there(tmp_path)
