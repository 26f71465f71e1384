"""Targets: this machine is known from the start."""

import pytest
from kept_things import NOW

from calibench.store.refused import NotThere
from calibench.targets.bundle import End
from calibench.things.kept import Job

MACHINE = {"cpu": "A CPU", "devices": {"CPU": ["FP32", "INT8"]}}


def test_this_machine_is_made_once(bench):
    assert bench.targets.local() == bench.targets.local()
    assert [target.kind for target in bench.targets.all()] == ["local"]


def test_a_look_tells_what_the_machine_is(bench):
    target = bench.targets.local()
    job = bench.targets.check(target.id)
    assert (job.kind, job.target_id) == ("machine", target.id)
    bench.ending.finish(job, End(state="done", result=MACHINE))
    known = bench.targets.get(target.id)
    assert known.machine == MACHINE
    assert known.checked > NOW
    assert ("changed", target.id) in bench.told("target")


def test_a_look_that_failed_leaves_what_was_known(bench):
    target = bench.targets.local()
    bench.ending.finish(bench.targets.check(target.id), End(state="done", result=MACHINE))
    bench.fail(bench.targets.check(target.id).id)
    assert bench.targets.get(target.id).machine == MACHINE


def test_one_look_at_a_time(bench):
    target = bench.targets.local()
    assert bench.targets.check(target.id).id == bench.targets.check(target.id).id


def test_the_first_start_looks_and_later_ones_do_not(bench):
    bench.targets.look_once()
    (job,) = bench.store.all(Job)
    bench.ending.finish(job, End(state="done", result=MACHINE))
    bench.targets.look_once()
    assert len(bench.store.all(Job)) == 1


def test_the_load_counts_jobs_and_room(bench):
    target = bench.targets.local()
    bench.job("baseline", "running")
    bench.job("calibrate", "queued")
    load = bench.targets.load(target.id)
    assert (load["running"], load["queued"]) == (1, 1)
    assert 0 <= load["cpu_percent"] <= 100
    assert load["memory_free_mb"] > 0
    assert load["disk_free_mb"] > 0


def test_a_target_that_is_not_there_is_not_there(bench):
    for call in (bench.targets.get, bench.targets.check, bench.targets.load):
        with pytest.raises(NotThere):
            call(5)
