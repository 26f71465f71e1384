"""Pages in a browser that is listened to: what the console says, what fails, which hosts are asked."""

import re
from pathlib import Path
from typing import Any

PHONE, DESKTOP = (360, 740), (1280, 900)
PATIENCE_MS = 120_000
"""How long a job may take on a loaded machine; nothing is measured by it."""


class WatchedPages:
    """Opens pages of a server as a person who has its link.

    Attributes:
        found: what must not be: messages on the console, errors of scripts, requests to other hosts.
    """

    def __init__(self, browser: Any, address: str, link: str) -> None:
        self.browser, self.address, self.link = browser, address, link
        self.found: list[str] = []
        self.contexts: list[Any] = []

    def open(self, path: str = "", size: tuple[int, int] = DESKTOP, scheme: str = "light", allowed: str = "\0") -> Any:
        """A page in a browser of its own that came by the link.

        Args:
            path: to go on to; '': stay where the link leads.
            allowed: regular expression of messages that are expected.
        """
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, accept_downloads=True
        )
        self.contexts.append(context)
        page = self.watch(context.new_page(), allowed)
        page.goto(self.link)
        is_drawn(page)
        if path:
            go(page, self.address + path)
        return page

    def tab(self, page: Any, path: str, allowed: str = "\0") -> Any:
        """A further tab of the same browser."""
        further = self.watch(page.context.new_page(), allowed)
        go(further, self.address + path)
        return further

    def watch(self, page: Any, allowed: str) -> Any:
        """Listen to a page."""
        page.set_default_timeout(PATIENCE_MS)
        own = (self.address, self.address.replace("http", "ws", 1), "data:", "blob:")

        def hear(words: str) -> None:
            if not re.search(allowed, words):
                self.found.append(f"{page.url}: {words}")

        page.on("console", lambda each: hear(f"{each.type}: {each.text}"))
        page.on("pageerror", lambda error: hear(str(error)))
        page.on("request", lambda asked: None if asked.url.startswith(own) else self.found.append(asked.url))
        return page

    def close(self) -> None:
        """Nothing of what must not be was found."""
        for context in self.contexts:
            context.close()
        assert not self.found, "\n".join(self.found)


def go(page: Any, address: str) -> None:
    """Load an address and wait until the page lives."""
    page.goto(address)
    is_drawn(page)


def is_drawn(page: Any) -> None:
    """Wait until the page is drawn and connected to the server."""
    page.wait_for_selector("main h1")
    page.wait_for_function("window.did_handshake === true")


def arrive(page: Any, address: str) -> None:
    """Wait until a press has led to an address; `*` stands for anything, `#` for a number."""
    pattern = re.escape(address).replace(r"\*", ".*").replace(r"\#", r"\d+")
    page.wait_for_url(re.compile(f"{pattern}$"), wait_until="commit")
    is_drawn(page)


def button(page: Any, name: str) -> Any:
    """A button by its whole name, or a link that looks like one."""
    link = page.get_by_role("link", name=name, exact=True).and_(page.locator(".q-btn"))
    return page.get_by_role("button", name=name, exact=True).or_(link)


def import_file(page: Any, *files: Path, name: str = "") -> None:
    """On the page of an import: choose files, name the thing, and send it off."""
    page.locator("input[type=file]").set_input_files([str(file) for file in files])
    page.locator("button[aria-disabled=false]", has_text="Import").wait_for()
    if name:
        page.get_by_label("Name", exact=True).fill(name)
    button(page, "Import").click()


def number_in(page: Any) -> int:
    """The id at the end of the address."""
    found = re.search(r"/(\d+)(?:\?.*)?$", page.url)
    assert found, page.url
    return int(found[1])
