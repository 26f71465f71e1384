"""Tests of following: lines that are half there, events that make no sense, rows that are not written too often."""

import json

import pytest

from calibench.store.store import Store
from calibench.things.kept import Job
from calibench.worker.follow import Follower
from calibench.worker.hub import Hub
from calibench.worker.job_rows import JobRows


class Follows:
    """A follower of one job, with a clock that the test sets."""

    def __init__(self, folder):
        self.folder, self.now, self.told = folder, 0.0, []
        hub = Hub()
        hub.subscribe(self.told.append)
        self.rows = JobRows(Store(f"sqlite:///{folder / 'workbench.db'}"), hub)
        self.job = self.rows.store.add(
            Job(created="2026-01-01T00:00:00Z", kind="calibrate", title="t", state="running", project_id=5)
        )
        self.follower = Follower(self.rows, folder, self.job, clock=lambda: self.now)

    def write(self, text):
        with (self.folder / "events.jsonl").open("ab") as file:
            file.write(text.encode())

    def report(self, progress, stage="statistics", **more):
        self.write(json.dumps({"type": "progress", "stage": stage, "progress": progress, **more}) + "\n")

    def progress(self):
        return [event.data["progress"] for event in self.told if event.change == "progress"]

    def rows_told(self):
        return [event.data["progress"] for event in self.told if event.change == "changed"]


@pytest.fixture
def follows(tmp_path):
    follows = Follows(tmp_path)
    yield follows
    follows.rows.store.close()


def test_events_that_are_not_there_yet_are_waited_for(follows):
    follows.follower.look()
    assert follows.told == []
    follows.report(0.1)
    follows.follower.look()
    assert follows.progress() == [0.1]


def test_a_note_is_told_with_where_the_job_is_and_takes_nothing_back(follows):
    follows.report(0.4, stage="calibrate", eta_s=[1, 2])
    follows.write(json.dumps({"type": "note", "text": "The connection to lab was lost; trying again."}) + "\n")
    follows.follower.look()
    told = [event.data for event in follows.told if event.change == "progress"][-1]
    assert (told["stage"], told["progress"], told["eta_s"], told["project_id"]) == ("calibrate", 0.4, (1.0, 2.0), 5)
    assert told["note"].startswith("The connection to lab was lost")
    assert follows.rows.get(follows.job.id).progress == 0.4


def test_half_a_line_is_read_when_it_is_whole(follows):
    follows.write('{"type": "progress", "stage": "a", "prog')
    follows.follower.look()
    assert follows.told == []
    follows.write('ress": 0.5}\n')
    follows.follower.look()
    assert follows.progress() == [0.5]


def test_every_report_is_told_with_what_pages_need(follows):
    follows.report(0.25, step="collect", done=5, total=20, eta_s=[3, 9])
    follows.follower.look()
    (event,) = [event for event in follows.told if event.change == "progress"]
    assert event.data == {
        "stage": "statistics", "progress": 0.25, "eta_s": (3.0, 9.0), "step": "collect", "done": 5, "total": 20,
        "project_id": 5,
    }  # fmt: skip


def test_the_row_is_written_once_a_second_and_at_a_new_stage(follows):
    for tenth in range(30):
        follows.now = tenth / 10
        follows.report(tenth / 100, stage="a" if tenth < 15 else "b")
        follows.follower.look()
    assert len(follows.progress()) == 30
    assert follows.rows_told() == [0.0, 0.1, 0.15, 0.25]
    assert follows.rows.get(follows.job.id).stage == "b"


def test_what_was_told_before_is_no_news_but_the_row_knows_it(follows):
    follows.report(0.2)
    follows.write('{"type": "trial", "number": 1}\n')
    follows.report(0.4, stage="search")
    follows.follower.catch_up()
    assert [event.change for event in follows.told] == ["changed"]
    row = follows.rows.get(follows.job.id)
    assert (row.stage, row.progress) == ("search", 0.4)
    follows.report(0.5, stage="search")
    follows.follower.look()
    assert follows.progress() == [0.5]


@pytest.mark.parametrize(
    "line",
    ['{"type": "progress"}', '{"type": "progress", "progress": "x"}', '{"type": "progress", "progress": NaN}',
     '{"type": "progress", "progress": 1, "eta_s": []}', '{"type": "what"}', "[]", "nonsense"],
)  # fmt: skip
def test_an_event_that_makes_no_sense_is_passed_over(follows, line):
    follows.write(line + "\n")
    follows.report(0.5)
    follows.follower.look()
    assert follows.progress() == [0.5]


def test_progress_stays_between_what_it_was_and_the_end(follows):
    for progress in (0.5, 0.2, -3, 0.6, 17):
        follows.report(progress)
    follows.follower.look()
    assert follows.progress() == [0.5, 0.5, 0.5, 0.6, 1.0]


def test_a_job_that_ended_meanwhile_is_left_as_it_is(follows):
    follows.rows.store.change(Job, follows.job.id, state="cancelled")
    follows.report(0.5)
    follows.follower.look()
    row = follows.rows.get(follows.job.id)
    assert (row.state, row.progress) == ("cancelled", 0.0)
