"""Datasets: imported ones, with or without annotations."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from calibench.errors import SettingsError
from calibench.settings import DataSettings, explain, make_settings
from calibench.targets.bundle import Bundle
from calibench.things.asked import Import, Rename
from calibench.things.kept import Deletion, Hindrance, KeptDataset, KeptModel
from calibench.workbench.accuracy_settings import check_reach
from calibench.workbench.deletions import Deletions
from calibench.workbench.fitting import doubts, fit
from calibench.workbench.import_sources import ImportSources
from calibench.workbench.job_book import JobBook
from calibench.workbench.kept_paths import dataset_path
from calibench.workbench.shelf import Shelf
from calibench.workbench.uploads import claimant


class KeptDatasets:
    """What can be asked of datasets. Each method raises NotThere for a dataset that is not there."""

    def __init__(self, shelf: Shelf, jobs: JobBook, sources: ImportSources, deletions: Deletions) -> None:
        self._shelf, self._jobs, self._sources, self._deletions = shelf, jobs, sources, deletions

    def all(
        self, search: str = "", *, where: Mapping[str, Any] | None = None, limit: int | None = None, offset: int = 0
    ) -> tuple[KeptDataset, ...]:
        """Datasets, the newest first; `search`: words of the name."""
        return self._shelf.store.all(KeptDataset, where=where or {}, search=search, limit=limit, offset=offset)

    def count(self, search: str = "", *, where: Mapping[str, Any] | None = None) -> int:
        """How many there are."""
        return self._shelf.store.count(KeptDataset, where=where or {}, search=search)

    def get(self, id: int) -> KeptDataset:
        """One dataset."""
        return self._shelf.store.get(KeptDataset, id)

    def import_(self, asked: Import) -> KeptDataset:
        """Import a dataset; it stands in the list at once, and is ready when its job is done.

        An archive is unpacked, and its files are moved to where they stay. Those of an allowed folder are copied: a
        link would change with the original.

        Raises:
            SettingsError: nothing to import, a path that is not allowed, or an impossible `data`.
            NotThere, Conflict: an upload is gone, not whole, or in another import.
        """
        if asked.entry is not None:
            raise SettingsError("entry: is for models. Leave it out; data.split chooses a part of a dataset.")
        settings = make_settings({"data": _data(asked.data)})
        check_reach(settings, self._sources)
        paths = self._sources.find(asked)
        dataset = self._shelf.add(KeptDataset(created=datetime.now(UTC), name=asked.name))
        try:
            self._sources.claim(asked, claimant(KeptDataset, dataset.id))
            is_copied = asked.path is not None
            bundle = Bundle(kind="import-dataset", sources=paths, settings=settings, is_copied=is_copied)
            job = self._jobs.submit("import-dataset", f"Import {dataset.name}", bundle, dataset_id=dataset.id)
        except BaseException:
            self._sources.give_back(claimant(KeptDataset, dataset.id))
            self._shelf.delete(KeptDataset, dataset.id)
            raise
        return self._shelf.change(KeptDataset, dataset.id, job_id=job.id)

    def rename(self, id: int, asked: Rename) -> KeptDataset:
        """Give another name.

        Raises:
            Conflict: somebody changed the dataset since it was read.
        """
        return self._shelf.change(KeptDataset, id, seen=asked.version, name=asked.name)

    def fits(self, model_id: int, dataset_id: int) -> Hindrance | None:
        """Why a dataset cannot feed a model; None: it can. Annotations are not needed for that."""
        return fit(self._shelf.store.get(KeptModel, model_id), self.get(dataset_id))

    def doubts(self, model_id: int, dataset_id: int) -> tuple[str, ...]:
        """What to look at before accuracy is measured on a dataset that can feed a model; a sentence each."""
        return doubts(self._shelf.store.get(KeptModel, model_id), self.get(dataset_id))

    def would_delete(self, id: int) -> Deletion:
        """What goes with a dataset: the projects that are judged by it."""
        return self._deletions.of_dataset(id)

    def delete(self, id: int, leave: bool = False) -> Deletion:
        """Delete a dataset and what goes with it.

        Args:
            leave: also where jobs left something on a target that cannot be removed now.

        Raises:
            NotPossible: a job that uses it runs, or left something on a target that could not be removed.
        """
        return self._deletions.delete_dataset(id, leave)

    def path(self, id: int) -> Path:
        """The folder or file that is read.

        Raises:
            NotPossible: it is not there yet.
        """
        return dataset_path(self._shelf.trees, self.get(id))

    def files(self, id: int, limit: int = 1000) -> tuple[str, ...]:
        """Names of its files in order, relative to the tree; the first `limit`.

        Raises:
            NotPossible: it is not there yet.
        """
        dataset = self.get(id)
        dataset_path(self._shelf.trees, dataset)
        return tuple(file.path for file in self._shelf.trees.manifest(str(dataset.tree)).files[:limit])


def _data(values: Mapping[str, Any]) -> dict[str, Any]:
    """Data settings with their errors named data.X."""
    try:
        return DataSettings(**values).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        raise SettingsError(f"data.{explain(error)}") from None
