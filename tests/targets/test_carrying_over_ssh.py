"""Carrying a job to a real sshd, by an ordinary user, while the cable is pulled."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from carried_play import play, played
from carried_ways import wait_for
from shared_python import shared_python
from ssh_server import SshServer
from told_events import told

from calibench.targets import kept_trying
from calibench.targets.bundle import OUT
from calibench.targets.carried_progress import CarriedProgress
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.run_bundle import run_bundle

pytestmark = pytest.mark.targets

PLAY = Path(__file__).with_name("carried_play.py")
BIG = 6_000_000
"""Bytes that travel as a file of their own, in many pieces."""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RemoteMachine, "environment", played)
    monkeypatch.setattr(kept_trying, "FIRST_S", 0.05)


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    with shared_python() as found:
        yield found


@pytest.fixture
def job(tmp_path: Path, ssh_server: SshServer, python: Path) -> Iterator[Callable[..., Path]]:
    """Makes the folder of a played job; at the end nothing of one is left there."""

    def make(**plan: object) -> Path:
        spec = ssh_server.spec(python=str(python))
        return play(tmp_path / "job", Path(spec.home), plan, **spec.model_dump(exclude_unset=True, exclude={"home"}))

    yield make
    assert not list((ssh_server.here / "home").glob("jobs/*"))
    assert [process for process in ssh_server.running() if "run" in words(process)] == []


def words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def when(monkeypatch: pytest.MonkeyPatch, stage: str, do: Callable[[], None]) -> None:
    """Do something once, as soon as a job is at a stage."""
    before, is_done = CarriedProgress.stage, []

    def tell(self: CarriedProgress, name: str, done: int = 0, total: int = 1, step: str = "") -> None:
        before(self, name, done, total, step)
        if name == stage and not is_done:
            is_done.append(True)
            do()

    monkeypatch.setattr(CarriedProgress, "stage", tell)


def notes(job: Path) -> str:
    return "\n".join(event["text"] for event in told(job, "note"))


def starts(job: Path) -> int:
    return sum(line.startswith("started ") for line in (job / "log.txt").read_text().splitlines())


def test_it_is_done_and_a_second_one_sends_little(
    job: Callable[..., Path], ssh_server: SshServer, tmp_path: Path
) -> None:
    made = job(trials=2)
    (tmp_path / "job-data/big.bin").write_bytes(bytes(range(250)) * 1000)
    assert run_bundle(made).state == "done"
    (made / "remote.json").unlink()
    before = ssh_server.relay.passed["up"]
    assert run_bundle(made).state == "done"
    assert ssh_server.relay.passed["up"] - before < 40_000
    assert "lost" not in notes(made)


def test_what_a_job_tells_there_costs_nothing_here(
    job: Callable[..., Path], ssh_server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    before = CarriedProgress.take_over

    def take_over(self: CarriedProgress, *given: object) -> None:
        before(self, *given)  # type: ignore[arg-type]
        seen.append((self.events_at, ssh_server.relay.passed["up"]))

    monkeypatch.setattr(CarriedProgress, "take_over", take_over)
    made = job(trials=2000, pause=0.001)
    assert run_bundle(made).state == "done"
    assert len(told(made, "trial")) == 2000
    assert len(seen) > 3 and seen[-1][0] > 100_000
    assert seen[-1][1] - seen[0][1] < 2_000, "over and above what was sent until the first of it came"


def test_who_looks_there_is_gone_with_its_connection(job: Callable[..., Path], ssh_server: SshServer) -> None:
    made = job(trials=1, wait_for=f"{ssh_server.here}/go")
    carrier = subprocess.Popen(
        [sys.executable, str(PLAY), str(made)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: told(made, "trial"))
    looking = [each for session in ssh_server.sessions() for each in session.children() if "zlib" in str(words(each))]
    assert len(looking) == 1
    carrier.kill()
    carrier.wait()
    assert psutil.wait_procs(looking, 60)[1] == []
    (ssh_server.here / "go").touch()
    assert run_bundle(made).state == "done"
    assert starts(made) == 1


def test_a_cut_in_the_upload(
    job: Callable[..., Path], ssh_server: SshServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = job()
    (tmp_path / "job-data/big.bin").write_bytes(bytes(range(250)) * (BIG // 250))
    when(monkeypatch, "upload", lambda: ssh_server.relay.cut_after(up=BIG // 2))
    assert run_bundle(made).state == "done"
    assert "trying again" in notes(made)
    again = [event["done"] for event in told(made, "progress") if event["stage"] == "upload"]
    assert again == sorted(again)  # what had arrived was not sent again


def test_a_cut_while_it_works_there(
    job: Callable[..., Path], ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"
    made = job(trials=1, wait_for=f"{ssh_server.here}/go")
    before = CarriedProgress.take_over

    def take_over(self: CarriedProgress, *given: object) -> None:
        before(self, *given)  # type: ignore[arg-type]
        if not go.exists() and self.events_at:
            go.touch()
            ssh_server.relay.cut()
            (ssh_server.here / "go").touch()

    monkeypatch.setattr(CarriedProgress, "take_over", take_over)
    assert run_bundle(made).state == "done"
    assert "trying again" in notes(made) and "is back" in notes(made)
    assert starts(made) == 1
    assert len(told(made, "trial")) == 1


def test_a_cut_in_the_download(
    job: Callable[..., Path], ssh_server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = job(size=BIG)
    when(monkeypatch, "download", lambda: ssh_server.relay.cut_after(down=BIG // 2))
    assert run_bundle(made).state == "done"
    assert "trying again" in notes(made)
    assert (made / OUT / "model.bin").read_bytes() == bytes(range(256)) * (BIG // 256)
    assert starts(made) == 1


def test_a_machine_that_is_another_one_in_the_middle_is_said_at_once(
    job: Callable[..., Path], ssh_server: SshServer
) -> None:
    made = job(trials=1, wait_for=f"{ssh_server.here}/go")
    before = CarriedProgress.take_over
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:

        def take_over(self: CarriedProgress, *given: object) -> None:
            before(self, *given)  # type: ignore[arg-type]
            if self.events_at:
                patch.undo()
                stack.enter_context(ssh_server.changed_host_key())  # its connections are cut by that

        patch.setattr(CarriedProgress, "take_over", take_over)
        end = run_bundle(made)
    assert end.failure is not None and end.failure.kind == "TargetError"
    assert end.failure.message.startswith("WARNING: ")
    assert "still runs there" in end.failure.message and "retry" in end.failure.message
    (ssh_server.here / "go").touch()
    assert run_bundle(made).state == "done"
    assert starts(made) == 1


def test_a_wrong_key_and_another_machine_are_said(job: Callable[..., Path], ssh_server: SshServer) -> None:
    made = job()
    with ssh_server.changed_host_key():
        end = run_bundle(made)
    assert end.failure is not None and end.failure.kind == "TargetError"
    assert "host key" in end.failure.message


@pytest.mark.root
def test_a_full_disk_there_is_said(tmp_path: Path, ssh_server: SshServer, python: Path) -> None:
    with ssh_server.small_disk(2_000_000) as small:
        spec = ssh_server.spec(python=str(python), home=f"{small}/home")
        made = play(tmp_path / "job", Path(spec.home), {}, **spec.model_dump(exclude_unset=True, exclude={"home"}))
        end = run_bundle(made)
        assert end.failure is not None
        assert "are free" in end.failure.message and "target clean" in end.failure.message
        assert not list((ssh_server.home / small).glob("home/jobs/*"))
