"""The head of a request: not endless, and not sent for ever. It is read before anybody has shown a token."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 64 * 1024
"""Of the first line and the headers together, as other servers allow; the parser itself has no limit."""

HEAD_S = 20.0
"""That a head may take to come."""

TOO_LARGE = "The head of the request is too large. Send less in its address and headers."


class BoundedHead(HttpToolsProtocol):
    """uvicorn's own protocol, which closes connections that keep it waiting for the end of a head."""

    _head: int | None = 0
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_S, self._close_late)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless a head grows too large by it."""
        super().data_received(data)
        if self._head is None or self.transport.is_closing():
            return
        self._head += len(data)
        if self._late is None:
            self._late = self.loop.call_later(HEAD_S, self._close_late)
        if self._head > HEAD_BYTES:
            self.send_400_response(TOO_LARGE)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._head = 0

    def on_headers_complete(self) -> None:
        """The head is there; what follows is a body, which whoever takes it counts."""
        self._forget()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._forget()
        super().connection_lost(exc)

    def _forget(self) -> None:
        self._head = None
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close_late(self) -> None:
        self._late = None
        self.transport.close()
