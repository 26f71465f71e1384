"""How busy targets are, on a terminal."""

import pytest

from calibench.cli.load_column import load_words, loads_of
from calibench.things.kept import Target, TargetLoad


@pytest.mark.parametrize(
    ("load", "words"),
    [
        ({}, ""),
        ({"cpu_percent": 12.4}, "12 %"),
        ({"cpu_percent": 20.0, "load": 0.84, "cores": 4, "age_s": 12.0}, "0.8 of 4 cores"),
        ({"load": 0.84, "cores": 4, "age_s": 130.0, "running": 1, "queued": 1}, "0.8 of 4 cores, 2 jobs, 2 min ago"),
        ({"load": 9.0, "cores": 8, "nodes": 12, "idle_nodes": 3, "queued": 1}, "3 of 12 nodes idle, 1 job"),
        ({"nodes": 12}, ""),
        ({"trouble": "lab: is off."}, "cannot be reached now"),
        (
            {"load": 1.0, "cores": 2, "age_s": 9000.0, "trouble": "off"},
            "1.0 of 2 cores, cannot be reached now, 2 h ago",
        ),
        ({"cpu_percent": 1.0, "age_s": 3 * 86_400.0}, "1 %, 3 d ago"),
    ],
)
def test_a_load_is_a_word_or_two(load, words):
    assert load_words(TargetLoad(**load)) == words


def test_all_are_looked_at_before_any_is_waited_for():
    asked = []

    class Client:
        @property
        def targets(self):
            return self

        def load(self, id, wait_s=None):
            asked.append((id, wait_s))
            return TargetLoad(running=id)

    targets = [Target(id=number, created="2026-01-01T00:00:00Z", name=str(number)) for number in (1, 2)]
    assert [load.running for load in loads_of(Client(), targets)] == [1, 2]
    assert asked == [(1, 0), (2, 0), (1, None), (2, None)]
