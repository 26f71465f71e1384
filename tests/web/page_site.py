"""The pages over the fake Workbench, as tests of pages know them."""

import json
import subprocess
import time
import urllib.error
import urllib.request
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
START_S = 90
"""Seconds that a server may take on a machine that is busy with other tests."""


class Site:
    """The running server; `post` and `get` steer the fake behind it, as tests/web/serve_fake.py says."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.address + path, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def post(self, path: str, values: Any = None) -> Any:
        data = json.dumps(values or {}).encode()
        asked = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def fill(self, **how: Any) -> None:
        """Canned things anew; is_empty=True: none, many=1000: as many projects more."""
        query = "&".join(f"{name}={value}" for name, value in how.items())
        self.post(f"/fake/fill?{query}")

    def calls(self) -> list[str]:
        """What was asked of the Workbench since `fill`, as text."""
        found: list[str] = self.get("/fake/calls")
        return found

    def tell(self, topic: str, id: int, change: str = "changed", **data: Any) -> None:
        """Publish an event, as the thread that follows a job does."""
        self.post("/fake/event", {"topic": topic, "id": id, "change": change, "data": data})


def wait_for(site: Site, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_S
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


def is_outside(address: str, site: Site) -> bool:
    """Is another host asked?"""
    return not address.startswith((site.address, site.address.replace("http", "ws", 1), "data:", "blob:"))
