"""Two worker processes, started once for all tests of the folder."""

from collections.abc import Iterator

import pytest

from calibench.spread.team import Team, open_team


@pytest.fixture(scope="session")
def team() -> Iterator[Team]:
    with open_team(2) as opened:
        yield opened
