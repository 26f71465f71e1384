"""Workers of a Dask cluster as jobs of a batch queue of this machine, by dask-jobqueue; the scheduler is here."""

import asyncio
import math
import re
import shlex
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from calibench.errors import TargetError
from calibench.targets.dask_over_ssh import DEATH_S, LOOPBACK, security_of
from calibench.targets.link import Answer
from calibench.targets.local_link import LocalLink
from calibench.targets.own_address import is_loopback, on_the_way_to
from calibench.targets.queue_dialect import Dialect, ask_queue, dialect_of, plain, telling
from calibench.targets.queue_reasons import NEVER
from calibench.things.target_spec import TargetSpec

USUAL_WORKERS = 2
USUAL_PYTHON = "python3"
"""Of a target that names none: then workers run the Python of this process."""
LOOK_S = 2.0
"""Seconds between two questions to the queue; it has other users."""
STEP_S = 0.1
SCRATCH = ('CALIBENCH_SCRATCH="$(mktemp -d)" || exit 1', "trap 'rm -rf \"$CALIBENCH_SCRATCH\"' EXIT")
NODES = {
    "slurm": "sinfo --noheader --Node -o %o",
    "pbs": "pbsnodes -a | grep -v '^[[:space:]]' | grep .",
}
"""Names or addresses of the nodes, a line each."""

Told = Callable[[str], None]


@asynccontextmanager
async def workers_in_queue(spec: TargetSpec, tls: Path, told: Told) -> AsyncIterator[str]:
    """The address of a scheduler to which the first worker has come; others come when the queue has room.

    Raises:
        TargetError: the queue refuses the jobs, or they end without a worker.
    """
    dialect = dialect_of(_queue(spec))
    address = spec.listen or on_the_way_to(await _nodes(spec))
    cluster = _cluster(spec, tls, address, dialect)
    cores = spec.queue.cores
    for _ in range(math.ceil((spec.workers or USUAL_WORKERS) / cores)):
        cluster.worker_spec.update(cluster.new_worker_spec())
    try:
        await cluster.__aenter__()
    except Exception as error:  # whatever it is called, the queue said why
        raise _refused(error, dialect, address) from None
    try:
        await _first_there(cluster, dialect, tls.parent, told)
        yield str(cluster.scheduler.address)
    finally:
        await _cancel(cluster, dialect)
        await cluster.close()


def _cluster(spec: TargetSpec, tls: Path, address: str, dialect: Dialect) -> Any:
    """A scheduler, and jobs that are not submitted yet."""
    asked = plain(spec.queue)
    said = dialect.options(asked, "calibench-worker")
    more = ["--memory-limit", "0", "--no-dashboard", "--dashboard-address", f"{LOOPBACK}:0"]
    python = sys.executable if spec.python == USUAL_PYTHON else str(Path(spec.python).expanduser())
    options: dict[str, Any] = {
        "cores": asked.cores,
        "processes": asked.cores,
        "memory": f"{asked.memory_mb or 1000}MB",  # it asks for some; without one of ours nobody is told
        "queue": asked.queue,
        "account": asked.account,
        "python": f"{shlex.quote(python)} -I",
        "job_name": said["job_name"],
        "death_timeout": DEATH_S,
        "local_directory": '"$CALIBENCH_SCRATCH"',
        "job_script_prologue": list(SCRATCH),
        "log_directory": str(tls.parent),
        "worker_extra_args": more + (["--host", LOOPBACK] if is_loopback(address) else []),
        "security": security_of(tls),
        "scheduler_options": {"host": address, "port": 0, "dashboard": False, "dashboard_address": f"{LOOPBACK}:0"},
        "silence_logs": 50,
        "asynchronous": True,
    }
    if spec.worker_queue == "slurm":
        from dask_jobqueue.slurm import SLURMCluster

        return SLURMCluster(
            **options,
            walltime=said.get("time"),
            job_mem=said.get("mem"),
            job_directives_skip=[] if "mem" in said else ["--mem"],
            job_extra_directives=["--no-requeue", *([f"--constraint={asked.node_type}"] if asked.node_type else [])],
        )
    from dask_jobqueue.pbs import PBSCluster, PBSJob

    class Job(PBSJob):  # its directives name a folder for messages, which Slurm's qsub passes over
        submit_command = (
            f"qsub -o {shlex.quote(f'{tls.parent}/workers.out')} -e {shlex.quote(f'{tls.parent}/workers.err')}"
        )

    options["job_cls"] = Job
    return PBSCluster(**options, resource_spec=said["select"], walltime=said.get("walltime"))


async def _nodes(spec: TargetSpec) -> list[str]:
    """The nodes of the queue, as this machine may know them."""
    assert spec.worker_queue is not None
    line = NODES[spec.worker_queue]
    if spec.worker_queue == "slurm" and spec.queue.queue is not None:
        line += f" --partition {shlex.quote(spec.queue.queue)}"
    answer = await ask_queue(LocalLink(), line)
    if answer.code:
        raise TargetError(f"{spec.address}: does not tell its nodes: {telling(answer)}. Is the queue of this machine?")
    nodes = list(dict.fromkeys(answer.out.decode(errors="replace").split()))
    if not nodes:
        raise TargetError(f"{spec.address}: has no node in the queue {spec.queue.queue or ''}. Choose another --queue.")
    return nodes


async def _first_there(cluster: Any, dialect: Dialect, folder: Path, told: Told) -> None:
    """Wait for the first worker, however long the queue is, as long as a job of ours waits or runs.

    Raises:
        TargetError: all have ended.
    """
    shown = ""
    end = 0.0
    while not cluster.scheduler.workers:
        await asyncio.sleep(STEP_S)
        if (now := asyncio.get_running_loop().time()) < end:
            continue
        end = now + LOOK_S
        known = [dialect.read(_text(await ask_queue(LocalLink(), dialect.ask(job)))) for job in _jobs(cluster)]
        going = [each for each in known if each is not None and each.phase != "ended"]
        if not going and not cluster.scheduler.workers:
            why = next((each.why for each in known if each is not None and each.why), "") or _last_words(folder)
            raise TargetError(f"{dialect.name}: its jobs ended before a worker came ({why}).")
        if going and all(NEVER in each.why for each in going):
            reason = going[0].why.partition(f"; {NEVER}")[0]
            raise TargetError(f"{dialect.name}: workers can never run: {reason}. Ask for less, or for another queue.")
        reason = next((each.why for each in going if each.why), "")
        if reason and reason != shown and all(each.phase == "queued" for each in going):
            shown = reason
            told(f"Workers wait in the queue: {reason}.")


async def _cancel(cluster: Any, dialect: Dialect) -> None:
    """Cancel all jobs at once: what ends us may not wait for long."""
    jobs = _jobs(cluster)
    if jobs:
        await ask_queue(LocalLink(), "; ".join(dialect.io.get_cancel_cmd(job) for job in jobs))


def _jobs(cluster: Any) -> list[str]:
    return [str(job.job_id) for job in cluster.workers.values() if job.job_id]


def _refused(error: Exception, dialect: Dialect, address: str) -> TargetError:
    """Why jobs were not submitted."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, FileNotFoundError):
            return TargetError(
                f"{dialect.name}: there is no {cause.filename} here. Start this on a machine of the queue."
            )
        found = re.search(r"stderr:\n(.*)", str(cause), re.DOTALL)
        if found:
            return TargetError(f"{dialect.name}: refused the workers: {telling(Answer(1, b'', found[1].encode()))}.")
        cause = cause.__cause__ or cause.__context__
    return TargetError(
        f"{dialect.name}: workers cannot be started ({str(error).rstrip('.')}). They reach this machine as {address}; "
        "another address is given with --listen."
    )


def _last_words(folder: Path) -> str:
    """What the messages of a job end with."""
    for path in sorted(folder.glob("*")):
        if path.suffix == ".err":
            lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
            if lines:
                return lines[-1].rstrip(".")[:300]
    return "they say nothing"


def _text(answer: Answer) -> str:
    return (answer.out + answer.err).decode(errors="replace")


def _queue(spec: TargetSpec) -> TargetSpec:
    """The queue as a target of its own."""
    return TargetSpec.model_validate({"kind": spec.worker_queue, "queue": spec.queue})
