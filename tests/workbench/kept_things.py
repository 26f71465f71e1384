"""A store, a shelf and parts of the Workbench over it, with a book of jobs in which nothing runs."""

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path

from calibench.store.data_folder import DataFolder
from calibench.store.store import Store
from calibench.store.trees import Trees
from calibench.targets.bundle import OUT, End
from calibench.targets.bundle_files import write_bundle
from calibench.things.kept import Event, Failure, Job, KeptDataset, KeptModel, Port, Project, Target
from calibench.workbench.adopted_imports import adopters
from calibench.workbench.deletions import Deletions
from calibench.workbench.import_sources import ImportSources
from calibench.workbench.job_news import JobNews
from calibench.workbench.kept_datasets import KeptDatasets
from calibench.workbench.kept_models import KeptModels
from calibench.workbench.known_targets import KnownTargets
from calibench.workbench.shelf import Shelf
from calibench.workbench.tree_users import TreeUsers
from calibench.workbench.uploads import Uploads
from calibench.worker.ending import Ending
from calibench.worker.hub import Hub
from calibench.worker.job_rows import JobRows

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PICTURE = Port(name="image", shape="[?,3,8,8]", type="f32")
MODEL_RESULT = {
    "entry": "model.xml", "format": "OpenVINO IR", "size_bytes": 11, "operations": 5, "int8_layers": 2,
    "inputs": [PICTURE.model_dump()], "outputs": [{"name": "out", "shape": "[?,10]", "type": "f32"}],
    "accuracy_settings": {"inputs": {"": {"color": "bgr"}}},
}  # fmt: skip
DATASET_RESULT = {
    "entry": "", "format": "folder", "title": "a folder for each class", "samples": 4, "annotated": ["label"],
    "has_pictures": True, "classes": ["cat", "dog"], "size_bytes": 20, "facts": {"counts": {"0": 2, "1": 2}},
}  # fmt: skip


class Book:
    """As JobBook, but jobs wait until a test ends them."""

    def __init__(self, store, folder, hub):
        self.store, self.folder, self.rows = store, folder, JobRows(store, hub)
        self.refuses = None

    def submit(self, kind, title, bundle, **of):
        if self.refuses:
            raise self.refuses
        job = self.store.add(Job(created=NOW, kind=kind, title=title, **of))
        write_bundle(bundle, self.folder.jobs / str(job.id))
        self.rows.tell(job, "created")
        return job

    def sweep(self):
        """The real one has its own test."""

    def retry(self, job):
        from calibench.targets.bundle_files import read_bundle

        of = {name: getattr(job, name) for name in ("model_id", "dataset_id", "target_id", "project_id")}
        return self.submit(job.kind, job.title, read_bundle(self.folder.jobs / str(job.id)), retry_of=job.id, **of)


class Bench:
    """What a test needs of a Workbench."""

    def __init__(self, place: Path, allowed=(), url=None):
        self.folder = DataFolder(place)
        self.folder.make()
        self.store, self.hub, self.trees = Store(url or self.folder.url), Hub(), Trees(self.folder)
        self.events: list[Event] = []
        self.hub.subscribe(self.events.append)
        self.shelf = Shelf(self.store, self.trees, self.hub)
        self.jobs = Book(self.store, self.folder, self.hub)
        self.uploads = Uploads(self.folder, self.hub)
        self.users = TreeUsers(self.store, self.trees, self.folder.jobs)
        self.deletions = Deletions(self.shelf, self.folder, self.users, self.uploads)
        self.sources = ImportSources(self.uploads, tuple(allowed))
        parts = (self.shelf, self.jobs, self.sources, self.deletions)
        self.models, self.datasets = KeptModels(*parts), KeptDatasets(*parts)
        self.targets = KnownTargets(self.shelf, self.jobs, self.folder, self.sources)
        self.news = JobNews(self.shelf, self.folder, self.uploads, self.users)
        self.news.listen()
        taking = adopters(self.store, self.trees, self.users)
        self.ending = Ending(JobRows(self.store, self.hub), self.folder.jobs, taking)

    def close(self):
        self.store.close()

    def end(self, job_id, result, files, place="tree"):
        """Let a job end with a result and the files that it made."""
        for name, content in files.items():
            path = self.folder.jobs / str(job_id) / OUT / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return self.ending.finish(self.store.get(Job, job_id), End(state="done", result=result))

    def fail(self, job_id, message="no.onnx: is no model."):
        failure = Failure(kind="ModelError", message=message)
        return self.ending.finish(self.store.get(Job, job_id), End(state="failed", failure=failure))

    def cancel(self, job_id):
        return self.ending.finish(self.store.get(Job, job_id), End(state="cancelled"))

    def sent(self, name="model.onnx", content=b"model"):
        """An upload that is whole."""
        upload = self.uploads.begin(name, len(content))
        (self.folder.uploads / upload.id / "file" / upload.name).write_bytes(content)
        return self.uploads.finish(upload.id).id

    def model(self, name="net", content="net", **values):
        """A model that is ready."""
        tree = self.tree({"model.xml": content})
        fields = {"inputs": (PICTURE,), "int8_layers": 2, "entry": "model.xml", **values}
        return self.store.add(KeptModel(created=NOW, name=name, state="ready", tree=tree, **fields))

    def dataset(self, name="pictures", content="pixels", **values):
        """A dataset of pictures that is ready."""
        tree = self.tree({"cat/1.png": content})
        fields = {"format": "folder", "samples": 4, "has_pictures": True, "annotated": ("label",), **values}
        return self.store.add(KeptDataset(created=NOW, name=name, state="ready", tree=tree, **fields))

    def project(self, model, dataset, **values):
        target = self.store.all(Target, limit=1) or (self.store.add(Target(created=NOW, name="here")),)
        about = {"model_id": model.id, "dataset_id": dataset.id, "target_id": target[0].id}
        return self.store.add(Project(created=NOW, name=f"{model.name} on {dataset.name}", **about, **values))

    def job(self, kind="baseline", state="done", **of):
        job = self.store.add(Job(created=NOW, kind=kind, title=f"A {kind}", state=state, **of))
        (self.folder.jobs / str(job.id)).mkdir()
        return job

    def tree(self, files):
        source = self.folder.path.parent / f"made-{next(_numbers)}"
        for name, content in files.items():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text(content)
        return self.trees.keep(source, move=True).hash

    def blobs(self):
        return sorted(path.name for path in self.folder.blobs.rglob("*") if path.is_file())

    def told(self, topic):
        return [(event.change, event.id) for event in self.events if event.topic == topic]


_numbers = itertools.count()


def plain(thing):
    return json.loads(thing.model_dump_json())
