"""The server: REST and pages in one application, one process, and no model in its memory."""

import errno
import signal
import socket
import ssl
import threading
import webbrowser
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI

from calibench.api.access import WRONG_TRY_S, Access
from calibench.api.bounded_head import BoundedHead
from calibench.api.first_request import make_first_request
from calibench.api.rest import make_api
from calibench.api.same_site import EVERYWHERE, ServedNames
from calibench.api.token_file import TokenFile
from calibench.errors import JobError, SettingsError

if TYPE_CHECKING:
    from calibench.workbench.door import Workbench

GRACE_S = 3
"""Seconds that open connections get when the server stops."""

BACKLOG = 2048
"""Connections that may wait to be taken: uvicorn's own choice."""

PORTS_TRIED = 50
"""Ports looked at for a free one when the wanted one is taken."""


@dataclass(frozen=True)
class Serving:
    """How the server is reached.

    Attributes:
        host: address or name to listen on.
        port: 0 takes any free one.
        allowed_hosts: further names that it may be called by.
        certificate, key: PEM files; both or none.
    """

    host: str = "127.0.0.1"
    port: int = 8642
    allowed_hosts: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None

    @property
    def names(self) -> ServedNames:
        """What it may be called."""
        return ServedNames(self.host, self.allowed_hosts)

    def link(self, token: str, port: int | None = None) -> str:
        """The address that opens the pages."""
        host = "127.0.0.1" if self.host in EVERYWHERE else self.host
        host = f"[{host}]" if ":" in host else host
        return f"{'https' if self.certificate else 'http'}://{host}:{port or self.port}/?token={token}"


def make_app(
    workbench: "Workbench",
    tokens: TokenFile,
    names: ServedNames | None = None,
    wrong_try_s: float = WRONG_TRY_S,
    with_pages: bool = True,
) -> FastAPI:
    """REST and pages over one Workbench, behind one check of access; the caller starts and stops the Workbench.

    Args:
        names: under which the server may be called; None: this machine only.
        wrong_try_s: seconds that a wrong token waits.
        with_pages: off for tests of the API, because NiceGUI takes one application a process.
    """
    app = make_api()
    app.state.workbench = workbench
    if with_pages:
        from calibench.web.pages import mount

        mount(app, workbench)
    app.add_middleware(Access, tokens=tokens, names=names or ServedNames(), wrong_try_s=wrong_try_s)
    return app


def serve(
    workbench: "Workbench",
    serving: Serving,
    say_link: Callable[[str], None],
    say_end: Callable[[str], None],
    is_opened: bool = False,
) -> None:
    """Serve until SIGTERM or Ctrl-C; running jobs go on in processes of their own.

    Args:
        say_link: told the link once the server answers.
        say_end: told how it ended.
        is_opened: open the link in the browser of this machine.

    Raises:
        JobError: the port is taken, or the data folder is in use.
        SettingsError: the address is not of this machine, or the TLS files do not fit.
    """
    check_tls(serving)
    listener = open_port(serving)
    with listener:
        tokens = TokenFile(workbench.folder.token)
        app = make_app(workbench, tokens, serving.names)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            http=BoundedHead,
            lifespan="on",
            timeout_graceful_shutdown=GRACE_S,
            ssl_certfile=serving.certificate,
            ssl_keyfile=serving.key,
        )
        link = serving.link(tokens.token, listener.getsockname()[1])
        try:
            workbench.start()
            warm_up = partial(make_first_request, app, urlsplit(link).netloc, tokens.token)
            _run(_Server(config, workbench, warm_up, lambda: _started(link, say_link, is_opened)), listener)
            say_end(_goodbye(workbench))
        finally:
            workbench.stop()


class _Server(uvicorn.Server):
    """Says when it answers quickly, and lets go of who listens for events when it stops: they would never hang up."""

    def __init__(
        self,
        config: uvicorn.Config,
        workbench: "Workbench",
        warm_up: Callable[[], Awaitable[int]],
        started: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._workbench, self._warm_up, self._started = workbench, warm_up, started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self._warm_up()
            self._started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        self._workbench.hub.close()


def _run(server: _Server, listener: socket.socket) -> None:
    """Serve until a signal; a second Ctrl-C does not wait for open connections."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:  # uvicorn raises the signal anew when it is done; it has been obeyed by then
        signal.signal(number, lambda _number, _frame: None)
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _started(link: str, say_link: Callable[[str], None], is_opened: bool) -> None:
    say_link(link)
    if is_opened:
        threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()


def _goodbye(workbench: "Workbench") -> str:
    running = len(workbench.jobs.running())
    if running == 0:
        return "Stopped. No job runs; those that wait start with the next start."
    goes_on = "1 job goes on" if running == 1 else f"{running} jobs go on"
    return f"Stopped. {goes_on} without the server and will be found again at the next start."


def check_tls(serving: Serving) -> None:
    """See to it that certificate and key can be served with.

    Raises:
        SettingsError: one is missing, unreadable, or they do not belong together.
    """
    if (serving.certificate is None) != (serving.key is None):
        raise SettingsError("TLS needs both files. Give --tls-cert and --tls-key.")
    if serving.certificate is None or serving.key is None:
        return
    for path in (serving.certificate, serving.key):
        if not path.is_file():
            raise SettingsError(f"{path}: there is no such file. Give a PEM file.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(serving.certificate, serving.key, password=lambda: "")
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"{serving.certificate}, {serving.key}: TLS cannot be served with these ({reason}). Give a certificate in "
            "PEM and its key without a password."
        ) from None


def open_port(serving: Serving) -> socket.socket:
    """Listen on the wanted address.

    Raises:
        JobError: the port is taken (names a free one), or may not be used.
        SettingsError: the host is no address of this machine.
    """
    host = serving.host or "0.0.0.0"
    try:
        found = socket.getaddrinfo(host, serving.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError, OverflowError):
        raise SettingsError(f"--host {host}: this name is not known here. Give an address of this machine.") from None
    family, address = found[0][0], found[0][4]
    try:
        return _listen(family, address)
    except PermissionError:
        raise JobError(
            f"Port {serving.port} may not be used by you. Give one above 1023, such as --port 8642."
        ) from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise JobError(_taken(serving, family, address)) from None
        raise SettingsError(
            f"--host {host}: cannot be listened on ({error.strerror}). Give an address of this machine."
        ) from None


def _listen(family: int, address: tuple[Any, ...]) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _taken(serving: Serving, family: int, address: tuple[Any, ...]) -> str:
    """The sentence for a taken port, with the next free one."""
    for port in range(serving.port + 1, min(serving.port + PORTS_TRIED, 65536)):
        try:
            _listen(family, (address[0], port, *address[2:])).close()
        except OSError:
            continue
        return f"Port {serving.port} is taken, maybe by another Calibench. Port {port} is free: --port {port}."
    return f"Port {serving.port} is taken, and so are those behind it. Give another --port."
