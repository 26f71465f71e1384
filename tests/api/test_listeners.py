"""Listeners over a real line that never read, or leave without a word."""

import gc
import socket
import threading
import time
from contextlib import closing

import pytest
import uvicorn

from calibench.api.token_file import TokenFile
from calibench.server import make_app
from calibench.things.kept import Event

LISTENERS = 20
PATIENCE_S = 60


@pytest.fixture
def port(workbench):
    """Of a server in this process, so that a test can look into its hub."""
    tokens = TokenFile(workbench.folder.token)
    config = uvicorn.Config(make_app(workbench, tokens, with_pages=False), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0), backlog=LISTENERS)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield listener.getsockname()[1]
        workbench.hub.close()
        server.should_exit = True
        thread.join(PATIENCE_S)


def listen(workbench, port):
    """A line that is open, and takes next to nothing."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", port))
    token = TokenFile(workbench.folder.token).token
    line.sendall(
        f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )
    return line


def until(holds):
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it never came"
        gc.collect()
        time.sleep(0.02)


def test_who_never_reads_holds_up_nobody_and_who_leaves_is_forgotten(workbench, port, monkeypatch):
    monkeypatch.setattr("calibench.worker.hub.WAITING", 20)
    monkeypatch.setattr("calibench.worker.hub.LOST", 200)
    streams = workbench.hub._streams
    lines = [listen(workbench, port) for _ in range(LISTENERS)]
    until(lambda: len(streams) == LISTENERS)
    large = {"step": "x" * 100_000}
    for number in range(100):
        workbench.hub.publish(Event(topic="job", id=number, change="progress", data=large))
    until(lambda: max(len(stream._waiting) for stream in streams) <= 20)  # progress is dropped, not kept
    assert len(streams) == LISTENERS
    for line in lines[:8]:  # leave without a word
        line.close()
    until(lambda: len(streams) == LISTENERS - 8)
    for number in range(300):
        workbench.hub.publish(Event(topic="project", id=number, data=large))
    assert all(stream._is_over and not stream._waiting for stream in streams)  # given up: they must connect anew
    for line in lines:
        line.close()
    until(lambda: len(streams) == 0)
