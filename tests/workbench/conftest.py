"""A Workbench in which nothing runs, over a real store."""

import pytest
from kept_things import Bench
from played_looks import PlayedLooks

from calibench.targets import target_load


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path / "data", allowed=[tmp_path / "allowed"])
    yield bench
    bench.targets.stop()
    bench.close()


@pytest.fixture
def played_looks(monkeypatch):
    """Looks at other machines that end when a test says so, and as it says."""
    played = PlayedLooks()
    monkeypatch.setattr(target_load, "LoadLook", played.make)
    return played
