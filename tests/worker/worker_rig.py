"""A worker over a data folder whose jobs run fake_job.py, and what tests want to know of it."""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from calibench.store.data_folder import DataFolder
from calibench.store.store import Store
from calibench.targets import local_process
from calibench.targets.bundle import Bundle
from calibench.things.kept import Event, Job, Target
from calibench.things.target_spec import TargetSpec
from calibench.workbench.job_book import JobBook
from calibench.worker.hub import Hub
from calibench.worker.worker import Worker

FAKE = Path(__file__).with_name("fake_job.py")


def start_fake(folder: Path, *, is_low: bool = False) -> tuple[int, float]:
    """As `local_process.start`, with the fake job."""
    return local_process.spawn([sys.executable, "-S", str(FAKE), "calibench", "run", str(folder.resolve())], folder)


class Rig:
    """Store, hub, worker and job book of one data folder."""

    def __init__(self, path: Path, adopt: Any = None, database: str | None = None) -> None:
        self.folder = DataFolder(path)
        self.folder.make()
        self.store = Store(database or self.folder.url)
        self.hub = Hub()
        self.events: list[Event] = []
        self.hub.subscribe(self.events.append)
        self.worker = Worker(self.store, self.folder, self.hub, adopt or {})
        self.jobs = JobBook(self.store, self.folder, self.hub, self.worker)

    def __enter__(self) -> "Rig":
        self.worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.stop()
        self.store.close()

    def submit(self, kind: Any = "machine", title: str = "A job", target_id: int | None = None, **plan: Any) -> Job:
        return self.jobs.submit(kind, title, Bundle(kind=kind, entry=json.dumps(plan)), target_id=target_id)

    def target(self, name: str, **spec: Any) -> int:
        made = TargetSpec(**spec)
        return self.store.add(Target(created=datetime.now(UTC), name=name, kind=made.kind, spec=made)).id

    def starts(self, job: Job) -> list[int]:
        """The processes that were ever started for a job."""
        try:
            return [int(pid) for pid in (self.jobs.folder(job.id) / "starts").read_text().split()]
        except FileNotFoundError:
            return []

    def wait(self, job: Job, *states: str) -> Job:
        """The job once it is in one of the states; ended, where none is named."""
        states = states or ("done", "failed", "cancelled")
        return until(lambda: (now := self.jobs.get(job.id)).state in states and now)

    def wait_for_process(self, job: Job) -> int:
        until(lambda: self.starts(job))
        until(lambda: self.jobs.get(job.id).pid)
        return self.starts(job)[-1]

    def let_go_on(self, job: Job) -> None:
        """A job that waits at a step."""
        (self.jobs.folder(job.id) / "go").touch()

    def left_there(self, job: Job) -> str | None:
        """Where a carried job is, by its record."""
        try:
            return str(json.loads((self.jobs.folder(job.id) / "remote.json").read_text())["phase"])
        except (FileNotFoundError, ValueError):
            return None

    def of(self, job: Job, change: str) -> list[Event]:
        return [event for event in self.events if event.id == job.id and event.change == change]


def until(holds: Callable[[], Any], seconds: float = 120.0) -> Any:
    """What `holds` gives once it is something."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return local_process.began_at(pid) is not None
