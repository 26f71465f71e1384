"""Targets: the machines, queues and clusters that calibrate and measure; this machine is there from the start."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, TypeVar

from calibench.errors import SettingsError
from calibench.store.data_folder import DataFolder
from calibench.targets.bundle import Bundle
from calibench.targets.target_cache import cache_of
from calibench.targets.target_check import PASSPHRASE, clean_target, offered_key
from calibench.things.asked import AskHost
from calibench.things.kept import ENDED, Cleaned, HostKey, Job, TargetCache, TargetLoad
from calibench.things.target_spec import TargetSpec
from calibench.workbench.current_load import load_here, load_there, with_jobs
from calibench.workbench.import_sources import ImportSources
from calibench.workbench.job_book import JobBook
from calibench.workbench.load_looks import LoadLooks, Seen, can_be_seen
from calibench.workbench.shelf import Shelf
from calibench.workbench.target_book import TargetBook
from calibench.workbench.target_files import only_allowed
from calibench.worker.job_rows import GOING

Answer = TypeVar("Answer")


class KnownTargets(TargetBook):
    """What can be asked of targets. Each method raises NotThere for a target that is not there."""

    def __init__(self, shelf: Shelf, jobs: JobBook, folder: DataFolder, sources: ImportSources) -> None:
        super().__init__(shelf, only_allowed(sources))
        self._jobs, self._folder, self._looks = jobs, folder, LoadLooks()

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

    def load(self, id: int, wait_s: float = 0.0) -> TargetLoad:
        """How busy a target is: this machine now; another one as it was seen last, and a look begins where that is old.

        Args:
            wait_s: seconds that may be waited for such a look.
        """
        target = self.get(id)
        if target.spec.is_here:
            load = load_here(self._folder.path)
        else:
            is_seen = target.state != "unchecked" and can_be_seen(target.spec)
            load = load_there(target, self._looks.seen(target, wait_s) if is_seen else Seen())
        jobs = self._shelf.store.all(Job, where={"state": GOING})
        return with_jobs(load, target, jobs, {each.id: each for each in self.all()})

    def stop(self) -> None:
        """Look at none any more."""
        self._looks.stop()


def _host_key(spec: TargetSpec) -> HostKey:
    if not spec.host:
        raise SettingsError(f"{spec.address}: is reached without SSH, so that no host shows a key.")
    return _waited_for(offered_key(spec))


def _waited_for(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What a coroutine gives, in a thread that has no loop."""
    return asyncio.run(work)
