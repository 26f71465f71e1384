"""Workers of a Dask cluster on machines over SSH, each started through our own link; the scheduler is here."""

import asyncio
import os
import re
import secrets
import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibench.errors import TargetError
from calibench.spread.cluster import why
from calibench.spread.moved_paths import VARIABLE
from calibench.targets.link import Answer, Link
from calibench.targets.own_address import is_loopback, reached_at
from calibench.targets.own_wheel import WITH_WORKERS
from calibench.targets.remote_machine import RemoteMachine
from calibench.targets.target_check import PASSPHRASE, opened
from calibench.targets.worker_samples import NO_SAMPLES, Bringing, Brought, WorkerSamples
from calibench.things.target_spec import TargetSpec

LOOPBACK = "127.0.0.1"
DEATH_S = 60
"""Seconds after which a worker ends that does not find the scheduler."""
COMING_S = 120.0
"""Seconds in which all workers must have come: a slow machine imports Dask and OpenVINO for half a minute."""
ENDING_S = 5.0
"""Seconds between the end of the scheduler, which workers see, and the end of what is still there of them."""
LONG_S = 10**8
LOOK_S = 0.1
WORKER = """\
umask 077
mkdir {folder} || exit 1
trap 'rm -rf {folder} {samples}' EXIT
cat > {folder}/tls.pem
if [ -n {samples} ]; then echo $$ > {samples}/pgid; uname -n > {samples}/pgid.host; fi
export {variable}={moved}
{python} -I -m distributed.cli.dask_worker {scheduler} --name {name} --host {host} --nworkers {count} --nthreads 1 \
--memory-limit 0 --no-dashboard --dashboard-address {loopback}:0 --death-timeout {death} --local-directory {folder} \
--tls-ca-file {folder}/tls.pem --tls-cert {folder}/tls.pem --tls-key {folder}/tls.pem > {folder}/log 2>&1
code=$?
tail -n 200 {folder}/log
exit $code
"""

TELLING = re.compile(r"[\w.]*(Error|Exception): \S")

Told = Callable[[str], None]


@dataclass(frozen=True)
class Reached:
    """A machine that was logged in to. seen, own: the addresses of this machine and of its own, as it has them."""

    link: Link
    seen: str
    own: str
    python: str
    count: int
    brought: Brought


@asynccontextmanager
async def workers_over_ssh(
    spec: TargetSpec, tls: Path, told: Told, samples: WorkerSamples = NO_SAMPLES
) -> AsyncIterator[str]:
    """The address of a scheduler to which all workers have come, each on a machine that has the samples.

    Raises:
        TargetError: a machine cannot be reached, has not what it needs, or its workers do not come.
    """
    async with AsyncExitStack() as stack:
        wanted = [spec.of_host(host) for host in spec.hosts]
        links = [await stack.enter_async_context(opened(each, os.environ.get(PASSPHRASE))) for each in wanted]
        preparing = _Preparing(spec, Bringing(samples), told)
        reached = await asyncio.gather(*map(preparing.prepared, links, wanted))
        address = spec.listen or reached_at({each.link.name: each.seen for each in reached})
        scheduler = await stack.enter_async_context(scheduler_at(address, tls))
        starts = [_worker(each, number, scheduler) for number, each in enumerate(reached)]
        running = [asyncio.create_task(start.run(tls.read_bytes())) for start in starts]
        stack.push_async_callback(_end, scheduler, starts, running)
        await _all_there(scheduler, starts, running)
        yield str(scheduler.address)


@asynccontextmanager
async def scheduler_at(address: str, tls: Path) -> AsyncIterator[Any]:
    """A scheduler at any free port of an address; what it shows of its health is for this machine only."""
    from distributed import Scheduler

    at: dict[str, Any] = {
        "protocol": "tls",
        "host": address,
        "port": 0,
        "dashboard": False,
        "dashboard_address": f"{LOOPBACK}:0",
    }
    try:
        scheduler: Any = Scheduler(**at, security=security_of(tls))
        await scheduler
    except (OSError, ValueError, RuntimeError) as error:
        refused = f"{address}: this machine cannot listen there ({why(error)})"
        raise TargetError(f"{refused}. Give an address that it has: --listen ADDRESS.") from None
    try:
        yield scheduler
    finally:
        await scheduler.close()


def security_of(tls: Path) -> Any:
    """The certificate of a cluster, by its file, for all that take part."""
    from distributed.security import Security

    roles = {f"tls_{role}_{part}": str(tls) for role in ("scheduler", "worker", "client") for part in ("cert", "key")}
    return Security(require_encryption=True, tls_ca_file=str(tls), **roles)  # type: ignore[no-untyped-call]


class _Worker:
    """The workers of one machine: a line of shell that runs as long as they do."""

    def __init__(self, reached: Reached, name: str, scheduler: Any) -> None:
        self.link, self.name, self.count = reached.link, name, reached.count
        self._folder = f"/tmp/calibench-workers-{secrets.token_hex(8)}"
        self._samples = shlex.quote(reached.brought.folder)
        is_alone = is_loopback(reached.own) and not is_loopback(scheduler.ip)
        self._line = WORKER.format(
            folder=self._folder,
            samples=self._samples,
            variable=VARIABLE,
            moved=shlex.quote(reached.brought.moved),
            python=shlex.quote(reached.python),
            scheduler=shlex.quote(str(scheduler.address)),
            name=name,
            host=shlex.quote(scheduler.ip if is_alone else reached.own),
            count=reached.count,
            loopback=LOOPBACK,
            death=DEATH_S,
        )

    async def run(self, tls: bytes) -> Answer:
        """Until they have ended; where this is cancelled, they are killed."""
        return await self.link.run(self._line, given=tls, within_s=LONG_S)

    async def clear(self) -> None:
        """Remove what killed workers left."""
        with suppress(TargetError):
            await self.link.run(f"rm -rf {self._folder} {self._samples}", within_s=ENDING_S)


def _worker(reached: Reached, number: int, scheduler: Any) -> _Worker:
    return _Worker(reached, f"host{number}", scheduler)


@dataclass(frozen=True)
class _Preparing:
    """Makes machines ready for workers: an environment, and the samples."""

    spec: TargetSpec
    bringing: Bringing
    told: Told

    async def prepared(self, link: Link, spec: TargetSpec) -> Reached:
        machine = RemoteMachine(link, spec, sender=secrets.token_hex(8))
        python = await machine.python_with(WITH_WORKERS, "distributed, dask", self.told)
        answer = await link.run('echo "$SSH_CONNECTION"')
        words = (answer.out.decode(errors="replace").split() + 4 * [""])[:4]
        count = self.spec.workers or int((await machine.facts()).get("physical_cores") or 1)
        brought = await self.bringing.to(machine, link, self.told)
        return Reached(link, words[0], words[2], python, count, brought)


async def _all_there(scheduler: Any, starts: list[_Worker], running: list[asyncio.Task[Answer]]) -> None:
    """Wait for all workers.

    Raises:
        TargetError: those of a machine ended, or did not come in time.
    """
    end = asyncio.get_running_loop().time() + COMING_S
    while missing := [start for start in starts if _count(scheduler, start) < start.count]:
        for start, task in zip(starts, running, strict=True):
            if task.done():
                raise TargetError(
                    f"{start.link.name}: its workers did not start ({_said(task.result())}). They must reach "
                    f"{scheduler.address}; another address of this machine is given with --listen."
                )
        if asyncio.get_running_loop().time() > end:
            names = ", ".join(start.link.name for start in missing)
            raise TargetError(
                f"{names}: no worker came from there within {COMING_S:g} s. They must reach {scheduler.address}, and "
                "this machine their ports: is there a firewall, or another address to give with --listen?"
            )
        await asyncio.sleep(LOOK_S)


def _count(scheduler: Any, start: _Worker) -> int:
    names = (str(worker.name) for worker in scheduler.workers.values())
    return sum(name == start.name or name.startswith(f"{start.name}-") for name in names)


async def _end(scheduler: Any, starts: list[_Worker], running: list[asyncio.Task[Answer]]) -> None:
    """End the workers: by the scheduler, which they follow; those that do not are killed."""
    await scheduler.close()
    await asyncio.wait(running, timeout=ENDING_S)
    for start, task in zip(starts, running, strict=True):
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError, TargetError):
                await task
            await start.clear()
        elif not task.cancelled():
            task.exception()  # a cut connection: they end by themselves


def _said(answer: Answer) -> str:
    """The first error of their log: those after it only say that something failed."""
    lines = [line.strip() for line in answer.out.decode(errors="replace").splitlines() if line.strip()]
    told = next((line for line in lines if TELLING.match(line)), lines[-1] if lines else f"exit code {answer.code}")
    return told.rstrip(".")[:300]
