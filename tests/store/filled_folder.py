"""A data folder with a bit of everything in it, for tests of backup, restore and check."""

import json
from datetime import UTC, datetime
from pathlib import Path

from calibench.store.data_folder import DataFolder
from calibench.store.store import Store
from calibench.store.trees import KeptTree, Trees
from calibench.things.kept import Headline, Job, KeptDataset, KeptModel, Project, Target

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
KINDS = (KeptModel, KeptDataset, Target, Project, Job)


def tree(folder: DataFolder, files: dict[str, bytes]) -> KeptTree:
    source = folder.uploads / "source"
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(content)
    (source / "empty").mkdir()
    return Trees(folder).keep(source, move=True)


def fill(place: Path, database: str | None = None) -> DataFolder:
    """Two models that share a file, a dataset, a project with a result, a job that ended and one that runs."""
    folder = DataFolder(place)
    folder.make()
    folder.token.write_text("secret token")
    store = Store(database or folder.url)
    net = tree(folder, {"net.xml": b"<net/>", "net.bin": bytes(5000)})
    child = tree(folder, {"sub/net int8.xml": b"<int8/>", "sub/again.bin": bytes(5000)})
    pictures = tree(folder, {f"{n}.png": bytes([n]) * 300 for n in range(10)})
    result = tree(folder, {"report.json": b"{}"})
    store.add(KeptModel(created=NOW, name="Größe", state="ready", tree=net.hash, entry="net.xml"))
    store.add(KeptModel(created=NOW, name="child", state="ready", tree=child.hash, parent_id=1))
    store.add(KeptDataset(created=NOW, name="set", state="ready", tree=pictures.hash, facts={"a": [1, None, "ä"]}))
    store.add(KeptDataset(created=NOW, name="coming"))
    store.delete(KeptDataset, store.add(KeptDataset(created=NOW, name="gone")).id)
    store.add(Target(created=NOW, name="here", checked=NOW))
    settings = {"weights": str(folder.trees / net.hash / "net.bin")}
    store.add(Project(created=NOW, name="p", model_id=1, dataset_id=1, target_id=1, state="done", result=result.hash,
                      headline=Headline(int8=71.25, is_reached=True), settings=settings))  # fmt: skip
    store.add(Project(created=NOW, name="q", model_id=2, dataset_id=1, target_id=1, parent_id=1, state="running"))
    store.add(Job(created=NOW, kind="baseline", title="Baseline", state="done", ended=NOW, progress=1.0, project_id=1))
    store.add(Job(created=NOW, kind="calibrate", title="Calibrate", state="running", pid=17, project_id=2))
    store.close()
    for id in (1, 2):
        job = folder.jobs / str(id)
        job.mkdir()
        (job / "bundle.json").write_text(json.dumps({"model": str(folder.trees / net.hash / "net.xml")}))
        (job / "log.txt").write_bytes(b"line\xff\n")
    return folder


def things(folder: DataFolder, database: str | None = None) -> list:
    """All that is kept, in order."""
    store = Store(database or folder.url)
    found = [thing for kind in KINDS for thing in store.all(kind, newest_first=False)]
    store.close()
    return found


def files(place: Path) -> dict[str, bytes]:
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}
