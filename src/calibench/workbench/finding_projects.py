"""Find a project, and what is about it: its family, its parts, its jobs."""

from calibench.store.store import Store
from calibench.things.asked import AskCalibration, NewProject
from calibench.things.kept import Job, JobKind, KeptDataset, KeptModel, Project, Target
from calibench.workbench.fitting import fit
from calibench.workbench.hindrances import About
from calibench.workbench.project_results import Results
from calibench.workbench.refusals import refuse


def find_project(store: Store, model: int, dataset: int, target: int, device: str) -> Project | None:
    """The project of these four; None: there is none."""
    same = {"model_id": model, "dataset_id": dataset, "target_id": target, "device": device}
    found = store.all(Project, where=same, newest_first=False, limit=1)
    return found[0] if found else None


def root_of(store: Store, project: Project) -> Project:
    """The FP32 project of a family."""
    return project if project.parent_id is None else store.get(Project, project.parent_id)


def where_asked(store: Store, project: Project) -> Project:
    """Where a calibration would be asked for: of an INT8 project that came to nothing, in that of the FP32 model."""
    is_lost = project.parent_id is not None and project.result is None and project.state in ("failed", "cancelled")
    if is_lost and store.get(KeptModel, project.model_id).tree is None:  # else it was only measured here
        return root_of(store, project)
    return project


def going_job(store: Store, project_id: int, kinds: tuple[JobKind, ...] = ()) -> Job | None:
    """A job of the project that has not ended; (): of any kind."""
    where = {"project_id": project_id, "state": ("queued", "running", "cancelling")}
    found = store.all(Job, where={**where, **({"kind": kinds} if kinds else {})}, limit=1)
    return found[0] if found else None


def about(store: Store, results: Results, project: Project) -> About:
    """What decides whether a project can be calibrated."""
    baselines = store.all(Job, where={"project_id": project.id, "kind": "baseline"}, limit=1)
    measured = results.baseline(project) or {}
    return About(
        project=project,
        model=store.get(KeptModel, project.model_id),
        dataset=store.get(KeptDataset, project.dataset_id),
        target=store.get(Target, project.target_id),
        baseline=baselines[0] if baselines else None,
        why_no_score=measured.get("why_no_score") or "",
        family=store.get(Project, project.parent_id) if project.parent_id else None,
    )


def parts_of(store: Store, new: NewProject) -> tuple[KeptModel, KeptDataset, Target]:
    """Model, dataset and target of a new project.

    Raises:
        NotThere: one of them is not there.
        NotPossible: model or dataset are not ready, or do not fit.
    """
    model, dataset = store.get(KeptModel, new.model_id), store.get(KeptDataset, new.dataset_id)
    if new.target_id is None:
        target = store.all(Target, where={"kind": "local"}, newest_first=False, limit=1)[0]
    else:
        target = store.get(Target, new.target_id)
    refuse(fit(model, dataset))
    return model, dataset, target


def calibration_dataset(store: Store, project: Project, ask: AskCalibration) -> KeptDataset | None:
    """The dataset that sets the ranges; None: half of the project's own.

    Raises:
        NotPossible: it is not ready, or does not fit.
    """
    if ask.calibration_dataset_id is None or ask.calibration_dataset_id == project.dataset_id:
        return None
    dataset = store.get(KeptDataset, ask.calibration_dataset_id)
    refuse(fit(store.get(KeptModel, project.model_id), dataset))
    return dataset
