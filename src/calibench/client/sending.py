"""Bytes on their way to a server; what has arrived stays when the connection breaks, and the rest follows."""

import time
from collections.abc import Iterator
from contextlib import suppress

from calibench.client.connection import Connection
from calibench.client.contents import Content
from calibench.client.following import LOST_S, PAUSE_S, patiently
from calibench.errors import CalibenchError, TargetError
from calibench.progress import Progress, silent
from calibench.store.refused import Conflict
from calibench.things.kept import Upload

MB = 10**6
TAKE_BACK_S = 3.0
"""For who waits after Ctrl-C."""


def send(connection: Connection, content: Content, progress: Progress = silent) -> Upload:
    """Upload bytes; `progress` hears of megabytes.

    Raises:
        DatasetError: a file cannot be read, or was changed meanwhile.
        TargetError: the server was away for longer than a minute.
        CalibenchError: what the server refused.
    """
    upload = connection.ask(Upload, "POST", "/uploads", {"name": content.name, "size": content.size})
    try:
        _send_all(connection, content, upload.id, progress)
        return patiently(lambda: connection.ask(Upload, "POST", f"/uploads/{upload.id}/finish"))
    except BaseException as error:
        if not isinstance(error, TargetError):  # nobody goes on with it: it need not lie there for a day
            _take_back(connection, upload.id)
        raise


def _send_all(connection: Connection, content: Content, id: str, progress: Progress) -> None:
    at, since = 0, time.monotonic()
    while True:
        try:
            connection.put_bytes(f"/uploads/{id}", _counted(content, at, progress), offset=at)
            return
        except (TargetError, Conflict):  # a conflict: the server has not seen yet that the line broke
            if time.monotonic() - since > LOST_S:
                raise
        time.sleep(PAUSE_S)
        received = patiently(lambda: connection.thing(Upload, f"/uploads/{id}")).received
        if received > at:
            at, since = received, time.monotonic()


def _take_back(connection: Connection, id: str) -> None:
    """Remove what was sent, once the server has seen that nobody writes any more."""
    until = time.monotonic() + TAKE_BACK_S
    with suppress(CalibenchError):
        while True:
            try:
                connection.send("DELETE", f"/uploads/{id}")
                return
            except Conflict:
                if time.monotonic() > until:
                    raise
            time.sleep(0.05)


def _counted(content: Content, at: int, progress: Progress) -> Iterator[bytes]:
    total, told = in_megabytes(content.size), -1
    for part in content.parts(at):
        yield part
        at += len(part)
        if in_megabytes(at) != told:
            told = in_megabytes(at)
            progress("send", told, total)


def in_megabytes(size: int) -> int:
    """As whole as progress counts; something is 1."""
    return -(-size // MB)
