"""What goes with a thing that is deleted."""

from collections.abc import Iterable
from dataclasses import dataclass

from calibench.store.store import Store
from calibench.things.kept import ENDED, Job, KeptDataset, KeptModel, Project


@dataclass(frozen=True)
class Going:
    """Things that would go together.

    Attributes:
        title: of the one that was asked for, such as 'model mobilenet'.
        stays: what might be thought to go, and stays; a sentence or empty.
        unlinked: projects that stay, and name a calibration dataset that goes.
        blocking: a job that must end first.
    """

    title: str
    models: tuple[KeptModel, ...] = ()
    datasets: tuple[KeptDataset, ...] = ()
    projects: tuple[Project, ...] = ()
    jobs: tuple[Job, ...] = ()
    stays: str = ""
    unlinked: tuple[Project, ...] = ()
    blocking: Job | None = None

    @property
    def trees(self) -> set[str]:
        """Content hashes that these things name."""
        named = {model.tree for model in self.models} | {dataset.tree for dataset in self.datasets}
        return {tree for tree in named | {project.result for project in self.projects} if tree is not None}


def going_with_model(store: Store, id: int) -> Going:
    """A model with its INT8 children, the projects and the jobs of them all.

    Raises:
        NotThere: there is no such model.
    """
    model = store.get(KeptModel, id)
    models = (model, *store.all(KeptModel, where={"parent_id": id}, newest_first=False))
    ids = tuple(each.id for each in models)
    projects = _with_children(store, store.all(Project, where={"model_id": ids}, newest_first=False))
    jobs = _jobs(store, projects, model_id=ids)
    return Going(f"model {model.name}", models, (), projects, jobs, blocking=_running(jobs))


def going_with_dataset(store: Store, id: int) -> Going:
    """A dataset with the projects that are judged by it, and their jobs; INT8 models that are ready stay.

    Raises:
        NotThere: there is no such dataset.
    """
    dataset = store.get(KeptDataset, id)
    projects = _with_children(store, store.all(Project, where={"dataset_id": id}, newest_first=False))
    made = _made_in(store, projects)
    models = tuple(model for model in made if model.state != "ready")
    ids = {project.id for project in projects}
    others = tuple(each for each in _calibrated_with(store, id) if each.id not in ids)
    jobs = _jobs(store, projects, model_id=tuple(each.id for each in models), dataset_id=(id,))
    outside = {each.id for each in others}
    theirs = _jobs(store, others)
    gone = tuple(job for job in jobs if job.project_id is None or job.project_id in ids)
    left = len(made) - len(models)
    stays = f"{_count(left, 'INT8 model')} {_stay(left)}. " if left else ""
    if outside:
        stays += f"{_count(len(outside), 'project')} of other datasets that it calibrated {_stay(len(outside))} too. "
    running = _running((*jobs, *theirs))
    return Going(f"dataset {dataset.name}", models, (dataset,), projects, gone, stays.strip(), others, running)


def going_with_project(store: Store, id: int) -> Going:
    """A project with its INT8 projects, the INT8 models that were made in them, and their jobs.

    Raises:
        NotThere: there is no such project.
    """
    project = store.get(Project, id)
    projects = _with_children(store, (project,))
    models = _made_in(store, projects)
    jobs = _jobs(store, projects, model_id=tuple(each.id for each in models))
    return Going(f"project {project.name}", models, (), projects, jobs, blocking=_running(jobs))


def _with_children(store: Store, projects: Iterable[Project]) -> tuple[Project, ...]:
    found = {project.id: project for project in projects}
    if found:
        children = store.all(Project, where={"parent_id": tuple(found)}, newest_first=False)
        found |= {project.id: project for project in children}
    return tuple(found.values())


def _made_in(store: Store, projects: tuple[Project, ...]) -> tuple[KeptModel, ...]:
    """INT8 models that were calibrated in these projects and are in no other."""
    ids = {project.id for project in projects}
    wanted = tuple({project.model_id for project in projects if project.parent_id is not None and project.ask})
    if not wanted:
        return ()
    elsewhere = {each.model_id for each in store.all(Project, where={"model_id": wanted}) if each.id not in ids}
    models = store.all(KeptModel, where={"id": wanted}, newest_first=False)
    return tuple(model for model in models if model.parent_id is not None and model.id not in elsewhere)


def _calibrated_with(store: Store, dataset_id: int) -> tuple[Project, ...]:
    return store.all(Project, where={"calibration_dataset_id": dataset_id}, newest_first=False)


def _jobs(store: Store, projects: tuple[Project, ...], **of: tuple[int, ...]) -> tuple[Job, ...]:
    """Jobs of projects, and those that name one of the ids."""
    found: dict[int, Job] = {}
    for name, ids in {"project_id": tuple(each.id for each in projects), **of}.items():
        if ids:
            found |= {job.id: job for job in store.all(Job, where={name: ids}, newest_first=False)}
    return tuple(found[id] for id in sorted(found))


def _running(jobs: Iterable[Job]) -> Job | None:
    return next((job for job in jobs if job.state not in ENDED), None)


def _stay(number: int) -> str:
    return "stays" if number == 1 else "stay"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
