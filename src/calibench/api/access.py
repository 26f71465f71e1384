"""Who may ask: a middleware in front of everything, pages and their web sockets included.

The order: is the host one of ours, does the request come from our own pages, does the asker know the token.
"""

import asyncio
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calibench.api.error_answers import error_answer
from calibench.api.login_page import login_page, own_path, same_page_again
from calibench.api.same_site import ServedNames, is_from_elsewhere, is_navigation
from calibench.api.security_headers import secured
from calibench.api.token_file import TokenFile, cookie_name, is_same, session_of

API = "/api/v1/"
"""What stands below it answers programs; the rest are pages."""

OPEN = ("/api/v1/health",)
"""Paths that need no token: they tell nothing."""

WRONG_TRY_S = 1.0
"""Seconds that a wrong token waits for its answer."""

WAITING = 20
"""Wrong tries that may wait at once; further ones are sent away."""

LOGIN_BYTES = 10_000
"""A login form with more is none."""

NOT_ANSWERED = "No response returned."
"""What Starlette's middlewares raise when nothing came from within."""

POLICY_VIOLATION = 1008
"""The code that a refused web socket is closed with."""


class Access:
    """The middleware.

    Args:
        tokens: has the token.
        names: under which the server may be called.
        wrong_try_s: how long a wrong token waits.
    """

    def __init__(self, app: ASGIApp, tokens: TokenFile, names: ServedNames, wrong_try_s: float = WRONG_TRY_S) -> None:
        self.app, self._tokens, self._names, self._wrong_try_s = app, tokens, names, wrong_try_s
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is allowed, answer the rest."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        send = _securing(send, scope["path"].startswith(API))
        refusal = await self._refusal(scope, receive)
        if refusal is None:
            await _pass_on(self.app, scope, receive, send)
        elif scope["type"] == "http":
            await refusal(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})

    async def _refusal(self, scope: Scope, receive: Receive) -> Response | None:
        headers, path, method = Headers(scope=scope), scope["path"], scope.get("method", "GET")
        if not self._names.has(headers.get("host", "")):
            return _unknown_host(headers.get("host", ""))
        is_link = scope["type"] == "http" and is_navigation(method, path, headers)
        is_foreign = is_from_elsewhere(headers)
        if is_foreign and not is_link:
            return error_answer(403, "NoAccess", "This request comes from another site, which may not ask here.")
        if scope["type"] == "http" and path == "/login":
            return await self._login(Request(scope, receive))
        if scope["type"] == "http" and method == "GET" and (given := _token_in(scope)) is not None:
            return await self._open_link(scope, given)
        return await self._unless_known(scope, headers, is_foreign)

    async def _unless_known(self, scope: Scope, headers: Headers, is_foreign: bool) -> Response | None:
        """None for who knows the token, and for what needs none."""
        token, bearer = self._tokens.token, _bearer(headers)
        session = _cookies(headers).get(cookie_name(token))
        if scope["path"] in OPEN or (bearer is not None and is_same(bearer, token)):
            return None
        if bearer is None and session is not None and is_same(session, session_of(token)):
            return None
        if (bearer or session) and not await self._wait():
            return _too_many()
        if is_foreign:
            return same_page_again()
        if "text/html" in headers.get("accept", "") and not scope["path"].startswith(API):
            return login_page(scope["path"])
        return _not_known(bearer is not None)

    async def _open_link(self, scope: Scope, given: str) -> Response:
        """The printed link: a session, and the same page without the token in its address."""
        if not is_same(given, self._tokens.token):
            return login_page(scope["path"], _WRONG, 401) if await self._wait() else _too_many()
        rest = [pair for pair in parse_qsl(scope["query_string"].decode("latin-1")) if pair[0] != "token"]
        return self._session(scope, scope["path"] + (f"?{urlencode(rest)}" if rest else ""))

    async def _login(self, request: Request) -> Response:
        if request.method in ("GET", "HEAD"):
            return login_page(request.query_params.get("next", "/"), status=200)
        if request.method != "POST":
            return error_answer(405, "NotAllowed", "/login takes GET and POST.", headers={"Allow": "GET, POST"})
        form = await _form(request)
        if not is_same(form.get("token", "").strip(), self._tokens.token):
            return login_page(form.get("next", "/"), _WRONG, 401) if await self._wait() else _too_many()
        return self._session(request.scope, form.get("next", "/"))

    def _session(self, scope: Scope, next_: str) -> Response:
        token = self._tokens.token
        answer = RedirectResponse(own_path(next_), 303, {"Cache-Control": "no-store"})
        answer.set_cookie(
            cookie_name(token),
            session_of(token),
            httponly=True,
            samesite="strict",
            secure=scope.get("scheme") == "https",
        )
        return answer

    async def _wait(self) -> bool:
        """Let a wrong try wait; False when too many wait already."""
        if self._waiting >= WAITING:
            return False
        self._waiting += 1
        try:
            await asyncio.sleep(self._wrong_try_s)
        finally:
            self._waiting -= 1
        return True


async def _pass_on(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """What is not answered because the browser has gone is no fault, though middlewares of the pages say it is."""
    has_gone = False

    async def hear() -> Message:
        nonlocal has_gone
        message = await receive()
        has_gone = has_gone or message["type"] == "http.disconnect"
        return message

    try:
        await app(scope, hear, send)
    except RuntimeError as error:
        if not has_gone or str(error) != NOT_ANSWERED:
            raise


_WRONG = "This is not the token of this server."


def _securing(send: Send, is_data: bool) -> Send:
    async def secure(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": secured(message.get("headers", ()), is_data)}
        await send(message)

    return secure


def _bearer(headers: Headers) -> str | None:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _cookies(headers: Headers) -> Mapping[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _token_in(scope: Scope) -> str | None:
    """The token in the address of a page."""
    if scope["path"].startswith(API):
        return None
    return dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("token")


async def _form(request: Request) -> dict[str, str]:
    """The fields of a login form; none where it is too long or no text."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LOGIN_BYTES:
            return {}
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def _unknown_host(host: str) -> Response:
    name = "".join(letter for letter in host if letter.isprintable())[:100] or "''"
    message = f"This server is not called {name}. Start it with --allow-host NAME for a further name."
    return error_answer(421, "NoAccess", message)


def _not_known(was_wrong: bool) -> Response:
    reason = "This is not the token of this server." if was_wrong else "A token is needed."
    message = f"{reason} Send 'Authorization: Bearer TOKEN'; calibench serve --print-link shows the token."
    return error_answer(401, "NoAccess", message, headers={"WWW-Authenticate": "Bearer"})


def _too_many() -> Response:
    return error_answer(429, "NoAccess", "Too many wrong tokens at once. Try again in a while.", {"Retry-After": "5"})
