"""Looks at other machines: begun by questions, shared, seldom where nothing answers, never waited for unasked."""

import time
from datetime import UTC, datetime

import pytest

from calibench.errors import TargetError
from calibench.things.kept import Target
from calibench.things.target_spec import TargetSpec
from calibench.workbench import load_looks
from calibench.workbench.load_looks import FRESH_S, SELDOM_S, LoadLooks, can_be_seen

BUSY = {"load": [0.5], "logical_cores": 2}
GONE = TargetError("lab: does not answer. Look at it.")
LONG_S = 60.0


@pytest.fixture
def looks(played_looks):
    looks = LoadLooks()
    yield looks
    looks.stop()


@pytest.fixture
def clock(monkeypatch):
    """Seconds that have gone by, as the looks see it."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(load_looks, "monotonic", lambda: Clock.now)
    return Clock


def lab(**values):
    spec = TargetSpec(kind="ssh", host="lab", **values)
    return Target(id=2, created=datetime.now(UTC), name="lab", kind="ssh", spec=spec, state="good")


def becomes(read):
    end = time.monotonic() + LONG_S
    while not read() and time.monotonic() < end:
        time.sleep(0.01)
    assert read()


def test_who_asks_is_told_what_is_known_while_a_look_goes_on(looks, played_looks):
    first = looks.seen(lab())
    assert (first.machine, first.is_going) == (None, True)
    assert looks.seen(lab(), wait_s=0.05).is_going  # nothing has answered yet, and nobody waits longer than he wants
    played_looks.ends(BUSY)
    seen = looks.seen(lab(), wait_s=LONG_S)
    assert (seen.machine, seen.trouble, seen.is_going) == (BUSY, "", False)
    assert len(played_looks.made) == 1  # shared by all who asked


def test_it_is_looked_at_again_when_what_is_known_is_old(looks, played_looks, clock):
    played_looks.ends(BUSY)
    looks.seen(lab(), wait_s=LONG_S)
    clock.now += FRESH_S - 1
    assert not looks.seen(lab()).is_going
    clock.now += 1
    assert looks.seen(lab()).is_going
    played_looks.ends({**BUSY, "load": [2.0]})
    assert looks.seen(lab(), wait_s=LONG_S).machine["load"] == [2.0]
    assert len(played_looks.made) == 1  # over the same link


def test_what_does_not_answer_is_asked_less_and_less_often(looks, played_looks, clock):
    played_looks.ends(BUSY)
    before = looks.seen(lab(), wait_s=LONG_S)
    pauses = []
    for _ in range(6):
        begun = clock.now
        while not looks.seen(lab()).is_going:
            clock.now += FRESH_S / 4
        pauses.append(clock.now - begun)
        played_looks.ends(GONE)
        seen = looks.seen(lab(), wait_s=LONG_S)
        assert (seen.machine, seen.at, seen.trouble) == (BUSY, before.at, "lab: does not answer.")
    assert pauses == [FRESH_S, 2 * FRESH_S, 4 * FRESH_S, 8 * FRESH_S, SELDOM_S, SELDOM_S]
    checked = lab().model_copy(update={"checked": datetime.now(UTC)})
    assert looks.seen(checked).is_going  # a check has reached it


def test_a_look_that_hangs_is_given_up(looks, played_looks, monkeypatch):
    monkeypatch.setattr(load_looks, "LOOK_S", 0.05)
    assert "does not answer within" in looks.seen(lab(), wait_s=LONG_S).trouble


def test_the_link_is_closed_when_nobody_asks_any_more(looks, played_looks, monkeypatch):
    monkeypatch.setattr(load_looks, "IDLE_S", 0.05)
    played_looks.ends(BUSY)
    looks.seen(lab(), wait_s=LONG_S)
    (made,) = played_looks.made
    becomes(lambda: made.closed == 1)


def test_a_target_that_is_reached_in_another_way_is_watched_anew(looks, played_looks):
    played_looks.ends(BUSY)
    looks.seen(lab(), wait_s=LONG_S)
    assert looks.seen(lab(port=2222)).machine is None
    becomes(lambda: played_looks.made[0].closed == 1)
    assert played_looks.made[1].spec.port == 2222


def test_a_stop_ends_a_look_that_goes_on_and_closes_its_link(looks, played_looks):
    looks.seen(lab())
    looks.stop()
    assert [each.closed for each in played_looks.made] == [1]
    looks.stop()  # twice is once


@pytest.mark.parametrize(
    ("spec", "can"),
    [
        (TargetSpec(kind="ssh", host="lab"), True),
        (TargetSpec(kind="pbs"), True),
        (TargetSpec(kind="dask", worker_queue="slurm"), True),
        (TargetSpec(kind="dask", scheduler="tls://lab:8786"), False),
    ],
)
def test_a_scheduler_is_only_looked_at_by_checks(spec, can):
    assert can_be_seen(spec) is can
