"""What a job's begin and end mean for the things it is about."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from calibench.store.data_folder import DataFolder
from calibench.store.refused import Conflict, NotThere
from calibench.targets.bundle import OUT
from calibench.things.kept import ENDED, Event, Failure, Job, JobKind, KeptDataset, KeptModel, Project, Target
from calibench.workbench.shelf import Shelf
from calibench.workbench.tree_users import TreeUsers
from calibench.workbench.uploads import Uploads, claimant

IMPORTS: dict[JobKind, tuple[type[KeptModel] | type[KeptDataset], str]] = {
    "import-model": (KeptModel, "model_id"),
    "import-dataset": (KeptDataset, "dataset_id"),
}
"""What an import makes, and the field of its job that says which."""
TAKEN: tuple[JobKind, ...] = (*IMPORTS, "sample", "try-settings")
"""Jobs that leave nothing in their folder: when they are done, it is in `trees/` or in their row."""
LOST = Failure(kind="JobError", message="The import ended without a word: the server was stopped. Import it again.")


class JobNews:
    """Listens to jobs: an import that is tried again is importing again; what a job changed is told when it is kept."""

    def __init__(self, shelf: Shelf, folder: DataFolder, uploads: Uploads, users: TreeUsers) -> None:
        self._shelf, self._folder, self._uploads, self._users = shelf, folder, uploads, users
        self._unsubscribe: Callable[[], None] = lambda: None

    def listen(self) -> None:
        """Begin."""
        self._unsubscribe = self._shelf.hub.subscribe(self._hear)

    def stop(self) -> None:
        """End."""
        self._unsubscribe()

    def catch_up(self) -> None:
        """Mend what a server that was killed has left: imports without a job, uploads that were imported."""
        for kind, _ in IMPORTS.values():
            for thing in self._shelf.store.all(kind, where={"state": "importing"}):
                if not (isinstance(thing, KeptModel) and thing.parent_id) and not self._is_on_its_way(thing.job_id):
                    self._shelf.change(kind, thing.id, state="failed", failure=LOST)
        for by in {by for upload in self._uploads.all() if (by := self._uploads.used_by(upload.id))}:
            if not self._is_waited_for(by):
                self._uploads.release(by)

    def _hear(self, event: Event) -> None:
        if event.topic != "job" or event.change not in ("created", "changed"):
            return
        job = Job.model_validate(event.data)
        if event.change == "created" and job.kind in IMPORTS and job.retry_of is not None:
            self._begin_again(job)
        if job.state in ENDED:
            self._end(job)

    def _begin_again(self, job: Job) -> None:
        kind, field = IMPORTS[job.kind]
        values: dict[str, Any] = {"state": "importing", "failure": None, "job_id": job.id}
        with suppress(Conflict, NotThere):  # it was quicker than its news, or the thing was deleted
            self._shelf.change(kind, getattr(job, field), only_if={"state": "failed"}, **values)

    def _end(self, job: Job) -> None:
        for kind, id in self._about(job):
            try:
                self._shelf.tell(self._shelf.store.get(kind, id))
            except NotThere:
                continue  # deleted since
        if job.state == "done" and job.kind in TAKEN:
            if job.kind in IMPORTS:
                kind, field = IMPORTS[job.kind]
                self._uploads.release(claimant(kind, getattr(job, field)))
            shutil.rmtree(self._folder.jobs / str(job.id) / OUT, ignore_errors=True)
        self._users.has_named(job.id)

    def _about(self, job: Job) -> list[tuple[type, int]]:
        """Things that the end of a job changed."""
        named = (
            *((KeptModel, job.model_id), (KeptDataset, job.dataset_id), (Target, job.target_id)),
            (Project, job.project_id),
            (KeptModel, job.result.get("model_id")),
            *((KeptDataset, job.result.get(f"{part}_dataset_id")) for part in ("calibration", "validation")),
        )
        return list(dict.fromkeys((kind, id) for kind, id in named if isinstance(id, int)))

    def _is_on_its_way(self, job_id: int | None) -> bool:
        try:
            return job_id is not None and self._shelf.store.get(Job, job_id).state not in ENDED
        except NotThere:
            return False

    def _is_waited_for(self, by: str) -> bool:
        """Whether the thing that claimed uploads still needs them."""
        word, _, number = by.partition(" ")
        kind: type[KeptModel] | type[KeptDataset] = KeptModel if word == "model" else KeptDataset
        try:
            return self._shelf.store.get(kind, int(number)).state != "ready"
        except NotThere:
            return False
