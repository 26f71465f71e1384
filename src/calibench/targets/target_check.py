"""Look at a target from afar: whether it answers, what it is, what is wrong and how that is mended; tidy it up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from calibench.errors import SettingsError, TargetError
from calibench.targets.link import Link
from calibench.targets.queue_faults import queue_faults
from calibench.targets.queue_list import queues
from calibench.things.kept import Cleaned, Fault, HostKey
from calibench.things.target_spec import QUEUES, TargetSpec

if TYPE_CHECKING:
    from calibench.targets.remote_machine import RemoteMachine

PASSPHRASE = "CALIBENCH_KEY_PASSPHRASE"
"""Variable with the passphrase of the private key; it is kept nowhere."""
UNREACHABLE = "unreachable"
"""Cause of a fault: nothing there was looked at."""
LOCKED = "has a passphrase"
"""What `user_keys` says of such a key."""

Plain = dict[str, Any]


async def check_target(spec: TargetSpec, passphrase: str | None = None) -> Plain:
    """What a target is, and what is wrong with it.

    Returns:
        machine: as in report.json, as far as it is seen without Calibench there, with `home`, `load` (1, 5 and 15
        minutes) and, of a queue, `queues`; None: it does not answer. faults: as `Target.faults`; (): none.
    """
    try:
        if spec.kind == "dask" and not spec.is_carried:
            from calibench.targets.dask_check import check_cluster

            return await check_cluster(spec, passphrase)
        async with opened(spec, passphrase) as link:
            return await _checked(spec.carrier, link)
    except (TargetError, SettingsError) as error:
        return {"machine": None, "faults": (as_fault(error, UNREACHABLE),)}


async def clean_target(spec: TargetSpec, passphrase: str | None = None) -> Cleaned:
    """Remove all that was put there, but what jobs need that go on, whoever started them.

    Raises:
        TargetError: it cannot be reached, or has no home of ours.
    """
    from calibench.targets.remote_machine import RemoteMachine

    if not spec.keeps_files:
        raise TargetError(f"{spec.address}: keeps nothing of Calibench, so there is nothing to clean.")
    found = []
    for each in machines_of(spec):
        async with opened(each, passphrase) as link:
            machine = RemoteMachine(link, each)
            found.append(await machine.clean(*await in_queue(machine, each, link)))
    return Cleaned(freed_bytes=sum(each.freed_bytes for each in found), jobs_kept=sum(each.jobs_kept for each in found))


async def in_queue(machine: "RemoteMachine", spec: TargetSpec, link: Link) -> tuple[list[str], list[str]]:
    """Jobs of which the queue of a target says that they wait or run; those that it has ended."""
    if spec.kind not in QUEUES:
        return [], []
    from calibench.targets.batch_queue import BatchQueue

    queue = BatchQueue(spec)
    found = {job: await queue.goes_on(link, folder) for job, folder in await machine.submitted()}
    return [job for job, goes_on in found.items() if goes_on], [job for job, goes_on in found.items() if not goes_on]


def machines_of(spec: TargetSpec) -> tuple[TargetSpec, ...]:
    """The machines that a target is reached through: itself, or those on which its workers are started."""
    return tuple(spec.of_host(host) for host in spec.hosts) if spec.hosts else (spec.carrier,)


async def offered_key(spec: TargetSpec) -> HostKey:
    """The key that a host shows, trusted or not.

    Raises:
        TargetError: it cannot be reached, or known_hosts has another key of the same kind for it.
    """
    from calibench.targets.ssh_host_keys import changed_host, trusted_hosts
    from calibench.targets.ssh_login import host_key_of, known_keys, look_up

    offered = await host_key_of(spec)
    login = look_up(spec)
    unconfirmed = spec.model_copy(update={"host_key": None})
    known = await known_keys(login, trusted_hosts(unconfirmed, login.known_hosts))
    same_kind = [key for key in known if key.split()[0] == offered.split()[0]]
    if same_kind and offered not in same_kind:
        raise changed_host(login.name, same_kind, offered)
    return as_host_key(offered, is_known=bool(known))


async def needs_passphrase(spec: TargetSpec) -> bool:
    """Whether the key file of a target is locked, and ssh-agent does not hold it.

    Raises:
        TargetError: the key file cannot be used.
    """
    spec = machines_of(spec)[0]  # one key opens all
    if spec.host is None or spec.key is None:
        return False
    from calibench.targets.ssh_user_keys import user_keys

    try:
        await user_keys(spec, spec.address, None)
    except TargetError as error:
        if LOCKED not in str(error):
            raise
        return True
    return False


async def opens_key(spec: TargetSpec, passphrase: str) -> bool:
    """Whether a passphrase is that of the key file of a target."""
    from calibench.targets.ssh_user_keys import user_keys

    try:
        await user_keys(machines_of(spec)[0], spec.address, passphrase)
    except TargetError:
        return False
    return True


@asynccontextmanager
async def opened(spec: TargetSpec, passphrase: str | None = None) -> AsyncIterator[Link]:
    """A link, closed at the end."""
    from calibench.targets.opened_link import open_link

    link = await open_link(spec, passphrase)
    try:
        yield link
    finally:
        await link.close()


def as_host_key(line: str, is_known: bool = False) -> HostKey:
    """A public key as known_hosts writes it, with or without the host in front.

    Raises:
        TargetError: it is none.
    """
    from calibench.targets.ssh_host_keys import fingerprint_of

    fingerprint = fingerprint_of(line)
    words = line.split()
    place = next(number for number, word in enumerate(words) if word.startswith("AAAA"))
    kind = words[place - 1]
    return HostKey(key=f"{kind} {words[place]}", fingerprint=fingerprint, kind=kind, is_known=is_known)


def as_fault(error: Exception, cause: str) -> Fault:
    """An error as a fault: its first sentence says what, the others say what to do."""
    sentence, _, mend = str(error).partition(". ")
    return Fault(cause=cause, sentence=sentence.rstrip(".") + ".", mend=mend)


async def _checked(spec: TargetSpec, link: Link) -> Plain:
    from calibench.targets.remote_machine import RemoteMachine

    machine: Plain = dict(await RemoteMachine(link, spec).facts())
    faults = [
        Fault(cause=each["cause"], sentence=f"{link.name}: {each['says']}", mend=each["mend"])
        for each in machine.pop("faults", ())
    ]
    if spec.kind in QUEUES:
        try:
            machine["queues"] = await queues(link, spec)
            faults += queue_faults(machine["queues"], spec.queue, link.name)
        except TargetError as error:
            faults.append(as_fault(error, "queue"))
    return {"machine": machine, "faults": tuple(faults)}
