"""What imports found becomes models and datasets, in one transaction with the end of the job."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from calibench.store.refused import Conflict
from calibench.store.store import Store
from calibench.store.trees import Trees
from calibench.targets.bundle import OUT, End
from calibench.things.kept import Failure, Job, JobKind, KeptDataset, KeptModel, Target
from calibench.workbench.target_book import checked_values
from calibench.workbench.tree_users import TreeUsers
from calibench.worker.ending import Adopt

TREE, TRIAL = "tree", "try.json"
"""In `out`: the folder with the files of an import; what a trial of settings gave."""
MODEL_FIELDS = (
    "entry", "weights", "format", "is_quantized", "has_fp16_weights", "size_bytes", "operations", "int8_layers",
    "float_layers", "multiply_adds", "inputs", "outputs", "notes", "accuracy_settings",
)  # fmt: skip
DATASET_FIELDS = (
    "entry", "format", "title", "samples", "annotated", "has_pictures", "classes", "size_bytes", "problems", "facts",
)  # fmt: skip
CANCELLED = Failure(kind="Cancelled", message="The import was cancelled. Import it again, or delete it.")
SAMPLE = {
    "model": "EfficientNet-Lite0",
    "calibration": "Sample calibration",
    "validation": "Sample validation",
}
"""Names of the sample's three things, by their folder in `out`."""


def adopters(store: Store, trees: Trees, users: TreeUsers) -> dict[JobKind, Adopt]:
    """For each kind of job that is no run of a project: what takes its result into the store."""
    taking = _Taking(store, trees, users)
    return {
        "import-model": taking.model,
        "import-dataset": taking.dataset,
        "sample": taking.sample,
        "machine": taking.machine,
        "try-settings": taking.trial,
    }


class _Taking:
    """Files are kept first, which takes time; then the store is written, which makes others wait."""

    def __init__(self, store: Store, trees: Trees, users: TreeUsers) -> None:
        self._store, self._trees, self._users = store, trees, users

    def model(self, job: Job, folder: Path, end: End) -> Mapping[str, Any]:
        """The model that a job imported; a failed import stays in the list with its reason."""
        if end.state != "done":
            return self._failed(KeptModel, job.model_id, end)
        tree = self._keep(job, folder, end.result)
        fields = self._model_fields(end.result, tree, job.model_id)
        self._store.change(KeptModel, job.model_id or 0, tree=tree, state="ready", failure=None, **fields)
        return _told(end.result)

    def dataset(self, job: Job, folder: Path, end: End) -> Mapping[str, Any]:
        """The dataset that a job imported; a failed import stays in the list with its reason."""
        if end.state != "done":
            return self._failed(KeptDataset, job.dataset_id, end)
        tree = self._keep(job, folder, end.result)
        fields = self._dataset_fields(end.result, tree, job.dataset_id)
        self._store.change(KeptDataset, job.dataset_id or 0, tree=tree, state="ready", failure=None, **fields)
        return _told({name: value for name, value in end.result.items() if name not in ("facts", "problems")})

    def sample(self, job: Job, folder: Path, end: End) -> Mapping[str, Any]:
        """The sample model and its two datasets; what is there already is taken instead of made again."""
        if end.state != "done":
            return {}
        places = {name: folder / OUT / name for name in SAMPLE}
        kept = {name: self._keep_folder(job, place, move=True) for name, place in places.items()}
        model = self._sample_thing(KeptModel, job, kept["model"], SAMPLE["model"], end.result["model"])
        found: dict[str, Any] = {"model_id": model}
        found["accuracy_settings"] = self._store.get(KeptModel, model).accuracy_settings
        for name in ("calibration", "validation"):
            found[f"{name}_dataset_id"] = self._sample_thing(
                KeptDataset, job, kept[name], SAMPLE[name], end.result[name]
            )
        return found

    def machine(self, job: Job, folder: Path, end: End) -> Mapping[str, Any]:
        """What a target is, and what is wrong with it."""
        if end.state == "done":
            self._store.change(Target, job.target_id or 0, **checked_values(end.result))
        return {}

    def trial(self, job: Job, folder: Path, end: End) -> Mapping[str, Any]:
        """What settings gave that were tried; pictures are large, so that only the last trial of a model is kept."""
        if end.state != "done":
            return {}
        found: dict[str, Any] = json.loads((folder / OUT / TRIAL).read_text(encoding="utf-8"))
        for before in self._store.all(Job, where={"kind": "try-settings", "model_id": job.model_id}):
            if before.id != job.id and before.result:
                self._store.change(Job, before.id, result={})
        return found

    def _failed(self, kind: type[KeptModel] | type[KeptDataset], id: int | None, end: End) -> Mapping[str, Any]:
        with suppress(Conflict):  # another attempt imported it meanwhile, or ended before
            failure = end.failure or CANCELLED
            self._store.change(kind, id or 0, only_if={"state": "importing"}, state="failed", failure=failure)
        return {}

    def _keep(self, job: Job, folder: Path, result: Mapping[str, Any]) -> str:
        """The tree of the import's files: unpacked ones are moved, those of an allowed folder are copied."""
        outside = result.get("folder")
        place = folder / OUT / TREE if outside is None else Path(outside)
        return self._keep_folder(job, place, move=place.is_relative_to(folder))

    def _keep_folder(self, job: Job, place: Path, move: bool) -> str:
        return self._users.keep(place, job.id, move=move)

    def _model_fields(self, result: Mapping[str, Any], tree: str, id: int | None) -> dict[str, Any]:
        fields = _checked(KeptModel, result, MODEL_FIELDS)
        return {**fields, "notes": (*fields.get("notes", ()), *self._same(KeptModel, tree, id))}

    def _dataset_fields(self, result: Mapping[str, Any], tree: str, id: int | None) -> dict[str, Any]:
        fields = _checked(KeptDataset, result, DATASET_FIELDS)
        return {**fields, "problems": (*self._same(KeptDataset, tree, id), *fields.get("problems", ()))}

    def _same(self, kind: type[KeptModel] | type[KeptDataset], tree: str, id: int | None) -> tuple[str, ...]:
        """A sentence where the same files were imported before."""
        others = [each for each in self._store.all(kind, where={"tree": tree}, newest_first=False) if each.id != id]
        if not others:
            return ()
        what = "model" if kind is KeptModel else "dataset"
        return (f"These are the same files as {what} {others[0].id} ({others[0].name}); they are stored once.",)

    def _sample_thing(self, kind: Any, job: Job, tree: str, name: str, result: Mapping[str, Any]) -> int:
        there = self._store.all(kind, where={"tree": tree, "state": "ready"}, newest_first=False, limit=1)
        if there:
            return int(there[0].id)
        fields = _checked(kind, result, MODEL_FIELDS if kind is KeptModel else DATASET_FIELDS)
        if kind is KeptModel:
            fields["are_settings_confirmed"] = True  # we made it, and know how pictures enter it
        made = kind(created=datetime.now(UTC), name=name, state="ready", job_id=job.id, tree=tree, **fields)
        return int(self._store.add(made).id)


def _checked(kind: Any, result: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a thing that a result has, as the thing's own types.

    Raises:
        ValidationError: a field has another type; the job then fails with the reason.
    """
    given = {name: result[name] for name in names if name in result}
    thing = kind(created=datetime.now(UTC), name="x", **given)
    return {name: getattr(thing, name) for name in given}


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """What of a result stands in the row of the job: not where the files were."""
    return {name: value for name, value in result.items() if name != "folder"}
