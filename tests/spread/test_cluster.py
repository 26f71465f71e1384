"""Clusters: processes of this machine, or those of a scheduler somewhere, over TLS; what is missing is said."""

import asyncio
import datetime
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from spread_samples import compiled, graph, samples, validation

from calibench.errors import SettingsError, TargetError
from calibench.progress import silent
from calibench.search.values import Limit
from calibench.settings import Settings
from calibench.spread import cluster, held
from calibench.spread.opened_helpers import open_helpers
from calibench.spread.spread_validation import SpreadValidation
from calibench.spread.team import open_team
from calibench.targets.target_check import check_target
from calibench.things.target_spec import TargetSpec

pytestmark = pytest.mark.targets

LIMIT = [Limit("top1", 1.0)]


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem = serialization.Encoding.PEM
    cert, secret = folder / f"{name}.pem", folder / f"{name}-key.pem"
    cert.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    secret.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return cert, secret


def dask(stack: ExitStack, *words: str | Path) -> subprocess.Popen[str]:
    """`dask WORDS` as a process of its own, which ends with the test."""
    started = subprocess.Popen(
        [sys.executable, "-m", "dask", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )

    def end() -> None:
        started.terminate()
        started.communicate()

    stack.callback(end)
    return started


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TargetSpec]:
    """A scheduler and two workers with TLS."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = certificate(folder, "calibench")
    tls = ("--tls-ca-file", cert, "--tls-cert", cert, "--tls-key", key)
    with ExitStack() as stack:
        scheduler = dask(
            stack, "scheduler", "--protocol", "tls", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", *tls
        )
        assert scheduler.stderr is not None
        said = next(line for line in scheduler.stderr if "Scheduler at:" in line)
        address = said.split()[-1]
        scratch = ("--local-directory", folder / "scratch", "--nthreads", "1", "--no-dashboard", "--memory-limit", "0")
        for _ in range(2):
            dask(stack, "worker", address, "--host", "127.0.0.1", *scratch, *tls)
        yield TargetSpec(kind="dask", scheduler=address, tls_ca=cert, tls_cert=cert, tls_key=key)


def test_over_tls_the_outcome_is_that_of_one_process(secure: TargetSpec) -> None:
    judged = validation(samples(230))
    with open_team(secure) as team:
        team.client.wait_for_workers(2, timeout=300)
        model = SpreadValidation(team, "CPU", "f32")(graph(0.8), judged)
        assert judged.evaluate(model, LIMIT, silent) == judged.evaluate(compiled(0.8), LIMIT, silent)
        assert all(worker.startswith("tls://") for worker in team.client.nthreads())


def test_a_check_tells_of_each_worker_and_whether_its_results_are_those_of_this_machine(
    secure: TargetSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_team(secure) as team:
        team.client.wait_for_workers(2, timeout=60)
    found = asyncio.run(check_target(secure))
    assert found["faults"] == ()
    assert [row["build"] for row in found["machine"]["workers"]] == [held.build_of()] * 2
    here = held.build_of()
    monkeypatch.setattr(held, "build_of", lambda: {**here, "CPU flags": "amx_int8"})
    (fault,) = asyncio.run(check_target(secure))["faults"]
    assert "has CPU flags" in fault.sentence and "this machine amx_int8" in fault.sentence


def test_a_check_of_a_stranger_says_that_nobody_answers(secure: TargetSpec, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "stranger")
    spec = secure.model_copy(update={"tls_ca": cert, "tls_cert": cert, "tls_key": key})
    found = asyncio.run(check_target(spec))
    assert found["machine"] is None
    assert "does not answer" in found["faults"][0].sentence


def test_a_stranger_with_a_certificate_of_another_authority_is_refused(
    secure: TargetSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT_S", 3)
    cert, key = certificate(tmp_path, "stranger")
    spec = secure.model_copy(update={"tls_ca": cert, "tls_cert": cert, "tls_key": key})
    with pytest.raises(TargetError, match="the scheduler cannot be reached"), open_team(spec):
        pass


def test_a_missing_certificate_is_named(secure: TargetSpec) -> None:
    spec = secure.model_copy(update={"tls_key": None})
    with pytest.raises(SettingsError, match="--tls-key  is no file"), open_team(spec):
        pass


def test_a_scheduler_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT_S", 1)
    monkeypatch.setitem(cluster.QUIET, "distributed.comm.timeouts.connect", "1s")
    spec = TargetSpec(kind="dask", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(TargetError, match=r"tcp://127\.0\.0\.1:9: the scheduler cannot be reached"), open_team(spec):
        pass


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    sentence = r"--workers 2 needs Dask. Install it: pip install 'calibench\[targets\]'"
    with pytest.raises(SettingsError, match=sentence), open_helpers(2, Settings()):
        pass


@pytest.mark.parametrize("workers", [0, 1])
def test_one_worker_is_this_process(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dask", None)
    with open_helpers(workers, Settings()) as helpers:
        assert helpers == (None, None)
