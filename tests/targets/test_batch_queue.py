"""Jobs on a real Slurm, also through the commands of PBS: start, look, stop, and all that goes wrong on the way."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from slurm_cluster import SlurmCluster

from calibench.errors import TargetError
from calibench.targets.batch_queue import BatchQueue, queue_job
from calibench.targets.local_link import LocalLink
from calibench.targets.starter import QueueState
from calibench.things.target_spec import QueueSettings, TargetKind, TargetSpec

pytestmark = [pytest.mark.root, pytest.mark.targets, pytest.mark.usefixtures("slurm")]

WITHIN_S = 120.0
ASKED = (
    'trap "echo asked; exit 7" TERM; sleep 60 & echo $! > child; mv child child.pid; while :; do wait; sleep 0.1; done'
)
BOTH = pytest.mark.parametrize("kind", ["slurm", "pbs"])


def queue(kind: TargetKind = "slurm", **asked: Any) -> BatchQueue:
    return BatchQueue(TargetSpec(kind=kind, queue=QueueSettings(**asked)))


def start(one: BatchQueue, folder: Path, command: str) -> str:
    return asyncio.run(one.start(LocalLink(), str(folder), command))


def look(one: BatchQueue, handle: str) -> QueueState:
    return asyncio.run(one.look(LocalLink(), handle))


def stop(one: BatchQueue, handle: str) -> None:
    asyncio.run(one.stop(LocalLink(), handle))


def until(one: BatchQueue, handle: str, is_so: Callable[[QueueState], bool]) -> QueueState:
    end = time.monotonic() + WITHIN_S
    while not is_so(state := look(one, handle)):
        assert time.monotonic() < end, state
        time.sleep(0.1)
    return state


def until_is(one: BatchQueue, handle: str, state: str) -> QueueState:
    return until(one, handle, lambda seen: seen.state == state)


def wait_for(path: Path) -> None:
    end = time.monotonic() + WITHIN_S
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.05)


def lives(number: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{number}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a job, with a blank in its name."""
    place = tmp_path / "job 7"
    place.mkdir()
    return place


@BOTH
def test_a_job_runs_in_its_folder_and_its_output_goes_to_the_log(folder: Path, kind: TargetKind) -> None:
    (folder / "log.txt").write_text("earlier\n", "utf-8")
    one = queue(kind, walltime_s=600, memory_mb=100)
    handle = start(one, folder, 'echo hello; echo "in $PWD" >&2; sleep 1')
    assert queue_job(handle).isdecimal()
    assert until_is(one, handle, "ended") == QueueState("ended")
    assert (folder / "log.txt").read_text("utf-8") == f"earlier\nhello\nin {folder}\n"
    assert (folder / "exit_code").read_text("utf-8") == "0\n"


def test_a_job_that_fails_says_its_exit_code(folder: Path) -> None:
    one = queue()
    assert until_is(one, start(one, folder, "exit 3"), "ended") == QueueState("ended", "exit code 3")


def test_a_job_is_submitted_once_until_it_has_ended(folder: Path) -> None:
    one = queue()
    first = start(one, folder, "while [ ! -e go ]; do sleep 0.1; done")
    assert start(queue(), folder, "true") == first
    (folder / "go").touch()
    until_is(one, first, "ended")
    again = start(one, folder, "exit 4")
    assert again != first
    assert until_is(one, again, "ended").reason == "exit code 4"


def test_jobs_wait_with_the_reason_of_the_queue_and_are_stopped_while_they_wait(
    tmp_path: Path, slurm: SlurmCluster
) -> None:
    one, handles = queue(), []
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        handles.append(start(one, tmp_path / str(number), "sleep 60"))
    assert until(one, handles[2], lambda seen: seen.reason == "Resources").state == "queued"
    assert until(one, handles[3], lambda seen: bool(seen.reason)).reason in ("Priority", "Resources")
    stop(one, handles[3])
    assert look(one, handles[3]) == QueueState("ended", "cancelled in the queue, not by Calibench")
    assert not (tmp_path / "3" / "started").exists()
    assert slurm.command("squeue", "--noheader", "-o", "%i").split().count(queue_job(handles[3])) == 0


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"queue": "short", "walltime_s": 7200}, "PartitionTimeLimit: its walltime is over the limit of the queue"),
        ({"cores": 4}, "PartitionConfig: no node of the queue has what it asks for"),
        ({"queue": "closed", "account": "me"}, "Job's account not known, so it can't use this partition"),
    ],
)
def test_a_job_that_can_never_run_says_so(folder: Path, asked: dict[str, Any], word: str) -> None:
    one = queue(**asked)
    handle = start(one, folder, "true")
    state = until(one, handle, lambda seen: seen.reason.startswith(word))
    assert state.state == "queued"
    assert "it can never run as it was asked for. Cancel it" in state.reason


@BOTH
def test_an_unknown_queue_is_refused_with_the_known_ones(folder: Path, kind: TargetKind) -> None:
    says = r"refused the job: invalid partition specified: nope; .*\. Its queues are main, short, closed\. Choose one: "
    says += "calibench target change NAME --queue main$"
    with pytest.raises(TargetError, match=says):
        start(queue(kind, queue="nope"), folder, "true")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"memory_mb": 90000}, "Memory specification can not be satisfied"),
        ({"node_type": "tpu"}, "Invalid feature.* --node-type [a-z0-9]+$"),
    ],
)
def test_what_no_node_has_is_refused_in_the_words_of_the_queue(folder: Path, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(TargetError, match=f"on this machine: refused the job: .*{says}"):
        start(queue(**asked), folder, "true")


def test_a_job_goes_to_a_node_of_the_type_that_was_asked_for(folder: Path, slurm: SlurmCluster) -> None:
    one = queue(node_type="amx")
    handle = start(one, folder, "sleep 60")
    until_is(one, handle, "running")
    assert " NodeList=n2 " in slurm.command("scontrol", "show", "job", "-o", queue_job(handle))


@BOTH
def test_a_running_job_is_stopped_with_all_that_it_started(folder: Path, kind: TargetKind) -> None:
    one = queue(kind)
    handle = start(one, folder, ASKED)
    wait_for(folder / "child.pid")
    child = int((folder / "child.pid").read_text("utf-8"))
    assert lives(child)
    stop(one, handle)
    assert look(one, handle) == QueueState("ended", "cancelled in the queue, not by Calibench")
    assert not lives(child)
    assert "asked" in (folder / "log.txt").read_text("utf-8")
    stop(one, handle)  # it is gone already


def test_a_job_that_does_not_want_to_end_is_gone_too(folder: Path) -> None:
    one = queue()
    handle = start(one, folder, "trap '' TERM; touch ready; sleep 60")
    wait_for(folder / "ready")
    stop(one, handle)
    assert until_is(one, handle, "ended").reason == "cancelled in the queue, not by Calibench"


def test_the_warning_before_the_walltime_reaches_the_job_once(folder: Path, slurm: SlurmCluster) -> None:
    one = queue(walltime_s=600)
    handle = start(one, folder, ASKED)
    wait_for(folder / "child.pid")
    slurm.command("scancel", "--batch", "--signal=TERM", queue_job(handle))  # as --signal=B:TERM does
    assert until_is(one, handle, "ended").reason  # which one depends on whether Slurm has cleared the job away
    assert (folder / "log.txt").read_text("utf-8").splitlines().count("asked") == 1


def test_a_job_whose_time_is_up_says_so(folder: Path, slurm: SlurmCluster) -> None:
    one = queue(walltime_s=60)
    handle = start(one, folder, "sleep 600")
    until_is(one, handle, "running")
    slurm.command("scontrol", "update", f"JobId={queue_job(handle)}", "EndTime=now+1")  # Slurm looks every 30 s
    assert until_is(one, handle, "ended") == QueueState("ended", "walltime: its time was up after 0:01:00")
    assert "DUE TO TIME LIMIT" in (folder / "log.txt").read_text("utf-8")


def test_a_job_whose_node_dies_ends_with_that_reason(folder: Path, slurm: SlurmCluster) -> None:
    one = queue(node_type="amx")
    handle = start(one, folder, "sleep 600")
    until_is(one, handle, "running")
    slurm.kill("n2")
    slurm.command("scontrol", "update", "NodeName=n2", "State=DOWN", "Reason=died")
    assert until_is(one, handle, "ended") == QueueState("ended", "node failure: the node n2 that it ran on failed")
    (folder / "submitted").unlink()
    waiting = start(one, folder, "true")
    state = until(one, waiting, lambda seen: bool(seen.reason))
    assert state == QueueState("queued", "ReqNodeNotAvail, UnavailableNodes:n2")


def test_a_queue_that_is_down_ends_nothing(folder: Path, slurm: SlurmCluster) -> None:
    one = queue()
    handle = start(one, folder, "while [ ! -e go ]; do sleep 0.1; done")
    wait_for(folder / "started")
    slurm.kill("slurmctld")
    silent = "the queue does not answer: Unable to contact slurm controller (connect failure)"
    assert look(one, handle) == QueueState("running", silent)
    (folder / "go").touch()
    wait_for(folder / "exit_code")
    assert look(one, handle) == QueueState("ended")


@BOTH
def test_the_queues_are_listed(kind: TargetKind) -> None:
    main, short, closed = asyncio.run(queue(kind).queues(LocalLink()))
    assert [one["name"] for one in (main, short, closed)] == ["main", "short", "closed"]
    assert main["features"] == ["amx"]
    assert main["cores"] == 1
    if kind == "slurm":
        assert (main["is_default"], main["nodes"], main["walltime_s"], main["memory_mb"]) == (True, 2, None, 2000)
        assert (short["is_default"], short["nodes"], short["walltime_s"]) == (False, 1, 1800)
        assert closed["features"] == []


def test_nothing_of_a_cluster_is_left(slurm: SlurmCluster) -> None:
    from slurm_cluster import running

    with running() as other:
        assert other.folder != slurm.folder
        numbers = [daemon.pid for daemon in other.daemons.values()]
        assert all(lives(number) for number in numbers)
    assert not other.folder.exists()
    assert not any(lives(number) for number in numbers)
    assert os.environ["SLURM_CONF"] == str(slurm.settings)
