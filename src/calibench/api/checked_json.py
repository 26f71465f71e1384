"""Request bodies: JSON that a database and a browser can hold, and not more of it than a form has."""

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

BODY_BYTES = 1_000_000
"""The largest body that is no upload: settings with thousands of layer names still fit."""

DEPTH = 32
"""How deep a value may be nested; settings have five levels."""

LARGEST = 2**53 - 1
"""The largest whole number that JavaScript, and with it a page, reads exactly."""


class CheckedRequest(Request):
    """A request whose body is read by our rules."""

    async def body(self) -> bytes:
        """The body.

        Raises:
            HTTPException: 413, it is too large.
        """
        if not hasattr(self, "_body"):
            parts, size = [], 0
            async for part in self.stream():
                size += len(part)
                if size > BODY_BYTES:
                    raise HTTPException(413, f"The body is larger than {BODY_BYTES:,} bytes. Files go to /uploads.")
                parts.append(part)
            self._body = b"".join(parts)
        return self._body

    async def json(self) -> Any:
        """The value in the body.

        Raises:
            HTTPException: as `read_json`.
        """
        return read_json(await self.body())


class CheckedRoute(APIRoute):
    """A route whose bodies are read by our rules."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, given a CheckedRequest."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(CheckedRequest(request.scope, request.receive))

        return handle


def read_json(body: bytes) -> Any:
    """A value out of JSON in UTF-8.

    Raises:
        HTTPException: 400, it is no JSON; 422, it is nested too deep, or has a number or letter that nobody can keep.
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        _check(value, 0)
    except UnicodeDecodeError:
        raise HTTPException(400, "The body is no text in UTF-8.") from None
    except json.JSONDecodeError as error:
        raise HTTPException(400, f"The body is no JSON: {error.msg}, line {error.lineno}.") from None
    except RecursionError:
        raise _too_deep() from None
    except OverflowError as error:
        raise HTTPException(422, f"The body is not taken: {error}.") from None
    except ValueError as error:  # NaN, and a number with thousands of digits, of which Python says much
        said = str(error) if "number in JSON" in str(error) else "a number has thousands of digits"
        raise HTTPException(400, f"The body is no JSON: {said}.") from None
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


def _check(value: Any, depth: int) -> None:
    if depth > DEPTH:
        raise _too_deep()
    if isinstance(value, dict):
        for name, inner in value.items():
            _check(name, depth)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)
    elif isinstance(value, str):
        if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
            raise OverflowError("a text holds a NUL or half a letter")
    elif isinstance(value, float) and not math.isfinite(value):
        raise OverflowError("a number is larger than 1e308")
    elif isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        raise OverflowError("a whole number is larger than 2^53")


def _too_deep() -> HTTPException:
    return HTTPException(422, f"The body is nested deeper than {DEPTH} levels.")
