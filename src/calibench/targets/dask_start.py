"""A cluster of workers for the time of one calibration: its scheduler is here, and all of it ends with the block."""

import asyncio
import logging
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TypeVar

import psutil

from calibench.errors import SettingsError
from calibench.targets.worker_samples import NO_SAMPLES, WorkerSamples
from calibench.things.target_spec import TargetSpec

TLS = "tls.pem"
"""Certificate and key of the cluster, made for one calibration."""
LEFT = "workers"
"""Folders begin so, whose name says further which machine and which process made them."""

Told = Callable[[str], None]
Value = TypeVar("Value")


@contextmanager
def opened_workers(
    spec: TargetSpec, told: Told, samples: Callable[[], WorkerSamples] = lambda: NO_SAMPLES
) -> Iterator[TargetSpec]:
    """The cluster of a target, with a scheduler that answers; one is started where the target says on what.

    Args:
        spec: of kind dask.
        told: what a person should know while workers are started.
        samples: finds what is brought to machines over SSH. Jobs of a queue and workers that run already have a disk
            with them.

    Raises:
        SettingsError: Dask is not installed.
        TargetError: no worker could be started, or the way to them is not open.
    """
    if not spec.hosts and spec.worker_queue is None:
        yield spec
        return
    try:
        import cryptography  # noqa: F401
        import distributed  # noqa: F401
    except ImportError:
        raise SettingsError(f"{spec.address} needs Dask. Install it: pip install 'calibench[targets]'.") from None
    with _private_folder(spec) as folder, _quiet():
        tls = write_certificates(folder)
        with _started(spec, tls, told, samples) as scheduler:
            yield TargetSpec(kind="dask", scheduler=scheduler, tls_ca=tls, tls_cert=tls, tls_key=tls)


def write_certificates(folder: Path) -> Path:
    """A certificate of this cluster alone, with its key, in one file that only this user can read."""
    from distributed.security import Security

    made = Security.temporary()  # type: ignore[no-untyped-call]
    place = folder / TLS
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(made.tls_scheduler_key + made.tls_scheduler_cert)
    return place


@contextmanager
def in_own_loop(opened: AbstractAsyncContextManager[Value]) -> Iterator[Value]:
    """Keep something open in a loop and thread of its own; it is closed with the block."""
    ready: Future[Value] = Future()
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = Future()

    async def hold() -> None:
        task = asyncio.current_task()
        assert task is not None
        begun.set_result((asyncio.get_running_loop(), task))
        async with opened as value:
            ready.set_result(value)
            await asyncio.Event().wait()

    def run() -> None:
        try:
            asyncio.run(hold())
        except BaseException as error:  # passed on: nobody else would hear of it
            if not ready.done():
                ready.set_exception(error)

    thread = threading.Thread(target=run, name="calibench-workers", daemon=True)
    thread.start()
    try:
        yield ready.result()
    finally:
        loop, task = begun.result()
        if thread.is_alive():
            loop.call_soon_threadsafe(task.cancel)
        thread.join()


@contextmanager
def _started(spec: TargetSpec, tls: Path, told: Told, samples: Callable[[], WorkerSamples]) -> Iterator[str]:
    """The address of a scheduler whose workers come."""
    if spec.hosts:
        from calibench.targets.dask_over_ssh import workers_over_ssh

        with in_own_loop(workers_over_ssh(spec, tls, told, samples())) as scheduler:
            yield scheduler
    else:
        _import_jobqueue(spec)
        from calibench.targets.dask_in_queue import workers_in_queue

        with in_own_loop(workers_in_queue(spec, tls, told)) as scheduler:
            yield scheduler


def _import_jobqueue(spec: TargetSpec) -> None:
    """Import dask-jobqueue in the main thread, as it must be, and undo that it takes Ctrl-C for itself."""
    before = signal.getsignal(signal.SIGINT)
    try:
        import dask_jobqueue  # noqa: F401
    except ImportError:
        raise SettingsError(
            f"{spec.address} needs dask-jobqueue. Install it: pip install 'calibench[targets]'."
        ) from None
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _private_folder(spec: TargetSpec) -> Iterator[Path]:
    """For certificates and messages of workers; of a queue where its nodes see it, too."""
    home = Path.home() / spec.home.removeprefix("~/")
    if spec.worker_queue is not None:
        home.mkdir(parents=True, exist_ok=True)
        _remove_left(home)
    place = home if spec.worker_queue is not None else None
    prefix = f"{LEFT}-{socket.gethostname()}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _remove_left(home: Path) -> None:
    """Remove what calibrations of this machine left that were killed."""
    for folder in home.glob(f"{LEFT}-{socket.gethostname()}-*"):
        number = folder.name.split("-")[-2]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """What matters of workers is said by us."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
