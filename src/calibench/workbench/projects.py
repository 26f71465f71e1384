"""Projects: a model x a dataset x a target x a device, found or made, and what can be done in them."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from calibench.errors import SettingsError
from calibench.settings import make_settings
from calibench.things.asked import AskCalibration, AskPick, NewProject, Points, Rename
from calibench.things.kept import Deletion, Hindrance, Job, JobKind, KeptDataset, KeptModel, Project, Target
from calibench.workbench import project_runs
from calibench.workbench.accuracy_settings import check_reach
from calibench.workbench.calibrations import images
from calibench.workbench.deletions import Deletions
from calibench.workbench.estimates import seconds_of
from calibench.workbench.fitting import fit
from calibench.workbench.hindrances import About, calibration_hindrances, method_hindrances, remarks
from calibench.workbench.import_sources import ImportSources
from calibench.workbench.job_book import JobBook
from calibench.workbench.project_results import Results
from calibench.workbench.refusals import NotPossible, refuse
from calibench.workbench.shelf import Shelf

Plain = dict[str, Any]


class Projects:
    """All projects. Every method is quick: what takes time is a job.

    Methods that name a project raise NotThere where there is none.
    """

    def __init__(self, shelf: Shelf, jobs: JobBook, deletions: Deletions, sources: ImportSources) -> None:
        self._shelf, self._store, self._jobs = shelf, shelf.store, jobs
        self._deletions, self._sources = deletions, sources
        self._making = threading.Lock()  # one of two equal requests makes the project, the other finds it
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
        root = self._root(self.get(id))
        return (root, *self._store.all(Project, where={"parent_id": root.id}, newest_first=False))

    def create(self, new: NewProject) -> Project:
        """Find the project of a model, a dataset, a target and a device, or make it; its baseline runs at once.

        Raises:
            NotPossible: model or dataset are not ready, or do not fit.
        """
        model, dataset, target = self._parts_of(new)
        with self._making:
            project = self._find(model.id, dataset.id, target.id, new.device)
            if project is None:
                project = self._make(new, model, dataset, target)
            elif project.is_archived:
                project = self._shelf.change(Project, project.id, is_archived=False)
            if new.run_baseline and project.result is None and self._runs(project.id) is None:
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

    def delete(self, id: int) -> Deletion:
        """Delete a project and what goes with it.

        Raises:
            NotPossible: a job of it runs.
        """
        return self._deletions.delete_project(id)

    def hindrances(self, id: int) -> tuple[Hindrance, ...]:
        """Why INT8 cannot be calibrated in a project, the first reason first; (): it can."""
        return calibration_hindrances(self._about(self._asked_in(self.get(id))))

    def method_hindrances(self, id: int, calibration_dataset_id: int | None = None) -> tuple[Hindrance, ...]:
        """Why the accuracy-aware method is not possible in a project; (): it is."""
        return method_hindrances(self._about(self._asked_in(self.get(id))))

    def remarks(self, id: int) -> tuple[Hindrance, ...]:
        """What a person should know of a project, and what hinders nothing."""
        return remarks(self._about(self.get(id)))

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
        if running := self._runs(id, ("baseline",)):
            refuse(
                Hindrance(code="baseline-running", sentence="The baseline runs already.", link=f"/jobs/{running.id}")
            )
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
        project = self._asked_in(again)
        about = self._about(project)
        self._refuse_first(calibration_hindrances(about))
        if ask.method == "accuracy-aware" and not _is_label_free(ask):
            self._refuse_first(method_hindrances(about))
        calibration = self._calibration_dataset(project, ask)
        check_reach(make_settings(ask.advanced), self._sources)
        asked = project_runs.Asked(project, about.model, about.dataset, calibration, ask)
        return project_runs.calibrate(self._shelf, self._jobs, asked, again if again.id != project.id else None)

    def estimate(self, id: int, ask: AskCalibration) -> Plain:
        """How many images a subset means, and how long it may take: {"images": n, "seconds": [least, most] | None}."""
        project = self._asked_in(self.get(id))
        calibration = self._calibration_dataset(project, ask)
        own = self._store.get(KeptDataset, project.dataset_id)
        count = images(ask, own, calibration)
        return {"images": count, "seconds": seconds_of(self._store, self._results, self.family(project.id), ask, count)}

    def benchmark(self, id: int, points: Points) -> Job:
        """Measure the throughput of the project's model at further points."""
        return project_runs.benchmark(self._shelf, self._jobs, self._open(id), points)

    def evaluate(self, id: int, dataset_id: int) -> Job:
        """Score the project's model on another dataset."""
        project = self._open(id)
        refuse(fit(self._store.get(KeptModel, project.model_id), self._store.get(KeptDataset, dataset_id)))
        return project_runs.evaluate(self._shelf, self._jobs, project, dataset_id)

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
        return project_runs.snippets(self._shelf, self.get(id))

    def _find(self, model: int, dataset: int, target: int, device: str) -> Project | None:
        same = {"model_id": model, "dataset_id": dataset, "target_id": target, "device": device}
        found = self._store.all(Project, where=same, newest_first=False, limit=1)
        return found[0] if found else None

    def _make(self, new: NewProject, model: KeptModel, dataset: KeptDataset, target: Target) -> Project:
        parent = None
        if model.parent_id is not None:
            parent = self._find(model.parent_id, dataset.id, target.id, new.device)
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

    def _parts_of(self, new: NewProject) -> tuple[KeptModel, KeptDataset, Target]:
        model, dataset = self._store.get(KeptModel, new.model_id), self._store.get(KeptDataset, new.dataset_id)
        if new.target_id is None:
            target = self._store.all(Target, where={"kind": "local"}, newest_first=False, limit=1)[0]
        else:
            target = self._store.get(Target, new.target_id)
        refuse(fit(model, dataset))
        return model, dataset, target

    def _calibration_dataset(self, project: Project, ask: AskCalibration) -> KeptDataset | None:
        """The dataset that sets the ranges; None: half of the project's own."""
        if ask.calibration_dataset_id in (None, project.dataset_id):
            return None
        assert ask.calibration_dataset_id is not None
        dataset = self._store.get(KeptDataset, ask.calibration_dataset_id)
        refuse(fit(self._store.get(KeptModel, project.model_id), dataset))
        return dataset

    def _about(self, project: Project) -> About:
        baselines = self._store.all(Job, where={"project_id": project.id, "kind": "baseline"}, limit=1)
        measured = self._results.baseline(project) or {}
        return About(
            project=project,
            model=self._store.get(KeptModel, project.model_id),
            dataset=self._store.get(KeptDataset, project.dataset_id),
            target=self._store.get(Target, project.target_id),
            baseline=baselines[0] if baselines else None,
            why_no_score=measured.get("why_no_score") or "",
            family=self._store.get(Project, project.parent_id) if project.parent_id else None,
        )

    def _asked_in(self, project: Project) -> Project:
        """Where a calibration would be asked: of an INT8 project that came to nothing, in that of the FP32 model."""
        is_lost = project.parent_id is not None and project.result is None and project.state in ("failed", "cancelled")
        return self._root(project) if is_lost else project

    def _root(self, project: Project) -> Project:
        return project if project.parent_id is None else self.get(project.parent_id)

    def _open(self, id: int) -> Project:
        """A project in which something may be started."""
        project = self.get(id)
        if project.is_archived:
            sentence = "This project is archived: it can be read, not changed."
            raise NotPossible(Hindrance(code="archived", sentence=sentence, action="Take it out of the archive"))
        return project

    def _measure(self, project: Project, model: KeptModel) -> None:
        """The baseline of an FP32 model; of a quantized one, which is compared with nothing, the speed."""
        if model.is_quantized:
            project_runs.benchmark(self._shelf, self._jobs, project, Points())
        else:
            project_runs.baseline(self._shelf, self._jobs, project)

    def _runs(self, id: int, kinds: tuple[JobKind, ...] = ()) -> Job | None:
        """A job of the project that has not ended."""
        where = {"project_id": id, "state": ("queued", "running", "cancelling"), **({"kind": kinds} if kinds else {})}
        found = self._store.all(Job, where=where, limit=1)
        return found[0] if found else None

    @staticmethod
    def _refuse_first(hindrances: tuple[Hindrance, ...]) -> None:
        refuse(hindrances[0] if hindrances else None)


def _archived(archived: bool | None) -> Mapping[str, Any]:
    return {} if archived is None else {"is_archived": archived}


def _is_label_free(ask: AskCalibration) -> bool:
    accuracy = ask.advanced.get("accuracy")
    if accuracy is not None and not isinstance(accuracy, dict):
        raise SettingsError(f"accuracy: expected names and values, found {type(accuracy).__name__}.")
    return bool(accuracy and accuracy.get("label_free"))
