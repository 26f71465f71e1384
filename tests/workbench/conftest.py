"""A Workbench in which nothing runs, over a real store."""

import pytest
from kept_things import Bench


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path / "data", allowed=[tmp_path / "allowed"])
    yield bench
    bench.close()
