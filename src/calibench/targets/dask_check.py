"""Look at a cluster of workers: the workers of a scheduler that runs, or what workers would be started on."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from calibench.errors import SettingsError, TargetError
from calibench.things.kept import Fault
from calibench.things.target_spec import TargetSpec

ANSWER_S = 10
"""Seconds in which a scheduler must answer, and its workers."""
UNLIKE = "other bits"
"""Cause of a fault: results would not be those of this machine."""
QUEUE, NO_WORKER = "queue", "no worker"

Plain = dict[str, Any]


async def check_cluster(spec: TargetSpec, passphrase: str | None) -> Plain:
    """As `check_target`.

    Raises:
        TargetError: nothing answers, with what to do.
        SettingsError: Dask is not installed, or a certificate is missing.
    """
    if spec.hosts:
        return await _hosts(spec, passphrase)
    if spec.worker_queue is not None:
        return await _queue(spec)
    return await _workers(spec)


async def _hosts(spec: TargetSpec, passphrase: str | None) -> Plain:
    """Each machine as a target of its own; its CPU must give the bits that this one gives."""
    from calibench.targets.target_check import check_target

    rows: list[Plain] = []
    faults: list[Fault] = []
    for host in spec.hosts:
        found = await check_target(spec.of_host(host), passphrase)
        machine = found["machine"] or {}
        faults += found["faults"]
        flags = machine.get("flags")
        if flags is not None and list(flags) != _own_flags():
            says = f"{host.host}: has CPU flags {' '.join(flags) or 'none'}, this machine {' '.join(_own_flags())}."
            mend = "Its results would not be the same. Leave it out, or calibrate on a machine of its kind."
            faults.append(Fault(cause=UNLIKE, sentence=says, mend=mend))
        rows.append({"address": host.address, **machine})
    return {"machine": {"hosts": rows}, "faults": tuple(faults)}


async def _queue(spec: TargetSpec) -> Plain:
    """The queue as a target of its own; what its nodes are is seen when workers come from there."""
    from calibench.targets.target_check import UNREACHABLE, check_target

    asked_for = {"kind": spec.worker_queue, "queue": spec.queue, "python": sys.executable}
    found = await check_target(TargetSpec.model_validate(asked_for))
    named = [fault for fault in found["faults"] if fault.cause in (QUEUE, UNREACHABLE)]  # not of what jobs carry
    queues = (found["machine"] or {}).get("queues", [])
    asked = spec.queue.queue
    if asked is not None and queues and asked not in [each["name"] for each in queues]:
        known = ", ".join(each["name"] for each in queues)
        named.append(Fault(cause=QUEUE, sentence=f"{spec.address}: has no queue {asked}.", mend=f"It has {known}."))
    return {"machine": {"queues": queues}, "faults": tuple(named)}


async def _workers(spec: TargetSpec) -> Plain:
    """What the workers of a scheduler are."""
    from calibench.spread.cluster import security_for, why

    _check_address(spec)
    try:
        from distributed import Client
    except ImportError:
        raise SettingsError(f"{spec.address} needs Dask. Install it: pip install 'calibench[targets]'.") from None
    security = security_for(spec)
    try:
        client: Any = await Client(  # type: ignore[no-untyped-call]
            spec.scheduler, security=security, asynchronous=True, timeout=ANSWER_S
        )
    except (OSError, TimeoutError, ValueError) as error:
        raise TargetError(
            f"{spec.address}: does not answer ({why(error)}). Does `dask scheduler` run there, and are the "
            "certificates of both sides signed by the same authority?"
        ) from None
    try:
        found = await client.run(_build_there, on_error="return")
    finally:
        await client.close(timeout=ANSWER_S)
    rows = [{"address": address, **_row(told)} for address, told in sorted(found.items())]
    return {"machine": {"workers": rows}, "faults": tuple(_faults_of(spec, rows))}


def _faults_of(spec: TargetSpec, rows: Sequence[Plain]) -> list[Fault]:
    from calibench.spread.held import build_of

    if not rows:
        mend = f"Start some: dask worker {spec.scheduler} --nthreads 1."
        return [Fault(cause=NO_WORKER, sentence=f"{spec.address}: the scheduler has no worker.", mend=mend)]
    own = build_of()
    found: dict[str, Fault] = {}
    for row in rows:
        if row["error"]:
            says = f"{row['address']}: Calibench cannot be used there ({row['error']})."
            mend = "Install it where workers run, in this version: pip install 'calibench[targets]'."
            found.setdefault("calibench", Fault(cause="calibench", sentence=says, mend=mend))
            continue
        for what, wanted in own.items():
            if row["build"][what] != wanted:
                says = f"{row['address']}: has {what} {row['build'][what]}, this machine {wanted}."
                mend = "Its results would not be the same. Give workers that are like this machine."
                found.setdefault(what, Fault(cause=UNLIKE, sentence=says, mend=mend))
    return list(found.values())


def _build_there() -> dict[str, str]:
    """On a worker: what the bits of an inference depend on."""
    from calibench.spread.held import build_of

    return build_of()


def _row(told: Any) -> Plain:
    if isinstance(told, Mapping):
        return {"build": dict(told), "error": ""}
    return {"build": {}, "error": f"{type(told).__name__}: {str(told).rstrip('.')}"[:300]}


def _check_address(spec: TargetSpec) -> None:
    from urllib.parse import urlsplit

    for name, path in (("tls_ca", spec.tls_ca), ("tls_cert", spec.tls_cert), ("tls_key", spec.tls_key)):
        if path is not None and not path.is_file():
            raise TargetError(f"{path}: there is no such file. Name another one as {name}.")
    parts = urlsplit(spec.scheduler or "")
    if not parts.hostname or not parts.port:
        raise TargetError(f"{spec.address}: is no address of a scheduler. Give one such as tls://lab:8786.")


def _own_flags() -> list[str]:
    from calibench.machine import FLAGS, cpu_flags

    return [flag for flag in FLAGS if flag in cpu_flags()]
