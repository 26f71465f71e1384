"""Models: imported ones and the INT8 models that were made from them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from calibench.settings import make_settings
from calibench.store.refused import Conflict
from calibench.targets.bundle import Bundle
from calibench.things.asked import AccuracyForm, Import, Rename, TrySettings
from calibench.things.kept import Deletion, Hindrance, Job, KeptDataset, KeptModel
from calibench.workbench.accuracy_settings import checked, completed
from calibench.workbench.deletions import Deletions
from calibench.workbench.fitting import fit
from calibench.workbench.import_sources import ImportSources
from calibench.workbench.job_book import JobBook
from calibench.workbench.kept_paths import weights_setting
from calibench.workbench.refusals import NotPossible, refuse
from calibench.workbench.shelf import Shelf
from calibench.workbench.uploads import claimant


class KeptModels:
    """What can be asked of models. Each method raises NotThere for a model that is not there."""

    def __init__(self, shelf: Shelf, jobs: JobBook, sources: ImportSources, deletions: Deletions) -> None:
        self._shelf, self._jobs, self._sources, self._deletions = shelf, jobs, sources, deletions

    def all(
        self, search: str = "", *, where: Mapping[str, Any] | None = None, limit: int | None = None, offset: int = 0
    ) -> tuple[KeptModel, ...]:
        """Models, the newest first.

        Args:
            search: part of the name.
            where: such as {"parent_id": None}: without INT8 children.
        """
        return self._shelf.store.all(KeptModel, where=where or {}, search=search, limit=limit, offset=offset)

    def count(self, search: str = "", *, where: Mapping[str, Any] | None = None) -> int:
        """How many there are."""
        return self._shelf.store.count(KeptModel, where=where or {}, search=search)

    def get(self, id: int) -> KeptModel:
        """One model."""
        return self._shelf.store.get(KeptModel, id)

    def family(self, id: int) -> tuple[KeptModel, ...]:
        """The FP32 parent, then its INT8 children in the order in which they were made; of any of them."""
        model = self.get(id)
        parent = model if model.parent_id is None else self.get(model.parent_id)
        children = self._shelf.store.all(KeptModel, where={"parent_id": parent.id}, newest_first=False)
        return (parent, *children)

    def import_(self, asked: Import) -> KeptModel:
        """Import a model; it stands in the list at once, and is ready when its job is done.

        Raises:
            SettingsError: nothing to import, or a path that is not allowed.
            NotThere, Conflict: an upload is gone, not whole, or in another import.
        """
        paths = self._sources.find(asked)
        model = self._shelf.add(KeptModel(created=datetime.now(UTC), name=asked.name))
        try:
            self._sources.claim(asked, claimant(KeptModel, model.id))
            bundle = Bundle(kind="import-model", sources=paths, entry=asked.entry, is_copied=asked.path is not None)
            job = self._jobs.submit("import-model", f"Import {model.name}", bundle, model_id=model.id)
        except BaseException:
            self._sources.give_back(claimant(KeptModel, model.id))
            self._shelf.delete(KeptModel, model.id)
            raise
        return self._shelf.change(KeptModel, model.id, job_id=job.id)

    def rename(self, id: int, asked: Rename) -> KeptModel:
        """Give another name.

        Raises:
            Conflict: somebody changed the model since it was read.
        """
        return self._shelf.change(KeptModel, id, seen=asked.version, name=asked.name)

    def settings(self, id: int) -> dict[str, Any]:
        """Inputs, task, metric and data with every field, those that were not set with their default."""
        return completed(self.get(id).accuracy_settings)

    def set_settings(self, id: int, form: AccuracyForm) -> KeptModel:
        """Keep accuracy settings, confirmed by a person; INT8 children enter their samples in the same way.

        Raises:
            SettingsError: names the field.
            Conflict: somebody changed the model since it was read, or it is an INT8 child.
            NotPossible: it is not imported yet.
        """
        model = self.get(id)
        refuse(_not_ready(model))
        if model.parent_id is not None:
            raise Conflict(f"{model.name} is an INT8 model: it takes the settings of its FP32 model. Set them there.")
        values = checked(form.settings, self._sources, model.accuracy_settings)
        with self._shelf.together():
            for child in self.family(id)[1:]:
                self._shelf.change(KeptModel, child.id, accuracy_settings=values, are_settings_confirmed=True)
            return self._shelf.change(
                KeptModel, id, seen=form.version, accuracy_settings=values, are_settings_confirmed=True
            )

    def try_settings(self, id: int, asked: TrySettings) -> Job:
        """Run the model on a few samples with settings that are not kept.

        Raises:
            SettingsError: names the field.
            NotPossible: model or dataset are not ready, or do not fit.
        """
        model, dataset = self.get(id), self._shelf.store.get(KeptDataset, asked.dataset_id)
        refuse(fit(model, dataset))
        values = checked(asked.settings, self._sources, model.accuracy_settings)
        bundle = Bundle(
            kind="try-settings",
            model=self.path(id),
            dataset=self._shelf.trees.path(dataset.tree or "") / dataset.entry,
            settings=make_settings({**values, **weights_setting(self._shelf.trees, model)}),
            samples=asked.samples,
            pictures=asked.pictures,
        )
        title = f"Try the settings of {model.name} on {dataset.name}"
        return self._jobs.submit("try-settings", title, bundle, model_id=id, dataset_id=dataset.id)

    def would_delete(self, id: int) -> Deletion:
        """What goes with a model: its INT8 children, their projects and jobs."""
        return self._deletions.of_model(id)

    def delete(self, id: int, leave: bool = False) -> None:
        """Delete a model and what goes with it.

        Args:
            leave: also where jobs left something on a target that cannot be removed now.

        Raises:
            NotPossible: a job of theirs runs, or left something on a target that could not be removed.
        """
        self._deletions.delete_model(id, leave)

    def path(self, id: int) -> Path:
        """The file that is read.

        Raises:
            NotPossible: it is not there yet.
        """
        model = self.get(id)
        refuse(_not_ready(model))
        return self.folder(id) / (model.entry or "")

    def folder(self, id: int) -> Path:
        """The folder with all its files.

        Raises:
            NotPossible: it is not there yet.
        """
        model = self.get(id)
        if model.tree is None:
            raise NotPossible(
                _not_ready(model) or Hindrance(code="model-missing", sentence=f"{model.name} has no files.")
            )
        return self._shelf.trees.path(model.tree)


def differs(model: KeptModel, settings: Mapping[str, Any]) -> bool:
    """Whether a result was made with other accuracy settings than the model has now.

    What the model leaves open (None, auto) does not count: the run found it.

    Args:
        settings: Settings of the result, or its accuracy sections alone, as plain values.
    """
    then = completed(settings)
    for name, now in model.accuracy_settings.items():
        if name == "inputs":
            if any(_contradicts(given, _input(then["inputs"], port)) for port, given in now.items()):
                return True
        elif _contradicts(now, then[name]):
            return True
    return False


def _input(inputs: Mapping[str, Any], port: str) -> Any:
    """The settings of an input: a run may have named it where the model says '' for all."""
    return inputs.get(port) or inputs.get("") or next(iter(inputs.values()))


def _contradicts(now: Any, then: Any) -> bool:
    if isinstance(now, Mapping) and isinstance(then, Mapping):
        return any(_contradicts(value, then.get(name)) for name, value in now.items())
    return now not in (None, "auto", {}) and now != then


def _not_ready(model: KeptModel) -> Hindrance | None:
    if model.state == "ready":
        return None
    if model.state == "importing":
        return Hindrance(code="model-importing", sentence=f"{model.name} is still being imported.", link="/jobs")
    reason = f": {model.failure.message}" if model.failure else "."
    return Hindrance(code="model-failed", sentence=f"{model.name} could not be imported{reason}")
