"""The address of this machine that others reach: it is asked of those who reach it already, never guessed."""

import ipaddress
import socket
from collections.abc import Mapping, Sequence

import psutil

from calibench.errors import TargetError

GIVE_IT = "Say which address of this machine they reach: --listen ADDRESS."


def reached_at(seen: Mapping[str, str]) -> str:
    """The address at which all machines reach this one: that of a network, where not all are this machine itself.

    Args:
        seen: by the name of a machine, the address from which it sees this one.

    Raises:
        TargetError: none was seen, or it is not of this machine, such as behind a jump host.
    """
    others = {name: address for name, address in seen.items() if not is_loopback(address)}
    for name, address in (others or seen).items():
        if _plain(address) not in own_addresses():
            raise TargetError(
                f"{name}: sees this machine as {address or 'nothing'}, which is no address of its own (is there a "
                f"jump host in between?). {GIVE_IT}"
            )
        return address
    raise TargetError(f"Nobody reaches this machine. {GIVE_IT}")


def on_the_way_to(hosts: Sequence[str]) -> str:
    """The address of this machine in the network of others, by the first of them that is not this machine itself.

    Raises:
        TargetError: no name of them is known here.
    """
    seen = {}
    for host in hosts:
        try:
            kind, _, _, _, there = socket.getaddrinfo(host, 9, type=socket.SOCK_DGRAM)[0]
            with socket.socket(kind, socket.SOCK_DGRAM) as asked:  # nothing is sent: the system only chooses the way
                asked.connect(there)
                seen[host] = str(asked.getsockname()[0])
        except OSError:
            continue
        if not is_loopback(seen[host]):
            break
    if not seen:
        names = f"{', '.join(hosts[:3])}{' ...' if len(hosts) > 3 else ''}"
        raise TargetError(f"{names or 'no node'}: not known here by name. {GIVE_IT}")
    return reached_at(seen)


def is_loopback(address: str) -> bool:
    """Whether an address is of this machine only."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def own_addresses() -> set[str]:
    """Every address that this machine has."""
    return {_plain(each.address) for found in psutil.net_if_addrs().values() for each in found}


def _plain(address: str) -> str:
    return address.partition("%")[0].lower()
