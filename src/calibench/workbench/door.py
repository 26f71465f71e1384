"""The one door for faces: REST, pages and command line call what stands here, and nothing below it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calibench.errors import JobError
from calibench.store.data_folder import DataFolder
from calibench.store.store import Store
from calibench.store.trees import Trees
from calibench.things.kept import Job, Project, Target
from calibench.things.machine_row import MachineRow
from calibench.workbench import adopted_imports, adopted_results
from calibench.workbench.compared_projects import compare_projects
from calibench.workbench.deletions import Deletions
from calibench.workbench.import_sources import ImportSources
from calibench.workbench.job_book import JobBook
from calibench.workbench.job_news import JobNews
from calibench.workbench.kept_datasets import KeptDatasets
from calibench.workbench.kept_models import KeptModels
from calibench.workbench.known_targets import KnownTargets
from calibench.workbench.measured_machines import machine_rows, measure_elsewhere
from calibench.workbench.project_news import ProjectNews
from calibench.workbench.projects import Projects
from calibench.workbench.sample import ask_for_sample
from calibench.workbench.shelf import Shelf
from calibench.workbench.sweeping import Sweeping
from calibench.workbench.tree_users import TreeUsers
from calibench.workbench.uploads import Uploads
from calibench.worker.hub import Hub
from calibench.worker.worker import Worker


class Workbench:
    """What the faces work with.

    Attributes:
        models, datasets, uploads, targets, projects, jobs: one object for each kind of thing.
        hub: tells of every change.
        allowed: folders of this machine that imports may read, and targets name.
    """

    def __init__(self, store: Store, folder: DataFolder, allowed: Sequence[Path] = ()) -> None:
        self.store, self.folder, self.hub = store, folder, Hub()
        self.trees = Trees(folder)
        shelf = self.shelf = Shelf(store, self.trees, self.hub)
        users = TreeUsers(store, self.trees, folder.jobs)
        makers = (adopted_imports.adopters, adopted_results.adopters)
        adopt = {kind: take for make in makers for kind, take in make(store, self.trees, users).items()}
        self.worker = Worker(store, folder, self.hub, adopt)
        self.jobs = JobBook(store, folder, self.hub, self.worker)
        self.uploads = Uploads(folder, self.hub)
        deletions = Deletions(shelf, folder, users, self.uploads, self.jobs.leftovers)
        sources = ImportSources(self.uploads, tuple(allowed))
        self.allowed = sources.allowed
        self.models = KeptModels(shelf, self.jobs, sources, deletions)
        self.datasets = KeptDatasets(shelf, self.jobs, sources, deletions)
        self.targets = KnownTargets(shelf, self.jobs, folder, sources)
        self.projects = Projects(shelf, self.jobs, deletions, sources)
        self._news = (JobNews(shelf, folder, self.uploads, users), ProjectNews(shelf))
        self._sweeping = Sweeping(users, self.uploads, self.jobs)

    def start(self) -> None:
        """Hold the data folder, mend what a killed server left, and take jobs.

        Raises:
            JobError: another process works in the data folder or on its database, that is not the database of these
                files, or the queue cannot be opened.
        """
        self.folder.lock()
        self.store.hold()
        self._check_belonging()
        self.targets.local()
        for news in self._news:
            news.listen()
            news.catch_up()
        self.worker.start()
        self._sweeping.start()
        self.targets.look_once()

    def stop(self) -> None:
        """Take no more jobs; those that run go on in processes of their own."""
        self._sweeping.stop()
        self.targets.stop()
        self.worker.stop()
        for news in self._news:
            news.stop()
        self.hub.close()
        self.store.close()
        self.folder.unlock()

    def _check_belonging(self) -> None:
        """Whether the files are those of the database: what none of its things names would be removed.

        Raises:
            JobError: the database is new, or another one.
        """
        if self.trees.hashes() and not self.store.count(Target):
            raise JobError(
                f"{self.folder.path}: holds files of models and datasets, but the database knows nothing. Was it lost? "
                "Restore a backup (calibench data restore), or give another --data-dir."
            )
        self.folder.belong_to("" if self.store.url == self.folder.url else self.store.name)

    def sample(self) -> Job:
        """Import the sample model with its two datasets; the earlier job where they are there or on their way."""
        return ask_for_sample(self.store, self.jobs)

    def compare(self, project_a: int, project_b: int) -> dict[str, Any]:
        """Two projects side by side: headlines, differences, layers, points."""
        return compare_projects(self.projects, project_a, project_b)

    def machines(self, model_id: int) -> list[MachineRow]:
        """Where the family of a model was measured, the fastest first, and why INT8 does not pay where it does not."""
        return machine_rows(self.models, self.projects, self.targets.all(), model_id)

    def measure_elsewhere(self, model_id: int, target_ids: Sequence[int]) -> list[Project]:
        """Make what is missing to measure a model on targets; see `measured_machines.measure_elsewhere`."""
        targets = [self.targets.get(id) for id in target_ids]
        return measure_elsewhere(self.models, self.projects, model_id, targets)


def make_workbench(data_dir: Path, database: str | None = None, allowed: Sequence[Path] = ()) -> Workbench:
    """A Workbench over a data folder, which is made when absent.

    Args:
        database: URL of another database than the SQLite file in the folder.
        allowed: folders of this machine from which models and datasets may be imported.

    Raises:
        JobError: the folder cannot be made, or the database is newer than this Calibench.
    """
    folder = DataFolder(data_dir)
    folder.make()
    return Workbench(Store(database or folder.url), folder, allowed)
