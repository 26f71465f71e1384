"""Projects: a model x a dataset x a target x a device, found or made, and what can be done in them."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from calibench.errors import SettingsError
from calibench.things.asked import AskBenchmark, AskCalibration, AskEvaluation, AskPick, NewProject, Points, Rename
from calibench.things.kept import Deletion, Hindrance, Job, KeptDataset, KeptModel, Project, Target
from calibench.workbench import project_runs
from calibench.workbench.accuracy_settings import checked_ask
from calibench.workbench.calibrations import images
from calibench.workbench.deletions import Deletions
from calibench.workbench.estimates import seconds_of
from calibench.workbench.finding_projects import (
    about,
    calibration_dataset,
    find_project,
    going_job,
    parts_of,
    root_of,
    where_asked,
)
from calibench.workbench.fitting import fit
from calibench.workbench.hindrances import calibration_hindrances, method_hindrances, remarks
from calibench.workbench.import_sources import ImportSources
from calibench.workbench.job_book import JobBook
from calibench.workbench.project_results import Results
from calibench.workbench.refusals import NotPossible, refuse
from calibench.workbench.shelf import Shelf
from calibench.workbench.snippets import project_snippets
from calibench.workbench.worker_processes import why_no_workers

Plain = dict[str, Any]


class Projects:
    """All projects. Every method is quick: what takes time is a job.

    Methods that name a project raise NotThere where there is none.
    """

    def __init__(self, shelf: Shelf, jobs: JobBook, deletions: Deletions, sources: ImportSources) -> None:
        self._shelf, self._store, self._jobs = shelf, shelf.store, jobs
        self._deletions, self._sources = deletions, sources
        self._making = threading.Lock()  # one of two equal requests makes it, the other finds it
        self._results = Results(shelf.trees)

    def all(
        self, search: str = "", archived: bool | None = False, limit: int | None = None, offset: int = 0
    ) -> tuple[Project, ...]:
        """Projects, the newest first.

        Args:
            search: part of the name.
            archived: True: those only; None: with the others.
        """
        return self._store.all(Project, where=_archived(archived), search=search, limit=limit, offset=offset)

    def count(self, search: str = "", archived: bool | None = False) -> int:
        """How many `all` would give without a limit."""
        return self._store.count(Project, where=_archived(archived), search=search)

    def get(self, id: int) -> Project:
        """One project."""
        return self._store.get(Project, id)

    def family(self, id: int) -> tuple[Project, ...]:
        """The FP32 project that a project belongs to, then its INT8 projects, the oldest first."""
        root = root_of(self._store, self.get(id))
        return (root, *self._store.all(Project, where={"parent_id": root.id}, newest_first=False))

    def target(self, id: int) -> Target:
        """Where a project is measured."""
        return self._store.get(Target, self.get(id).target_id)

    def create(self, new: NewProject) -> Project:
        """Find the project of a model, a dataset, a target and a device, or make it; its baseline runs at once.

        Raises:
            NotPossible: model or dataset are not ready, or do not fit.
        """
        model, dataset, target = parts_of(self._store, new)
        with self._making:
            project = find_project(self._store, model.id, dataset.id, target.id, new.device)
            if project is None:
                project = self._make(new, model, dataset, target)
            elif project.is_archived:
                project = self._shelf.change(Project, project.id, is_archived=False)
            if new.run_baseline and project.result is None and going_job(self._store, project.id) is None:
                self._measure(project, model)
        return self.get(project.id)

    def rename(self, id: int, rename: Rename) -> Project:
        """Give another name.

        Raises:
            Conflict: somebody changed it since the version that was seen.
        """
        return self._shelf.change(Project, id, seen=rename.version, name=rename.name)

    def archive(self, id: int, is_archived: bool = True) -> Project:
        """Put a project away, or take it back; nothing is lost."""
        return self._shelf.change(Project, id, is_archived=is_archived)

    def would_delete(self, id: int) -> Deletion:
        """What goes with a project: its INT8 projects, the INT8 models made in them, and their jobs."""
        return self._deletions.of_project(id)

    def delete(self, id: int, leave: bool = False) -> Deletion:
        """Delete a project and what goes with it.

        Args:
            leave: also where jobs left something on a target that cannot be removed now.

        Raises:
            NotPossible: a job of it runs, or left something on a target that could not be removed.
        """
        return self._deletions.delete_project(id, leave)

    def hindrances(self, id: int) -> tuple[Hindrance, ...]:
        """Why INT8 cannot be calibrated in a project, the first reason first; (): it can."""
        return calibration_hindrances(about(self._store, self._results, where_asked(self._store, self.get(id))))

    def method_hindrances(self, id: int, calibration_dataset_id: int | None = None) -> tuple[Hindrance, ...]:
        """Why the accuracy-aware method is not possible in a project; (): it is."""
        return method_hindrances(about(self._store, self._results, where_asked(self._store, self.get(id))))

    def remarks(self, id: int) -> tuple[Hindrance, ...]:
        """What a person should know of a project, and what hinders nothing."""
        return remarks(about(self._store, self._results, self.get(id)))

    def baseline(self, id: int) -> Job:
        """Measure the project's model as it is: accuracy, speed, layers.

        Raises:
            NotPossible: it is archived, or a baseline runs already.
        """
        project = self._open(id)
        if self._store.get(KeptModel, project.model_id).is_quantized:
            sentence = (
                "A baseline is of an FP32 model, and this one is quantized. Measure its speed and accuracy instead."
            )
            refuse(Hindrance(code="quantized", sentence=sentence))
        with self._making:
            if running := going_job(self._store, id, ("baseline",)):
                link = f"/jobs/{running.id}"
                refuse(Hindrance(code="baseline-running", sentence="The baseline runs already.", link=link))
            return project_runs.baseline(self._shelf, self._jobs, project)

    def calibrate(self, id: int, ask: AskCalibration) -> Project:
        """Make an INT8 model: its project is there at once, and follows the job.

        Args:
            id: the FP32 project; or an INT8 project whose calibration failed or was cancelled, which takes this one.

        Raises:
            NotPossible: with the hindrance.
            SettingsError: a setting is not possible.
        """
        again = self.get(id)
        project = where_asked(self._store, again)
        facts = about(self._store, self._results, project)
        hindrances = calibration_hindrances(facts)
        if ask.method == "accuracy-aware" and not _is_label_free(ask):
            hindrances += method_hindrances(facts)
        if ask.accuracy_settings is not None:  # who brings settings knows how pictures enter
            hindrances = tuple(each for each in hindrances if each.code != "settings-missing")
        refuse(next(iter(hindrances), None))
        if ask.workers > 1 and (why := why_no_workers(facts.target)):
            raise SettingsError(f"workers: {why} Leave the number out.")
        calibration = calibration_dataset(self._store, project, ask)
        ask = checked_ask(ask, facts.model, self._sources)
        asked = project_runs.Asked(project, facts.model, facts.dataset, calibration, ask)
        return project_runs.calibrate(self._shelf, self._jobs, asked, again if again.id != project.id else None)

    def estimate(self, id: int, ask: AskCalibration) -> Plain:
        """How many images a subset means, and how long it may take: {"images": n, "seconds": [least, most] | None}."""
        project = where_asked(self._store, self.get(id))
        calibration = calibration_dataset(self._store, project, ask)
        own = self._store.get(KeptDataset, project.dataset_id)
        count = images(ask, own, calibration)
        return {"images": count, "seconds": seconds_of(self._store, self._results, self.family(project.id), ask, count)}

    def benchmark(self, id: int, points: Points) -> Job:
        """Measure the throughput of the project's model at further points.

        Args:
            points: AskBenchmark: beside an FP32 model, and with what the machine is.
        """
        return project_runs.benchmark(self._shelf, self._jobs, self._open(id), points)

    def evaluate(self, id: int, ask: AskEvaluation | int) -> Job:
        """Score the project's model on a dataset; `ask` may be no more than the id of that."""
        ask = AskEvaluation(dataset_id=ask) if isinstance(ask, int) else ask
        project = self._open(id)
        model = self._store.get(KeptModel, project.model_id)
        refuse(fit(model, self._store.get(KeptDataset, ask.dataset_id)))
        return project_runs.evaluate(self._shelf, self._jobs, project, checked_ask(ask, model, self._sources))

    def pick(self, id: int, ask: AskPick) -> Project:
        """Take another model of the front of a search: a new project with the model.

        Raises:
            SettingsError: no model of the front is as accurate, or as fast; says which is the nearest.
            NotPossible: the project has no search.
        """
        return project_runs.pick(self._shelf, self._jobs, self._results, self._open(id), ask)

    def report(self, id: int) -> Plain | None:
        """report.json of an INT8 project, without the weights of single channels; baseline.json of an FP32 one; None
        where there is none yet.
        """
        project = self.get(id)
        return self._results.report(project) or self._results.baseline(project)

    def beside(self, id: int) -> Plain | None:
        """What a machine is to an INT8 model that was made elsewhere, as `Measured`; None where it did not run so."""
        return self._results.beside(self.get(id))

    def points(self, id: int) -> list[Plain]:
        """Throughput and latency at every point that was measured."""
        return self._results.points(self.get(id))

    def layers(self, id: int) -> list[Plain]:
        """The layers as they ran, with what was decided of them."""
        return self._results.layers(self.get(id))

    def layer(self, id: int, name: str) -> Plain:
        """One of `layers`, with its weights per output channel.

        Raises:
            NotThere: it is none of them.
        """
        return self._results.layer(self.get(id), name)

    def precisions(self, id: int) -> Plain:
        """Share of time and number of layers by precision, FP32 beside INT8."""
        return self._results.precisions(self.get(id))

    def pictures(self, id: int) -> list[Plain]:
        """Samples on which INT8 answers otherwise than FP32, the worst first."""
        return self._results.pictures(self.get(id))

    def search(self, id: int) -> Plain | None:
        """What the accuracy-aware method found: front, trials, ranking; None where there was no search."""
        return self._results.search(self.get(id))

    def advice(self, id: int) -> list[Plain]:
        """What to know and to do, the most important first."""
        return self._results.advice(self.get(id))

    def exports(self, id: int) -> list[Plain]:
        """Files that can be taken away: name, path, size_bytes."""
        return self._results.exports(self.get(id))

    def export(self, id: int, name: str) -> Path:
        """One of `exports`.

        Raises:
            NotThere: it has no such file.
        """
        return self._results.export(self.get(id), name)

    def snippets(self, id: int) -> dict[str, str]:
        """The lines that repeat the project's job: {"cli", "python"}."""
        return project_snippets(self._shelf, self.get(id))

    def _make(self, new: NewProject, model: KeptModel, dataset: KeptDataset, target: Target) -> Project:
        parent = None
        if model.parent_id is not None:
            parent = find_project(self._store, model.parent_id, dataset.id, target.id, new.device)
        project = Project(
            created=datetime.now(UTC),
            name=new.name or project_runs.project_name(model, dataset),
            model_id=model.id,
            dataset_id=dataset.id,
            target_id=target.id,
            device=new.device,
            parent_id=parent.id if parent else None,
            state="done",
        )
        return self._shelf.add(project)

    def _open(self, id: int) -> Project:
        """A project in which something may be started."""
        project = self.get(id)
        if project.is_archived:
            sentence = "This project is archived: it can be read, not changed."
            link = f"PUT /api/v1/projects/{id}/archived"
            raise NotPossible(
                Hindrance(code="archived", sentence=sentence, action="Take it out of the archive", link=link)
            )
        return project

    def _measure(self, project: Project, model: KeptModel) -> None:
        """The baseline of an FP32 model; of a quantized one the speed, beside the FP32 model where that is there."""
        if model.is_quantized:
            ask = AskBenchmark(baseline_model_id=model.parent_id, is_compared=True)
            project_runs.benchmark(self._shelf, self._jobs, project, ask)
        else:
            project_runs.baseline(self._shelf, self._jobs, project)


def _archived(archived: bool | None) -> Mapping[str, Any]:
    return {} if archived is None else {"is_archived": archived}


def _is_label_free(ask: AskCalibration) -> bool:
    accuracy = ask.advanced.get("accuracy")
    if accuracy is not None and not isinstance(accuracy, dict):
        raise SettingsError(f"accuracy: expected names and values, found {type(accuracy).__name__}.")
    return bool(accuracy and accuracy.get("label_free"))
