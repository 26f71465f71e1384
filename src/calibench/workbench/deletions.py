"""Delete a thing with all that makes no sense without it: said before, done in one transaction, nothing left behind."""

import shutil
from collections.abc import Callable

from calibench.store.data_folder import DataFolder
from calibench.things.kept import Deletion, Hindrance, Job, KeptDataset, KeptModel, Project
from calibench.workbench.going import Going, going_with_dataset, going_with_model, going_with_project
from calibench.workbench.leftovers import Leftovers
from calibench.workbench.refusals import NotPossible
from calibench.workbench.shelf import Shelf
from calibench.workbench.tree_users import TreeUsers
from calibench.workbench.uploads import Uploads, claimant

Find = Callable[..., Going]


class Deletions:
    """What would go with a thing, and its removal; all methods raise NotThere where there is no such thing."""

    def __init__(
        self,
        shelf: Shelf,
        folder: DataFolder,
        users: TreeUsers,
        uploads: Uploads,
        leftovers: Leftovers | None = None,
    ) -> None:
        self._shelf, self._folder, self._users, self._uploads = shelf, folder, users, uploads
        self._leftovers = leftovers or Leftovers(shelf.store, folder)

    def of_model(self, id: int) -> Deletion:
        """With a model go its INT8 children, and the projects and jobs of them all."""
        return self._said(going_with_model(self._shelf.store, id))

    def of_dataset(self, id: int) -> Deletion:
        """With a dataset go the projects that are judged by it, and their jobs; INT8 models stay."""
        return self._said(going_with_dataset(self._shelf.store, id))

    def of_project(self, id: int) -> Deletion:
        """With a project go its INT8 projects with the models that were made in them, and their jobs."""
        return self._said(going_with_project(self._shelf.store, id))

    def delete_model(self, id: int, leave: bool = False) -> Deletion:
        """Delete a model; the answer says what went. `leave`: also where jobs left something on a target that stays.

        Raises:
            NotPossible: a job of what would go runs, or left something on a target that could not be removed; nothing
                was deleted.
        """
        return self._delete(going_with_model, id, leave)

    def delete_dataset(self, id: int, leave: bool = False) -> Deletion:
        """Delete a dataset; the answer says what went. `leave`: also where jobs left something on a target that stays.

        Raises:
            NotPossible: a job of what would go, or that reads the dataset, runs, or left something on a target that
                could not be removed; nothing was deleted.
        """
        return self._delete(going_with_dataset, id, leave)

    def delete_project(self, id: int, leave: bool = False) -> Deletion:
        """Delete a project; the answer says what went. `leave`: also where jobs left something on a target that stays.

        Raises:
            NotPossible: a job of what would go runs, or left something on a target that could not be removed; nothing
                was deleted.
        """
        return self._delete(going_with_project, id, leave)

    def _said(self, going: Going) -> Deletion:
        freed = self._users.only_in(going.trees, _ids(going)) if going.blocking is None else 0
        return _told(going, freed, self._leftovers.places(going.jobs))

    def _delete(self, find: Find, id: int, leave: bool) -> Deletion:
        going = _unblocked(find(self._shelf.store, id))
        with self._leftovers.ended(going.jobs, leave):
            return self._delete_here(find, id)

    def _delete_here(self, find: Find, id: int) -> Deletion:
        with self._shelf.together():
            going = _unblocked(find(self._shelf.store, id))
            # nothing slow in here: whoever writes waits for it
            self._shelf.change_all(Project, tuple(each.id for each in going.unlinked), calibration_dataset_id=None)
            for kind, things in _in_order(going):
                self._shelf.delete_all(kind, tuple(thing.id for thing in things))
        for job in going.jobs:
            shutil.rmtree(self._folder.jobs / str(job.id), ignore_errors=True)
        for kind, things in ((KeptModel, going.models), (KeptDataset, going.datasets)):
            for thing in things:  # a failed import keeps its uploads for a retry
                self._uploads.release(claimant(kind, thing.id))
        return _told(going, self._users.drop_unused(going.trees))


def _unblocked(going: Going) -> Going:
    if going.blocking is not None:
        raise NotPossible(_hindrance(going.title, going.blocking))
    return going


def _told(going: Going, freed: int, left_on: tuple[str, ...] = ()) -> Deletion:
    tidied = f" What its jobs left on {', '.join(left_on)} is ended and removed there first." if left_on else ""
    return Deletion(
        sentence=_question(going, freed) + tidied,
        left_on=left_on,
        models=tuple(each.id for each in going.models),
        datasets=tuple(each.id for each in going.datasets),
        projects=tuple(each.id for each in going.projects),
        jobs=tuple(each.id for each in going.jobs),
        frees_bytes=freed,
        hindrance="" if going.blocking is None else _blocked(going.title, going.blocking),
    )


def _in_order(going: Going) -> tuple[tuple[type, tuple[KeptModel | KeptDataset | Project | Job, ...]], ...]:
    """Children before what they name, so that a listener never sees one without the other."""
    return (
        (Job, going.jobs),
        (Project, tuple(reversed(going.projects))),
        (KeptModel, tuple(reversed(going.models))),
        (KeptDataset, going.datasets),
    )


def _ids(going: Going) -> dict[type, set[int]]:
    return {kind: {thing.id for thing in things} for kind, things in _in_order(going)}


def _question(going: Going, freed: int) -> str:
    """'Delete model m, with 2 INT8 models and 3 projects? Frees 14.2 MB.'"""
    kind = going.title.partition(" ")[0]
    counts = (
        (len(going.models) - (kind == "model"), "INT8 model"),
        (len(going.projects) - (kind == "project"), "project"),
        (len(going.jobs), "job"),
    )
    parts = [f"{number} {noun}{'s' if number > 1 else ''}" for number, noun in counts if number]
    rest = "" if not parts else ", with " + " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    frees = f" Frees {_amount(freed)}." if freed else ""
    stays = f" {going.stays}" if going.stays else ""
    return f"Delete {going.title}{rest}?{stays}{frees}"


def _amount(size: int) -> str:
    for unit, bytes in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= bytes:
            return f"{size / bytes:.1f} {unit}"
    return f"{size} bytes"


def _blocked(title: str, job: Job) -> str:
    state = "waits" if job.state == "queued" else "runs"
    return f"The {title} cannot be deleted while job {job.id} ({job.title}) {state}. Cancel it first, or wait."


def _hindrance(title: str, job: Job) -> Hindrance:
    return Hindrance(code="in-use", sentence=_blocked(title, job), action="See the job", link=f"/jobs/{job.id}")
