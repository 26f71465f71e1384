"""A Dask scheduler and two workers with TLS, each on a host of its own; the cable of one is pulled in the middle."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from network_hosts import Host, network_hosts
from typer.testing import CliRunner, Result

from calibench.cli.app import app
from calibench.spread.team import Team

pytestmark = [pytest.mark.targets, pytest.mark.root]

SHORTEST_S = 11
"""Dask takes no shorter silence of a connection for its end."""


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that signs itself, for all, and its key."""
    from distributed.security import Security

    made = Security.temporary()  # type: ignore[no-untyped-call]
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_text(made.tls_ca_file)
    key.write_text(made.tls_client_key)
    return cert, key


@pytest.fixture(scope="module")
def farm(tls: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Host]]:
    """The address of the scheduler, and the host of one of its two workers."""
    cert, key = tls
    files = ("--tls-ca-file", cert, "--tls-cert", cert, "--tls-key", key, "--no-dashboard")
    scratch = tmp_path_factory.mktemp("scratch")
    with network_hosts(3) as (head, one, other), ExitStack() as stack:
        words = ("scheduler", "--protocol", "tls", "--host", head.address, "--port", "8786", *files)
        address = f"tls://{head.address}:8786"
        _dask(stack, head, "Scheduler at:", *words)
        for host in (one, other):
            more = (
                "--no-nanny",
                "--nthreads",
                "1",
                "--memory-limit",
                "0",
                "--local-directory",
                scratch / host.namespace,
            )
            _dask(stack, host, "Registered to:", "worker", address, "--host", host.address, *more, *files)
        yield address, other


def _dask(stack: ExitStack, host: Host, until: str, *words: str | Path) -> None:
    """`dask WORDS` on a host, until it says something; it ends with the block."""
    quick = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": f"{SHORTEST_S}s", "OMP_NUM_THREADS": "1"}
    started = subprocess.Popen(
        [*host.within, sys.executable, "-m", "dask", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **quick},
    )

    def end() -> None:
        started.kill()
        started.communicate()

    stack.callback(end)
    assert started.stderr is not None
    assert any(until in line for line in started.stderr)


def test_a_calibration_loses_nothing_with_a_worker_whose_cable_is_pulled(
    farm: tuple[str, Host],
    tls: tuple[Path, Path],
    tmp_path: Path,
    resnet: Path,
    clothes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], env={"NO_COLOR": "1"})

    (address, host), (cert, key) = farm, tls
    data = ("--data-dir", tmp_path / "data")
    assert (
        run(
            "target", "add", "farm", "dask", address, "--tls-ca", cert, "--tls-cert", cert, "--tls-key", key, *data
        ).exit_code
        == 0
    )
    taken, before = [], Team._taken

    def pull(team: Team, *given: object) -> object:
        found = before(team, *given)  # type: ignore[arg-type]
        taken.append(len(team.client.nthreads()))
        if len(taken) == 1:
            host.pull()
        return found

    monkeypatch.setattr(Team, "_taken", pull)
    words = ("calibrate", resnet, "--dataset", clothes, "--validation", clothes, "--max-drop", "0", "--max-trials", "2",
             "--no-benchmark", "--no-repair", "--mean", "72.9", "--scale", "90.0", "-o")  # fmt: skip
    there = run(*words, tmp_path / "there", "--target", "farm", *data)
    assert there.exit_code in (0, 3), there.stderr
    assert (taken[0], taken[-1]) == (2, 1), taken
    here = run(*words, tmp_path / "here")
    assert here.exit_code == there.exit_code, here.stderr
    for name in ("model.xml", "model.bin"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
