"""Requests made from the description, right and wrong ones: the server answers as it says, and never with a fault."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from calibench.api.rest import make_api
from calibench.api.same_site import ServedNames
from calibench.api.token_file import TokenFile
from calibench.errors import TargetError
from calibench.server import make_app
from calibench.workbench import known_targets

ENDLESS = "follow_events"
"""Its answer has no end; test_sent_events.py and test_real_server.py hear it."""


class Asked:
    """Passes requests on to the application of the test that runs; the description is read without one."""

    def __init__(self) -> None:
        self.app = make_api()

    async def __call__(self, scope, receive, send) -> None:
        await self.app(scope, receive, send)


asked = Asked()
api = schemathesis.openapi.from_asgi("/api/openapi.json", asked).exclude(operation_id=ENDLESS)
# 422: whether a path is allowed, a setting known or a model accurate enough, no schema can tell.
api.config.checks.positive_data_acceptance.expected_statuses = ["2xx", "404", "409", "422"]


async def nobody_answers(*_asked):
    raise TargetError("me@lab: refused at port 22. Does sshd run there, and is the port right?")


@pytest.fixture
def known(workbench, kept, monkeypatch):
    """The headers that the application lets in; no request leaves this machine."""
    for name in ("offered_key", "cache_of", "clean_target"):
        monkeypatch.setattr(known_targets, name, nobody_answers)
    tokens = TokenFile(workbench.folder.token)
    names = ServedNames(more=("testserver",))
    asked.app = make_app(workbench, tokens, names, wrong_try_s=0, with_pages=False)
    return {"Authorization": f"Bearer {tokens.token}"}


@api.parametrize()
@settings(max_examples=8, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_it_answers_as_described(case, known):
    case.call_and_validate(headers=known)
