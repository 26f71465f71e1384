"""Whether a host that is met for the first time is the one that was meant: a person is asked."""

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from calibench.errors import Cancelled, SettingsError
from calibench.things.asked import AskHost
from calibench.things.target_spec import TargetSpec, WorkerHost

if TYPE_CHECKING:
    from calibench.cli.known_there import Targets

Asked = TypeVar("Asked", bound=AskHost)


def with_host_keys(asked: Asked, given: tuple[str, ...], known: "Targets", before: "TargetSpec | None" = None) -> Asked:
    """With the key of each host: given, known to known_hosts, or confirmed by a person.

    Args:
        before: how a target was reached that is changed: its hosts are known.

    Raises:
        SettingsError: nobody can be asked, or there are more keys than hosts.
        Cancelled: one is not confirmed.
    """
    from calibench.targets.target_address import parse_target

    if before is not None and not asked.address and not given:
        return asked
    spec = parse_target((asked.address or (before.address if before else "")).split())
    hosts = spec.hosts or ((WorkerHost(host=spec.host, port=spec.port),) if spec.host is not None else ())
    if len(given) > len(hosts) or 0 < len(given) < len(hosts):
        raise SettingsError(
            f"--host-key: {len(given)} given, and {len(hosts)} hosts. Give one for each, in their order."
        )
    trusted = _trusted(before)
    keys: list[str | None] = []
    for number, host in enumerate(hosts):
        place = (host.host, host.port)
        if given:
            keys.append(given[number])
        elif place in trusted:
            keys.append(trusted[place])
        else:
            keys.append(_confirmed(asked.address if not spec.hosts else host.address, asked.spec, known))
    if spec.hosts:
        made = [host.model_copy(update={"host_key": key}) for host, key in zip(hosts, keys, strict=True)]
        return _changed(asked, hosts=tuple(made))
    return _changed(asked, host_key=keys[0]) if keys and keys[0] is not None else asked


def _trusted(before: "TargetSpec | None") -> dict[tuple[str | None, int], str | None]:
    if before is None:
        return {}
    return {(each.host, each.port): each.host_key for each in (before.hosts or (before,)) if each.host is not None}


def _changed(asked: Asked, **values: Any) -> Asked:
    return asked.model_copy(update={"spec": asked.spec.model_copy(update=values)})


def _confirmed(address: str, spec: "TargetSpec", known: "Targets") -> str | None:
    """The key of a host that a person confirms; None: known_hosts knows it.

    Raises:
        SettingsError: nobody can be asked.
        Cancelled: it is not confirmed.
    """
    login = spec.model_dump(include={"key"}, exclude_unset=True)
    key = known.host_key(AskHost(address=address, spec=TargetSpec(**login)))
    if key.is_known:
        return None
    shown = f"{address}: nobody has confirmed its host key yet. It shows {key.kind} {key.fingerprint}."
    if not is_terminal():
        raise SettingsError(f"{shown} Compare that with what its administrator says, then give --host-key '{key.key}'.")
    typer.echo(shown, err=True)
    if not typer.confirm("Is this what its administrator says?", err=True):
        raise Cancelled("The host key was not confirmed; nothing was changed.")
    return key.key


def is_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()
