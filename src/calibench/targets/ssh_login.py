"""Log in to a machine over SSH, by what a target says and by the user's ~/.ssh/config for what it leaves open."""

import asyncio
import errno
import logging
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from calibench.errors import TargetError
from calibench.targets.link import NoAnswer
from calibench.targets.ssh_host_keys import changed_host, trusted_hosts, unknown_host
from calibench.targets.ssh_user_keys import refused_keys, user_keys
from calibench.things.target_spec import TargetSpec

if TYPE_CHECKING:
    import asyncssh

CONNECT_S = 10.0
"""Seconds within which a machine must have let the user in."""
ALIVE_S = 5.0
"""Seconds of silence after which a machine is asked whether it is there."""
ALIVE_TIMES = 2
"""Unanswered questions after which the connection counts as cut: 15 s in all."""
NO_WAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN)
USUAL_PORT = 22
FAST_CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
"""Tried first: half the work of what asyncssh and ssh try first, where the processor has AES."""


@dataclass(frozen=True)
class Login:
    """Where a target is, as the user's configuration has it.

    name: for messages. known_as: its name in known_hosts. is_direct: by no other machine or program on the way.
    given, ciphers: what asyncssh is told beside the configuration.
    """

    name: str
    host: str
    known_as: str
    port: int
    is_direct: bool
    hops: tuple[str, ...]
    known_hosts: tuple[str, ...]
    given: dict[str, Any]
    ciphers: dict[str, Any]


async def log_in(
    spec: TargetSpec, passphrase: str | None = None, through: "asyncssh.SSHClientConnection | None" = None
) -> tuple["asyncssh.SSHClientConnection", str]:
    """A connection to the machine of a target, and its name for messages.

    Args:
        passphrase: of the key file; never kept.
        through: a machine on the way, closed with the connection; None: those of ProxyJump in the configuration.

    Raises:
        TargetError: not reached, not the machine that was meant, or the user was refused.
    """
    ssh = quiet_asyncssh()
    login = look_up(spec)
    through = through or await _hop(login)
    offered: list[str] = []
    trusted = trusted_hosts(spec, login.known_hosts)
    try:
        keys = await user_keys(spec, login.name, passphrase)
        connection = await ssh.connect(
            **login.given,
            **keys,
            **login.ciphers,
            tunnel=through,
            known_hosts=trusted,
            client_factory=_witness(offered),
            connect_timeout=CONNECT_S,
            keepalive_interval=ALIVE_S,
            keepalive_count_max=ALIVE_TIMES,
            compression_algs=None,
            agent_forwarding=False,
        )
    except Exception as error:
        await _let_go(through)
        if isinstance(error, ssh.KeyExchangeFailed | ssh.ConnectionLost):
            offered += await _other_kind(spec, login, trusted)
        if offered:
            raise await _distrusted(login, trusted, offered[0]) from None
        if isinstance(error, ssh.PermissionDenied):
            raise refused_keys(login.name, spec.key) from None
        raise not_reached(error, login) from None
    if through is not None:
        connection.set_tunnel(through)
    return connection, login.name


async def host_key_of(spec: TargetSpec) -> str:
    """The key that the machine of a target offers, before anybody trusts it: `ssh-ed25519 AAAA...`.

    Raises:
        TargetError: not reached.
    """
    ssh = quiet_asyncssh()
    login = look_up(spec)
    through = await _hop(login)
    try:
        options = ssh.SSHClientConnectionOptions(client_keys=None, connect_timeout=CONNECT_S)
        told = {name: value for name, value in login.given.items() if name != "username"}
        key = await ssh.get_server_host_key(**told, tunnel=through, options=options)
    except Exception as error:
        raise not_reached(error, login) from None
    finally:
        await _let_go(through)
    if key is None:
        raise TargetError(f"{login.name}: it offers no host key, so nobody can know which machine it is.")
    return as_text(key)


def look_up(spec: TargetSpec) -> Login:
    """What ~/.ssh/config adds to a target.

    Raises:
        TargetError: the target names no host, or the configuration cannot be read.
    """
    ssh = quiet_asyncssh()
    if spec.host is None:
        raise TargetError("This target has no host to log in to. Write it as ssh://user@host.")
    given: dict[str, Any] = {"host": spec.host}
    if spec.port != USUAL_PORT:  # 22 says nothing: the configuration may have another
        given["port"] = spec.port
    if spec.user is not None:
        given["username"] = spec.user
    try:
        told = ssh.SSHClientConnectionOptions(**given, client_keys=None, config=())
    except (ValueError, OSError) as error:
        raise TargetError(f"{spec.address}: ~/.ssh/config cannot be used: {error}. Mend it.") from None
    hops = told.tunnel if isinstance(told.tunnel, str) else ""
    port = "" if told.port == USUAL_PORT else f":{told.port}"
    files = told.known_hosts if isinstance(told.known_hosts, list) else []
    return Login(
        name=f"{told.username}@{spec.host}{port}",
        host=told.host,
        known_as=told.host_key_alias or told.host,
        port=told.port,
        is_direct=not told.tunnel and not told.proxy_command,
        hops=tuple(hop for hop in hops.split(",") if hop),
        known_hosts=tuple(str(file) for file in files),
        given=given,
        ciphers={} if told.config.get("Ciphers") else {"encryption_algs": FAST_CIPHERS},
    )


def quiet_asyncssh() -> Any:
    """The package, its own log silenced: what it has to say comes as an error.

    Raises:
        TargetError: not installed.
    """
    try:
        import asyncssh
    except ModuleNotFoundError:
        raise TargetError("Targets over SSH need asyncssh. Install it: pip install 'calibench[targets]'.") from None
    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)
    logging.getLogger("asyncio").addFilter(_is_news)
    return asyncssh


def _is_news(record: logging.LogRecord) -> bool:
    """asyncio warns of every packet that was still to be sent over a cut connection."""
    return record.getMessage() != "socket.send() raised exception."


def not_reached(error: Exception, login: Login) -> Exception:
    """Why there is no connection, in one sentence; what is no matter of the network is left as it is."""
    ssh = quiet_asyncssh()
    where = f"{login.name}: "
    if isinstance(error, TargetError):
        return error
    if isinstance(error, socket.gaierror):
        return NoAnswer(f"{where}no machine has the name {login.host}.", "Look at its spelling, or at ~/.ssh/config.")
    if isinstance(error, TimeoutError):
        return NoAnswer(f"{where}no answer within {CONNECT_S:g} s.", "Is the machine on, and is the way to it open?")
    if isinstance(error, ConnectionRefusedError) or "refused" in str(error):
        return NoAnswer(f"{where}refused at port {login.port}.", "Does sshd run there, and is the port right?")
    if isinstance(error, OSError) and error.errno in NO_WAY:
        return NoAnswer(f"{where}there is no way to it.", "Is the machine on, and is a cable or a VPN missing?")
    if isinstance(error, ssh.ConnectionLost | ConnectionError):
        return NoAnswer(f"{where}closed the connection while logging in ({error}).", "Try again, or look at its log.")
    if isinstance(error, OSError):
        return NoAnswer(f"{where}not reached: {str(error).rstrip('.')}.")
    if isinstance(error, ssh.Error | ssh.KeyImportError | ssh.KeyEncryptionError):
        return TargetError(f"{where}not reached: {str(error).rstrip('.')}.")
    return error


def as_text(key: "asyncssh.SSHKey") -> str:
    """A public key as in known_hosts, without the name of the host and without its comment."""
    return " ".join(key.export_public_key("openssh").decode().split()[:2])


async def _hop(login: Login) -> "asyncssh.SSHClientConnection | None":
    """Log in to the machines on the way, each checked like the last one."""
    through = None
    for hop in login.hops:
        user, _, address = hop.rpartition("@")
        host, _, port = address.partition(":")
        spec = TargetSpec(kind="ssh", host=host, port=int(port or USUAL_PORT), user=user or None)
        through, _ = await log_in(spec, through=through)
    return through


async def _let_go(through: "asyncssh.SSHClientConnection | None") -> None:
    if through is not None:
        through.close()
        await asyncio.wait((asyncio.ensure_future(through.wait_closed()),), timeout=1.0)


def _witness(offered: list[str]) -> Any:
    """Makes clients that note down a host key that is not trusted, and do not trust it."""
    import asyncssh

    class Witness(asyncssh.SSHClient):
        def validate_host_public_key(self, host: str, addr: str, port: int, key: "asyncssh.SSHKey") -> bool:
            offered.append(as_text(key))
            return False

    return Witness


async def known_keys(login: Login, trusted: "asyncssh.SSHKnownHosts") -> list[str]:
    """The keys by which a host is known: by its name, by another one that the configuration gives it, by an address."""
    known = _known(login, trusted)
    with suppress(OSError):
        for found in await asyncio.get_running_loop().getaddrinfo(login.host, login.port) if login.is_direct else ():
            known += _known(login, trusted, str(found[4][0]))
    return list(dict.fromkeys(known))


async def _other_kind(spec: TargetSpec, login: Login, trusted: "asyncssh.SSHKnownHosts") -> list[str]:
    """The key of a machine that has none of the kind that is known of it: both sides only hang up then."""
    known = await known_keys(login, trusted)
    with suppress(TargetError):
        offered = await host_key_of(spec)
        return [offered] if known and offered not in known else []
    return []


def _known(login: Login, trusted: "asyncssh.SSHKnownHosts", address: str = "") -> list[str]:
    port = None if login.port == USUAL_PORT else login.port
    return [as_text(key) for key in trusted.match(login.known_as, address, port)[0]]


async def _distrusted(login: Login, trusted: "asyncssh.SSHKnownHosts", offered: str) -> TargetError:
    known = await known_keys(login, trusted)
    return changed_host(login.name, known, offered) if known else unknown_host(login.name, offered)
