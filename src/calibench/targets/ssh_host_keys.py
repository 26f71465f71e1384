"""Which machine answers: its host key beside the one that is trusted. Nothing is trusted in silence."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from calibench.errors import TargetError
from calibench.things.target_spec import TargetSpec

if TYPE_CHECKING:
    import asyncssh

OF_EVERYONE = Path("/etc/ssh/ssh_known_hosts")
"""Keys of hosts that the administrator of this machine trusts."""
CHANGED = "its host key has changed"


def fingerprint_of(host_key: str) -> str:
    """A host key as a person compares it, such as SHA256:... .

    Args:
        host_key: as in known_hosts, with or without the name of the host in front.

    Raises:
        TargetError: it is no key.
    """
    try:
        data = base64.b64decode(_kind_and_data(host_key)[1], validate=True)
    except (binascii.Error, ValueError):
        raise _no_key(host_key) from None
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def trusted_hosts(spec: TargetSpec, files: Sequence[str] | None) -> "asyncssh.SSHKnownHosts":
    """The keys that count for a target: the one that a person confirmed, else those of known_hosts.

    Args:
        files: known_hosts by the user's configuration; None or empty: where OpenSSH looks.

    Raises:
        TargetError: the confirmed key is none, or a file cannot be read.
    """
    import asyncssh

    if spec.host_key is not None:
        confirmed = " ".join(_kind_and_data(spec.host_key))
        try:
            asyncssh.import_public_key(confirmed)
            return asyncssh.import_known_hosts(f"* {confirmed}")
        except ValueError:
            raise _no_key(spec.host_key) from None
    places = [Path(file).expanduser() for file in files or ("~/.ssh/known_hosts",)] + [OF_EVERYONE]
    there = [str(place) for place in places if place.is_file()]
    try:
        return asyncssh.read_known_hosts(there)
    except (OSError, ValueError) as error:
        raise TargetError(f"{', '.join(there)}: known hosts cannot be read: {error}. Mend the file.") from None


def unknown_host(name: str, offered: str) -> TargetError:
    """Nobody has confirmed yet that this is the machine that was meant."""
    return TargetError(
        f"{name}: its host key is not known here. It offers {_kind_and_data(offered)[0]} {fingerprint_of(offered)}. "
        "Compare that with what its administrator says, then confirm it: calibench target add asks, or takes "
        "--host-key."
    )


def changed_host(name: str, known: Sequence[str], offered: str) -> TargetError:
    """Another key than the trusted one: a machine that was set up anew, or one in between."""
    trusted = ", ".join(fingerprint_of(key) for key in known)
    return TargetError(
        f"WARNING: {name}: {CHANGED}, so nothing was sent. Trusted is {trusted}, offered is "
        f"{_kind_and_data(offered)[0]} {fingerprint_of(offered)}. Somebody may be listening in between, or the machine "
        "was set up anew: ask its administrator before you confirm the new key with calibench target change --host-key."
    )


def is_changed(error: TargetError) -> bool:
    """Whether an error is of `changed_host`: only a person can decide what comes next."""
    return CHANGED in str(error)


def _kind_and_data(host_key: str) -> tuple[str, str]:
    words = host_key.split()
    for kind, data in pairwise(words):
        if data.startswith("AAAA"):
            return kind, data
    raise _no_key(host_key)


def _no_key(host_key: str) -> TargetError:
    return TargetError(f"Not a host key: {host_key!r}. Write it as in known_hosts: ssh-ed25519 AAAA... .")
