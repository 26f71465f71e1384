"""docs/reference/rest.md: every route and value out of the description of the API, in the text of rest_page.md."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from calibench.api.described_api import ALWAYS, ERRORS, TAGS
from calibench.api.rest import PREFIX, make_api
from calibench.things.kept import JobKind

Described = dict[str, Any]
TEXT = Path(__file__).with_name("rest_page.md")
EXAMPLES = {"id": "1", "name": "report.html"}
"""Of parts of a path; ids of uploads have their own."""

KINDS: dict[JobKind, tuple[str, str, str]] = {
    "import-model": (
        "`POST /models`",
        "what was found, as fields of [KeptModel](#keptmodel)",
        "the model is `ready`; its files are kept",
    ),
    "import-dataset": (
        "`POST /datasets`",
        "what was found, as fields of [KeptDataset](#keptdataset), without `facts` and `problems`",
        "the dataset is `ready`; its files are kept",
    ),
    "sample": (
        "`POST /sample`",
        "`model_id`, `calibration_dataset_id`, `validation_dataset_id`, `accuracy_settings` (of the model)",
        "a model and two datasets",
    ),
    "machine": ("`POST /targets/{id}/check`", "nothing", "`machine` of the [Target](#target)"),
    "compare": ("none: `calibench compare --target` only", "`drop_points`", "nothing"),
    "try-settings": (
        "`POST /models/{id}/settings/trials`",
        "`score`, `samples`, `findings` (each with `cause`, `says`, `before`, `after`, `samples`), `settled` (the "
        "settings as they would be taken), `notes`, `warnings`, `rows` (samples with their picture, what is annotated "
        "and what the model says); only the last trial of a model keeps its result",
        "nothing",
    ),
    "baseline": (
        "`POST /projects`, `POST /projects/{id}/baseline`",
        "`score` (null where there is none), `samples`",
        "headline, points, layers and precisions of the project; `baseline.json` among its exports",
    ),
    "calibrate": (
        "`POST /projects/{id}/calibrations`",
        "`recipe`, `drop_points`, `is_reached` (accuracy-aware: whether the limit was kept), `model_id`",
        "the INT8 model; report, points, layers, pictures, search and exports of its project",
    ),
    "pick": (
        "`POST /projects/{id}/picks`",
        "`point` of the front, `is_reached`, `why_not`, `model_id`",
        "as `calibrate`",
    ),
    "benchmark": (
        "`POST /projects/{id}/benchmarks`",
        "`points`: `series` (`fp32`, `default`, `int8`), `batch`, `streams`, `requests`, `fps`, `fps_low`, `fps_high`, "
        "`latency_ms`, `latency_p95_ms`",
        "points of the project; those of the same batch and streams are replaced",
    ),
    "evaluate": (
        "`POST /projects/{id}/evaluations`",
        "as `calibench evaluate --json`: `metric`, `unit`, `score`, `samples`, `details`, `classes`, ...",
        "the headline of a project that had no score, where the dataset is its own",
    ),
}


def rest_page(note: str) -> str:
    """The page.

    Args:
        note: the comment that says who wrote it.
    """
    described = make_api().openapi()
    parts = {
        "note": note,
        "errors": "\n".join(_errors()),
        "routes": "\n".join(_routes(described)),
        "results": "\n".join(f"| `{kind}` | {' | '.join(KINDS[kind])} |" for kind in get_args(JobKind)),
        "values": "\n".join(_values(described)),
    }
    text = TEXT.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"@{name}@", part)
    return text


def _errors() -> Iterator[str]:
    always = ", ".join(ALWAYS[:-1])
    yield f"{always} and {ALWAYS[-1]} can come from every route; the others stand with the routes."
    yield ""
    yield "| Status | Meaning |"
    yield "| --- | --- |"
    for status, meaning in ERRORS.items():
        yield f"| {status} | {meaning} |"


def _routes(described: Described) -> Iterator[str]:
    for number, (tag, says) in enumerate(TAGS.items()):
        yield from (*([""] if number else []), f"## {tag.capitalize()}", "", says)
        for method, path, operation in _operations(described, tag):
            yield from ("", *_route(method, path, operation))


def _values(described: Described) -> Iterator[str]:
    for number, (name, schema) in enumerate(sorted(described["components"]["schemas"].items())):
        yield from (*([""] if number else []), *_value(name, schema))


def _operations(described: Described, tag: str) -> Iterator[tuple[str, str, Described]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method.upper(), path.removeprefix(PREFIX), operation


def _route(method: str, path: str, operation: Described) -> Iterator[str]:
    yield f"### {method} {path}"
    yield ""
    says = " ".join(operation.get("description", "").split())
    yield f"**{operation['summary']}.** {says}".rstrip()
    yield ""
    for parameter in operation.get("parameters", []):
        if parameter["in"] != "path":
            yield _parameter(parameter)
    body = operation.get("requestBody", {}).get("content", {})
    for kind, content in body.items():
        yield f"- Body: {_type(content['schema']) if 'json' in kind else 'the bytes of the file'}"
    yield f"- {_answer(operation['responses'])}"
    example = _curl(method, path, body)
    if not example.startswith("ask $API"):
        yield from ("", "```sh", example, "```")


def _parameter(parameter: Described) -> str:
    schema = parameter["schema"]
    default = "" if schema.get("default") in (None, "", []) else f", default `{json.dumps(schema['default'])}`"
    needed = ", required" if parameter.get("required") else ""
    place = "Header" if parameter["in"] == "header" else "Query"
    says = parameter.get("description", "")
    kind = f"{_type(schema)}{_range(schema)}{default}{needed}"
    return f"- {place} `{parameter['name']}` ({kind}){f': {says}' if says else ''}"


def _answer(responses: Described) -> str:
    done = next(status for status in responses if status.startswith("2"))
    content = next(iter(responses[done].get("content", {}).items()), None)
    if content is None:
        what = "nothing"
    elif "json" in content[0]:
        what = _type(content[1]["schema"])
    else:
        what = "a file" if content[0] == "*/*" else f"`{content[0]}`"
    errors = [status for status in responses if status != done and status not in ALWAYS]
    return f"Answer {done}: {what}" + (f"; errors {', '.join(errors)}" if errors else "")


def _curl(method: str, path: str, body: Described) -> str:
    upload = "5d41402abc4b2a76"
    for name, value in {**EXAMPLES, **({"id": upload} if path.startswith("/uploads") else {})}.items():
        path = path.replace(f"{{{name}}}", value)
    address = f"$API{path}"
    if (content := body.get("application/json")) is not None:
        sent = shlex.quote(json.dumps(content["example"], ensure_ascii=False))
        return f"ask {'' if method == 'POST' else f'-X {method} '}--json {sent} {address}"
    if body:
        is_raw = path.endswith("/raw")
        place = "?name=flowers.zip" if is_raw else "?offset=0"
        how = "--data-binary @flowers.zip -H 'Content-Type: application/octet-stream'" if is_raw else "-T flowers.zip"
        return f'ask {how} "{address}{place}"'
    if (query := QUERIES.get(path)) is not None:
        address = f'"{address}?{query}"'
    return f"ask {'' if method == 'GET' else f'-X {method} '}{OPTIONS.get(path, '')}{address}"


QUERIES = {
    "/models": "search=mobile&limit=20",
    "/datasets/1/fit": "model_id=1",
    "/jobs": "state=running&state=queued",
    "/projects/1/layer": "name=conv1",
    "/compare": "a=1&b=2",
}
"""What an example asks for behind the question mark."""
OPTIONS = {
    "/events": "-N ",
    "/models/1/download": "-o mobilenet.zip ",
    "/projects/1/model.zip": "-o int8.zip ",
    "/projects/1/exports/report.html": "-O ",
}
"""Of curl."""


def _value(name: str, schema: Described) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if says := schema.get("description"):
        yield " ".join(says.replace("None", "null").split())
        yield ""
    yield "| Field | Type | Default | Meaning |"
    yield "| --- | --- | --- | --- |"
    for field, inner in schema.get("properties", {}).items():
        is_needed = field in schema.get("required", ())
        default = "required" if is_needed else f"`{json.dumps(inner['default'])}`" if "default" in inner else "null"
        meaning = " ".join(inner.get("description", "").replace("None", "null").split()).replace("|", "\\|")
        yield f"| `{field}` | {_type(inner)}{_range(inner)} | {default} | {meaning} |"


PLAIN = {"integer": "integer", "number": "number", "boolean": "true/false", "null": "null", "object": "object"}


def _type(schema: Described) -> str:
    """A type as a person reads it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type")
    if kind == "array":
        count = schema.get("minItems") if schema.get("minItems") == schema.get("maxItems") else None
        inner = _type(schema.get("items", {}))
        return f"({', '.join([inner] * count)})" if count else f"list of {inner}"
    if kind == "string":
        return {"date-time": "time, ISO 8601", "binary": "bytes"}.get(schema.get("format", ""), "text")
    return PLAIN.get(kind or "", "any")


def _range(schema: Described) -> str:
    """What a number must be within."""
    low, high = schema.get("minimum"), schema.get("maximum")
    parts = [f">= {low:g}"] if low is not None else []
    parts += [f"> {schema['exclusiveMinimum']:g}"] if "exclusiveMinimum" in schema else []
    parts += [f"<= {high:g}"] if high is not None and high < 2**31 - 1 else []
    return f", {', '.join(parts)}" if parts else ""
