"""Heads of requests that are endless, or never come; whoever sends them need not know the token."""

import asyncio
import socket
import threading
from contextlib import contextmanager

import pytest
import uvicorn

from calibench.api import bounded_head


async def app(scope, receive, send):
    """Answers 204 to whatever was asked."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@contextmanager
def served():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=bounded_head.BoundedHead, lifespan="off", log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        try:
            yield lambda: socket.create_connection(listener.getsockname(), timeout=30)
        finally:
            server.should_exit = True
            thread.join()


def answer(connection):
    """Until the server hangs up."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


HEAD = b"GET /%s HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("begin", [HEAD % b"" + b"X-A: ", HEAD[:5] + b"?a="])
def test_an_endless_head_is_refused(begin):
    with served() as connect, connect() as connection:
        try:
            connection.sendall(begin + b"x" * 300_000)
            connection.sendall(b"x" * 10_000_000)
        except OSError:
            pass  # the server hung up, as it should
        else:
            pytest.fail("all of it was taken")


def test_that_is_said_where_it_can_be():
    with served() as connect, connect() as connection:
        connection.sendall(HEAD % b"" + b"X-A: " + b"x" * bounded_head.HEAD_BYTES)
        assert bounded_head.TOO_LARGE.encode() in answer(connection)


def test_large_bodies_and_many_requests_are_no_heads():
    with served() as connect, connect() as connection:
        asked = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + bytes(200_000)
        connection.sendall(asked * 3 + HEAD % b"" + b"Connection: close\r\n\r\n")
        assert answer(connection).count(b"HTTP/1.1 204") == 4


@pytest.mark.parametrize("begin", [b"", HEAD % b"", HEAD % b"" + b"\r\n" + HEAD % b""])
def test_who_sends_no_head_is_not_waited_for(begin, monkeypatch):
    monkeypatch.setattr(bounded_head, "HEAD_S", 0.05)
    with served() as connect, connect() as connection:
        connection.sendall(begin)
        assert answer(connection).count(b"204") == begin.count(b"\r\n\r\n")


def test_a_slow_body_may_take_its_time(monkeypatch):
    monkeypatch.setattr(bounded_head, "HEAD_S", 0.05)
    with served() as connect, connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\n")
        for _ in range(3):
            threading.Event().wait(0.05)
            connection.sendall(b"x")
        assert b"204" in answer(connection)
