"""One server with the fake Workbench and one browser for all tests of pages; each test gets a page of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from page_site import CHROMIUM, DESKTOP, FLAGS, PATIENCE_S, Site, free_port, go, is_outside, wait_for


@pytest.fixture(scope="session")
def started_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Pages in a process of their own: NiceGUI keeps its routes and its loop globally."""
    pytest.importorskip("nicegui", reason="needs NiceGUI: pip install 'calibench[serve]'")
    port = free_port()
    folder = tmp_path_factory.mktemp("site")
    script = Path(__file__).parent / "serve_fake.py"
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "NICEGUI"))}
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, str(script), str(port)], cwd=folder, env=outside, stdout=log, stderr=log
        )
    site = Site(port)
    try:
        wait_for(site, server, folder / "log.txt")
        yield site
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE_S)
    said = (folder / "log.txt").read_text()
    assert "Traceback" not in said, said


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
        page.set_default_timeout(1000 * PATIENCE_S)
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
