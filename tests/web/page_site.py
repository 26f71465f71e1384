"""The pages over the fake Workbench, as tests of pages know them."""

import json
import random
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESKTOP = (360, 740), (1280, 900)
PATIENCE_S = 120
"""Seconds that a server or a page may take on a slow machine that is busy; nothing is measured by it."""


class Site:
    """The running server; `post` and `get` steer the fake behind it, as tests/web/serve_fake.py says."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read() or "null")

    def post(self, path: str, values: Any = None) -> Any:
        data = json.dumps(values or {}).encode()
        asked = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read() or "null")

    def fill(self, **how: Any) -> None:
        """Canned things anew; is_empty=True: none, many=1000: as many projects more."""
        query = "&".join(f"{name}={value}" for name, value in how.items())
        self.post(f"/fake/fill?{query}")

    def calls(self) -> list[str]:
        """What was asked of the Workbench since `fill`, as text."""
        found: list[str] = self.get("/fake/calls")
        return found

    def asked(self, what: str, count: int = 1) -> list[str]:
        """The calls of one kind as text, once there are so many: a press is heard of later than it is made."""
        becomes(lambda: len(self._calls(what)) >= count, True)
        return self._calls(what)

    def _calls(self, what: str) -> list[str]:
        return [call for call in self.calls() if call.startswith(f"('{what}'")]

    def tell(self, topic: str, id: int, change: str = "changed", **data: Any) -> None:
        """Publish an event, as the thread that follows a job does."""
        self.post("/fake/event", {"topic": topic, "id": id, "change": change, "data": data})


def free_port() -> int:
    """A port that nothing listens on, below those that the system gives to whoever calls another."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port of this machine is free")


def wait_for(site: Site, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        try:
            site.calls()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"the server does not answer: {log.read_text()}")


def go(page: Any, address: str) -> None:
    """Load an address and wait until the page lives: drawn, and connected to the server."""
    page.goto(address)
    page.wait_for_selector("main")
    page.wait_for_function("window.did_handshake === true")


def becomes(read: Callable[[], object], wanted: object) -> None:
    """Wait until something is as it should be; what comes later than a press is not there at once."""
    end = time.monotonic() + PATIENCE_S
    while read() != wanted and time.monotonic() < end:
        time.sleep(0.05)
    assert read() == wanted


def fits(page: Any) -> bool:
    """Is nothing wider than the window? The page may take a moment to find its shape."""
    end = time.monotonic() + PATIENCE_S / 10
    while not page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
        if time.monotonic() > end:
            return False
        page.wait_for_timeout(100)
    return True


def is_outside(address: str, site: Site) -> bool:
    """Is another host asked?"""
    return not address.startswith((site.address, site.address.replace("http", "ws", 1), "data:", "blob:"))
