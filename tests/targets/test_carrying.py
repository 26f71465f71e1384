"""Carrying a job: whatever is cut, killed or cancelled, the end is the result or one sentence, and nothing is left."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from carried_play import Disturbed, play, played
from carried_ways import kill, stages, wait_for
from told_events import told

from calibench.errors import TargetError
from calibench.targets import carrying, fetched_result, followed_remote, kept_trying
from calibench.targets.bundle import OUT
from calibench.targets.bundle_files import ask_cancel, read_end, take_over_search
from calibench.targets.carried_progress import CarriedProgress
from calibench.targets.direct_start import DirectStart
from calibench.targets.link import Link, LinkLost, NoAnswer
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.remote_record import hand_over, read_record
from calibench.targets.run_bundle import run_bundle
from calibench.targets.starter import QueueState

pytestmark = pytest.mark.targets

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteMachine, "environment", played)
    monkeypatch.setattr(followed_remote, "EVERY_S", 0.02)
    monkeypatch.setattr(followed_remote, "RARELY_S", 0.1)
    monkeypatch.setattr(followed_remote, "QUEUE_S", 0.1)
    monkeypatch.setattr(followed_remote, "LATE_S", 0.0)
    monkeypatch.setattr(kept_trying, "FIRST_S", 0.01)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Of the target; at the end nothing runs there, and no job is left."""
    yield tmp_path / "there"
    assert not list((tmp_path / "there").glob("jobs/*"))
    assert not processes(tmp_path / "there")


def processes(home: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(home):
                found.append(process)
        except psutil.Error:
            continue
    return found


def linked(monkeypatch: pytest.MonkeyPatch, is_cut: Callable[[str], bool], **more: Any) -> None:
    async def _open(spec: object, passphrase: object) -> Link:
        return Disturbed(is_cut, **more)

    monkeypatch.setattr(carrying, "open_link", _open)


def carrier(job: Path) -> "subprocess.Popen[bytes]":
    with (job / "log.txt").open("ab") as log:
        command = [sys.executable, str(HERE / "carried_play.py"), str(job)]
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def starts(job: Path) -> int:
    return sum(line.startswith("started ") for line in (job / "log.txt").read_text().splitlines())


def failure(job: Path) -> str:
    end = run_bundle(job)
    assert end.failure is not None, end
    return end.failure.message


def test_a_killed_carrier_finds_its_job_again_and_tells_nothing_twice(tmp_path: Path, home: Path) -> None:
    job = play(tmp_path / "job", home, {"trials": 5, "wait_for": str(tmp_path / "go")})
    process = carrier(job)
    wait_for(lambda: len(told(job, "trial")) == 5)
    kill(process)
    assert processes(home)
    (tmp_path / "go").touch()
    assert run_bundle(job).state == "done"
    assert starts(job) == 1
    assert [trial["number"] for trial in told(job, "trial")] == list(range(5))
    shares = [event["progress"] for event in told(job, "progress")]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_a_result_is_here_although_the_job_cannot_be_removed_there(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(self: RemoteMachine, job_id: str) -> int:
        shutil.rmtree(home / "jobs" / job_id)
        raise TargetError("this machine: the job could not be removed whole. Look at its permissions there.")

    monkeypatch.setattr(RemoteMachine, "remove_job", refuse)
    job = play(tmp_path / "job", home, {})
    assert run_bundle(job).result == {"played": True}
    (note,) = told(job, "note")
    assert note["text"].startswith("It could not be removed there: this machine: the job could not be removed whole.")


def test_a_job_that_ended_while_nobody_looked_is_fetched(tmp_path: Path, home: Path) -> None:
    job = play(tmp_path / "job", home, {"trials": 1, "wait_for": str(tmp_path / "go")})
    process = carrier(job)
    wait_for(lambda: told(job, "trial"))
    kill(process)
    (tmp_path / "go").touch()
    wait_for(lambda: not processes(home))
    assert run_bundle(job).result == {"played": True}
    assert starts(job) == 1


@pytest.mark.parametrize("number", range(2, 17, 2))
def test_it_goes_on_wherever_the_connection_was_cut(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    calls = 0

    def is_cut(what: str) -> bool:
        nonlocal calls
        calls += 1
        return calls == number

    linked(monkeypatch, is_cut)
    job = play(tmp_path / "job", home, {"trials": 2, "size": 4096})
    assert run_bundle(job).state == "done"
    assert (job / OUT / "model.bin").stat().st_size == 4096
    assert starts(job) == 1
    assert len(told(job, "trial")) == 2
    notes = [event["text"] for event in told(job, "note")]
    assert notes[0].startswith("The connection to lab was lost; trying again.")


def test_it_says_that_the_connection_is_back_before_the_next_step_which_may_take_minutes(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[list[str]] = []

    async def environment(self: RemoteMachine, *words: object, **more: Any) -> str:
        said.append([event["text"] for event in told(job, "note")])
        if len(said) == 1:
            raise LinkLost("lab: the connection was cut.")
        return await played(self)

    linked(monkeypatch, lambda what: False)
    monkeypatch.setattr(RemoteMachine, "environment", environment)
    job = play(tmp_path / "job", home, {})
    assert run_bundle(job).state == "done"
    assert said == [[], ["The connection to lab was lost; trying again.", "The connection is back."]]


def test_while_it_tries_by_itself_it_gives_no_advice_to(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Exception] = [
        NoAnswer("lab: closed the connection while logging in (Connection lost).", "Try again, or look at its log."),
        TargetError("lab: refused the key k. Add k.pub there."),
    ]

    async def open_link(spec: object, passphrase: object) -> Link:
        if told(job, "note") and answers:
            raise answers.pop(0)
        return Disturbed(lambda what: "say" in what and not told(job, "note"))

    monkeypatch.setattr(carrying, "open_link", open_link)
    job = play(tmp_path / "job", home, {})
    assert run_bundle(job).state == "done"
    assert [event["text"] for event in told(job, "note")] == [
        "The connection to lab was lost; trying again.",
        "Still trying to reach lab. Refused the key k. Add k.pub there.",
        "The connection is back.",
    ]


def test_who_gives_up_says_that_it_runs_there_and_a_retry_finds_it(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_trying, "GIVE_UP_S", 0.1)
    job = play(tmp_path / "job", home, {"trials": 1, "wait_for": str(tmp_path / "go")})
    linked(monkeypatch, lambda what: bool(told(job, "trial")))
    sentence = failure(job)
    assert sentence.startswith("lab: no connection for")
    assert "still runs there" in sentence and "retry" in sentence
    (tmp_path / "go").touch()
    again = tmp_path / "again"
    shutil.copytree(job, again, ignore=lambda place, names: set(names) - {"bundle.json"})
    hand_over(job, again)
    linked(monkeypatch, lambda what: False)
    assert run_bundle(again).state == "done"
    assert starts(again) == 1
    assert len(told(again, "trial")) == 1


def test_a_machine_that_is_not_reached_at_first_is_not_waited_for(tmp_path: Path, home: Path) -> None:
    job = play(tmp_path / "job", home, {}, host="127.0.0.1", port=1)
    assert "refused at port 1" in failure(job)


def test_a_process_that_is_killed_there_is_started_again_but_not_for_ever(tmp_path: Path, home: Path) -> None:
    job = play(tmp_path / "job", home, {"vanishes": True})
    assert "ended from outside 3 times" in failure(job)
    assert starts(job) == 3
    assert len([note for note in told(job, "note") if "started again" in note["text"]]) == 2


class Queue(DirectStart):
    """As a queue that ends jobs."""

    async def look(self, link: Link, handle: str) -> QueueState:
        state = await super().look(link, handle)
        return QueueState("ended", "TIMEOUT") if state.state == "ended" else state


def test_what_a_search_had_found_comes_back_and_goes_there_again(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "starter_of", lambda spec: Queue())
    job = play(tmp_path / "job", home, {"journal": True}, kind="slurm", queue={"walltime_s": 60})
    sentence = failure(job)
    assert "too short for the queue to warn a job" in told(job, "note")[0]["text"]
    assert "the queue ended the job before it was done (TIMEOUT)" in sentence
    assert sentence.endswith("a retry goes on with it.")
    assert {path.name for path in (job / "out/search").iterdir()} == {"run.json", "journal.jsonl"}
    again = tmp_path / "again"
    shutil.copytree(job, again, ignore=lambda place, names: set(names) - {"bundle.json"})
    take_over_search(job, again)
    hand_over(job, again)
    assert read_record(again).job_id == read_record(job).job_id  # the paths of its settings there stay the same
    assert run_bundle(again).state == "done"
    assert "started with a journal" in (again / "log.txt").read_text()


@pytest.mark.parametrize(
    ("stage", "number"),
    [("prepare", signal.SIGTERM), ("upload", signal.SIGTERM), ("search", signal.SIGTERM), ("download", signal.SIGTERM),
     ("search", signal.SIGINT)],
)  # fmt: skip
def test_it_is_cancelled_at_every_stage(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, stage: str, number: int
) -> None:
    def tell(self: CarriedProgress, name: str, done: int = 0, total: int = 1, step: str = "") -> None:
        if name == stage and (done or name != "prepare"):
            ask(self._folder)

    def take_over(self: CarriedProgress, *told: object) -> None:
        before(self, *told)  # type: ignore[arg-type]
        if stage == "search" and self.events_at:
            ask(self._folder)

    def ask(folder: Path) -> None:
        if number == signal.SIGTERM:
            ask_cancel(folder)
        os.kill(os.getpid(), number)

    before = CarriedProgress.take_over
    monkeypatch.setattr(CarriedProgress, "stage", tell)
    monkeypatch.setattr(CarriedProgress, "take_over", take_over)
    waits = {"wait_for": str(tmp_path / "go")} if stage == "search" else {}
    job = play(tmp_path / "job", home, {"trials": 1, **waits})
    assert run_bundle(job).state == "cancelled"
    assert not list((job / OUT).iterdir())
    assert read_record(job).phase == "new"


def test_a_process_that_is_told_to_end_cancels_nothing_there(tmp_path: Path, home: Path) -> None:
    job = play(tmp_path / "job", home, {"trials": 1, "wait_for": str(tmp_path / "go")})
    process = carrier(job)
    wait_for(lambda: told(job, "trial"))
    process.send_signal(signal.SIGTERM)
    process.wait()
    end = read_end(job)
    assert end is not None and end.failure is not None
    assert (end.state, end.failure.kind) == ("cancelled", "TargetError")
    assert end.failure.message.endswith("this process was told to end; the job goes on there.")
    assert processes(home)
    (tmp_path / "go").touch()
    assert run_bundle(job).state == "done"
    assert starts(job) == 1


@pytest.mark.parametrize("stage", ["starting", "started"])
def test_one_that_is_cancelled_while_nobody_carries_it_is_ended_there(tmp_path: Path, home: Path, stage: str) -> None:
    job = play(tmp_path / "job", home, {"trials": 1, "wait_for": str(tmp_path / "go")})
    process = subprocess.Popen([sys.executable, str(HERE / "carried_play.py"), str(job), stage], start_new_session=True)
    wait_for(lambda: (job / "remote.json").exists() and read_record(job).phase == stage)
    kill(process)
    ask_cancel(job)
    assert run_bundle(job).state == "cancelled"
    assert read_record(job).phase == "new"


def test_a_cancel_that_is_interrupted_is_not_taken_for_done(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave(self: carrying.Carrier, within_s: float = 0) -> None:
        raise KeyboardInterrupt  # as of SIGTERM, where there is no loop that hears it

    job = play(tmp_path / "job", home, {})
    monkeypatch.setattr(carrying.Carrier, "leave", leave)
    ask_cancel(job)
    end = run_bundle(job)
    assert (end.state, end.failure is not None) == ("cancelled", True)


def test_what_a_cancelled_search_has_found_is_kept_for_a_retry(tmp_path: Path, home: Path) -> None:
    job = play(tmp_path / "job", home, {"trials": 1, "search": True, "wait_for": str(tmp_path / "go")})
    process = carrier(job)
    wait_for(lambda: told(job, "trial"))
    process.send_signal(signal.SIGINT)
    process.wait()
    end = read_end(job)
    assert end is not None and end.state == "cancelled"
    assert {path.name for path in (job / "out/search").iterdir()} == {"run.json", "journal.jsonl"}
    (tmp_path / "go").touch()
    again = tmp_path / "again"
    shutil.copytree(job, again, ignore=lambda place, names: set(names) - {"bundle.json"})
    take_over_search(job, again)
    hand_over(job, again)
    assert run_bundle(again).state == "done"
    assert "started with a journal" in (again / "log.txt").read_text()


def test_one_that_is_cancelled_while_it_is_out_of_reach_is_found_again_by_a_retry(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = play(tmp_path / "job", home, {"trials": 1, "wait_for": str(tmp_path / "go")})
    linked(monkeypatch, lambda what: bool(told(job, "trial")))
    before = CarriedProgress.note

    def note(self: CarriedProgress, text: str) -> None:
        before(self, text)
        if "was lost" in text:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(CarriedProgress, "note", note)
    assert run_bundle(job).state == "cancelled"
    assert "A retry finds it again; cancel that one" in told(job, "note")[-1]["text"]
    assert processes(home)
    again = tmp_path / "again"
    shutil.copytree(job, again, ignore=lambda place, names: set(names) - {"bundle.json"})
    hand_over(job, again)
    linked(monkeypatch, lambda what: False)
    ask_cancel(again)
    assert run_bundle(again).state == "cancelled"


def test_a_result_that_has_no_room_here_waits_there(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = play(tmp_path / "job", home, {})
    monkeypatch.setattr(fetched_result, "SPARE", 1 << 60)
    assert failure(job).endswith("Make room, then retry: it waits on this machine.")
    assert not (job / "fetching").exists()
    monkeypatch.setattr(fetched_result, "SPARE", 0)
    assert run_bundle(job).state == "done"
    assert starts(job) == 1


def test_a_job_that_waits_in_a_queue_says_so_and_is_cancelled_there(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(Queue):
        async def start(self, link: Link, folder: str, command: str) -> str:
            return "7"

        async def look(self, link: Link, handle: str) -> QueueState:
            return QueueState("queued", "Resources")

        async def stop(self, link: Link, handle: str) -> None:
            stopped.append(handle)

    stopped: list[str] = []
    monkeypatch.setattr(carrying, "starter_of", lambda spec: Full())
    before = CarriedProgress.note

    def note(self: CarriedProgress, text: str) -> None:
        before(self, text)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(CarriedProgress, "note", note)
    job = play(tmp_path / "job", home, {}, kind="slurm")
    assert run_bundle(job).state == "cancelled"
    assert told(job, "note")[0]["text"] == "Waiting in the queue of this machine: Resources (no node is free now)."
    assert stages(job)[-1] == "queued"
    assert stopped == ["7"]


def test_a_file_that_arrives_damaged_is_fetched_again(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged: list[Path] = []

    def once(path: Path) -> None:
        if path not in damaged:
            damaged.append(path)
            path.write_bytes(b"x" * path.stat().st_size)

    linked(monkeypatch, lambda what: False, change=once)
    job = play(tmp_path / "job", home, {})
    assert run_bundle(job).state == "done"
    assert damaged
    assert (job / OUT / "model.bin").read_bytes() == bytes(range(256))


def test_one_that_is_always_damaged_is_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    linked(monkeypatch, lambda what: False, change=lambda path: path.write_bytes(b"x" * path.stat().st_size) and None)
    job = play(tmp_path / "job", tmp_path / "there", {})
    assert "out/model.bin arrives damaged" in failure(job)
    assert not list((job / OUT).iterdir())
    assert list((tmp_path / "there").glob("jobs/*"))  # a retry fetches it


@pytest.mark.parametrize("name", ["out/../../x", "/etc/x", "out//x", "events.jsonl"])
def test_the_other_side_cannot_write_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async def manifest(self: RemoteMachine, job_id: str, below: object = ()) -> dict[str, tuple[str, int]]:
        return {name: ("0" * 64, 1)}

    monkeypatch.setattr(RemoteMachine, "manifest", manifest)
    assert "which is no file of a result" in failure(play(tmp_path / "job", tmp_path / "there", {}))


def test_too_little_room_is_said_before_anything_is_sent(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def facts(self: RemoteMachine) -> dict[str, Any]:
        return {"faults": [], "disk_free_mb": 100}

    monkeypatch.setattr(RemoteMachine, "facts", facts)
    sentence = failure(play(tmp_path / "job", home, {}))
    assert "the job needs 200 MB" in sentence and "100 MB are free" in sentence
    assert not list(home.glob("blobs/*/*"))


def test_what_hinders_there_is_said_with_its_mend(tmp_path: Path, home: Path) -> None:
    job = play(tmp_path / "job", home, {}, python="/nowhere/python3")
    assert "there is no /nowhere/python3" in failure(job)
    assert read_end(job) is not None
