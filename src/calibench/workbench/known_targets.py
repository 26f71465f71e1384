"""Targets: the machines, queues and clusters that calibrate and measure; this machine is there from the start."""

import asyncio
import os
import shutil
from collections.abc import Coroutine
from typing import Any, TypeVar

import psutil

from calibench.errors import SettingsError
from calibench.store.data_folder import DataFolder
from calibench.targets.bundle import Bundle
from calibench.targets.target_cache import cache_of
from calibench.targets.target_check import PASSPHRASE, clean_target, offered_key
from calibench.things.asked import AskHost
from calibench.things.kept import ENDED, Cleaned, HostKey, Job, Target, TargetCache
from calibench.things.target_spec import TargetSpec
from calibench.workbench.import_sources import ImportSources
from calibench.workbench.job_book import JobBook
from calibench.workbench.shelf import Shelf
from calibench.workbench.target_book import TargetBook
from calibench.workbench.target_files import only_allowed
from calibench.worker.job_rows import GOING

MB = 1024 * 1024

Answer = TypeVar("Answer")


class KnownTargets(TargetBook):
    """What can be asked of targets. Each method raises NotThere for a target that is not there."""

    def __init__(self, shelf: Shelf, jobs: JobBook, folder: DataFolder, sources: ImportSources) -> None:
        super().__init__(shelf, only_allowed(sources))
        self._jobs, self._folder = jobs, folder

    def look_once(self) -> None:
        """Have this machine looked at, where that was not done yet."""
        target = self.local()
        if target.machine is None:
            self.check(target.id)

    def check(self, id: int) -> Job:
        """Look whether it answers, and what it is; the job that does so already, where there is one."""
        target = self.get(id)
        for job in self._shelf.store.all(Job, where={"kind": "machine"}):
            if job.target_id == id and job.state not in ENDED:
                return job
        return self._jobs.submit("machine", f"Look at {target.name}", Bundle(kind="machine"), target_id=id)

    def host_key(self, id: int) -> HostKey:
        """The key that the host of a target shows now; takes a second or two.

        Raises:
            SettingsError: it is reached without a host.
            TargetError: it cannot be reached.
        """
        return _host_key(self.get(id).spec)

    def host_key_at(self, asked: AskHost) -> HostKey:
        """As `host_key`, of a target that is not kept yet."""
        return _host_key(self.spec_of(asked))

    def cache(self, id: int) -> TargetCache:
        """What `clean` would remove; takes seconds.

        Raises:
            NotPossible, TargetError: as `clean`.
        """
        target = self.get(id)
        self.refuse_clean(target)
        return _waited_for(cache_of(target.spec, os.environ.get(PASSPHRASE)))

    def clean(self, id: int) -> Cleaned:
        """Remove the cache there: environments, files, what is left of jobs. Takes seconds.

        Jobs that go on there stay with what they need, such as those of another Calibench.

        Raises:
            NotPossible: it is this machine, or a job of it goes on.
            TargetError: it cannot be reached.
        """
        target = self.get(id)
        self.refuse_clean(target)
        return _waited_for(clean_target(target.spec, os.environ.get(PASSPHRASE)))

    def load(self, id: int) -> dict[str, Any]:
        """How busy the machine is: this one now, another one as its last check found it.

        Returns:
            cpu_percent: of all cores together, since the last call; memory_percent, memory_free_mb, disk_free_mb: of
            the disk with the data folder, or with the home there; queued, running: jobs; as_of: ISO 8601, None: now.
            What is not known is None.
        """
        target = self.get(id)
        return self._load_here() if target.spec.is_here else self._load_there(target)

    def _load_here(self) -> dict[str, Any]:
        memory = psutil.virtual_memory()
        return {
            "cpu_percent": psutil.cpu_percent(interval=None),
            "memory_percent": memory.percent,
            "memory_free_mb": memory.available // MB,
            "disk_free_mb": shutil.disk_usage(self._folder.path).free // MB,
            "queued": self._shelf.store.count(Job, where={"state": "queued"}),
            "running": self._shelf.store.count(Job, where={"state": ("running", "cancelling")}),
            "as_of": None,
        }

    def _load_there(self, target: Target) -> dict[str, Any]:
        machine = target.machine or {}
        memory, free = machine.get("memory_mb"), machine.get("memory_free_mb")
        load, cores = machine.get("load") or (), machine.get("logical_cores")
        jobs = self._shelf.store.all(Job, where={"state": GOING, "target_id": target.id})
        return {
            "cpu_percent": min(100.0, 100 * load[0] / cores) if load and cores else None,
            "memory_percent": 100 * (1 - free / memory) if memory and free is not None else None,
            "memory_free_mb": free,
            "disk_free_mb": machine.get("disk_free_mb"),
            "queued": sum(job.state == "queued" for job in jobs),
            "running": sum(job.state != "queued" for job in jobs),
            "as_of": target.checked.isoformat() if target.checked else None,
        }


def _host_key(spec: TargetSpec) -> HostKey:
    if not spec.host:
        raise SettingsError(f"{spec.address}: is reached without SSH, so that no host shows a key.")
    return _waited_for(offered_key(spec))


def _waited_for(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What a coroutine gives, in a thread that has no loop."""
    return asyncio.run(work)
