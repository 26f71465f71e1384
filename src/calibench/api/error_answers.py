"""Errors as answers: one JSON body for all of them, `{"error": {"kind", "message", "hindrance"?}}`."""

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from calibench.errors import CalibenchError, DatasetError, JobError, ModelError, SettingsError, TargetError
from calibench.store.refused import Conflict, NotThere
from calibench.things.kept import Hindrance
from calibench.workbench.refusals import NotPossible

STATUSES: tuple[tuple[type[CalibenchError], int], ...] = (
    (NotThere, 404),
    (Conflict, 409),
    (NotPossible, 409),
    (SettingsError, 422),
    (ModelError, 422),
    (DatasetError, 422),
    (TargetError, 422),
    (JobError, 409),
    (CalibenchError, 409),
)
"""The first class that fits decides."""

WORDS = {
    400: ("RequestError", "The request is not understood."),
    401: ("NoAccess", "A token is needed."),
    403: ("NoAccess", "This is not allowed."),
    404: ("NotThere", "There is no such path; /api/docs lists them."),
    405: ("NotAllowed", "This path does not take this method; /api/docs lists what it takes."),
    413: ("TooLarge", "The request is too large."),
    422: ("SettingsError", "A value is not possible."),
}


class Problem(BaseModel):
    """What was wrong."""

    kind: str = Field(description="the class of the error, such as DatasetError or NotThere")
    message: str = Field(description="one sentence or two: what, where and what to do")
    hindrance: Hindrance | None = Field(None, description="of NotPossible: why, and the way out")


class ErrorAnswer(BaseModel):
    """The body of every answer that is an error."""

    error: Problem


def error_answer(
    status: int,
    kind: str,
    message: str,
    headers: Mapping[str, str] | None = None,
    hindrance: Hindrance | None = None,
) -> Response:
    """One error as an answer."""
    error: dict[str, Any] = {"kind": kind, "message": message}
    if hindrance is not None:
        error["hindrance"] = hindrance.model_dump(mode="json")
    return JSONResponse({"error": error}, status, dict(headers or {}))


def add_error_answers(app: FastAPI) -> None:
    """Make every error of an application such an answer."""
    app.add_exception_handler(CalibenchError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _fault)


async def _ours(_request: Request, error: Exception) -> Response:
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    return error_answer(status, type(error).__name__, str(error), hindrance=getattr(error, "hindrance", None))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_answer(422, "SettingsError", explain_first(error.errors(), _known_fields(request)))


async def _of_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind, message = WORDS.get(error.status_code, ("RequestError", str(error.detail)))
    own = error.detail if error.status_code in (400, 413, 422) else message
    return error_answer(error.status_code, kind, own, error.headers)


async def _gone(_request: Request, _error: Exception) -> Response:
    """Who asked hung up; nobody reads this."""
    return error_answer(400, "RequestError", "The connection ended before the request was whole.")


async def _fault(_request: Request, error: Exception) -> Response:
    message = f"{type(error).__name__}: this is a fault of Calibench. Please report it with what the server's log says."
    return error_answer(500, "InternalError", message)


def explain_first(errors: Iterable[Mapping[str, Any]], known: Iterable[str] = ()) -> str:
    """One sentence for the first thing that is wrong, with the known names where a name is not known."""
    first = next(iter(errors))
    place = [str(part) for part in first["loc"]]
    where = ".".join(place[1:]) or place[0]
    if first["type"] == "extra_forbidden":
        names = f" Known: {', '.join(known)}." if len(place) == 2 and known else ""
        return f"{where}: there is no such field.{names}"
    if first["type"] == "missing":
        return f"{where}: is missing."
    if where == "body" and isinstance(first.get("input"), bytes):
        return "The body is no JSON. Send it with 'Content-Type: application/json'."
    if where == "body":
        return "The body is no JSON object. Send one, such as {}."
    if first["type"] in ("too_long", "string_too_long") and isinstance(first.get("input"), str):
        return f"{where}: has at most {first['ctx']['max_length']} letters, this one has {len(first['input'])}."
    return f"{where}: {first['msg'].removeprefix('Value error, ').rstrip('.')}."


def _known_fields(request: Request) -> tuple[str, ...]:
    """Names that the body of this route knows."""
    body = getattr(request.scope.get("route"), "body_field", None)
    return tuple(getattr(getattr(getattr(body, "field_info", None), "annotation", None), "model_fields", ()))
