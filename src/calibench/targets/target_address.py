"""The address of a target, as a person writes it: ssh://me@lab:2222, slurm, pbs ssh://me@login, dask tls://head:8786.

More than one machine after `dask`, or a queue, are those on which workers are started.
"""

from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from calibench.errors import TargetError
from calibench.things.target_spec import QUEUES, TargetKind, TargetSpec, WorkerHost

FORMS = (
    "ssh://user@host[:port], slurm or pbs (followed by ssh://user@host where the queue is not here), and dask with "
    "tls://host:port, one of these queues, or one ssh://user@host and more"
)


def parse_target(words: Sequence[str]) -> TargetSpec:
    """What a target is, by its address.

    Args:
        words: such as ("ssh://me@lab:2222",), ("slurm",), ("pbs", "ssh://me@login"), ("dask", "ssh://a", "ssh://b").

    Raises:
        TargetError: no such address; it says which there are.
    """
    given = [word for text in words for word in text.split()]
    if not given:
        raise _unknown("nothing")
    first, *rest = given
    if first.startswith("ssh://") and not rest:
        return _over_ssh("ssh", first)
    if first == "local" and not rest:
        return TargetSpec()
    if first == "dask" and rest:
        return _cluster(rest)
    for kind in QUEUES:
        if first == kind and not rest:
            return TargetSpec(kind=kind)
        if first == kind and len(rest) == 1 and rest[0].startswith("ssh://"):
            return _over_ssh(kind, rest[0])
    raise _unknown(" ".join(given))


def _over_ssh(kind: TargetKind, address: str) -> TargetSpec:
    parts, port = _split(address)
    if parts.password is not None:
        raise TargetError(
            f"ssh://{parts.username}:...@{parts.hostname}: passwords are not used. Leave it out, and log in with a key."
        )
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise TargetError(f"{address}: nothing may follow the host. The folder there is chosen with --home.")
    host = parts.hostname or ""
    start = parts.netloc.lower().rindex(host)  # as it was written: names in ~/.ssh/config tell capitals apart
    host = parts.netloc[start : start + len(host)]
    return TargetSpec(kind=kind, host=host, user=parts.username or None, port=port or 22)


def _cluster(words: Sequence[str]) -> TargetSpec:
    """A cluster that runs already, or what its workers are started on."""
    if all(word.startswith("ssh://") for word in words):
        found = [_over_ssh("ssh", word) for word in words]
        hosts = tuple(WorkerHost(host=each.host or "", port=each.port, user=each.user) for each in found)
        return TargetSpec(kind="dask", hosts=hosts)
    if words[0] in QUEUES:
        queue = parse_target(words)
        place = queue.model_dump(include={"host", "port", "user"}, exclude_unset=True)
        return TargetSpec.model_validate({"kind": "dask", "worker_queue": queue.kind, **place})
    if len(words) > 1:
        raise _unknown(" ".join(("dask", *words)))
    return TargetSpec(kind="dask", scheduler=_scheduler(words[0]))


def _scheduler(address: str) -> str:
    if not address.startswith("tls://"):
        raise TargetError(f"{address}: a scheduler is reached over TLS. Write it as tls://host:port.")
    parts, port = _split(address)
    if port is None:
        raise TargetError(f"{address}: the port is missing. Write it as tls://host:port, such as tls://head:8786.")
    return f"tls://{parts.netloc}"


def _split(address: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise TargetError(f"{address}: {error}. Write it as {address.partition('://')[0]}://host:port.") from None
    host = parts.hostname or ""
    # A host that begins with a hyphen would be an option to programs that are told it.
    if not host or host.startswith("-") or not host.isprintable() or port == 0:
        raise TargetError(f"{address}: no host, or no port that can be. Write it as in {FORMS}.")
    return parts, port


def _unknown(address: str) -> TargetError:
    return TargetError(f"{address}: not an address of a target. These are: {FORMS}.")
