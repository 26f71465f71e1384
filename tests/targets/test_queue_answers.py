"""What Slurm and PBS say, and what is made of it: states, reasons, refusals, lists of queues."""

import asyncio
import sys
from typing import Any

import pbs_answers as pbs
import pytest
from answering_link import AnsweringLink, says

from calibench.errors import TargetError
from calibench.targets.batch_queue import BatchQueue
from calibench.targets.link import Answer, LinkLost
from calibench.targets.pbs_dialect import read_job as read_pbs
from calibench.targets.queue_list import queues
from calibench.targets.queue_reasons import (
    cancelled,
    failed_node,
    in_messages,
    is_walltime,
    killed,
    meant,
    walltime,
    way_out,
)
from calibench.targets.slurm_dialect import read_job as read_slurm
from calibench.targets.starter import QueueState
from calibench.things.target_spec import QueueSettings, TargetKind, TargetSpec

DOWN = says(err="slurm_load_jobs error: Unable to contact slurm controller (connect failure)", code=1)
FORGOTTEN = says(err="slurm_load_jobs error: Invalid job id specified", code=1)
NOT_THERE = says(err="sh: 1: scontrol: not found", code=127)


def target(kind: TargetKind = "slurm", **asked: Any) -> TargetSpec:
    return TargetSpec(kind=kind, host="login", user="me", queue=QueueSettings(**asked))


def slurm_job(state: str, **values: str) -> str:
    """As scontrol show job -o writes it, with a path that holds blanks."""
    told = {"JobId": "12", "JobName": "calibench-7", "JobState": state, "Reason": "None", "ExitCode": "0:0"}
    told |= {"TimeLimit": "00:30:00", "NodeList": "n1", "BatchHost": "n1", "MinMemoryNode": "2000M"} | values
    return " ".join(
        f"{key}={value}" for key, value in {**told, "Command": "/home/me/my jobs/job.sh", "Power": ""}.items()
    )


def look(*answers: tuple[str, Answer | Exception], kind: TargetKind = "slurm", **files: str) -> QueueState:
    """Where job 12 is, when the queue answers so and the job has written these files."""
    return asyncio.run(BatchQueue(target(kind)).look(AnsweringLink(*answers, files=files), "12 jobs/7"))


def refusal(answer: Answer, *more: tuple[str, Answer | Exception], kind: TargetKind = "slurm", **asked: Any) -> str:
    link = AnsweringLink(("cat > job.sh", answer), *more)
    with pytest.raises(TargetError) as error:
        asyncio.run(BatchQueue(target(kind, **asked)).start(link, "jobs/7", "true"))
    return str(error.value)


@pytest.mark.parametrize(
    ("said", "phase", "why"),
    [
        (slurm_job("PENDING"), "queued", ""),
        (slurm_job("PENDING", Reason="Resources"), "queued", "Resources"),
        (slurm_job("PENDING", Reason="ReqNodeNotAvail,_UnavailableNodes:n2"), "queued", "ReqNodeNotAvail, Unavailable"),
        (
            slurm_job("PENDING", Reason="BadConstraints"),
            "queued",
            "BadConstraints: no node has what it asks for; it can n",
        ),
        (
            slurm_job("PENDING", Reason="PartitionNodeLimit"),
            "queued",
            "PartitionNodeLimit: it asks for more nodes than",
        ),
        (slurm_job("CONFIGURING"), "queued", "CONFIGURING"),
        (slurm_job("REQUEUED"), "queued", "REQUEUED"),
        (slurm_job("RUNNING"), "running", ""),
        (slurm_job("COMPLETING"), "running", ""),
        (slurm_job("SUSPENDED"), "running", "suspended by the queue"),
        (slurm_job("COMPLETED"), "ended", ""),
        (slurm_job("FAILED", ExitCode="3:0"), "ended", ""),
        (slurm_job("FAILED", ExitCode="0:9"), "ended", "ended by signal 9, as a machine does that runs out of memory"),
        (slurm_job("TIMEOUT"), "ended", "walltime: its time was up after 0:30:00"),
        (slurm_job("TIMEOUT", TimeLimit="UNLIMITED"), "ended", "walltime: its time was up"),
        (slurm_job("CANCELLED"), "ended", "cancelled in the queue, not by Calibench"),
        (slurm_job("NODE_FAIL"), "ended", "node failure: the node n1 that it ran on failed"),
        (slurm_job("OUT_OF_MEMORY"), "ended", "out of memory: it used more than the 2000M it asked for"),
        (slurm_job("PREEMPTED"), "ended", "PREEMPTED: ended by the queue"),
        (slurm_job("LAUNCH_FAILED"), "ended", "LAUNCH_FAILED"),
    ],
)
def test_each_state_of_slurm_is_read_with_its_reason(said: str, phase: str, why: str) -> None:
    known = read_slurm(said)
    assert known is not None
    assert known.phase == phase
    assert known.why.startswith(why)
    assert bool(known.why) == bool(why)


@pytest.mark.parametrize(
    ("said", "phase", "why"),
    [
        (pbs.QUEUED, "queued", "Insufficient amount of resource: ncpus"),
        (pbs.FOLDED_COMMENT, "queued", "Insufficient amount of resource: mem (R: 9gb A: 8gb T: 8gb)"),
        (
            pbs.NEVER,
            "queued",
            "Can Never Run: Insufficient amount of resource: ncpus (R: 400 A: 64 T: 64); it can never",
        ),
        (pbs.HELD, "queued", "held"),
        (pbs.RUNNING, "running", ""),
        (pbs.EXITING, "running", ""),
        (pbs.SUSPENDED, "running", "suspended by the queue"),
        (pbs.FINISHED, "ended", ""),
        (pbs.FAILED, "ended", ""),
        (pbs.TORQUE_DONE, "ended", ""),
        (pbs.WALLTIME, "ended", "walltime: its time was up after 0:30:00"),
        (pbs.MEMORY, "ended", "out of memory: it used more than the 4096mb it asked for"),
        (pbs.DELETED, "ended", "cancelled in the queue, not by Calibench"),
        (pbs.DELETED_WAITING, "ended", "cancelled in the queue, not by Calibench"),
        (pbs.KILLED, "ended", "ended by signal 9, as a machine does that runs out of memory"),
        (pbs.NODE_LOST, "ended", "node failure: the node node07 that it ran on failed"),
    ],
)
def test_each_state_of_pbs_is_read_with_its_reason(said: str, phase: str, why: str) -> None:
    known = read_pbs(said)
    assert known is not None
    assert known.phase == phase
    assert known.why.startswith(why)
    assert bool(known.why) == bool(why)


def test_what_tells_of_no_job_is_no_state() -> None:
    assert read_slurm("") is None
    assert read_pbs("qstat: Unknown Job Id 1234.login") is None


def test_the_files_of_a_job_count_more_than_its_queue() -> None:
    is_running = ("scontrol", says(slurm_job("RUNNING")))
    assert look(is_running, started="100 n1", exit_code="0") == QueueState("ended")
    assert look(is_running, started="100 n1", exit_code="3") == QueueState("ended", "exit code 3")
    assert look(("scontrol", says(slurm_job("CANCELLED"))), started="100 n1", exit_code="0") == QueueState("ended")


def test_a_queue_that_does_not_answer_ends_nothing() -> None:
    reason = "the queue does not answer: Unable to contact slurm controller (connect failure)"
    assert look(("scontrol", DOWN)) == QueueState("queued", reason)
    assert look(("scontrol", DOWN), started="100 n1") == QueueState("running", reason)
    slow = look(("scontrol", TargetError("login: no answer within 60 s")), started="100 n1")
    assert slow == QueueState("running", "the queue does not answer: login: no answer within 60 s")
    pbs_down = says(err="Connection refused\nqstat: cannot connect to server login (errno=111)", code=111)
    assert look(("qstat", pbs_down), kind="pbs").state == "queued"
    assert look(("scontrol", DOWN), started="100 n1", exit_code="0") == QueueState("ended")


def test_a_cut_connection_is_not_a_silent_queue() -> None:
    with pytest.raises(LinkLost):
        look(("scontrol", LinkLost("login: cut")))


def test_a_job_that_its_queue_forgot_has_ended() -> None:
    forgot = "the queue does not know it any more, and it did not write how it ended"
    assert look(("scontrol", FORGOTTEN), started="100 n1") == QueueState("ended", forgot)
    unknown = says(err="qstat: Unknown Job Id 12.login", code=153)
    assert look(("qstat", unknown), kind="pbs", started="100 n1") == QueueState("ended", forgot)
    assert look(("scontrol", FORGOTTEN), started="100 n1", exit_code="4") == QueueState("ended", "exit code 4")


def test_what_a_queue_wrote_into_the_log_tells_why_it_ended_a_job() -> None:
    line = "slurmstepd-n1: error: *** JOB 12 ON n1 CANCELLED AT 2026-11-26T12:10:32"
    log = ("log.txt", says(f"epoch 1\n{line} DUE TO TIME LIMIT ***"))
    assert is_walltime(look(("scontrol", FORGOTTEN), log, started="100 n1").reason)
    assert in_messages(f"{line} ***").startswith("cancelled")
    assert in_messages(f"{line} DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***").startswith(
        "node failure: the n"
    )
    assert in_messages("slurmstepd: error: Detected 1 oom_kill event in StepId=12.batch.").startswith("out of memory")
    assert is_walltime(in_messages("=>> PBS: job killed: walltime 1832 exceeded limit 1800"))
    assert in_messages("epoch 1\nthe oomph of it") == ""


@pytest.mark.parametrize(("told", "is_late"), [(1700, True), (200, False)])
def test_a_job_that_was_told_to_end_near_its_walltime_ended_by_that(told: int, is_late: bool) -> None:
    ended = ("scontrol", says(slurm_job("FAILED", ExitCode="143:0")))
    state = look(ended, started="0 n1", told_to_end=str(told), exit_code="143")
    assert state.state == "ended"
    assert is_walltime(state.reason) is is_late
    assert state.reason


@pytest.mark.parametrize(
    ("line", "limit", "reason"),
    [
        ("CANCELLED AT 2026-11-26T12:10:32 ***", "00:02:00", "cancelled in the queue, not by Calibench"),
        (
            "CANCELLED AT 2026-11-26T12:10:32 DUE TO TIME LIMIT ***",
            "00:02:00",
            "walltime: its time was up after 0:02:00",
        ),
        ("CANCELLED AT 2026-11-26T12:10:32 ***", "00:30:00", "walltime: its time was up after 0:30:00"),
    ],
)
def test_a_job_that_its_queue_still_clears_away_has_its_reason_already(line: str, limit: str, reason: str) -> None:
    clearing = ("scontrol", says(slurm_job("COMPLETING", TimeLimit=limit)))
    log = ("log.txt", says(f"slurmstepd-n1: error: *** JOB 12 ON n1 {line}"))
    told = "1740" if limit == "00:30:00" else "20"
    state = look(clearing, log, started="0 n1", told_to_end=told, exit_code="143")
    assert state == QueueState("ended", reason)


def test_the_words_of_a_queue_stay_and_get_a_meaning() -> None:
    assert meant("Resources") == "Resources (no node is free now)"
    assert meant("ReqNodeNotAvail, UnavailableNodes:n2").endswith("n2 (its nodes are down or reserved)")
    assert meant("BeginTime") == "BeginTime"
    assert meant("") == ""


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        (walltime(1800), "with --walltime"),
        (in_messages("slurmstepd: error: Detected 1 oom_kill event"), "with --memory"),
        (killed("9"), "with --memory"),
        (killed("11"), "ask who runs the queue"),
        (failed_node("n1"), "another node"),
        (failed_node(""), "another node"),
        (cancelled(), "ask who runs the queue"),
        ("", "ask who runs the queue"),
    ],
)
def test_what_a_queue_has_ended_has_a_way_out(reason: str, says: str) -> None:
    assert says in way_out(reason)


def test_commands_that_are_not_there_are_named_with_the_machine() -> None:
    with pytest.raises(TargetError, match=r"^Slurm on me@login: its commands are not found \(.*scontrol: not found\)"):
        look(("scontrol", NOT_THERE))
    assert refusal(says(err="sh: 1: sbatch: not found", code=127)).startswith("Slurm on me@login: its commands are not")


@pytest.mark.parametrize(
    ("kind", "said", "tells"),
    [
        ("slurm", "Invalid account or account/partition combination specified", "account/partition combination"),
        ("slurm", "Requested time limit is invalid (missing or exceeds some limit)", "time limit is invalid"),
        (
            "pbs",
            "qsub: Job violates queue and/or server resource limits",
            "Job violates queue and/or server resource li",
        ),
    ],
)
def test_a_refusal_is_said_in_the_words_of_the_queue(kind: TargetKind, said: str, tells: str) -> None:
    told = said if kind == "pbs" else f"sbatch: error: Batch job submission failed: {said}"
    sentence = refusal(says(err=told, code=1), kind=kind)
    assert sentence.startswith(f"{'PBS' if kind == 'pbs' else 'Slurm'} on me@login: refused the job: ")
    assert tells in sentence
    assert sentence.endswith(". Ask for something else, or retry when the queue takes such jobs.")


def test_an_unknown_queue_is_answered_with_the_known_ones() -> None:
    lists = ("qstat -Q", says(f"{pbs.QUEUES}=== nodes ===\n{pbs.NODES}"))
    sentence = refusal(says(err="qsub: Unknown queue", code=170), lists, kind="pbs", queue="nope")
    assert sentence == "PBS on me@login: refused the job: Unknown queue. Its queues are workq, night, old. " + (
        "Choose one: calibench target change NAME --queue workq"
    )


@pytest.mark.parametrize(
    ("rows", "says_then"),
    [
        ("batch*|up|0/1/0/1|1:00|fast,big|9000|8\nquick|up|0/1/0/1|1:00|gpu|9000|8",
         "Its node types are big, fast, gpu. Choose one: calibench target change NAME --node-type big"),
        ("batch*|up|0/1/0/1|1:00|(null)|9000|8",
         "It tells of no node types. Leave it out: calibench target change NAME --reset node-type"),
    ],
)  # fmt: skip
def test_an_unknown_node_type_is_answered_with_the_known_ones(rows: str, says_then: str) -> None:
    told = says(err="sbatch: error: Batch job submission failed: Invalid feature specification", code=1)
    sentence = refusal(told, ("sinfo", says(rows)), kind="slurm", node_type="tpu")
    assert sentence.endswith(f"Invalid feature specification. {says_then}")


def test_a_silent_queue_takes_no_job() -> None:
    down = "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)"
    assert "Nothing was submitted; try again later." in refusal(says(err=down, code=1))


def test_greetings_above_the_number_of_a_job_are_passed_over() -> None:
    link = AnsweringLink(("cat > job.sh", says("Welcome to the lab, user 7\nSubmitted batch job 31\n")))
    assert asyncio.run(BatchQueue(target()).start(link, "jobs/7", "true")) == "31 jobs/7"
    link = AnsweringLink(("cat > job.sh", says("1234.login\n")))
    assert asyncio.run(BatchQueue(target("pbs")).start(link, "jobs/7", "true")) == "1234.login jobs/7"


def test_an_answer_without_a_number_is_no_job() -> None:
    assert "gave no number of the job" in refusal(says("done\n"))


@pytest.mark.parametrize("handle", ["", "12", "12; rm -rf ~ jobs/7", "$(id) jobs/7", "-1 jobs/7"])
def test_a_handle_that_names_no_job_is_refused(handle: str) -> None:
    with pytest.raises(TargetError, match=r"is no job of Slurm"):
        asyncio.run(BatchQueue(target()).look(AnsweringLink(), handle))


@pytest.mark.parametrize("asked", [{"queue": "a b"}, {"account": "x\n#SBATCH --uid=0"}, {"node_type": "$(id)"}])
def test_a_name_that_would_write_into_the_script_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(TargetError, match="holds blanks or signs"):
        BatchQueue(target(**asked))


def test_a_target_that_is_no_queue_is_refused() -> None:
    with pytest.raises(TargetError, match="is no batch queue; those are slurm and pbs"):
        BatchQueue(TargetSpec(kind="ssh", host="lab"))


@pytest.mark.parametrize("kind", ["slurm", "pbs"])
def test_without_qtoolkit_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch, kind: TargetKind) -> None:
    monkeypatch.delitem(sys.modules, f"calibench.targets.{kind}_dialect", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "qtoolkit"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(TargetError, match=r"need qtoolkit\. Install it: pip install 'calibench\[targets\]'\.$"):
        BatchQueue(target(kind))


def test_a_script_asks_slurm_for_what_was_set() -> None:
    asked = {"queue": "main", "node_type": "amx&avx512", "account": "lab", "cores": 4, "memory_mb": 8000}
    rows = BatchQueue(target(**asked, walltime_s=90000)).script("jobs/7", "true").splitlines()
    assert rows[0] == "#!/bin/bash"
    assert {
        "#SBATCH --job-name=calibench-7",
        "#SBATCH --partition=main",
        "#SBATCH --constraint=amx&avx512",
        "#SBATCH --account=lab",
        "#SBATCH --nodes=1",
        "#SBATCH --cpus-per-task=4",
        "#SBATCH --mem=8000M",
        "#SBATCH --time=1-01:00:00",
        "#SBATCH --signal=B:TERM@60",
        "#SBATCH --no-requeue",
    } < set(rows)


def test_a_script_asks_pbs_for_what_was_set() -> None:
    asked = {"queue": "workq", "node_type": "amx", "account": "lab", "cores": 4, "memory_mb": 8000, "walltime_s": 90000}
    script = BatchQueue(target("pbs", **asked)).script("jobs/123456789", "true")
    assert {
        "#PBS -N calibench-12345",
        "#PBS -q workq",
        "#PBS -A lab",
        "#PBS -l select=1:ncpus=4:mem=8000mb:amx=True",
        "#PBS -l walltime=25:00:00",
        "#PBS -r n",
    } < set(script.splitlines())
    assert "sleep 89940; kill -TERM $$" in script


@pytest.mark.parametrize("kind", ["slurm", "pbs"])
def test_what_was_not_set_is_left_to_the_queue_and_short_jobs_are_not_warned(kind: TargetKind) -> None:
    script = BatchQueue(target(kind)).script("jobs/7", "true")
    for word in ("partition", "-q ", "account", "-A ", "--mem", ":mem", "time=", "constraint", "signal", "timer=$!"):
        assert word not in script
    short = BatchQueue(target(kind, walltime_s=120)).script("jobs/7", "true")
    assert "signal" not in short
    assert "timer=$!" not in short


def test_the_queues_of_pbs_are_told_with_the_nodes() -> None:
    link = AnsweringLink(("qstat -Q", says(f"{pbs.QUEUES}=== nodes ===\n{pbs.NODES}")))
    work, night, old = asyncio.run(queues(link, target("pbs")))
    assert work == {
        "name": "workq",
        "is_default": False,
        "is_open": True,
        "state": "open",
        "nodes": 2,
        "idle": 1,
        "walltime_s": 86400,
        "features": ["amx"],
        "cores": 64,
        "memory_mb": 128000,
    }
    assert (night["state"], night["is_open"]) == ("takes jobs, starts none", False)
    assert (old["state"], old["walltime_s"]) == ("closed", None)


def test_the_properties_of_nodes_of_torque_are_features() -> None:
    link = AnsweringLink(("qstat -Q", says(f"{pbs.QUEUES}=== nodes ===\n{pbs.TORQUE_NODES}")))
    work = asyncio.run(queues(link, target("pbs")))[0]
    assert work["features"] == ["core", "ram192gb", "ram32gb", "skl", "skylake", "tower", "xeon"]
    assert (work["nodes"], work["idle"], work["cores"], work["memory_mb"]) == (2, 1, 2, None)


def test_a_list_of_a_silent_queue_says_what_the_queue_says() -> None:
    down = says(err="slurm_load_partitions: Unable to contact slurm controller (connect failure)", code=1)
    with pytest.raises(TargetError, match=r"^Slurm on me@login: does not answer: Unable to contact slurm controller"):
        asyncio.run(BatchQueue(target()).queues(AnsweringLink(("sinfo", down))))


def test_a_cancel_that_is_refused_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calibench.targets.batch_queue.STOPPED_WITHIN_S", 0.1)
    no = says(err="scancel: error: Kill job error on job id 12: Access/permission denied", code=1)
    link = AnsweringLink(("scancel", no), ("scontrol", says(slurm_job("RUNNING"))))
    with pytest.raises(
        TargetError, match="job 12 could not be cancelled: Kill job error on job id 12: Access/permission"
    ):
        asyncio.run(BatchQueue(target()).stop(link, "12 jobs/7"))


def test_a_job_that_has_ended_is_stopped_already() -> None:
    gone = says(err="scancel: error: Kill job error on job id 12: Invalid job id specified", code=1)
    link = AnsweringLink(("scancel", gone), ("scontrol", FORGOTTEN))
    asyncio.run(BatchQueue(target()).stop(link, "12 jobs/7"))
    assert any("scancel" in line for line in link.commands)
