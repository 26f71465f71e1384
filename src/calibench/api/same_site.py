"""Which requests come from our own pages or programs: the host they name, and the site that sent them."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

LOOPBACK = ("localhost", "127.0.0.1", "::1")
EVERYWHERE = ("0.0.0.0", "::", "")
"""Addresses to listen on that are no names: the server is then reached by any address of its machine."""


@dataclass(frozen=True)
class ServedNames:
    """The names under which the server may be called.

    A page of another site that makes its own name point to this machine (DNS rebinding) sends that name as the host,
    which is not among these. An address of numbers cannot be made to point elsewhere.

    Attributes:
        host: the address that the server listens on.
        more: further names, such as that of a proxy in front.
    """

    host: str = "127.0.0.1"
    more: tuple[str, ...] = field(default=())

    def has(self, authority: str) -> bool:
        """Whether a Host header, with or without a port, names this server."""
        name = host_of(authority)
        known = {*LOOPBACK, *(own.lower() for own in (self.host, *self.more))}
        return bool(name) and (name in known or (self.host in EVERYWHERE and _is_address(name)))

    @property
    def are_local(self) -> bool:
        """Whether only programs of this machine reach the server."""
        return is_loopback(self.host)


def host_of(authority: str) -> str:
    """The name or address of `name:port` or `[address]:port`, in small letters."""
    authority = authority.strip().lower()
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    name, colon, port = authority.rpartition(":")
    name = name if colon and port.isdecimal() else authority
    return name.removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a browser says that another site sent this request. Programs that are no browsers say nothing.

    Args:
        headers: names in small letters.
    """
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin")
    if site in ("cross-site", "same-site"):  # same-site: another port of this machine, which may be anybody's
        return True
    if origin is None or (origin == "null" and site == "same-origin"):
        return False
    return origin.lower().partition("://")[2] != headers.get("host", "").strip().lower()


def is_navigation(method: str, path: str, headers: Mapping[str, str]) -> bool:
    """Whether a person follows a link to one of our pages; that may start anywhere, and changes nothing."""
    return (
        method in ("GET", "HEAD")
        and not path.startswith("/api/v1/")
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
