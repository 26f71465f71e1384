"""Telling all workers something while one of them has fallen silent, or the scheduler is gone."""

from typing import Any

import pytest

from calibench.errors import TargetError
from calibench.spread import team


class Client:
    """Of a cluster whose answers are given."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)

    def register_plugin(self, plugin: Any) -> None:
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(team, "sleep", lambda _seconds: None)


def test_workers_are_told_again_while_one_of_them_is_silent() -> None:
    client = Client(OSError("Stream is closed"), TimeoutError(), None)
    team.register(client, "value")
    assert client.answers == []


def test_a_cluster_that_is_gone_is_no_file_that_cannot_be_written() -> None:
    with pytest.raises(TargetError, match=r"does not answer any more \(OSError\)\. What was found is kept"):
        team.register(Client(*[OSError("Stream is closed")] * team.TRIES), "value")


def test_what_a_worker_cannot_read_is_said_as_it_is() -> None:
    client = Client(FileNotFoundError(2, "No such file or directory", "/data/a.png"))
    with pytest.raises(FileNotFoundError):
        team.register(client, "value")
