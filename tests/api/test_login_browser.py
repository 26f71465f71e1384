"""The way in, in a real browser: the link, the login page by keyboard, the pages behind it, another site's tricks."""

import http.server
import threading
from pathlib import Path

import pytest
from real_server import PATIENCE_S, real_server

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium: apt-get install chromium fonts-dejavu-core"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with real_server(tmp_path_factory.mktemp("served") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    """A page without a session that remembers what went wrong and where it asked."""
    page = browser.new_context().new_page()
    page.set_default_timeout(1000 * PATIENCE_S)
    page.faults, page.hosts, page.sockets = [], set(), []
    page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("request", lambda request: page.hosts.add(request.url.split("/")[2]))
    page.on("websocket", lambda socket: page.sockets.append(socket.url))
    yield page
    page.context.close()


def home(server) -> str:
    return f"http://127.0.0.1:{server.port}"


def test_the_printed_link_opens_the_pages_and_nothing_is_blocked(page, server):
    page.goto(server.link)
    page.wait_for_function("document.title.includes('Calibench')")
    page.wait_for_function("window.socket && window.socket.connected")
    assert "token" not in page.url
    assert page.faults == []  # a rule of the security policy that a page breaks would be told here
    assert {host for host in page.hosts if host} == {f"127.0.0.1:{server.port}"}
    assert page.sockets


def test_the_page_of_the_api_is_drawn_without_another_host(page, server):
    page.goto(server.link)
    page.goto(f"{home(server)}/api/docs")
    page.wait_for_selector("text=Import a model")
    assert page.faults == []
    assert {host for host in page.hosts if host} == {f"127.0.0.1:{server.port}"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_login_page_works_by_keyboard_and_leads_on(page, server, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{home(server)}/jobs")
    page.keyboard.type("wrong")  # the field has the focus
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    page.keyboard.type(server.token)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{home(server)}/jobs")
    page.wait_for_selector("[role=alert]", state="detached")
    assert page.locator("input[name=token]").count() == 0


def test_another_site_cannot_ask_with_our_session_but_may_link_to_us(page, server):
    """The other site is another port of this machine, which a browser takes for the same site: cookies do go along."""

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f'<a id="link" href="{home(server)}/jobs">link</a>'.encode())

        def log_message(self, *_args):
            pass

    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    page.goto(server.link)
    page.goto(f"http://127.0.0.1:{other.server_port}/")
    page.evaluate(
        "path => fetch(path, {method: 'POST', mode: 'no-cors', credentials: 'include'}).then(() => 0, () => 0)",
        f"{home(server)}/api/v1/sample",
    )
    opened = page.evaluate(
        "address => new Promise(done => { const socket = new WebSocket(address);"
        "socket.onopen = () => done(true); socket.onerror = () => done(false) })",
        f"ws://127.0.0.1:{server.port}/_nicegui_ws/socket.io/?EIO=4&transport=websocket",
    )
    assert opened is False
    assert [job["kind"] for job in server.read("/api/v1/jobs") if job["kind"] == "sample"] == []
    page.click("#link")
    page.wait_for_url(f"{home(server)}/jobs")
    page.wait_for_function("document.title.includes('Calibench')")
    assert page.locator("input[name=token]").count() == 0
    other.shutdown()
    other.server_close()
