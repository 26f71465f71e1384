"""Workers that Calibench starts itself, over a real SSH and by a real Slurm: the bytes of one process, nothing left."""

import os
import shutil
import signal
import stat
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from carried_ways import Way, carrier, wait_for
from network_hosts import network_hosts
from network_sshd import PORT, sshd_on
from shared_python import shared_python
from slurm_cluster import SlurmCluster
from ssh_server import SshServer
from told_events import INPUTS, told

from calibench.errors import TargetError
from calibench.pipeline import calibrate
from calibench.settings import make_settings
from calibench.spread.held import build_of
from calibench.spread.team import open_team
from calibench.targets.bundle import Bundle
from calibench.targets.bundle_files import read_end, write_bundle
from calibench.targets.dask_start import opened_workers
from calibench.targets.run_bundle import run_bundle
from calibench.things.target_spec import TargetSpec, WorkerHost

pytestmark = pytest.mark.targets

ATTEMPTS, ENDS_S = 3, 240.0
"""For a calibration whose queue cancelled it, once in some ten runs of this file, or never brought it to its end, once;
who did that is not known. The logs that a warning shows are to tell."""
LOG_END = 6000
"""Characters of each of them."""
BYTES = ("model.xml", "model.bin")
ACCURACY = {"max_drop": 0.0, "front": 0, "repair": "off", "max_trials": 3}


@pytest.fixture(scope="module")
def python() -> Iterator[Path]:
    with shared_python() as found:
        yield found


@pytest.fixture(scope="module")
def pictures(clothes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The clothes where every user of this machine finds them."""
    folder = Path("/tmp") / f"cb-clothes-{os.getpid()}"
    shutil.copytree(clothes, folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def alone(resnet: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """What one process makes of a short search, and the settings with the times of layers that it took."""
    folder = tmp_path_factory.mktemp("alone")
    values = {**INPUTS, "method": "accuracy-aware", "accuracy": ACCURACY, "diagnose": False}
    write_bundle(Bundle.model_validate(bundle(resnet, pictures, values)), folder / "job")
    assert run_bundle(folder / "job").state == "done"
    out = folder / "job/out"
    return out, {**values, "accuracy": {**ACCURACY, "timings": out / "timings.json"}}


@pytest.fixture
def hosts(ssh_server: SshServer, python: Path) -> TargetSpec:
    """Two machines, which are one."""
    spec = ssh_server.spec(python=str(python))
    host = WorkerHost(host="127.0.0.1", port=spec.port, user=spec.user, host_key=spec.host_key)
    named = {"key": spec.key, "python": spec.python, "home": spec.home, "workers": 1}
    return TargetSpec(kind="dask", hosts=(host, host), **named)


def bundle(model: Path, dataset: Path, settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "calibrate", "model": model, "dataset": dataset, "settings": settings, "benchmark": False, **more}


def workers(whose: SshServer | Path) -> list[psutil.Process]:
    """Processes that work for a cluster, their nannies first: of a user, or of jobs whose files lie in a folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            line = " ".join(process.cmdline())
            is_own = process.username() == whose.user if isinstance(whose, SshServer) else str(whose) in line
            if "distributed.cli.dask_worker" in line and "--tls-key" in line and is_own:
                found += [process, *process.children(recursive=True)]
    return found


def is_gone(server: SshServer) -> bool:
    """Neither a worker nor its folder is there."""
    folders = [path for path in Path("/tmp").glob("calibench-workers-*") if _owner(path) == server.user]
    return not workers(server) and not folders


def _owner(path: Path) -> str:
    with suppress(OSError, KeyError):
        return path.owner()
    return ""


def test_a_search_spread_over_two_machines_has_the_bytes_of_one_process_though_a_worker_is_killed(
    hosts: TargetSpec,
    ssh_server: SshServer,
    resnet: Path,
    pictures: Path,
    alone: tuple[Path, dict[str, Any]],
    tmp_path: Path,
) -> None:
    killed: list[psutil.Process] = []

    def kill_one(stage: str, done: int, total: int) -> None:
        if not killed:
            killed.append(next(each for each in workers(ssh_server) if "spawn_main" in " ".join(each.cmdline())))
            killed[0].kill()

    with opened_workers(hosts, print) as cluster:
        assert cluster.scheduler is not None and cluster.scheduler.startswith("tls://127.0.0.1:")
        assert cluster.tls_key is not None and stat.S_IMODE(cluster.tls_key.stat().st_mode) == 0o600
        with open_team(cluster) as team:
            assert len(team.client.nthreads()) == 2
            assert all(found == build_of() for found in team.client.run(build_of).values())
        settings = make_settings(alone[1])
        out = tmp_path / "out"
        calibrate(resnet, pictures, settings, out, benchmark=False, progress=kill_one, workers=cluster)
    assert killed
    assert [(out / name).read_bytes() for name in BYTES] == [(alone[0] / name).read_bytes() for name in BYTES]
    wait_for(lambda: is_gone(ssh_server))


def test_machines_without_the_samples_get_them_once_and_keep_no_job(
    hosts: TargetSpec,
    ssh_server: SshServer,
    resnet: Path,
    clothes: Path,
    alone: tuple[Path, dict[str, Any]],
    tmp_path: Path,
) -> None:
    one = hosts.model_copy(update={"hosts": hosts.hosts[:1]})  # its user may not look into the folder of the samples
    for name, is_sent in (("first", True), ("again", False)):
        job = tmp_path / name
        write_bundle(Bundle.model_validate(bundle(resnet, clothes, alone[1], target=one)), job)
        end = run_bundle(job)
        assert end.state == "done", end
        assert [(job / "out" / each).read_bytes() for each in BYTES] == [
            (alone[0] / each).read_bytes() for each in BYTES
        ]
        assert any("of samples are sent there" in each["text"] for each in told(job, "note")) == is_sent
        uploads = [each for each in told(job, "progress") if each["stage"] == "upload"]
        assert bool(uploads) == is_sent
        wait_for(lambda: is_gone(ssh_server))
    kept = ssh_server.here / "home"
    assert list((kept / "jobs").iterdir()) == []
    assert list((kept / "blobs").iterdir())


def test_workers_end_with_a_calibration_that_is_cancelled(
    hosts: TargetSpec, ssh_server: SshServer, resnet: Path, pictures: Path, tmp_path: Path
) -> None:
    job = Way("dask", hosts, tmp_path).write(tmp_path / "job", **bundle(resnet, pictures, INPUTS))
    process = carrier(job)
    wait_for(lambda: workers(ssh_server))
    process.terminate()
    process.wait()
    end = read_end(job)
    assert end is not None and end.state == "cancelled"
    wait_for(lambda: is_gone(ssh_server))


def test_a_machine_that_is_not_the_one_that_was_confirmed_gets_no_worker(
    hosts: TargetSpec, ssh_server: SshServer
) -> None:
    other = hosts.hosts[1].model_copy(update={"host_key": ssh_server.other_host_key})
    spec = hosts.model_copy(update={"hosts": (hosts.hosts[0], other)})
    with pytest.raises(TargetError, match="its host key has changed"), opened_workers(spec, print):
        pass
    assert is_gone(ssh_server)


@pytest.mark.root
def test_machines_of_a_network_reach_this_one_and_each_other_in_it(ssh_server: SshServer, python: Path) -> None:
    with network_hosts(2) as machines, ExitStack() as stack:
        for each in machines:
            stack.enter_context(sshd_on(ssh_server, each))
        spec = ssh_server.spec(python=str(python))
        key = {"port": PORT, "user": spec.user, "host_key": spec.host_key}
        hosts = tuple(WorkerHost(host=each.address, **key) for each in machines)
        named = {"key": spec.key, "python": spec.python, "home": spec.home, "workers": 1}
        cluster = stack.enter_context(opened_workers(TargetSpec(kind="dask", hosts=hosts, **named), print))
        own = machines[0].address.rpartition(".")[0]
        assert cluster.scheduler is not None and cluster.scheduler.startswith(f"tls://{own}.1:")
        with open_team(cluster) as team:
            found = sorted(address.split(":")[1] for address in team.client.nthreads())
            assert found == [f"//{each.address}" for each in machines]
            parts = [team.client.submit(int, number, workers=[f"{each.address}"], pure=False)
                     for number, each in enumerate(machines, 1)]  # fmt: skip
            assert team.client.submit(sum, parts).result() == 3
    wait_for(lambda: is_gone(ssh_server))


def test_an_address_that_this_machine_does_not_have_is_refused(hosts: TargetSpec) -> None:
    spec = hosts.model_copy(update={"listen": "192.0.2.99"})
    with (
        pytest.raises(TargetError, match=r"192\.0\.2\.99: this machine cannot listen there"),
        opened_workers(spec, print),
    ):
        pass


@pytest.mark.root
def test_jobs_of_a_queue_share_a_calibration_and_end_with_it(
    slurm: SlurmCluster, resnet: Path, clothes: Path, alone: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    spec = TargetSpec(kind="dask", worker_queue="slurm", workers=2, home=str(tmp_path / "home"))
    write_bundle(Bundle.model_validate(bundle(resnet, clothes, alone[1], target=spec)), tmp_path / "job")
    end = run_bundle(tmp_path / "job")
    assert end.state == "done", end
    for name in BYTES:
        assert (tmp_path / "job/out" / name).read_bytes() == (alone[0] / name).read_bytes()
    wait_for(lambda: not slurm.jobs() and not workers(tmp_path))
    assert list((tmp_path / "home").rglob("*")) == []


@pytest.mark.root
def test_a_job_of_a_queue_behind_a_login_node_starts_more_jobs_to_share_the_calibration(
    login_node: SshServer,
    python: Path,
    slurm: SlurmCluster,
    resnet: Path,
    clothes: Path,
    alone: tuple[Path, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    for attempt in range(ATTEMPTS):
        home = login_node.here / f"home{attempt}"
        where = {"python": str(python), "home": f"{login_node.folder}/{home.name}"}
        spec = login_node.spec(kind="dask", worker_queue="slurm", workers=1, **where)
        job = Way("dask", spec, home).write(tmp_path / home.name, **bundle(resnet, clothes, alone[1]))
        most = jobs_while_it_runs(slurm, job)
        end = read_end(job)
        if end is not None and "cancelled in the queue" not in str(end.failure):
            break
        warnings.warn(f"attempt {attempt}: {end}\n{what_was(slurm, job)}", stacklevel=1)
        slurm.restore()
    assert end is not None and end.state == "done", end
    assert most == 2
    for name in BYTES:
        assert (job / "out" / name).read_bytes() == (alone[0] / name).read_bytes()
    wait_for(lambda: not slurm.jobs() and not workers(login_node))
    assert [path.name for path in (home / "jobs").iterdir()] == []
    assert list(home.glob("workers*")) == []


def jobs_while_it_runs(slurm: SlurmCluster, job: Path) -> int:
    """Carry a job to its end; the most jobs that the queue had. One that does not end writes where it stands."""
    most, end, process = 0, time.monotonic() + ENDS_S, carrier(job)
    while process.poll() is None:
        most = max(most, len(slurm.jobs()))
        if time.monotonic() > end:
            process.send_signal(signal.SIGABRT)
            process.wait()
        time.sleep(0.2)
    return most


def what_was(slurm: SlurmCluster, job: Path) -> str:
    """What is to be known of a job that its queue did not bring to an end."""
    logs = [job / "log.txt", *(slurm.folder / f"{name}.log" for name in ("slurmctld", "slurmd.n1", "slurmd.n2"))]
    parts = [f"{path.name}:\n{path.read_text(errors='replace')[-LOG_END:]}" for path in logs if path.exists()]
    return "\n".join((slurm.command("squeue", "--long"), slurm.command("sinfo", "--long", "--Node"), *parts))


@pytest.mark.root
def test_jobs_that_wait_in_the_queue_go_with_a_calibration_that_is_cancelled(
    slurm: SlurmCluster, resnet: Path, clothes: Path, tmp_path: Path
) -> None:
    for node in ("n1", "n2"):
        slurm.command("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    spec = TargetSpec(kind="dask", worker_queue="slurm", home=str(tmp_path / "home"))
    job = Way("dask", spec, tmp_path).write(tmp_path / "job", **bundle(resnet, clothes, INPUTS))
    process = carrier(job)
    wait_for(lambda: told(job, "note"))
    assert "wait in the queue" in told(job, "note")[0]["text"]
    assert len(slurm.jobs()) == 2
    process.terminate()
    process.wait()
    end = read_end(job)
    assert end is not None and end.state == "cancelled"
    wait_for(lambda: not slurm.jobs())


@pytest.mark.root
def test_jobs_of_pbs_are_workers_too(slurm: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    spec = TargetSpec(kind="dask", worker_queue="pbs", workers=1, listen="127.0.0.1", home=str(tmp_path))
    with opened_workers(spec, print) as cluster, open_team(cluster) as team:
        assert len(team.client.nthreads()) == 1
    wait_for(lambda: not slurm.jobs() and not workers(tmp_path))
    assert [path.name for path in tmp_path.rglob("*")] == ["here"]


@pytest.mark.root
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"memory_mb": 10**7}, "Slurm: refused the workers: "),
        ({"queue": "short", "walltime_s": 10**6}, "workers can never run: Partition"),
        ({"queue": "nope"}, "has no node in the queue nope"),
    ],
)
def test_a_queue_in_which_no_worker_can_run_says_why(
    slurm: SlurmCluster, tmp_path: Path, asked: dict[str, Any], said: str
) -> None:
    spec = TargetSpec.model_validate({"kind": "dask", "worker_queue": "slurm", "home": str(tmp_path), "queue": asked})
    with pytest.raises(TargetError, match=said), opened_workers(spec, print):
        pass
    assert not slurm.jobs()
