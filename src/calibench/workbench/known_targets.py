"""Targets: the machines that calibrate and measure; this one is there from the start."""

import shutil
from datetime import UTC, datetime
from typing import Any

import psutil

from calibench.store.data_folder import DataFolder
from calibench.targets.bundle import Bundle
from calibench.things.kept import ENDED, Job, Target
from calibench.workbench.job_book import JobBook
from calibench.workbench.shelf import Shelf

LOCAL = "This machine"
MB = 1024 * 1024


class KnownTargets:
    """What can be asked of targets. Each method raises NotThere for a target that is not there."""

    def __init__(self, shelf: Shelf, jobs: JobBook, folder: DataFolder) -> None:
        self._shelf, self._jobs, self._folder = shelf, jobs, folder

    def all(self) -> tuple[Target, ...]:
        """Every target, this machine first."""
        return self._shelf.store.all(Target, newest_first=False)

    def get(self, id: int) -> Target:
        """One target."""
        return self._shelf.store.get(Target, id)

    def local(self) -> Target:
        """This machine; made when the Workbench starts for the first time."""
        found = self._shelf.store.all(Target, where={"kind": "local"}, newest_first=False, limit=1)
        return found[0] if found else self._shelf.add(Target(created=datetime.now(UTC), name=LOCAL, kind="local"))

    def look_once(self) -> None:
        """Have this machine looked at, where that was not done yet."""
        target = self.local()
        if target.machine is None:
            self.check(target.id)

    def check(self, id: int) -> Job:
        """Look what the machine is and which devices it has; the job that does so already, where there is one."""
        target = self.get(id)
        for job in self._shelf.store.all(Job, where={"kind": "machine"}):
            if job.target_id == id and job.state not in ENDED:
                return job
        return self._jobs.submit("machine", f"Look at {target.name}", Bundle(kind="machine"), target_id=id)

    def load(self, id: int) -> dict[str, Any]:
        """How busy the machine is now.

        Returns:
            cpu_percent: of all cores together, since the last call; memory_percent, memory_free_mb, disk_free_mb: of
            the data folder's disk; queued, running: jobs.
        """
        self.get(id)
        memory = psutil.virtual_memory()
        return {
            "cpu_percent": psutil.cpu_percent(interval=None),
            "memory_percent": memory.percent,
            "memory_free_mb": memory.available // MB,
            "disk_free_mb": shutil.disk_usage(self._folder.path).free // MB,
            "queued": self._shelf.store.count(Job, where={"state": "queued"}),
            "running": self._shelf.store.count(Job, where={"state": ("running", "cancelling")}),
        }
