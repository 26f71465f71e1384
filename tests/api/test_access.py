"""Who is let in: host, site, token; pages and web sockets alike."""

import asyncio
import re
import stat

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from calibench.api.access import WAITING, Access
from calibench.api.same_site import ServedNames, host_of
from calibench.api.token_file import TokenFile, cookie_name, session_of
from calibench.errors import JobError

HOME = "http://127.0.0.1:8642"
SOCKET = "ws://127.0.0.1:8642"
FOLLOWED = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "accept": "text/html"}


async def answer(request):
    return PlainTextResponse("inside")


async def echo(socket):
    await socket.accept()
    await socket.send_text("inside")
    await socket.close()


@pytest.fixture
def tokens(tmp_path):
    return TokenFile(tmp_path / "token")


@pytest.fixture
def app(tokens):
    routes = [
        Route("/api/v1/health", answer),
        Route("/api/v1/models", answer, methods=["GET", "POST"]),
        Route("/", answer),
        Route("/projects/{id}", answer),
        WebSocketRoute("/_nicegui_ws/socket.io/", echo),
    ]
    return Access(Starlette(routes=routes), tokens, ServedNames(), wrong_try_s=0)


@pytest.fixture
def visitor(app):
    return TestClient(app, base_url=HOME, follow_redirects=False)


@pytest.fixture
def bearer(tokens):
    return {"authorization": f"Bearer {tokens.token}"}


@pytest.fixture
def cookie(tokens):
    return {"cookie": f"{cookie_name(tokens.token)}={session_of(tokens.token)}"}


def hears(visitor, headers) -> bool:
    """Whether a web socket is let in."""
    try:
        with visitor.websocket_connect(f"{SOCKET}/_nicegui_ws/socket.io/", headers=dict(headers)) as socket:
            return socket.receive_text() == "inside"
    except WebSocketDisconnect as refused:
        assert refused.code == 1008
        return False


@pytest.mark.parametrize("path", ["/api/v1/models", "/", "/projects/3"])
def test_without_a_token_nothing_is_shown(visitor, path):
    answer = visitor.get(path)
    assert answer.status_code == 401
    assert "inside" not in answer.text
    assert answer.headers["www-authenticate"] == "Bearer"


def test_health_needs_no_token(visitor):
    assert visitor.get("/api/v1/health").status_code == 200


def test_the_token_lets_in(visitor, bearer):
    assert visitor.get("/api/v1/models", headers=bearer).text == "inside"
    assert visitor.get("/", headers=bearer).text == "inside"


@pytest.mark.parametrize("given", ["Bearer wrong", "Bearer ", "Basic abc", "Bearer \xe9"])
def test_a_wrong_token_does_not(visitor, given):
    assert visitor.get("/api/v1/models", headers={"authorization": given.encode("latin-1")}).status_code == 401


def test_a_wrong_token_with_a_right_cookie_does_not(visitor, cookie):
    assert visitor.get("/api/v1/models", headers={**cookie, "authorization": "Bearer wrong"}).status_code == 401


def test_the_session_lets_in(visitor, cookie):
    assert visitor.get("/", headers=cookie).text == "inside"
    assert visitor.post("/api/v1/models", headers={**cookie, "origin": HOME}).text == "inside"


def test_the_token_itself_is_no_session(visitor, tokens):
    assert visitor.get("/", headers={"cookie": f"{cookie_name(tokens.token)}={tokens.token}"}).status_code == 401
    assert tokens.token not in session_of(tokens.token)


def test_the_printed_link_opens_a_session_and_leaves_the_address(visitor, tokens):
    answer = visitor.get(f"/projects/3?tab=layers&token={tokens.token}")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/projects/3?tab=layers"
    kept = answer.headers["set-cookie"]
    assert "HttpOnly" in kept and "SameSite=strict" in kept and "Secure" not in kept
    assert tokens.token not in kept
    assert visitor.get("/projects/3").text == "inside"  # the client kept the cookie


def test_under_tls_the_cookie_never_goes_over_an_open_line(app, tokens):
    visitor = TestClient(app, base_url="https://127.0.0.1:8642", follow_redirects=False)
    assert "Secure" in visitor.get(f"/?token={tokens.token}").headers["set-cookie"]


def test_a_wrong_link_leads_to_the_login_page(visitor):
    answer = visitor.get("/?token=wrong", headers=FOLLOWED)
    assert answer.status_code == 401
    assert "not the token of this server" in answer.text
    assert "set-cookie" not in answer.headers


def test_the_api_takes_no_token_in_the_address(visitor, tokens):
    assert visitor.get(f"/api/v1/models?token={tokens.token}").status_code == 401


def test_a_person_without_a_session_gets_the_login_page_where_they_wanted_to_go(visitor):
    answer = visitor.get("/projects/3", headers={"accept": "text/html"})
    assert answer.status_code == 401
    assert '<input type="hidden" name="next" value="/projects/3">' in answer.text


def test_the_login_page_opens_a_session_and_goes_on(visitor, tokens):
    form = {"token": f" {tokens.token}\n", "next": "/projects/3"}
    answer = visitor.post("/login", data=form, headers={"origin": HOME})
    assert (answer.status_code, answer.headers["location"]) == (303, "/projects/3")
    assert visitor.get("/projects/3").text == "inside"


@pytest.mark.parametrize("next_", ["https://evil.example/", "//evil.example", "/\\evil.example", "/login", "", "x"])
def test_the_login_page_leads_nowhere_else(visitor, tokens, next_):
    assert visitor.post("/login", data={"token": tokens.token, "next": next_}).headers["location"] == "/"


@pytest.mark.parametrize("body", [b"", b"token=wrong", b"\xff\xfe", b"token=" + b"x" * 20_000])
def test_a_wrong_login_is_told_so(visitor, body):
    answer = visitor.post("/login", content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text


def test_what_a_person_typed_is_not_run_as_a_page(visitor):
    answer = visitor.post("/login", data={"token": "wrong", "next": '/"><script>alert(1)</script>'})
    assert "<script>" not in answer.text


def test_the_login_page_needs_no_other_file_and_no_mouse(visitor):
    page = visitor.get("/login").text
    assert not re.findall(r"(?:src|href)=", page)
    assert "autofocus" in page and '<label for="token">' in page
    assert "color-scheme: light dark" in page


def test_the_login_takes_no_other_method(visitor):
    answer = visitor.put("/login")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},  # another port of this machine
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:3000"},
        {"origin": "null"},
        {"origin": "http://localhost:8642"},  # another name: its cookies are not ours
    ],
)
def test_another_site_may_not_ask_even_with_our_cookie(visitor, cookie, headers):
    answer = visitor.post("/api/v1/models", headers={**cookie, **headers})
    assert answer.status_code == 403
    assert answer.json()["error"]["kind"] == "NoAccess"
    assert not hears(visitor, {**cookie, **headers})
    assert hears(visitor, cookie)


def test_our_own_form_is_known_by_the_browser_where_it_hides_the_origin(visitor, cookie):
    headers = {**cookie, "origin": "null", "sec-fetch-site": "same-origin"}
    assert visitor.post("/api/v1/models", headers=headers).status_code == 200


def test_a_link_on_another_site_is_loaded_once_more_so_that_the_session_is_found(visitor):
    answer = visitor.get("/projects/3", headers={**FOLLOWED, "sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert 'http-equiv="refresh"' in answer.text and "inside" not in answer.text


def test_a_frame_of_another_site_is_refused(visitor, cookie):
    headers = {**cookie, **FOLLOWED, "sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe"}
    assert visitor.get("/", headers=headers).status_code == 403


def test_a_link_on_another_site_does_not_reach_the_api(visitor, cookie):
    headers = {**cookie, **FOLLOWED, "sec-fetch-site": "cross-site"}
    assert visitor.get("/api/v1/models", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8642", "127.0.0.1.evil.example", "192.168.1.5", "", "[::2]"]
)
def test_a_name_that_is_not_ours_is_refused_whatever_it_brings(visitor, bearer, cookie, host):
    for known in (bearer, cookie):
        answer = visitor.get("/api/v1/models", headers={**known, "host": host})
        assert answer.status_code == 421
        assert not hears(visitor, {**known, "host": host})
    assert visitor.get("/api/v1/health", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:8642", "LOCALHOST", "127.0.0.1", "[::1]:8642", "localhost."])
def test_loopback_names_are_ours(visitor, bearer, host):
    assert visitor.get("/api/v1/models", headers={**bearer, "host": host}).status_code == 200


def test_names_that_are_served():
    lab = ServedNames("10.0.0.5", ("lab.example",))
    assert lab.has("10.0.0.5:8642") and lab.has("Lab.Example") and not lab.has("10.0.0.6")
    everywhere = ServedNames("0.0.0.0")
    assert everywhere.has("10.0.0.6:8642") and everywhere.has("[fe80::1]:80") and not everywhere.has("lab.example")
    assert ServedNames("127.0.0.2").are_local and not everywhere.are_local


def test_the_host_of_a_header():
    assert [host_of(text) for text in ("a:1", "[::1]:1", "[::1]", "A.", "a")] == ["a", "::1", "::1", "a", "a"]


def test_a_web_socket_needs_the_token_or_the_session(visitor, bearer, cookie):
    assert not hears(visitor, {})
    assert not hears(visitor, {"authorization": "Bearer wrong"})
    assert hears(visitor, bearer)
    assert hears(visitor, {**cookie, "origin": HOME})


def test_every_answer_has_the_headers_that_protect(visitor, bearer):
    for answer in (visitor.get("/", headers=bearer), visitor.get("/"), visitor.get("/api/v1/models")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert visitor.get("/api/v1/models").headers["cache-control"] == "no-store"
    assert visitor.get("/login").headers["referrer-policy"] == "same-origin"


def test_who_has_gone_need_not_be_answered_and_any_other_silence_is_a_fault(tokens):
    async def silent(scope, receive, send):
        await receive()
        raise RuntimeError("No response returned.")

    def ask(first):
        sent = []

        async def receive():
            return {"type": first}

        async def send(message):
            sent.append(message)

        headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {tokens.token}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/", "headers": headers, "query_string": b""}
        asyncio.run(Access(silent, tokens, ServedNames())(scope, receive, send))
        return sent

    assert ask("http.disconnect") == []
    with pytest.raises(RuntimeError, match="No response"):
        ask("http.request")


def test_too_many_wrong_tries_at_once_are_sent_away(app, visitor, bearer):
    app._waiting = WAITING
    answer = visitor.get("/api/v1/models", headers={"authorization": "Bearer wrong"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
    assert visitor.get("/api/v1/models", headers=bearer).status_code == 200


def test_a_wrong_try_waits_and_a_right_one_does_not(tokens, monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr("calibench.api.access.asyncio.sleep", sleep)
    visitor = TestClient(Access(Starlette(routes=[Route("/", answer)]), tokens, ServedNames(), 2.0), base_url=HOME)
    visitor.get("/", headers={"authorization": f"Bearer {tokens.token}"})
    visitor.get("/")
    assert waited == []
    visitor.get("/", headers={"authorization": "Bearer wrong"})
    visitor.get("/?token=wrong")
    visitor.post("/login", data={"token": "wrong"})
    assert waited == [2.0] * 3


def test_the_token_is_for_its_owner_alone_and_stays(tmp_path):
    path = tmp_path / "data/token"
    token = TokenFile(path).token
    assert len(token) > 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert TokenFile(path).token == token


def test_a_renewed_token_is_seen_by_a_running_server(visitor, tokens, bearer, cookie):
    assert visitor.get("/", headers=bearer).status_code == 200
    TokenFile(tokens._path).renew()
    assert visitor.get("/", headers=bearer).status_code == 401
    assert visitor.get("/", headers=cookie).status_code == 401


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 50])
def test_a_broken_token_file_is_named(tmp_path, content):
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(JobError, match="token"):
        _ = TokenFile(tmp_path / "token").token
