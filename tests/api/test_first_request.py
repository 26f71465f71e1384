"""The request that a server makes of itself before it says its link."""

import asyncio

from calibench.api.first_request import make_first_request
from calibench.api.token_file import TokenFile
from calibench.server import make_app
from calibench.workbench.door import make_workbench


def test_it_is_let_in_and_asks_for_the_first_page(tmp_path):
    app = make_app(make_workbench(tmp_path), tokens := TokenFile(tmp_path / "token"), with_pages=False)
    there = asyncio.run(make_first_request(app, "127.0.0.1:8642", tokens.token))
    assert there == 404  # no pages in this test, yet access was given
    assert asyncio.run(make_first_request(app, "127.0.0.1:8642", "wrong")) in (303, 401)
    assert asyncio.run(make_first_request(app, "elsewhere.example", tokens.token)) not in (200, 404)
