"""A Slurm of Debian's packages `slurm-wlm` and `munge`: two nodes on this machine, for the time of some tests.

It needs root (Slurm has a user for each job) and nothing else: no systemd, no folder of the system, no fixed port.
The daemons are children of the tests, so that they end with them even where the tests are killed.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "scontrol", "sinfo", "setpriv")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
NODES = ("n1", "n2")
READY_S = 120.0
GONE_S = 5.0
SETTINGS = """\
ClusterName=calibench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2
ReturnToService=1
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MessageTimeout=5
KillWait=5
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={n1} CPUs=1 RealMemory=2000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={n2} CPUs=1 RealMemory=2000 Feature=amx
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=n2 MaxTime=00:30:00 State=UP
PartitionName=closed Nodes=n1 AllowAccounts=owners State=UP
"""


def is_installed() -> bool:
    """Whether the programs are there and may be used."""
    return os.geteuid() == 0 and all(shutil.which(program, path=PATH) for program in PROGRAMS)


@dataclass
class SlurmCluster:
    """The cluster that runs. `settings`: path of its slurm.conf, the value of SLURM_CONF."""

    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]]

    @property
    def settings(self) -> Path:
        return self.folder / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        """What its commands need."""
        return {"SLURM_CONF": str(self.settings)}

    def command(self, *words: str) -> str:
        """What one of its commands said.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        done = subprocess.run(words, env=self._whole, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
        return done.stdout.decode()

    def start(self, name: str) -> None:
        """Start a daemon: munged, slurmctld, or slurmd on a node (its name)."""
        if name == "munged":
            place = self.folder / "munge"
            who = ["setpriv", "--reuid=munge", "--regid=munge", "--init-groups", "--pdeathsig=KILL"]
            files = [f"--{what}={place / what.removesuffix('-file')}" for what in ("key-file", "pid-file", "seed-file")]
            line = [*who, "munged", "-F", f"--socket={place}/socket", f"--log-file={place}/log", *files]
        elif name == "slurmctld":
            line = ["setpriv", "--pdeathsig=KILL", "slurmctld", "-D", "-f", str(self.settings)]
        else:
            line = ["setpriv", "--pdeathsig=KILL", "slurmd", "-D", "-f", str(self.settings), "-N", name]
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                line, env=self._whole, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """A daemon dies at once, as with its machine; the controller writes what it knows, lest numbers recur."""
        daemon = self.daemons.pop(name)
        (daemon.terminate if name == "slurmctld" else daemon.kill)()
        daemon.wait(READY_S)

    def until(self, words: tuple[str, ...], is_so: str) -> None:
        """Wait until a command says just this (blanks do not count).

        Raises:
            TimeoutError: it does not.
        """
        end = time.monotonic() + READY_S
        said = ""
        while time.monotonic() < end:
            with contextlib.suppress(subprocess.CalledProcessError):
                said = " ".join(self.command(*words).split())
                if said == is_so:
                    return
            time.sleep(0.1)
        raise TimeoutError(f"{' '.join(words)} said {said!r} for {READY_S:.0f} s, not {is_so!r}; see {self.folder}")

    def until_idle(self) -> None:
        """Wait until both nodes wait for work."""
        self.until(("sinfo", "--noheader", "--partition=main", "-N", "-o", "%N %t"), "n1 idle n2 idle")

    def jobs(self) -> list[str]:
        """The numbers of jobs that wait or run, whoever they are of."""
        return self.command("squeue", "--noheader", "-o", "%i").split()

    def restore(self) -> None:
        """Both nodes and the controller again, and no job."""
        for name in ("slurmctld", *NODES):
            if name not in self.daemons or self.daemons[name].poll() is not None:
                self.start(name)
        self.until(("sh", "-c", "scontrol ping | grep -c UP"), "1")
        self.until(("sh", "-c", "sinfo --noheader -N -o %t | grep -c unk || true"), "0")  # a job is not ended on such
        if jobs := self.jobs():
            for how in (("--signal=KILL", "--full"), ()):
                with contextlib.suppress(subprocess.CalledProcessError):  # one of them is at its end already
                    self.command("scancel", *how, *jobs)
        for node in NODES:
            with contextlib.suppress(subprocess.CalledProcessError):  # it is up already
                self.command("scontrol", "update", f"NodeName={node}", "State=RESUME")
        self.until_idle()

    def stop(self) -> None:
        """End it, its jobs too, and remove its folder."""
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(GONE_S)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for number in _told_of(self.folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        shutil.rmtree(self.folder)

    @property
    def _whole(self) -> dict[str, str]:
        return {"PATH": PATH, **self.environment}


@contextlib.contextmanager
def running() -> Iterator[SlurmCluster]:
    """A cluster of two nodes, idle; it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # not of pytest: munged refuses folders that only root may enter
    folder.chmod(0o755)
    cluster = SlurmCluster(folder, {})
    try:
        _lay(cluster)
        for name in ("munged", "slurmctld", *NODES):
            cluster.start(name)
            if name == "munged":
                _wait_for(folder / "munge" / "socket")
        cluster.until_idle()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[SlurmCluster]:
    """A cluster that the tests of one run share."""
    if not is_installed():
        pytest.skip("needs root and Slurm: apt-get install slurm-wlm munge")
    with running() as cluster:
        yield cluster


@pytest.fixture
def slurm(slurm_cluster: SlurmCluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    """The shared cluster, idle before the test and whole after it; its commands find it (SLURM_CONF is set)."""
    for name, value in slurm_cluster.environment.items():
        monkeypatch.setenv(name, value)
    yield slurm_cluster
    slurm_cluster.restore()


def _lay(cluster: SlurmCluster) -> None:
    """Write its files and folders."""
    place = cluster.folder / "munge"
    (cluster.folder / "state").mkdir()
    place.mkdir(mode=0o755)
    key = place / "key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    for path in (place, key):
        shutil.chown(path, "munge", "munge")
    ports = _free_ports(3)
    names = dict(zip(("control", *NODES), ports, strict=True))
    host = socket.gethostname().partition(".")[0]
    cluster.settings.write_text(SETTINGS.format(host=host, folder=cluster.folder, **names), "utf-8")


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens to, each another one."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _wait_for(path: Path) -> None:
    end = time.monotonic() + READY_S
    while not path.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"{path} does not come")
        time.sleep(0.02)


def _told_of(folder: Path) -> list[int]:
    """Processes that were started by the cluster: their environment or command line names its folder."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdecimal() and int(place.name) != os.getpid():
            with contextlib.suppress(OSError):
                told = (place / "environ").read_bytes() + (place / "cmdline").read_bytes()
                if f"{folder}/".encode() in told:
                    found.append(int(place.name))
    return found
