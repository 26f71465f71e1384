"""What a job tells: not too often, and never without the first and the last of a step."""

from pathlib import Path

from calibench.targets.bundle_files import EventLog, read_events
from calibench.targets.overall import Overall, way_of
from calibench.targets.teller import LEAST_S, Teller


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_fast_step_tells_its_first_and_last_and_little_between(tmp_path: Path) -> None:
    clock = Clock()
    teller = Teller(EventLog(tmp_path), Overall(way_of("calibrate")), clock)
    for done in range(1, 1001):
        clock.now += LEAST_S / 100
        teller("statistics", done, 1000)
    told = [event["done"] for event in read_events(tmp_path)[0]]
    assert told[0] == 1
    assert told[-1] == 1000
    assert 5 <= len(told) <= 13


def test_a_new_step_is_told_at_once(tmp_path: Path) -> None:
    teller = Teller(EventLog(tmp_path), Overall(way_of("calibrate")), Clock())
    teller("statistics", 1, 10)
    teller("fit", 0, 3)
    events = read_events(tmp_path)[0]
    assert [(event["stage"], event["step"]) for event in events] == [("calibrate", "statistics"), ("calibrate", "fit")]


def test_the_last_event_says_that_all_is_done(tmp_path: Path) -> None:
    teller = Teller(EventLog(tmp_path), Overall(way_of("machine")))
    teller.note("Looking.")
    teller.finish()
    note, done = read_events(tmp_path)[0]
    assert note["text"] == "Looking."
    assert (done["progress"], done["eta_s"]) == (1.0, [0.0, 0.0])
