"""How a target is reached and what it is told: a machine over SSH, a batch queue, a cluster of workers."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from calibench.settings import Frozen

TargetKind = Literal["local", "ssh", "slurm", "pbs", "dask"]
QUEUES: tuple[TargetKind, ...] = ("slurm", "pbs")
QueueKind = Literal["slurm", "pbs"]


class QueueSettings(Frozen):
    """What a batch queue is asked for; None: as the queue itself has it."""

    queue: str | None = Field(None, description="partition of Slurm, queue of PBS")
    node_type: str | None = Field(None, description="feature of a node: --constraint of Slurm, a property of PBS")
    account: str | None = Field(None, description="that the time is charged to")
    walltime_s: int | None = Field(None, description="seconds after which the queue ends a job", ge=60)
    cores: int = Field(1, description="of one node", ge=1)
    memory_mb: int | None = Field(None, description="of one node", ge=1)


class WorkerHost(Frozen):
    """A machine over SSH on which workers of a cluster are started; the fields are those of TargetSpec."""

    host: str
    port: int = Field(22, ge=1, le=65535)
    user: str | None = None
    host_key: str | None = None

    @property
    def address(self) -> str:
        """As a person writes it."""
        return _ssh_address(self.host, self.port, self.user)


class TargetSpec(Frozen):
    """One target. Nothing secret stands here: keys are files, passphrases are asked for or held by ssh-agent."""

    kind: TargetKind = "local"
    host: str | None = Field(None, description="reached over SSH; of a queue its login node; None: this machine")
    port: int = Field(22, ge=1, le=65535)
    user: str | None = Field(None, description="there; None: the name of the user here")
    key: Path | None = Field(None, description="private key file; None: ssh-agent and the keys in ~/.ssh")
    host_key: str | None = Field(
        None, description="public key of the host that a person confirmed, as in known_hosts; None: known_hosts decides"
    )
    python: str = Field("python3", description="program there that runs Calibench, or makes the environment for it")
    wheels: Path | None = Field(None, description="folder of wheels to install from where the target has no network")
    home: str = Field(".cache/calibench", description="the one folder there that is written to, from the user's home")
    queue: QueueSettings = QueueSettings()
    scheduler: str | None = Field(None, description="of a cluster that runs already: tls://host:port")
    hosts: tuple[WorkerHost, ...] = Field(
        (), max_length=1000, description="of a cluster that is started for each calibration: machines over SSH"
    )
    worker_queue: QueueKind | None = Field(
        None, description="of a cluster that is started for each calibration: queue here or of `host`; jobs are workers"
    )
    workers: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="that are started; of each SSH machine (None: as it has cores), or of the queue in all (None: 2)",
    )
    listen: str | None = Field(
        None, description="address of this machine that started workers reach; None: found out from the first of them"
    )
    tls_ca: Path | None = Field(None, description="certificate that both sides trust")
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @property
    def is_here(self) -> bool:
        """Whether the machine of this process does the work itself, in a process of its own."""
        return self.kind == "local"

    @property
    def is_carried(self) -> bool:
        """Whether a whole job is brought to where this target is, and its result fetched from there."""
        return self.kind == "ssh" or self.kind in QUEUES or (self.kind == "dask" and self.host is not None)

    @property
    def carrier(self) -> "TargetSpec":
        """What does a whole job that is carried: this target; of a cluster behind a login node, the queue there."""
        if self.kind != "dask" or self.worker_queue is None:
            return self
        of_cluster = {"worker_queue": None, "workers": None, "listen": None}
        return self.model_copy(update={"kind": self.worker_queue, **of_cluster})

    @property
    def there(self) -> "TargetSpec | None":
        """The target of a job that was carried: none, but for a cluster, whose workers are started from there."""
        if self.kind != "dask":
            return None
        names = ("kind", "worker_queue", "queue", "workers", "listen", "home")
        return TargetSpec(**{name: getattr(self, name) for name in names})

    def of_host(self, host: WorkerHost) -> "TargetSpec":
        """A machine on which workers are started, as a target of its own."""
        named = {name: getattr(self, name) for name in ("key", "python", "wheels", "home")}
        return TargetSpec(kind="ssh", **host.model_dump(), **named)

    @property
    def keeps_files(self) -> bool:
        """Whether Calibench has an environment or files there, which can be cleaned."""
        return self.is_carried or bool(self.hosts)

    @property
    def address(self) -> str:
        """As a person writes it, such as ssh://me@lab:2222 or slurm."""
        login = "" if self.host is None else _ssh_address(self.host, self.port, self.user)
        if self.hosts:
            return " ".join(["dask", *(each.address for each in self.hosts)])
        if self.worker_queue is not None:
            return f"dask {self.worker_queue} {login}".strip()
        if self.kind in QUEUES:
            return f"{self.kind} {login}".strip()
        return login or self.scheduler or self.kind


def _ssh_address(host: str, port: int, user: str | None) -> str:
    return f"ssh://{f'{user}@' if user else ''}{host}:{port}"
