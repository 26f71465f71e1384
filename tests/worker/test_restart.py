"""Tests of what a restart finds: servers killed by -9, queues that are lost, jobs that ended meanwhile."""

import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from base64 import b64encode
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from worker_rig import Rig, is_there, start_fake, until

from calibench.errors import JobError
from calibench.things.kept import Job


@contextmanager
def server(path: Path):
    """A server in a process of its own; killed by -9 at the end."""
    command = [sys.executable, str(Path(__file__).with_name("killed_server.py")), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.kill()


def closed(path: Path) -> Rig:
    """A rig whose worker is not started: jobs can be asked for and looked at."""
    return Rig(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data"


def test_a_process_outlives_the_server_and_the_next_one_follows_it(path):
    book = closed(path)
    job = book.submit(steps=60, waits_at=30)
    with server(path):
        pid = book.wait_for_process(job)
    assert is_there(pid)
    told_before = book.jobs.get(job.id).progress
    with Rig(path) as rig:
        rig.let_go_on(job)
        ended = rig.wait(job)
        assert (ended.state, ended.attempt, rig.starts(job)) == ("done", 1, [pid])
        told = [event.data["progress"] for event in rig.of(job, "progress")]
        assert told and min(told) >= told_before  # what the first server told is no news


def test_a_job_that_ended_while_no_server_ran_is_taken_in_at_the_start(path):
    book = closed(path)
    job = book.submit(steps=10, waits_at=5)
    with server(path):
        pid = book.wait_for_process(job)
    book.let_go_on(job)
    until(lambda: not is_there(pid))
    assert book.jobs.get(job.id).state == "running"
    with Rig(path) as rig:
        ended = rig.wait(job)
        assert (ended.state, ended.result, rig.starts(job)) == ("done", {"answer": 42}, [pid])
        assert rig.of(job, "progress") == []
        assert len(rig.jobs.trials(job.id)) == 10


def test_server_and_process_killed_together_as_by_a_power_cut(path):
    book = closed(path)
    job = book.submit(steps=60, waits_at=30)
    with server(path):
        pid = book.wait_for_process(job)
        os.kill(pid, signal.SIGKILL)
    with Rig(path) as rig:
        rig.let_go_on(job)
        ended = rig.wait(job)
        assert (ended.state, ended.attempt, len(rig.starts(job))) == ("done", 2, 2)


def test_a_server_killed_before_it_noted_the_number_of_a_process_finds_it_by_its_command(path):
    book = closed(path)
    job = book.submit(steps=60, waits_at=30)
    book.store.change(Job, job.id, state="running", attempt=1)
    pid, _ = start_fake(book.jobs.folder(job.id))
    until(lambda: book.starts(job))
    with Rig(path) as rig:
        rig.let_go_on(job)
        ended = rig.wait(job)
        assert (ended.state, ended.attempt, rig.starts(job)) == ("done", 1, [pid])


def test_a_number_that_another_process_has_by_now_is_not_followed_nor_killed(path):
    book = closed(path)
    job = book.submit()
    stranger = subprocess.Popen(["sleep", "60"])
    book.store.change(Job, job.id, state="running", attempt=1, pid=stranger.pid, pid_created=1.0)
    try:
        with Rig(path) as rig:
            ended = rig.wait(job)
            assert (ended.state, ended.attempt) == ("done", 2)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_the_copy_of_a_data_folder_leaves_the_process_of_the_original_alone(path, tmp_path):
    book = closed(path)
    job = book.submit(steps=5000)
    with server(path):
        pid = book.wait_for_process(job)
    shutil.copytree(path, tmp_path / "copy")
    with Rig(tmp_path / "copy") as copy:
        copy.wait(job, "running")
        until(lambda: len(copy.starts(job)) == 2)
        copy.jobs.cancel(job.id)
        assert copy.wait(job).state == "cancelled"
        assert is_there(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_cancel_that_a_killed_server_did_not_carry_out_is_carried_out(path):
    book = closed(path)
    running, gone = book.submit("calibrate", steps=5000), book.submit("machine")
    with server(path):
        pid = book.wait_for_process(running)
        book.wait(gone)
    book.store.change(Job, running.id, state="cancelling")
    book.store.change(Job, gone.id, state="cancelling", ended=None)
    (book.jobs.folder(gone.id) / "end.json").unlink()
    with Rig(path) as rig:
        assert rig.wait(running).state == "cancelled"
        assert rig.wait(gone).state == "cancelled"
        assert not is_there(pid)
        assert len(rig.starts(gone)) == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_goes_on_elsewhere_is_ended_although_its_process_here_is_gone(path, number):
    book = closed(path)
    job = book.submit(carried=True, steps=5000)
    with server(path):
        pid = book.wait_for_process(job)
        until(lambda: book.left_there(job) == "started")
    os.kill(pid, number)
    until(lambda: not is_there(pid))
    book.store.change(Job, job.id, state="cancelling")
    with Rig(path) as rig:
        assert rig.wait(job).state == "cancelled"
        assert rig.left_there(job) == "new"


def test_a_machine_that_is_switched_off_cancels_nothing(path):
    book = closed(path)
    jobs = [book.submit("calibrate", carried=True, waits_at=1), book.submit("sample", waits_at=1)]
    with server(path):
        pids = [book.wait_for_process(job) for job in jobs]
        until(lambda: book.left_there(jobs[0]) == "started")
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    until(lambda: not any(is_there(pid) for pid in pids))
    assert [book.jobs.get(job.id).state for job in jobs] == ["running", "running"]
    assert book.left_there(jobs[0]) == "started"
    for job in jobs:
        book.let_go_on(job)
    with Rig(path) as rig:
        assert [rig.wait(job).state for job in jobs] == ["done", "done"]
        assert [len(rig.starts(job)) for job in jobs] == [2, 2]


def test_a_stop_leaves_processes_running_and_threads_none(path):
    before = set(threading.enumerate())
    with Rig(path) as rig:
        job = rig.submit("calibrate", waits_at=1)
        waiting = rig.submit("calibrate")
        pid = rig.wait_for_process(job)
    assert is_there(pid)
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {f"reap-{pid}", "reap"}
    rig.let_go_on(job)
    with Rig(path) as rig:
        assert rig.wait(job).state == "done"
        assert rig.wait(waiting).state == "done"
        assert len(rig.starts(job)) == len(rig.starts(waiting)) == 1


@pytest.mark.parametrize("loss", ["deleted", "older", "damaged"])
def test_a_lost_queue_is_filled_from_the_jobs(path, loss):
    if loss == "older":
        with Rig(path) as rig:
            rig.wait(rig.submit())
    book = closed(path)
    jobs = [book.submit("calibrate", steps=30)] + [book.submit("calibrate") for _ in range(3)]
    old = (path / "queue.db").read_bytes() if loss == "older" else None
    with server(path):
        pid = book.wait_for_process(jobs[0])
    for part in path.glob("queue.db*"):
        part.unlink()
    if loss == "older":
        (path / "queue.db").write_bytes(old)
    elif loss == "damaged":
        (path / "queue.db").write_bytes(b"no database at all" * 1000)
    with Rig(path) as rig:
        ended = [rig.wait(job) for job in jobs]
        assert [job.state for job in ended] == ["done"] * 4
        assert [len(rig.starts(job)) for job in jobs] == [1] * 4
        assert rig.starts(jobs[0]) == [pid]
        assert sorted(ended, key=lambda job: job.started) == ended
    assert len(list(path.glob("queue.db.*.broken"))) == (loss == "damaged")


def test_a_queue_that_knows_more_than_the_jobs_does_no_harm(path):
    with Rig(path) as rig:
        first = rig.submit("calibrate", steps=5000)
        second = rig.submit("calibrate")
        rig.wait_for_process(first)
        rig.worker._stopping.set()
    os.kill(closed(path).starts(first)[0], signal.SIGKILL)
    book = closed(path)
    for job in (first, second):
        book.store.delete(Job, job.id)
    with Rig(path) as rig:
        assert rig.wait(rig.submit("calibrate")).state == "done"
        assert rig.starts(second) == []


def test_a_pickle_in_the_queue_is_never_loaded(path, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    with Rig(path) as rig:
        first = rig.submit("calibrate", steps=5000)
        second = rig.submit("calibrate")
        rig.wait_for_process(first)
    with sqlite3.connect(path / "queue.db") as queue:
        queue.execute(
            "UPDATE workflow_status SET inputs = ?, serialization = 'py_pickle' WHERE status = 'ENQUEUED'",
            (b64encode(pickle.dumps({"args": (Bomb(),), "kwargs": {}})).decode(),),
        )
    with Rig(path) as rig:
        rig.jobs.cancel(first.id)
        rig.wait(first)
        assert rig.wait(second).state == "done"
    assert not (tmp_path / "exploded").exists()


def test_one_process_holds_one_worker(path, tmp_path):
    with Rig(path), pytest.raises(JobError, match="Another workbench is open in this process"):
        Rig(tmp_path / "other").worker.start()
    with Rig(tmp_path / "other") as rig:
        assert rig.wait(rig.submit()).state == "done"


def test_a_worker_may_be_opened_often_in_one_process(path):
    threads, files = threading.active_count(), psutil.Process().num_fds()
    for _ in range(5):
        with Rig(path) as rig:
            assert rig.wait(rig.submit(steps=1)).state == "done"
    until(lambda: threading.active_count() <= threads)
    assert psutil.Process().num_fds() <= files + 3


def test_jobs_asked_for_before_the_start_wait_for_it(path):
    book = closed(path)
    job = book.submit()
    assert book.jobs.queue_place(job.id) == 1
    assert book.jobs.cancel(book.submit().id).state == "cancelled"
    with Rig(path) as rig:
        assert rig.wait(job).state == "done"


def test_a_job_asked_for_inside_a_longer_transaction_runs_after_it(path):
    with Rig(path) as rig:
        with rig.store.together():
            job = rig.submit()
            threading.Event().wait(0.6)
        assert rig.wait(job).state == "done"


def test_the_queue_may_be_used_where_an_event_loop_runs(path):
    import asyncio

    async def serve():
        rig = Rig(path)
        rig.worker.start()
        job = rig.submit()
        cancelled = rig.jobs.cancel(rig.submit("calibrate").id)
        while rig.jobs.get(job.id).state != "done":
            await asyncio.sleep(0.02)
        rig.worker.stop()
        return cancelled.state

    assert asyncio.run(serve()) in ("cancelled", "cancelling")
