"""A server that answers every operation of the OpenAPI with its example, and notes what it was asked."""

import json
import re
from pathlib import Path
from typing import Any

import httpx

OPENAPI = json.loads((Path(__file__).parents[1] / "api/golden/openapi.json").read_text(encoding="utf-8"))


class CannedServer:
    """A transport for httpx.

    Attributes:
        asked: ids of the operations that were called, in order.
        bodies: JSON bodies, by operation.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bodies: dict[str, Any] = {}
        self.queries: dict[str, list[tuple[str, str]]] = {}
        self.instead: dict[str, Any] = {}

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        name, operation = _operation(request.method, request.url.raw_path.decode().partition("?")[0])
        self.asked.append(name)
        self.queries[name] = request.url.params.multi_items()
        _check_query(request, operation)
        content = request.read()
        if request.headers.get("content-type") == "application/json":
            self.bodies[name] = json.loads(content)
        status, answer = next((int(code), each) for code, each in operation["responses"].items() if code < "3")
        kinds = answer.get("content", {})
        if name in self.instead:
            return httpx.Response(status, json=self.instead[name])
        if "application/json" in kinds:
            return httpx.Response(status, json=kinds["application/json"]["example"])
        return httpx.Response(status, content=b"lines\n" if kinds else b"")


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]]:
    fitting = [
        operations[method.lower()]
        for pattern, operations in sorted(OPENAPI["paths"].items(), key=lambda each: "{" in each[0])
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path) and method.lower() in operations
    ]
    assert fitting, f"no operation {method} {path}"
    return fitting[0]["operationId"], fitting[0]


def _check_query(request: httpx.Request, operation: dict[str, Any]) -> None:
    known = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    assert set(request.url.params) <= known, f"{request.url}: knows {known}"
