"""Removes what nobody needs, now and then, beside the server's work."""

import logging
import threading

from calibench.errors import CalibenchError
from calibench.workbench.job_book import JobBook
from calibench.workbench.tree_users import TreeUsers
from calibench.workbench.uploads import Uploads

log = logging.getLogger(__name__)

EVERY_S = 3600.0


class Sweeping:
    """A thread, because a look at a million files takes seconds, and the first page should not wait for it."""

    def __init__(self, users: TreeUsers, uploads: Uploads, jobs: JobBook) -> None:
        self._users, self._uploads, self._jobs = users, uploads, jobs
        self._stopping = threading.Event()

    def start(self) -> None:
        """Sweep now, and every hour."""
        self._stopping.clear()
        threading.Thread(target=self._go_on, name="sweeping", daemon=True).start()

    def stop(self) -> None:
        """Begin no other sweep; one that runs ends by itself, or with the process, and harms nothing."""
        self._stopping.set()

    def sweep(self) -> None:
        """Remove forgotten uploads, folders of deleted jobs, and files that no thing names."""
        self._uploads.sweep()
        self._jobs.sweep()
        self._users.sweep()

    def _go_on(self) -> None:
        while not self._stopping.is_set():
            try:
                self.sweep()
            except (CalibenchError, OSError) as error:  # the next one may do better
                log.warning("Files that nobody needs could not be removed: %s", error)
            self._stopping.wait(EVERY_S)
