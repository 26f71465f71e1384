"""Start the jobs of a project: baseline, calibration, points, evaluation, another model of the front."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from calibench.errors import SettingsError
from calibench.store.refused import NotThere
from calibench.targets.bundle import Bundle
from calibench.things.asked import AskBenchmark, AskCalibration, AskEvaluation, AskPick, Points
from calibench.things.kept import NAME_LENGTH, Hindrance, Job, KeptDataset, KeptModel, Project, Target
from calibench.workbench.calibrations import PICKED, calibration_settings, free_name, int8_name, run_settings
from calibench.workbench.front_choice import choose
from calibench.workbench.job_book import JobBook
from calibench.workbench.kept_paths import dataset_path, model_path
from calibench.workbench.project_news import follow
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
    """Measure the project's model as it is: score, speed, layers."""
    bundle = Bundle(kind="baseline", points=BASELINE_POINTS)
    job = _run(shelf, jobs, project, bundle, "Baseline of {model} on {dataset}", project.dataset_id)
    settings = run_settings(shelf.store.get(KeptModel, project.model_id), project.device, shelf.trees)
    said = settings.model_dump(mode="json", exclude_unset=True)
    shelf.change(Project, project.id, settings=said)  # to see later whether they changed
    return job


def benchmark(shelf: Shelf, jobs: JobBook, project: Project, points: Points) -> Job:
    """Measure the throughput of the project's model at points; beside an FP32 model, where an AskBenchmark names one.

    Raises:
        NotThere: that model is not there.
    """
    ask = points if isinstance(points, AskBenchmark) else AskBenchmark(**points.model_dump())
    baseline = ask.baseline_model_id
    bundle = Bundle(
        kind="benchmark",
        points=Points.model_validate(ask.model_dump(include=set(Points.model_fields))),
        baseline=None if baseline is None else model_path(shelf.trees, shelf.store.get(KeptModel, baseline)),
        is_compared=ask.is_compared or baseline is not None,
    )
    return _run(shelf, jobs, project, bundle, "Benchmark of {model}", project.dataset_id)


def evaluate(shelf: Shelf, jobs: JobBook, project: Project, ask: AskEvaluation) -> Job:
    """Score the project's model on a dataset."""
    title = "Accuracy of {model} on {dataset}"
    return _run(shelf, jobs, project, Bundle(kind="evaluate"), title, ask.dataset_id, ask)


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
        points=asked.ask.points if asked.ask.benchmark else None,
        benchmark=asked.ask.benchmark,
        workers=asked.ask.workers,
    )
    of_model: Plain = {"method": settings.method, "preset": settings.preset}
    of_project: Plain = {
        "settings": settings.model_dump(mode="json", exclude_unset=True),
        "calibration_dataset_id": asked.calibration.id if asked.calibration else None,
        "ask": asked.ask.model_dump(mode="json"),
    }
    with shelf.together():
        others = _model_names(shelf, but_for=again.model_id if again else 0)
        name = _checked_name(asked.ask.name, others) or int8_name(asked.model, settings, others)
        if again is None:
            _, project = _child(shelf, asked.project, name, of_model, of_project)
        else:
            shelf.change(KeptModel, again.model_id, state="importing", failure=None, name=name, **of_model)
            project = shelf.change(Project, again.id, **of_project)
    how = name.removeprefix(asked.model.name).strip() or name
    title = f"Calibrate {asked.model.name} on {asked.dataset.name}: {how}{_where(shelf, project)}"
    return _submit(shelf, jobs, project, bundle, title)


def pick(shelf: Shelf, jobs: JobBook, results: Results, project: Project, ask: AskPick) -> Project:
    """Take another model of the front of the project's search, as a new model with its project.

    Where a project has just this model, the answer is that one.

    Raises:
        SettingsError: no model of the front is what was asked for.
        NotPossible: there is no search to pick from.
    """
    source = _searched(shelf, project)
    report = results.report(source)
    if source.result is None or report is None or not (report.get("search") or {}).get("front"):
        sentence = "This project holds no search to pick from. Calibrate with AccuracyAware first."
        raise NotPossible(Hindrance(code="no-search", sentence=sentence))
    point = choose(report, ask.max_drop, ask.min_fps)
    if point["trial"] == report["search"]["best"]:
        return source
    if (before := _picked_before(shelf, source, point["trial"])) is not None:
        return before
    root, model = shelf.store.get(Project, source.parent_id or source.id), shelf.store.get(KeptModel, source.model_id)
    bundle = Bundle(kind="pick", result=shelf.trees.path(source.result), max_drop=ask.max_drop, min_fps=ask.min_fps)
    of_project: Plain = {
        "settings": source.settings,
        "calibration_dataset_id": source.calibration_dataset_id,
        "ask": {**source.ask, PICKED: {"project": source.id, "trial": point["trial"], **ask.model_dump()}},
    }
    with shelf.together():
        others = _model_names(shelf)
        parent = shelf.store.get(KeptModel, root.model_id)
        name = _checked_name(ask.name, others) or _pick_name(parent, model, point, others)
        _, made = _child(shelf, root, name, {"method": model.method, "preset": model.preset}, of_project)
    return _submit(shelf, jobs, made, bundle, f"Pick {name}")


def _searched(shelf: Shelf, project: Project) -> Project:
    """The project whose search a model was picked from, which has the files of the whole front; else itself.

    Raises:
        NotPossible: that project was deleted.
    """
    if PICKED not in project.ask:
        return project
    try:
        return shelf.store.get(Project, project.ask[PICKED]["project"])
    except NotThere:
        sentence = "The project of the search was deleted, and with it the other models of the front."
        raise NotPossible(Hindrance(code="no-search", sentence=sentence)) from None


def _picked_before(shelf: Shelf, source: Project, trial: int) -> Project | None:
    """The project that has this model of the front, or is about to."""
    for each in shelf.store.all(Project, where={"parent_id": source.parent_id}):
        picked = each.ask.get(PICKED) or {}
        is_lost = each.result is None and each.state in ("failed", "cancelled")
        if (picked.get("project"), picked.get("trial")) == (source.id, trial) and not is_lost:
            return each
    return None


def project_name(model: KeptModel, dataset: KeptDataset) -> str:
    """What a project is called where nobody says."""
    tail = f" on {dataset.name}"[: NAME_LENGTH // 2]
    return f"{model.name[: NAME_LENGTH - len(tail)]}{tail}"


def _where(shelf: Shelf, project: Project) -> str:
    """What the title of a job ends with, so that it is told from the same one in another place; '' for this machine."""
    found = shelf.store.all(Target, where={"id": project.target_id})
    return f" ({found[0].name})" if found and not found[0].spec.is_here else ""


def _run(
    shelf: Shelf,
    jobs: JobBook,
    project: Project,
    bundle: Bundle,
    title: str,
    dataset_id: int,
    ask: AskEvaluation | None = None,
) -> Job:
    """A job on the project's model and one of the datasets.

    Args:
        bundle: kind and points; the rest is filled in.
        ask: settings in place of those of the model, and over them.
    """
    instead, advanced = (ask.accuracy_settings, ask.advanced) if ask else (None, None)
    model, dataset = shelf.store.get(KeptModel, project.model_id), shelf.store.get(KeptDataset, dataset_id)
    whole = bundle.model_copy(
        update={
            "model": model_path(shelf.trees, model),
            "dataset": dataset_path(shelf.trees, dataset),
            "settings": run_settings(model, project.device, shelf.trees, instead, advanced),
        }
    )
    said = title.format(model=model.name, dataset=dataset.name) + _where(shelf, project)
    job = jobs.submit(
        bundle.kind,
        said,
        whole,
        project_id=project.id,
        model_id=model.id,
        dataset_id=dataset.id,
        target_id=project.target_id,
    )
    follow(shelf, job)
    return shelf.store.get(Job, job.id)


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


def _submit(shelf: Shelf, jobs: JobBook, project: Project, bundle: Bundle, title: str) -> Project:
    """Queue the job that makes the model of a project; where that is not possible, the rows do not stay half made."""
    try:
        job = jobs.submit(
            bundle.kind,
            title,
            bundle,
            project_id=project.id,
            model_id=project.model_id,
            dataset_id=project.dataset_id,
            target_id=project.target_id,
        )
    except BaseException:
        _undo(shelf, project)
        raise
    follow(shelf, job)
    return shelf.store.get(Project, project.id)


def _undo(shelf: Shelf, project: Project) -> None:
    if project.job_id is not None:  # an earlier try, which stays with its failure
        shelf.change(KeptModel, project.model_id, state="failed")
        return
    with shelf.together():
        shelf.delete(Project, project.id)
        shelf.delete(KeptModel, project.model_id)


def _pick_name(parent: KeptModel, source: KeptModel, point: Mapping[str, Any], others: set[str]) -> str:
    return free_name(parent.name, f" INT8 drop {point['drop']:.2f} {source.preset or ''}".rstrip(), others)


def _model_names(shelf: Shelf, but_for: int = 0) -> set[str]:
    return {model.name for model in shelf.store.all(KeptModel) if model.id != but_for}


def _checked_name(name: str | None, others: set[str]) -> str | None:
    """A name that a person chose.

    Raises:
        SettingsError: another model has it.
    """
    if name is not None and name in others:
        raise SettingsError(f"name: there is a model {name!r} already. Choose another name.")
    return name
