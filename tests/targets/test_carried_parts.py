"""The parts of carrying that need no machine: the bar, the record, the bundle for a queue, patience."""

import asyncio
from pathlib import Path

import pytest
from told_events import told

from calibench.errors import JobError, TargetError
from calibench.targets import kept_trying
from calibench.targets.bundle import REMOTE, WORKERS, Bundle, End
from calibench.targets.carried_progress import CarriedProgress
from calibench.targets.kept_trying import Patience, TurnedAway
from calibench.targets.link import LinkLost
from calibench.targets.local_process import CARRIED_GRACE_S, GRACE_S, grace_s
from calibench.targets.overall import Outer, Standing
from calibench.targets.remote_record import RemoteRecord, hand_over, read_record, write_record
from calibench.targets.sent_job import remote_bundle
from calibench.things.target_spec import QueueSettings, TargetSpec

AWARE = {"kind": "calibrate", "settings": {"method": "accuracy-aware", "accuracy": {"max_drop": 1.0}}}


def test_the_outer_bar_never_goes_back() -> None:
    outer = Outer()
    shares = [outer.report("prepare", 1, 3), outer.report("upload", 0, 9), outer.report("upload", 9, 9)]
    shares += [outer.inner(Standing("search", share, None)) for share in (0.1, 0.9, 0.2, 1.0)]
    shares += [outer.report("download", 0, 1), outer.report("download", 1, 1), outer.finish()]
    bar = [standing.progress for standing in shares]
    assert bar == sorted(bar)
    assert bar[-2] < 1.0 == bar[-1]


def test_who_carries_on_begins_where_the_bar_was(tmp_path: Path) -> None:
    first = CarriedProgress(tmp_path)
    work = {"type": "progress", "stage": "search", "step": "search", "done": 1, "total": 2, "progress": 0.5}
    first.take_over([work], 100, b"log\n")
    second = CarriedProgress(tmp_path)
    assert (second.events_at, second.log_at) == (100, 4)
    second.stage("prepare", 0, 1)
    bar = [event["progress"] for event in told(tmp_path, "progress")]
    assert bar[0] == bar[1] > 0.4
    assert (tmp_path / "log.txt").read_text() == "log\n"


def test_a_search_is_told_the_time_that_its_queue_grants() -> None:
    bundle = Bundle.model_validate({**AWARE, "target": TargetSpec(kind="slurm")})
    assert remote_bundle(bundle, TargetSpec(kind="slurm")).settings == bundle.settings
    within = TargetSpec(kind="slurm", queue=QueueSettings(walltime_s=1000))
    there = remote_bundle(bundle, within)
    assert there.settings.accuracy.time_budget_s == 600.0
    assert there.settings.accuracy.max_drop == 1.0


def test_a_shorter_time_that_was_asked_for_stays() -> None:
    bundle = Bundle.model_validate({**AWARE, "settings": {**AWARE["settings"], "accuracy": {"time_budget_s": 60}}})  # type: ignore[dict-item]
    within = TargetSpec(kind="slurm", queue=QueueSettings(walltime_s=1000))
    assert remote_bundle(bundle, within).settings.accuracy.time_budget_s == 60.0


def test_a_retry_finds_one_that_runs_and_begins_anew_after_one_that_is_over(tmp_path: Path) -> None:
    for name in ("before", "running", "anew", "local"):
        (tmp_path / name).mkdir()
    hand_over(tmp_path / "local", tmp_path / "running")
    assert not (tmp_path / "running" / REMOTE).exists()
    record = RemoteRecord(job_id="7", phase="started", handle="12 3", attempts=2)
    write_record(record, tmp_path / "before")
    hand_over(tmp_path / "before", tmp_path / "running")
    assert read_record(tmp_path / "running") == record.model_copy(update={"attempts": 0})
    over = record.model_copy(update={"phase": "fetched", "end": End(state="failed")})
    write_record(over, tmp_path / "before")
    hand_over(tmp_path / "before", tmp_path / "anew")
    assert read_record(tmp_path / "anew") == RemoteRecord(job_id="7")


def test_a_record_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / REMOTE).write_text("{")
    with pytest.raises(JobError, match="cannot be read"):
        read_record(tmp_path)


def test_stopping_a_carried_job_may_take_longer(tmp_path: Path) -> None:
    assert grace_s(tmp_path) == GRACE_S
    (tmp_path / REMOTE).touch()
    assert grace_s(tmp_path) == CARRIED_GRACE_S > GRACE_S
    (tmp_path / REMOTE).rename(tmp_path / WORKERS)
    assert grace_s(tmp_path) == CARRIED_GRACE_S


class Waiting:
    """Somebody patient, whose time passes at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.slept, self.said = 0.0, list[float](), list[str]()
        self.patience = Patience(self.said.append, lambda: self.now)
        monkeypatch.setattr(kept_trying.asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def cut(self, error: TargetError) -> None:
        asyncio.run(self.patience.wait("lab", error, "Retry."))


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    return Waiting(monkeypatch)


GONE, REFUSED = LinkLost("lab: gone."), TurnedAway("lab: refused the key.")


def test_pauses_grow_and_end(waiting: Waiting) -> None:
    with pytest.raises(TargetError, match="lab: no connection for 10 minutes"):
        while True:
            waiting.cut(GONE)
    assert waiting.slept[:6] == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert sum(waiting.slept) == kept_trying.GIVE_UP_S
    assert waiting.said == ["The connection to lab was lost; trying again. Gone."]
    waiting.patience.well()
    assert waiting.said[-1] == "The connection is back."


def test_a_cable_is_one_note_however_its_silence_shows_and_a_refusal_another(waiting: Waiting) -> None:
    for error in (GONE, LinkLost("lab: no answer within 10 s."), REFUSED, GONE, REFUSED):
        waiting.cut(error)
    waiting.patience.back()
    waiting.patience.well()
    assert waiting.said == [
        "The connection to lab was lost; trying again. Gone.",
        "Still trying to reach lab. Refused the key.",
        "The connection is back.",
    ]


def test_a_connection_that_comes_and_goes_is_not_waited_for_for_ever(waiting: Waiting) -> None:
    with pytest.raises(TargetError, match="no connection for"):
        while True:
            waiting.cut(GONE)
            waiting.patience.back()
    assert waiting.slept[:4] == [1.0, 2.0, 4.0, 8.0]
    assert waiting.said[:4] == [waiting.said[0], "The connection is back."] * 2


def test_a_connection_that_held_for_a_while_is_waited_for_anew(waiting: Waiting) -> None:
    for _ in range(3):
        waiting.cut(GONE)
        waiting.patience.back()
        waiting.now += kept_trying.GIVE_UP_S
    assert waiting.slept == [1.0, 1.0, 1.0]
    assert waiting.said == [waiting.said[0], "The connection is back."] * 3
