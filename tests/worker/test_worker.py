"""Tests of the worker: jobs with real processes, from the queue to their end."""

import json
import os
import signal
import threading
from contextlib import suppress
from itertools import pairwise

import pytest
from worker_rig import Rig, is_there, until

from calibench.errors import DatasetError
from calibench.store.refused import Conflict, NotThere
from calibench.targets.bundle import End
from calibench.things.kept import Job


def test_a_job_runs_to_its_end_and_keeps_what_it_found(rig):
    job = rig.wait(rig.submit())
    assert (job.state, job.result, job.failure) == ("done", {"answer": 42}, None)
    assert (job.progress, job.eta_s, job.pid, job.attempt) == (1.0, None, None, 1)
    assert job.created <= job.started <= job.ended
    assert len(rig.starts(job)) == 1


def test_every_change_and_report_of_a_job_is_told(rig):
    job = rig.wait(rig.submit(steps=4))
    until(lambda: rig.of(job, "changed")[-1].data["state"] == "done")  # told after it is written
    states = [event.data["state"] for event in rig.of(job, "changed")]
    assert [event.data["state"] for event in rig.of(job, "created")] == ["queued"]
    assert states[0] == "running"
    assert states[-1] == "done"
    assert states.count("done") == 1
    assert [event.data["progress"] for event in rig.of(job, "progress")] == [0.0, 0.25, 0.5, 0.75]
    assert [event.data["number"] for event in rig.of(job, "trial")] == [0, 1, 2, 3]


def test_a_failed_job_says_what_its_process_said(rig):
    job = rig.wait(rig.submit(end="failed"))
    assert (job.state, job.failure.kind, job.failure.message) == ("failed", "ModelError", "m.xml: is no model.")


def test_twenty_jobs_run_one_after_the_other_in_order(rig):
    jobs = [rig.submit("benchmark", steps=1, wait_s=0) for _ in range(20)]
    ended = [until(lambda job=job: (now := rig.jobs.get(job.id)).state == "done" and now) for job in jobs]
    assert all(before.ended <= after.started for before, after in pairwise(ended))


def test_a_preview_does_not_wait_for_a_calibration_but_a_baseline_does(rig):
    long = rig.submit("calibrate", steps=5000)
    rig.wait_for_process(long)
    baseline = rig.submit("baseline")
    assert rig.wait(rig.submit("try-settings")).state == "done"
    assert rig.wait(rig.submit("import-model")).state == "done"
    assert rig.jobs.get(baseline.id).state == "queued"
    rig.jobs.cancel(long.id)
    assert rig.wait(baseline).state == "done"


def test_another_machine_waits_for_itself_only_and_a_batch_queue_for_nothing(rig):
    lab, attic = (rig.target(name, kind="ssh", host=name) for name in ("lab", "attic"))
    queue = rig.target("queue", kind="slurm")
    here = rig.submit("calibrate", steps=5000)
    first, second = (rig.submit("calibrate", target_id=lab, steps=5000) for _ in range(2))
    others = [rig.submit("calibrate", target_id=target, steps=5000) for target in (attic, queue, queue)]
    for job in (here, first, *others):
        rig.wait(job, "running")
    assert (rig.jobs.get(second.id).state, rig.jobs.queue_place(second.id)) == ("queued", 1)
    rig.jobs.cancel(first.id)
    rig.wait(second, "running")
    for job in (here, second, *others):
        rig.jobs.cancel(job.id)
        rig.wait(job)


def test_what_is_picked_from_a_search_elsewhere_is_made_here(rig):
    lab = rig.target("lab", kind="ssh", host="lab")
    here = rig.submit("calibrate", steps=5000)
    rig.wait_for_process(here)
    picked = rig.submit("pick", target_id=lab)
    assert rig.jobs.queue_place(picked.id) == 1
    rig.jobs.cancel(here.id)
    assert rig.wait(picked).state == "done"


def test_a_picked_model_is_taken_before_calibrations_that_wait(rig):
    first = rig.submit("calibrate", steps=5000)
    rig.wait_for_process(first)
    second, picked = rig.submit("calibrate"), rig.submit("pick")
    assert (rig.jobs.queue_place(picked.id), rig.jobs.queue_place(second.id)) == (1, 2)
    rig.jobs.cancel(first.id)
    assert rig.wait(picked).ended <= rig.wait(second).started


def test_a_process_that_is_killed_is_started_again_and_not_more_than_three_times(rig):
    again = rig.wait(rig.submit(die_until=3))
    assert (again.state, again.attempt, len(rig.starts(again))) == ("done", 3, 3)
    never = rig.wait(rig.submit(die_until=9))
    assert (never.state, never.attempt, len(rig.starts(never))) == ("failed", 3, 3)
    assert never.failure.message.startswith("The process of this job was ended from outside 3 times, the last time at")


def test_a_process_that_leaves_without_a_word_counts_as_interrupted(rig):
    job = rig.wait(rig.submit(end="none", steps=1))
    assert (job.state, job.attempt) == ("failed", 3)


def test_a_process_that_the_system_asks_to_end_is_started_again(rig):
    job = rig.submit(waits_at=1)
    os.kill(rig.wait_for_process(job), signal.SIGTERM)
    until(lambda: len(rig.starts(job)) == 2)
    rig.let_go_on(job)
    ended = rig.wait(job)
    assert (ended.state, ended.attempt) == ("done", 2)


def test_progress_never_goes_back_when_a_job_is_started_again(rig):
    job = rig.submit(steps=30, waits_at=15)
    rig.wait_for_process(job)
    until(lambda: rig.of(job, "progress") and rig.of(job, "progress")[-1].data["progress"] > 0.3)
    os.kill(rig.starts(job)[0], signal.SIGKILL)
    rig.let_go_on(job)
    rig.wait(job)
    told = [event.data["progress"] for event in rig.of(job, "progress")]
    assert told == sorted(told)


def test_a_job_that_cannot_be_started_fails_with_the_reason(tmp_path, monkeypatch):
    from calibench.errors import JobError
    from calibench.targets import local_process

    def refuse(folder, **_):
        raise JobError("the job's process cannot be started (no memory).")

    with Rig(tmp_path) as rig:
        monkeypatch.setattr(local_process, "start", refuse)
        job = rig.wait(rig.submit())
    assert (job.state, job.failure.message) == ("failed", "the job's process cannot be started (no memory).")


class TestAdoption:
    def test_the_result_is_taken_in_together_with_the_end(self, tmp_path):
        seen = []

        def adopt(job, folder, end):
            seen.append((job.state, end.state, (folder / "end.json").is_file()))
            return {"kept": end.result["answer"]}

        with Rig(tmp_path, {"machine": adopt}) as rig:
            assert rig.wait(rig.submit()).result == {"kept": 42}
        assert seen == [("running", "done", True)]

    def test_a_result_that_cannot_be_taken_in_leaves_nothing_behind(self, tmp_path):
        told = []

        def adopt(job, folder, end):
            told.append(end.state)
            if end.state == "done":
                rig.store.add(Job(created=job.created, kind="pick", title="half"))
                raise DatasetError("a.zip: holds nothing.")
            return {}

        with Rig(tmp_path, {"machine": adopt}) as rig:
            job = rig.wait(rig.submit())
            assert (job.state, job.failure.kind, job.failure.message) == (
                "failed",
                "DatasetError",
                "a.zip: holds nothing.",
            )
            assert told == ["done", "failed"]
            assert [job.title for job in rig.jobs.all()] == ["A job"]

    def test_a_fault_in_taking_in_is_logged_with_the_job(self, tmp_path):
        with Rig(tmp_path, {"machine": lambda job, folder, end: {}["absent"]}) as rig:
            job = rig.wait(rig.submit())
            assert (job.state, job.failure.kind) == ("failed", "InternalError")
            assert "KeyError: 'absent'" in job.failure.message
            assert "Traceback" in rig.jobs.log(job.id)

    def test_a_job_ends_once_however_often_it_is_told_to(self, tmp_path):
        count = []

        def adopt(job, folder, end):
            count.append(end.state)
            return {}

        with Rig(tmp_path, {"machine": adopt}) as rig:
            job = rig.submit()
            before = rig.wait_for_process(job) and rig.jobs.get(job.id)
            rig.wait(job)
            with pytest.raises(Conflict):
                rig.worker._ending.finish(before, End(state="failed"))
            rig.worker._run(job.id)
            assert (rig.jobs.get(job.id).state, count[0]) == ("done", "done")
            assert len(rig.of(job, "changed")) == len(
                [e for e in rig.of(job, "changed") if e.data["state"] != "failed"]
            )

    def test_two_ends_at_the_same_moment_are_one(self, tmp_path):
        with Rig(tmp_path) as rig:
            job = rig.submit(steps=5000)
            rig.wait_for_process(job)
            running, outcomes, gate = rig.jobs.get(job.id), [], threading.Barrier(8)

            def end():
                gate.wait()
                try:
                    outcomes.append(rig.worker._ending.finish(running, End(state="done")).state)
                except Conflict:
                    outcomes.append("late")

            threads = [threading.Thread(target=end) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert sorted(outcomes) == ["done"] + ["late"] * 7
            os.kill(rig.starts(job)[0], signal.SIGKILL)


class TestCancel:
    def test_a_job_that_waits_is_cancelled_at_once(self, rig):
        first, second = rig.submit("calibrate", steps=5000), rig.submit("calibrate")
        assert rig.jobs.cancel(second.id).state == "cancelled"
        rig.wait_for_process(first)
        rig.jobs.cancel(first.id)
        rig.wait(first)
        assert rig.wait(rig.submit("calibrate")).state == "done"
        assert rig.starts(second) == []

    @pytest.mark.parametrize("stubborn", [False, True])
    def test_a_job_that_runs_is_stopped_with_its_process(self, rig, stubborn):
        job = rig.submit(steps=5000, stubborn=stubborn)
        pid = rig.wait_for_process(job)
        assert rig.jobs.cancel(job.id).state == "cancelling"
        ended = rig.wait(job)
        assert (ended.state, ended.failure, ended.attempt) == ("cancelled", None, 1)
        assert not is_there(pid)

    def test_a_job_that_has_ended_cannot_be_cancelled(self, rig):
        job = rig.wait(rig.submit())
        with pytest.raises(Conflict, match="done already"):
            rig.jobs.cancel(job.id)

    def test_cancelling_twice_is_cancelling_once(self, rig):
        job = rig.submit(steps=5000, stubborn=True)
        rig.wait_for_process(job)
        rig.jobs.cancel(job.id)
        assert rig.jobs.cancel(job.id).state in ("cancelling", "cancelled")
        assert rig.wait(job).state == "cancelled"

    def test_a_cancel_that_meets_the_end_gives_one_or_the_other_whole(self, rig):
        for wait_s in (0.0, 0.05, 0.1, 0.15):
            job = rig.submit(steps=2, wait_s=wait_s)
            rig.wait_for_process(job)
            with suppress(Conflict):
                rig.jobs.cancel(job.id)
            ended = rig.wait(job)
            assert (ended.state, ended.result) in (("done", {"answer": 42}), ("cancelled", {}))


class TestCarried:
    """Jobs that another machine does: their process here may go, and they go on there."""

    def test_a_process_that_is_told_to_end_without_a_cancel_is_started_again(self, rig):
        job = rig.submit(carried=True, waits_at=1)
        for count in range(1, 5):  # more often than a process may be killed
            until(lambda count=count: len(rig.starts(job)) == count)
            until(lambda: rig.left_there(job) == "started" and rig.jobs.get(job.id).pid == rig.starts(job)[-1])
            os.kill(rig.starts(job)[-1], signal.SIGTERM)
        rig.let_go_on(job)
        ended = rig.wait(job)
        assert (ended.state, ended.attempt, len(rig.starts(job))) == ("done", 1, 5)

    def test_a_cancel_is_told_to_the_process(self, rig):
        job = rig.submit(carried=True, steps=5000)
        rig.wait_for_process(job)
        until(lambda: rig.left_there(job) == "started")
        rig.jobs.cancel(job.id)
        assert rig.wait(job).state == "cancelled"
        assert rig.left_there(job) == "new"
        assert len(rig.starts(job)) == 1

    def test_a_retry_that_waits_is_cancelled_there_and_does_not_wait_for_its_turn(self, rig):
        job = rig.submit("calibrate", carried=True, steps=5000)
        rig.wait_for_process(job)
        until(lambda: rig.left_there(job) == "started")
        (rig.jobs.folder(job.id) / "end.json").write_text(
            json.dumps({"state": "failed", "failure": {"kind": "TargetError", "message": "lab: no connection."}})
        )
        assert rig.wait(job).state == "failed"
        first = rig.submit("calibrate", steps=5000)
        rig.wait_for_process(first)
        again = rig.jobs.retry(job.id)
        assert rig.jobs.cancel(again.id).state == "cancelling"
        assert rig.wait(again).state == "cancelled"
        assert rig.left_there(again) == "new"
        assert rig.jobs.get(first.id).state == "running"
        rig.jobs.cancel(first.id)
        rig.wait(first)


def test_a_log_can_be_read_from_its_end(rig):
    job = rig.wait(rig.submit(noise=3_000_000))
    with (rig.jobs.folder(job.id) / "log.txt").open("a") as log:
        log.write("\nbar 1\rbar 2\nlast\n")
    assert rig.jobs.log(job.id, 2) == "bar 2\nlast\n"
    assert len(rig.jobs.log(job.id)) < 1_100_000


def test_trials_are_told_once_each(rig):
    job = rig.wait(rig.submit(steps=2))
    with (rig.jobs.folder(job.id) / "events.jsonl").open("a") as events:
        events.write(json.dumps({"type": "trial", "number": 1, "drop": 0.5}) + "\n" + '{"type": "trial", "num')
    assert rig.jobs.trials(job.id) == [{"number": 0, "drop": 0.0, "left": 1}, {"number": 1, "drop": 0.5}]


def test_what_is_temporary_goes_with_a_process_that_is_killed(rig):
    job = rig.submit(steps=5000, stubborn=True)
    rig.wait_for_process(job)
    for name in ("tmp", ".front.partial", "out"):
        (rig.jobs.folder(job.id) / name).mkdir()
        (rig.jobs.folder(job.id) / name / "samples").write_bytes(b"decoded")
    rig.jobs.cancel(job.id)
    rig.wait(job)
    assert [path.name for path in rig.jobs.folder(job.id).iterdir() if path.is_dir()] == ["out"]


def test_an_ended_job_is_deleted_with_its_folder_and_a_running_one_is_not(rig):
    job = rig.submit(steps=5000)
    rig.wait_for_process(job)
    with pytest.raises(Conflict, match="Cancel it first"):
        rig.jobs.delete(job.id)
    rig.jobs.cancel(job.id)
    rig.wait(job)
    rig.jobs.delete(job.id)
    assert not rig.jobs.folder(job.id).exists()
    assert rig.of(job, "deleted")
    with pytest.raises(NotThere):
        rig.jobs.get(job.id)


def test_a_cancelled_job_can_be_asked_for_again(rig):
    job = rig.submit(steps=5000)
    rig.wait_for_process(job)
    with pytest.raises(Conflict, match="not ended yet"):
        rig.jobs.retry(job.id)
    rig.jobs.cancel(job.id)
    rig.wait(job)
    again = rig.jobs.retry(job.id)
    assert (again.retry_of, again.kind, again.title) == (job.id, job.kind, job.title)
    rig.wait_for_process(again)
    rig.jobs.cancel(again.id)
    rig.wait(again)


def test_jobs_are_found_by_state_kind_and_page(rig):
    jobs = [rig.wait(rig.submit()) for _ in range(2)] + [rig.wait(rig.submit("sample", end="failed"))]
    ids = [job.id for job in jobs]
    assert [job.id for job in rig.jobs.all()] == ids[::-1]
    assert [job.id for job in rig.jobs.all(states=("failed",))] == [ids[2]]
    assert [job.id for job in rig.jobs.all(kind="machine", limit=1, offset=1)] == [ids[0]]
    assert rig.jobs.count(kind="machine") == 2
    assert rig.jobs.running() == ()
    assert rig.jobs.queue_place(ids[0]) is None


class TestTrouble:
    def test_a_database_that_cannot_be_used_for_a_while_costs_no_result(self, tmp_path, monkeypatch):
        from calibench.errors import JobError
        from calibench.worker import job_run

        monkeypatch.setattr(job_run, "AGAIN_S", 0.2)
        with Rig(tmp_path) as rig:
            change, refusals = rig.store.change, []

            def full(kind, id, **values):
                if "stage" in values and len(refusals) < 3:
                    refusals.append(values)
                    raise JobError("workbench.db: the database cannot be used (database or disk is full).")
                return change(kind, id, **values)

            monkeypatch.setattr(rig.store, "change", full)
            job = rig.submit(steps=20, waits_at=10)
            until(lambda: len(refusals) == 3)
            rig.let_go_on(job)
            job = rig.wait(job)
            assert (job.state, len(rig.starts(job)), len(refusals)) == ("done", 1, 3)
            assert "disk is full" in rig.jobs.log(job.id)

    def test_a_fault_of_ours_ends_the_job_and_its_process(self, rig, monkeypatch):
        from calibench.worker import follow

        monkeypatch.setattr(follow, "read_events", lambda *_: 1 / 0)
        job = rig.wait(rig.submit(steps=5000))
        assert (job.state, job.failure.kind) == ("failed", "InternalError")
        assert "ZeroDivisionError" in rig.jobs.log(job.id)
        until(lambda: not any(is_there(pid) for pid in rig.starts(job)))

    def test_an_end_that_says_nothing_is_a_failure(self, rig):
        job = rig.submit(steps=5000)
        pid = rig.wait_for_process(job)
        (rig.jobs.folder(job.id) / "end.json").write_text('{"state": "wonderful"}')
        ended = rig.wait(job)
        assert (ended.state, ended.failure.kind) == ("failed", "JobError")
        assert "end.json" in ended.failure.message
        assert not is_there(pid)

    def test_a_process_that_hangs_after_its_end_is_ended(self, rig, monkeypatch):
        from calibench.worker import attempts

        monkeypatch.setattr(attempts, "LEAVING_S", 0.3)
        job = rig.submit(steps=5000, stubborn=True)
        pid = rig.wait_for_process(job)
        (rig.jobs.folder(job.id) / "end.json").write_text('{"state": "done", "result": {"answer": 1}}')
        assert rig.wait(job).result == {"answer": 1}
        assert not is_there(pid)
