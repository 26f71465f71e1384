"""Open the processes that share a calibration: on this machine, or those of a Dask scheduler somewhere."""

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from calibench.errors import SettingsError, TargetError
from calibench.things.target_spec import TargetSpec

LOOPBACK = "127.0.0.1"
TIMEOUT_S = 30
"""Seconds in which a scheduler must answer, and local workers must be there."""
QUIET = {
    # A model travels as a part of the work, on purpose: so it is sent again when those who held it are gone.
    "distributed.admin.large-graph-warning-threshold": "1TB",
    "distributed.comm.timeouts.connect": f"{TIMEOUT_S}s",
    # Watching itself would cost Dask time of the cores that are to compute.
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
}


@contextmanager
def open_cluster(where: TargetSpec | int) -> Iterator[Any]:
    """A client of the workers; what was started for it ends with the block.

    Args:
        where: so many processes of this machine; or a cluster whose scheduler answers already.

    Raises:
        SettingsError: Dask is not installed.
        TargetError: the scheduler cannot be reached, or has no worker.
    """
    try:
        import dask
        import distributed  # noqa: F401
    except ImportError:
        asked = f"--workers {where}" if isinstance(where, int) else where.address
        raise SettingsError(f"{asked} needs Dask. Install it: pip install 'calibench[targets]'.") from None
    with dask.config.set(QUIET), ExitStack() as stack:
        yield _local(where, stack) if isinstance(where, int) else _reached(where, stack)


def _local(workers: int, stack: ExitStack) -> Any:
    """One process a worker, one thread each, watched by a nanny that starts a new one for one that died."""
    import dask
    from distributed import Client, LocalCluster
    from distributed.security import Security

    scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="calibench-", ignore_cleanup_errors=True))
    stack.enter_context(dask.config.set({"temporary-directory": scratch}))
    cluster = LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host=LOOPBACK,
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": f"{LOOPBACK}:0"},  # its page of health; any free port
        security=Security.temporary(),  # type: ignore[no-untyped-call]  # other users of the machine reach loopback too
        local_directory=scratch,
        memory_limit=0,  # the machine's own limit; a worker that holds a large model is no fault
        silence_logs=50,  # what matters is said by us
    )
    stack.enter_context(cluster)
    client: Any = stack.enter_context(Client(cluster, timeout=TIMEOUT_S))  # type: ignore[no-untyped-call]
    client.wait_for_workers(workers, timeout=TIMEOUT_S)
    return client


def _reached(spec: TargetSpec, stack: ExitStack) -> Any:
    from distributed import Client
    from distributed.versions import VersionMismatchWarning

    where = spec.scheduler
    if where is None:
        raise SettingsError("The cluster has no address. Give that of its scheduler, such as tls://host:8786.")
    # What must be the same is compared before work is done, see held.py; Python 3.11.2 and 3.11.7 go together.
    stack.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore", VersionMismatchWarning)
    try:
        opened = Client(where, security=security_for(spec), timeout=TIMEOUT_S)  # type: ignore[no-untyped-call]
        client: Any = stack.enter_context(opened)
        client.wait_for_workers(1, timeout=TIMEOUT_S)
    except TimeoutError:
        raise TargetError(
            f"{where}: no worker there within {TIMEOUT_S} s. Start some: dask worker {where} --nthreads 1."
        ) from None
    except (OSError, ValueError) as error:
        raise TargetError(
            f"{where}: the scheduler cannot be reached ({why(error)}). Is it running, and are the certificates of "
            "both sides signed by the same authority?"
        ) from None
    return client


def security_for(spec: TargetSpec) -> Any:
    """The certificates of this side; None where the connection is not encrypted.

    Raises:
        SettingsError: one is missing.
    """
    from distributed.security import Security

    address = spec.scheduler or ""
    if not address.startswith("tls://"):
        return None
    files: dict[str, Path | None] = {"tls-ca": spec.tls_ca, "tls-cert": spec.tls_cert, "tls-key": spec.tls_key}
    for name, path in files.items():
        if path is None or not path.is_file():
            raise SettingsError(f"{address}: --{name} {path or ''} is no file. Give the PEM file of that side.")
    return Security(  # type: ignore[no-untyped-call]
        tls_ca_file=str(spec.tls_ca),
        tls_client_cert=str(spec.tls_cert),
        tls_client_key=str(spec.tls_key),
        require_encryption=True,
    )


def why(error: BaseException) -> str:
    """The last sentence of a chain of causes: the first ones only say that something failed."""
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return (str(cause) or type(cause).__name__).splitlines()[0].rstrip(".")
