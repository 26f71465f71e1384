"""What a look at a target says, where nothing answers; keys of hosts and of users."""

import asyncio
import socket
from pathlib import Path

import asyncssh
import pytest

from calibench.errors import TargetError
from calibench.targets.bundle import Bundle
from calibench.targets.bundle_files import write_bundle
from calibench.targets.run_bundle import run_bundle
from calibench.targets.target_check import as_fault, as_host_key, check_target, clean_target, needs_passphrase
from calibench.things.target_spec import TargetSpec

pytestmark = pytest.mark.targets


def faults(spec: TargetSpec) -> list[tuple[str, str]]:
    found = asyncio.run(check_target(spec))
    assert found["machine"] is None
    return [(fault.cause, fault.sentence) for fault in found["faults"]]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_what_does_not_answer_is_a_fault_and_no_error() -> None:
    ((cause, sentence),) = faults(TargetSpec(kind="ssh", host="127.0.0.1", port=free_port(), user="me"))
    assert (cause, "refused at port" in sentence) == ("unreachable", True)


def test_the_job_of_a_look_is_done_whatever_it_finds(tmp_path: Path) -> None:
    spec = TargetSpec(kind="ssh", host="127.0.0.1", port=free_port(), user="me")
    write_bundle(Bundle(kind="machine", target=spec), tmp_path / "job")
    end = run_bundle(tmp_path / "job")
    assert (end.state, end.result["machine"], end.result["faults"][0]["cause"]) == ("done", None, "unreachable")


def test_a_cluster_without_scheduler_or_certificate_says_so(tmp_path: Path) -> None:
    address = f"tls://127.0.0.1:{free_port()}"
    assert "--tls-ca  is no file" in faults(TargetSpec(kind="dask", scheduler=address))[0][1]
    lost = TargetSpec(kind="dask", scheduler=address, tls_ca=tmp_path / "ca.pem")
    assert "ca.pem: there is no such file" in faults(lost)[0][1]
    with pytest.raises(TargetError, match="nothing to clean"):
        asyncio.run(clean_target(lost))


def test_an_error_is_what_is_wrong_and_its_mend() -> None:
    fault = as_fault(TargetError("me@lab: refused. Is it on? Look there."), "unreachable")
    assert (fault.sentence, fault.mend) == ("me@lab: refused.", "Is it on? Look there.")


@pytest.mark.parametrize("line", ["{key}", "[lab]:2222 {key}", "lab,10.0.0.1 {key} a comment"])
def test_a_host_key_is_read_as_known_hosts_writes_it(line: str) -> None:
    made = asyncssh.generate_private_key("ssh-ed25519")
    key = made.export_public_key().decode().strip()
    found = as_host_key(line.format(key=key))
    assert (found.key, found.kind, found.fingerprint) == (key, "ssh-ed25519", made.get_fingerprint())


def test_what_is_no_key_is_refused() -> None:
    with pytest.raises(TargetError, match="host key"):
        as_host_key("yes")


def test_a_locked_key_needs_its_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "open")
    key.write_private_key(tmp_path / "locked", passphrase="secret")
    for name, needed in (("open", False), ("locked", True)):
        spec = TargetSpec(kind="ssh", host="lab", key=tmp_path / name)
        assert asyncio.run(needs_passphrase(spec)) is needed
    assert asyncio.run(needs_passphrase(TargetSpec(kind="slurm"))) is False
