"""One server with the fake Workbench and one browser for all tests of pages; each test gets a page of its own."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture(scope="session")
def started_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Pages in a process of their own: NiceGUI keeps its routes and its loop globally."""
    pytest.importorskip("nicegui", reason="needs NiceGUI: pip install 'calibench[serve]'")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("site")
    script = Path(__file__).parent / "serve_fake.py"
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "NICEGUI"))}
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, str(script), str(port)], cwd=folder, env=outside, stdout=log, stderr=log
        )
    site = Site(port)
    try:
        _wait_for(site, server, folder / "log.txt")
        yield site
    finally:
        server.terminate()
        server.wait(timeout=20)
    said = (folder / "log.txt").read_text()
    assert "Traceback" not in said, said


def _wait_for(site: Site, server: subprocess.Popen[bytes], log: Path) -> None:
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


@pytest.fixture
def site(started_site: Site) -> Site:
    """The server with canned things as they were at first."""
    started_site.fill()
    return started_site


@pytest.fixture(scope="session")
def page_browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip("needs Chromium: apt-get install chromium fonts-dejavu-core")
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'calibench[dev]'")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(page_browser: Any, site: Site) -> Iterator[Callable[..., Any]]:
    """Open a page of the site; in the end there must have been no message on the console and no other host asked.

    `allowed`: part of a message that is expected.
    """
    contexts: list[Any] = []
    found: list[str] = []

    def start(path: str, size: tuple[int, int] = DESKTOP, scheme: str = "light", allowed: str = "\0") -> Any:
        context = page_browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on(
            "console", lambda each: None if allowed in each.text else found.append(f"{path}: {each.type}: {each.text}")
        )
        page.on("pageerror", lambda error: found.append(f"{path}: {error}"))
        page.on("request", lambda asked: found.append(asked.url) if is_outside(asked.url, site) else None)
        go(page, site.address + path)
        return page

    yield start
    for context in contexts:
        context.close()
    assert found == []


def go(page: Any, address: str) -> None:
    """Load an address and wait until the page lives: drawn, and connected to the server."""
    page.goto(address)
    page.wait_for_selector("main")
    page.wait_for_function("window.did_handshake === true")


def is_outside(address: str, site: Site) -> bool:
    """Is another host asked?"""
    return not address.startswith((site.address, site.address.replace("http", "ws", 1), "data:", "blob:"))
