"""Tests of the worker where jobs and queue are in PostgreSQL."""

import pytest
from sqlalchemy import create_engine, text
from worker_rig import Rig, is_there

import postgres_server

pytestmark = pytest.mark.skipif(not postgres_server.is_installed(), reason=postgres_server.ABSENT)


@pytest.fixture(scope="module")
def url():
    with postgres_server.running() as folder:
        engine = create_engine(f"postgresql+psycopg://tests@/postgres?host={folder}", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE calibench"))
        engine.dispose()
        yield f"postgresql+psycopg://tests@/calibench?host={folder}"


def test_jobs_run_in_order_and_outlive_the_server(url, tmp_path):
    with Rig(tmp_path / "data", database=url) as rig:
        jobs = [rig.submit("calibrate") for _ in range(2)]
        first, second = [rig.wait(job) for job in jobs]
        assert first.state == second.state == "done"
        assert first.ended <= second.started
        long, waiting = rig.submit("calibrate", steps=60), rig.submit("calibrate")
        pid = rig.wait_for_process(long)
    assert is_there(pid)
    with Rig(tmp_path / "data", database=url) as rig:
        assert rig.wait(long).state == rig.wait(waiting).state == "done"
        assert rig.starts(long) == [pid]
        assert len(rig.starts(waiting)) == 1
    assert not (tmp_path / "data/queue.db").exists()


def test_a_cancelled_job_never_starts(url, tmp_path):
    with Rig(tmp_path / "data", database=url) as rig:
        first, second = rig.submit("calibrate", steps=500), rig.submit("calibrate")
        rig.wait_for_process(first)
        assert rig.jobs.cancel(second.id).state == "cancelled"
        rig.jobs.cancel(first.id)
        assert rig.wait(first).state == "cancelled"
        assert rig.starts(second) == []
