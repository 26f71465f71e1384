"""Workers whose jobs are the fake one."""

import pytest
import worker_rig

from calibench.targets import local_process
from calibench.worker import attempts, durable_queue


@pytest.fixture(autouse=True)
def fake_jobs(monkeypatch):
    monkeypatch.setattr(local_process, "start", worker_rig.start_fake)
    monkeypatch.setattr(attempts, "WITH_US_S", 0.2)
    for lane in durable_queue.LOOKS_S:
        monkeypatch.setitem(durable_queue.LOOKS_S, lane, 0.1)


@pytest.fixture
def rig(tmp_path):
    with worker_rig.Rig(tmp_path / "data") as rig:
        yield rig
