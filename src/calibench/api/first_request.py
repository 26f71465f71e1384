"""The first request of a server, made by itself: routes and pages are put together then, and nobody waits for that."""

from typing import Any

from starlette.types import ASGIApp, Message


async def make_first_request(app: ASGIApp, host: str, token: str) -> int:
    """Ask the application for its first page, without a network.

    Args:
        host: name and port under which it is served.

    Returns:
        The HTTP status of the answer.
    """
    statuses: list[int] = []
    scope: dict[str, Any] = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/", "raw_path": b"/", "root_path": "", "query_string": b"", "client": None, "server": None,
        "headers": [(b"host", host.encode()), (b"authorization", f"Bearer {token}".encode())],
    }  # fmt: skip

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]
