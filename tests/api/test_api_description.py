"""The description in OpenAPI: as agreed, whole, with examples that fit, shown without any other host."""

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest

from calibench.api.api_examples import ANSWERS
from calibench.api.described_api import FILES
from calibench.api.rest import make_api
from calibench.things.kept import HostKey
from calibench.workbench import known_targets

GOLDEN = Path(__file__).parent / "golden/openapi.json"


@pytest.fixture(scope="module")
def schema():
    return make_api().openapi()


def operations(schema) -> dict:
    return {each["operationId"]: each for path in schema["paths"].values() for each in path.values()}


def test_the_api_is_as_agreed(schema):
    """To renew the file: UPDATE_GOLDEN=1 pytest tests/api/test_api_description.py."""
    text = json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_every_operation_is_described(schema):
    assert schema["openapi"].startswith("3.1")
    for name, operation in operations(schema).items():
        assert operation["summary"] and operation["description"], name
        assert operation["tags"], name
        assert "401" in operation["responses"], name


def test_every_body_and_answer_has_an_example_that_fits(schema):
    for name, operation in operations(schema).items():
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        contents = [answer.get("content", {}).get("application/json") for answer in answers]
        for content in filter(None, [body, *contents]):
            assert "example" in content, name
            whole = {**content["schema"], "components": schema["components"]}
            jsonschema.Draft202012Validator(whole).validate(content["example"])


def test_every_example_of_a_body_is_taken_by_its_route(client, kept, schema, monkeypatch):
    """It may ask for what is not there, as 404 and 409 say; no value in it is refused."""

    async def offered(_spec):
        return HostKey(**ANSWERS["show_host_key"])

    monkeypatch.setattr(known_targets, "offered_key", offered)
    refused = {}
    for path, operations_of in schema["paths"].items():
        for method, each in operations_of.items():
            body = each.get("requestBody", {}).get("content", {}).get("application/json")
            if body is not None:
                answer = client.request(method, re.sub(r"{\w+}", "1", path), json=body["example"])
                refused |= {each["operationId"]: answer.text} if answer.status_code in (400, 413, 422, 500) else {}
    assert refused == {}


def test_answers_that_are_no_json_say_what_they_are(schema):
    other = {
        name: [
            kind
            for status in each["responses"]
            if status < "3"
            for kind in each["responses"][status].get("content", {})
        ]
        for name, each in operations(schema).items()
    }
    expected = {**{name: [kind] for name, kind in FILES.items()}, "show_job_log": ["text/plain"]}
    assert {name: kinds for name, kinds in other.items() if kinds not in ([], ["application/json"])} == expected


def test_only_health_is_open(schema):
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert schema["security"] == [{"token": []}]
    assert [name for name, each in operations(schema).items() if each.get("security") == []] == ["show_health"]


def test_the_description_of_errors_is_ours(schema):
    assert "HTTPValidationError" not in json.dumps(schema)
    assert schema["components"]["schemas"]["ErrorAnswer"]["properties"].keys() == {"error"}


def test_the_page_of_the_api_names_no_other_host(client):
    page = client.get("/api/docs")
    assert page.status_code == 200
    links = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
    assert links and all(link.startswith("/api/") for link in links)
    for link in links:
        assert client.get(link).status_code == 200
    assert client.get("/api/openapi.json").json()["info"]["title"] == "Calibench"
