"""The description of the API in OpenAPI: what FastAPI finds in the routes, with security, errors and examples."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from calibench.api.api_examples import ANSWERS, BODIES
from calibench.api.error_answers import ErrorAnswer

TEXT = """Everything that the pages can do. Send `Authorization: Bearer TOKEN`; `calibench serve --print-link` shows the
token. A page of this server needs no header: it has a session.

Lists take `limit` and `offset`, and say in `X-Total-Count` how long the whole is. What takes long is a job: the answer
names it, `/jobs/{id}` and `/events` tell how far it is. Things have a `version` that grows with each change; an edit
that names an older one is refused with 409. Errors have one body: `{"error": {"kind", "message", "hindrance"?}}`."""

TAGS = {
    "server": "Health, version, machine, sample, events.",
    "models": "Models and their INT8 children.",
    "datasets": "Samples that set ranges or decide accuracy.",
    "uploads": "Files on their way to the server.",
    "targets": "Machines that calibrate and measure.",
    "projects": "A model x a dataset x a target: baseline, calibration, measurements.",
    "results": "What came out of a project.",
    "jobs": "What runs, ran and waits.",
}

ERRORS = {
    "400": "The body is not understood.",
    "401": "The token is missing or wrong.",
    "403": "The request comes from another site.",
    "404": "There is no such thing.",
    "409": "Not possible now: somebody else changed it, or something hinders it (see `hindrance`).",
    "413": "The body is larger than 1 MB.",
    "421": "The server is not called by this name.",
    "422": "A value is not possible; the message names it.",
    "429": "Too many wrong tokens at once.",
    "500": "A fault of Calibench.",
}
ALWAYS = ("401", "403", "421", "429", "500")

EXAMPLE_ERRORS = {
    "404": ("NotThere", "There is no model 7."),
    "409": ("Conflict", "Somebody changed this meanwhile. Load it again, and repeat your change."),
    "422": ("SettingsError", "name: a name is needed."),
}

FILES = {
    "download_model": "application/zip",
    "download_project_model": "application/zip",
    "download_export": "*/*",
    "follow_events": "text/event-stream",
}
"""Answers that are no JSON."""

Described = dict[str, Any]


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` give the whole description; made once."""

    def openapi() -> Described:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=TEXT,
                routes=app.routes,
                tags=[{"name": name, "description": text} for name, text in TAGS.items()],
            )
            app.openapi_schema = complete(schema)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def complete(schema: Described) -> Described:
    """Add what the routes do not say themselves."""
    parts = schema.setdefault("components", {})
    parts["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "what `calibench serve --print-link` shows"}
    }
    schema["security"] = [{"token": []}]
    parts["responses"] = _error_responses()
    _add_error_schema(parts["schemas"])
    _even_out(schema)
    for operation in _operations(schema):
        name, answers = operation["operationId"], operation["responses"]
        if name == "show_health":
            operation["security"] = []
        _add_errors(operation)
        _add_examples(operation)
        done = next(answers[status] for status in answers if status.startswith("2"))
        if name in FILES:
            done["content"] = {FILES[name]: {"schema": {"type": "string"}}}
        if name.startswith("list_") and any(parameter["name"] == "limit" for parameter in _parameters(operation)):
            done["headers"] = {"X-Total-Count": {"description": "length of the whole", "schema": {"type": "integer"}}}
    return schema


def _even_out(part: Any) -> None:
    """Say of a list whose items are all of one kind just that: more programs read it than a kind for each place."""
    if isinstance(part, list):
        for inner in part:
            _even_out(inner)
    elif isinstance(part, dict):
        kinds = part.get("prefixItems")
        if isinstance(kinds, list) and all(kind == kinds[0] for kind in kinds):
            part["items"] = part.pop("prefixItems")[0]
        for inner in part.values():
            _even_out(inner)


def _operations(schema: Described) -> Iterator[Described]:
    for path in schema["paths"].values():
        yield from path.values()


def _parameters(operation: Described) -> list[Described]:
    found: list[Described] = operation.get("parameters", [])
    return found


def _add_error_schema(schemas: Described) -> None:
    whole = ErrorAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    inner = whole.pop("$defs")
    schemas.update({**inner, "ErrorAnswer": whole, **{name: schemas[name] for name in inner if name in schemas}})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)


def _add_errors(operation: Described) -> None:
    """The errors that this operation can answer with."""
    statuses = {*ALWAYS}
    if _parameters(operation) or "requestBody" in operation:
        statuses |= {"404", "409", "422"}
    if "requestBody" in operation:
        statuses |= {"400", "413"}
    operation["responses"].pop("422", None)
    for status in sorted(statuses):
        operation["responses"][status] = {"$ref": f"#/components/responses/{status}"}


def _error_responses() -> Described:
    """Each error once, by its status."""
    found = {}
    for status, text in ERRORS.items():
        content: Described = {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}
        if status in EXAMPLE_ERRORS:
            kind, message = EXAMPLE_ERRORS[status]
            content["example"] = {"error": {"kind": kind, "message": message}}
        found[status] = {"description": text, "content": {"application/json": content}}
    return found


def _add_examples(operation: Described) -> None:
    name = operation["operationId"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        body["example"] = BODIES[name]
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).get("application/json")
        if status.startswith("2") and content is not None:
            content["example"] = ANSWERS[name]
