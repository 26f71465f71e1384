"""A machine in a network of its own, reached over SSH, whose cable is really pulled: no packet says that it is."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from carried_play import play, played
from network_hosts import Host, network_hosts
from network_sshd import PORT, sshd_on
from shared_python import shared_python
from ssh_server import SshServer
from told_events import told
from typer.testing import CliRunner, Result

from calibench.cli.app import app
from calibench.targets import kept_trying, ssh_login
from calibench.targets.bundle import OUT
from calibench.targets.carried_progress import CarriedProgress
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.run_bundle import run_bundle
from calibench.things.target_spec import TargetSpec

pytestmark = [pytest.mark.targets, pytest.mark.root]

BIG = 6_000_000
"""Bytes that travel in many pieces."""


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    with shared_python() as found:
        yield found


@pytest.fixture(scope="module")
def lab(the_ssh_server: SshServer) -> Iterator[Host]:
    """A machine with an sshd that lets the user of the usual one in, with the same keys."""
    with network_hosts(1) as (host,), sshd_on(the_ssh_server, host):
        yield host


@pytest.fixture
def spec(ssh_server: SshServer, lab: Host, python: Path) -> Iterator[TargetSpec]:
    """How the machine is reached; at the end nothing of a job is left there."""
    lab.plug()
    yield ssh_server.spec(host=lab.address, port=PORT, python=str(python))
    lab.plug()
    assert not list((ssh_server.here / "home").glob("jobs/*"))


class Cable:
    """Pulls the cable once, as soon as a job is somewhere, and plugs it in when the cut was noticed."""

    def __init__(self, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        self._host, self._patch = host, monkeypatch
        self.is_pulled = False
        wait = kept_trying.Patience.wait

        async def noticed(patience: kept_trying.Patience, *words: object) -> None:
            self._host.plug()
            await wait(patience, *words)  # type: ignore[arg-type]

        monkeypatch.setattr(kept_trying.Patience, "wait", noticed)

    def pull_when(self, method: str, is_there: Callable[..., bool]) -> None:
        """After a call of a method of CarriedProgress, where its arguments or its state say so."""
        before = getattr(CarriedProgress, method)

        def call(tell: CarriedProgress, *given: object, **named: object) -> None:
            before(tell, *given, **named)
            if not self.is_pulled and is_there(tell, *given):
                self.is_pulled = True
                self._host.pull()

        self._patch.setattr(CarriedProgress, method, call)


@pytest.fixture
def cable(lab: Host, monkeypatch: pytest.MonkeyPatch) -> Cable:
    """With a machine that is asked sooner whether it is there, so that tests need not wait long."""
    monkeypatch.setattr(ssh_login, "ALIVE_S", 0.7)
    monkeypatch.setattr(kept_trying, "FIRST_S", 0.05)
    return Cable(lab, monkeypatch)


def notes(job: Path) -> str:
    return "\n".join(event["text"] for event in told(job, "note"))


def test_a_pulled_cable_in_the_upload_and_in_the_download(
    spec: TargetSpec, lab: Host, cable: Cable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(RemoteMachine, "environment", played)
    own = spec.model_dump(exclude_unset=True, exclude={"home"})
    for stage in ("upload", "download"):
        cable.is_pulled = False
        cable.pull_when("stage", lambda _tell, name, *_more, stage=stage: name == stage)
        job = play(tmp_path / stage, Path(spec.home), {"size": BIG // 256 * 256}, **own)
        (tmp_path / f"{stage}-data/big.bin").write_bytes(bytes(range(250)) * (BIG // 250))
        assert run_bundle(job).state == "done", stage
        assert cable.is_pulled
        assert re.fullmatch(r"The connection to \S+ was lost; trying again\.\nThe connection is back\.", notes(job)), (
            stage
        )
        assert (job / OUT / "model.bin").read_bytes() == bytes(range(256)) * (BIG // 256)


def test_a_calibration_goes_on_while_the_cable_is_out_and_its_model_comes(
    spec: TargetSpec, lab: Host, cable: Cable, tmp_path: Path, resnet: Path, clothes: Path
) -> None:
    def run(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], env={"NO_COLOR": "1"})

    data = ("--data-dir", tmp_path / "data")
    options = ("--key", spec.key, "--host-key", spec.host_key, "--python", spec.python, "--home", spec.home)
    assert run("target", "add", "lab", spec.address, *options, *data).exit_code == 0
    cable.pull_when("take_over", lambda tell, *_: tell.events_at > 0)
    words = ("calibrate", resnet, "--dataset", clothes, "--no-benchmark", "--mean", "72.9", "--scale", "90.0", "-o")
    there = run(*words, tmp_path / "there", "--target", "lab", *data)
    assert there.exit_code == 0, there.stderr
    assert cable.is_pulled
    assert "was lost; trying again" in there.stderr and "The connection is back." in there.stderr
    assert run(*words, tmp_path / "here").exit_code == 0
    for name in ("model.xml", "model.bin"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
