"""Start the jobs of a project: baseline, calibration, points, evaluation, another model of the front."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from calibench.targets.bundle import Bundle
from calibench.things.asked import AskCalibration, AskPick, Points
from calibench.things.kept import NAME_LENGTH, Hindrance, Job, KeptDataset, KeptModel, Project
from calibench.workbench.calibrations import calibration_settings, free_name, int8_name, run_settings
from calibench.workbench.front_choice import choose
from calibench.workbench.job_book import JobBook
from calibench.workbench.kept_paths import dataset_path, model_path
from calibench.workbench.project_results import Results
from calibench.workbench.refusals import NotPossible
from calibench.workbench.shelf import Shelf

Plain = dict[str, Any]

BASELINE_POINTS = Points()


@dataclass(frozen=True)
class Asked:
    """A calibration that was asked for and can be done.

    Attributes:
        project: of the FP32 model.
        calibration: sets the ranges; None: half of the project's own dataset.
    """

    project: Project
    model: KeptModel
    dataset: KeptDataset
    calibration: KeptDataset | None
    ask: AskCalibration


def baseline(shelf: Shelf, jobs: JobBook, project: Project) -> Job:
    """Measure the project's model as it is."""
    return _run(shelf, jobs, project, "baseline", "Baseline of {model} on {dataset}", points=BASELINE_POINTS)


def benchmark(shelf: Shelf, jobs: JobBook, project: Project, points: Points) -> Job:
    """Measure the throughput of the project's model at points."""
    return _run(shelf, jobs, project, "benchmark", "Benchmark of {model}", points=points)


def evaluate(shelf: Shelf, jobs: JobBook, project: Project, dataset_id: int) -> Job:
    """Score the project's model on another dataset."""
    return _run(shelf, jobs, project, "evaluate", "Accuracy of {model} on {dataset}", dataset_id=dataset_id)


def calibrate(shelf: Shelf, jobs: JobBook, asked: Asked, again: Project | None = None) -> Project:
    """Make the rows of the INT8 model and its project, and start the job.

    Args:
        again: an INT8 project that came to nothing and takes this calibration.

    Raises:
        SettingsError: a setting is not possible; nothing was made.
    """
    settings = calibration_settings(asked.model, asked.project.device, asked.ask, shelf.trees)
    bundle = Bundle(
        kind="calibrate",
        model=model_path(shelf.trees, asked.model),
        dataset=dataset_path(shelf.trees, asked.calibration or asked.dataset),
        validation=dataset_path(shelf.trees, asked.dataset) if asked.calibration else None,
        settings=settings,
        points=asked.ask.points,
    )
    of_model = {"method": settings.method, "preset": settings.preset}
    of_project = {
        "settings": settings.model_dump(mode="json"),
        "calibration_dataset_id": asked.calibration.id if asked.calibration else None,
        "ask": asked.ask.model_dump(mode="json"),
    }
    with shelf.together():
        if again is None:
            name = asked.ask.name or int8_name(asked.model, settings, _model_names(shelf))
            model, project = _child(shelf, asked.project, name, of_model, of_project)
        else:
            model = shelf.change(KeptModel, again.model_id, state="importing", failure=None, **of_model)
            project = shelf.change(Project, again.id, **of_project)
    title = f"Calibrate {asked.model.name} on {asked.dataset.name}"
    return _submit(shelf, jobs, project, model, bundle, title)


def pick(shelf: Shelf, jobs: JobBook, results: Results, project: Project, ask: AskPick) -> Project:
    """Take another model of the front of the project's search, as a new model with its project.

    Raises:
        SettingsError: no model of the front is what was asked for.
        NotPossible: there is no search to pick from.
    """
    report = results.report(project)
    if project.result is None or report is None or not (report.get("search") or {}).get("front"):
        sentence = "This project holds no search to pick from. Calibrate with AccuracyAware first."
        raise NotPossible(Hindrance(code="no-search", sentence=sentence))
    point = choose(report, ask.max_drop, ask.min_fps)
    source = shelf.store.get(KeptModel, project.model_id)
    root = shelf.store.get(Project, project.parent_id or project.id)
    parent = shelf.store.get(KeptModel, root.model_id)
    bundle = Bundle(kind="pick", result=shelf.trees.path(project.result), max_drop=ask.max_drop, min_fps=ask.min_fps)
    of_project = {
        "settings": project.settings,
        "calibration_dataset_id": project.calibration_dataset_id,
        "ask": {**project.ask, "picked": {"project": project.id, "trial": point["trial"], **ask.model_dump()}},
    }
    of_model = {"method": source.method, "preset": source.preset}
    with shelf.together():
        name = ask.name or _pick_name(parent, source, point, shelf)
        model, made = _child(shelf, root, name, of_model, of_project)
    return _submit(shelf, jobs, made, model, bundle, f"Pick {model.name}")


def project_name(model: KeptModel, dataset: KeptDataset) -> str:
    """What a project is called where nobody says."""
    tail = f" on {dataset.name}"[: NAME_LENGTH // 2]
    return f"{model.name[: NAME_LENGTH - len(tail)]}{tail}"


def _run(
    shelf: Shelf, jobs: JobBook, project: Project, kind: Any, title: str, *, points: Points | None = None,
    dataset_id: int | None = None,
) -> Job:  # fmt: skip
    """A job on the project's model."""
    model = shelf.store.get(KeptModel, project.model_id)
    dataset = shelf.store.get(KeptDataset, dataset_id or project.dataset_id)
    bundle = Bundle(
        kind=kind,
        model=model_path(shelf.trees, model),
        dataset=dataset_path(shelf.trees, dataset),
        settings=run_settings(model, project.device, shelf.trees),
        points=points,
    )
    said = title.format(model=model.name, dataset=dataset.name)
    _submit(shelf, jobs, project, None, bundle, said, dataset.id)
    return shelf.store.get(Job, shelf.store.get(Project, project.id).job_id or 0)


def _child(shelf: Shelf, root: Project, name: str, of_model: Plain, of_project: Plain) -> tuple[KeptModel, Project]:
    """The rows of an INT8 model that is still to be made, and of its project.

    Args:
        root: the project of the FP32 model.
    """
    now = datetime.now(UTC)
    model = shelf.add(KeptModel(created=now, name=name, parent_id=root.model_id, is_quantized=True, **of_model))
    dataset = shelf.store.get(KeptDataset, root.dataset_id)
    project = Project(
        created=now,
        name=project_name(model, dataset),
        model_id=model.id,
        dataset_id=root.dataset_id,
        target_id=root.target_id,
        device=root.device,
        parent_id=root.id,
        **of_project,
    )
    return model, shelf.add(project)


def _submit(
    shelf: Shelf, jobs: JobBook, project: Project, model: KeptModel | None, bundle: Bundle, title: str
) -> Project:  # fmt: skip
    """Queue a job of a project, which follows it from now on.

    Args:
        model: that the job makes; None: it makes none.
    """
    job = jobs.submit(
        bundle.kind,
        title,
        bundle,
        project_id=project.id,
        model_id=model.id if model else project.model_id,
        dataset_id=project.dataset_id,
        target_id=project.target_id,
    )
    if model is not None:
        shelf.change(KeptModel, model.id, job_id=job.id)
    return shelf.change(Project, project.id, job_id=job.id, state=job.state)


def _pick_name(parent: KeptModel, source: KeptModel, point: Mapping[str, Any], shelf: Shelf) -> str:
    end = f" INT8 drop {point['drop']:.2f} {source.preset or ''}".rstrip()
    return free_name(parent.name, end, _model_names(shelf))


def _model_names(shelf: Shelf) -> set[str]:
    return {model.name for model in shelf.store.all(KeptModel)}
