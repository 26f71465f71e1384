"""Every call of the API has a method, and each method reads what the API says that it answers."""

from functools import partial

import httpx
import pytest
from canned_server import OPENAPI, CannedServer

from calibench.client import following
from calibench.client.client import Client
from calibench.errors import TargetError
from calibench.things.asked import (
    AskCalibration,
    AskEvaluation,
    AskHost,
    AskPick,
    ChangeTarget,
    Import,
    Points,
    TrySettings,
)
from calibench.things.kept import (
    Cleaned,
    HostKey,
    Job,
    KeptDataset,
    KeptModel,
    Project,
    Target,
    TargetCache,
    TargetLoad,
    Upload,
)
from calibench.things.target_spec import TargetSpec


@pytest.fixture
def server():
    return CannedServer()


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.setattr(httpx, "Client", partial(httpx.Client, transport=server.transport()))
    monkeypatch.setattr(following, "events", events)
    monkeypatch.setattr(following, "PAUSE_S", 0)
    with Client("http://127.0.0.1:8642", "a token") as client:
        yield client


def events(connection):
    """As a line of events that breaks off at once, which `follow` survives."""
    connection.send("GET", "/events")
    yield None


def every_call(client, server, tmp_path):
    """Call every public method once; what it gave, by its name."""
    ended = {**example("show_job"), "state": "done"}
    server.instead["show_job"] = ended
    server.instead["list_models"], server.instead["list_datasets"] = [], []
    (tmp_path / "m.onnx").write_bytes(b"no model, and not looked into")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/1.png").write_bytes(b"1")
    ask, rest = AskCalibration(preset="mixed"), client.projects.results
    yield "is_there", client.is_there(), bool
    yield "version", client.version(), str
    yield "machine", client.machine(), dict
    yield "sample", client.sample(), Job
    yield "compare", client.compare(1, 2), dict
    yield "wait", client.wait(5), Job
    models, datasets, projects, jobs = client.models, client.datasets, client.projects, client.jobs
    yield "models.send", models.send(tmp_path / "m.onnx"), KeptModel
    yield "models.all", models.all("net"), tuple
    yield "models.get", models.get(1), KeptModel
    yield "models.family", models.family(1), tuple
    yield "models.machines", models.machines(1)[0].why, tuple
    yield "models.measure_elsewhere", models.measure_elsewhere(1, [2])[0], Project
    yield "models.import_", models.import_(Import(name="net", path="/allowed/net.onnx")), KeptModel
    yield "models.rename", models.rename(1, "net", 2), KeptModel
    yield "models.settings", models.settings(1), dict
    yield "models.set_settings", models.set_settings(1, {"metric": "top1"}), KeptModel
    yield "models.try_settings", models.try_settings(1, TrySettings(dataset_id=1)), Job
    yield "models.would_delete", models.would_delete(1).sentence, str
    yield "models.delete", models.delete(1), type(None)
    yield "models.download", models.download(1, tmp_path / "m.zip"), type(None)
    yield "datasets.send", datasets.send(tmp_path / "set"), KeptDataset
    yield "datasets.all", datasets.all(), tuple
    yield "datasets.get", datasets.get(1), KeptDataset
    yield "datasets.import_", datasets.import_(Import(name="set", uploads=("5d41402abc4b2a76",))), KeptDataset
    yield "datasets.rename", datasets.rename(1, "flowers"), KeptDataset
    yield "datasets.files", datasets.files(1, 10), tuple
    yield "datasets.fits", datasets.fits(1, 1), type(None)
    yield "datasets.doubts", datasets.doubts(1, 1), tuple
    yield "datasets.would_delete", datasets.would_delete(1).sentence, str
    yield "datasets.delete", datasets.delete(1), type(None)
    yield "projects.all", projects.all("net", archived=True), tuple
    yield "projects.get", projects.get(1), Project
    yield "projects.family", projects.family(1), tuple
    yield "projects.create", projects.create(1, 1), Project
    yield "projects.rename", projects.rename(1, "first"), Project
    yield "projects.archive", projects.archive(1), Project
    yield "projects.hindrances", projects.hindrances(1), tuple
    yield "projects.method_hindrances", projects.method_hindrances(1), tuple
    yield "projects.remarks", projects.remarks(1), tuple
    yield "projects.baseline", projects.baseline(1), Job
    yield "projects.calibrate", projects.calibrate(1, ask), Project
    yield "projects.estimate", projects.estimate(1, ask), dict
    yield "projects.benchmark", projects.benchmark(1, Points(batches=(1, 8))), Job
    yield "projects.evaluate", projects.evaluate(1, AskEvaluation(dataset_id=1)), Job
    yield "projects.pick", projects.pick(1, AskPick(max_drop=1)), Project
    yield "projects.download", projects.download(1, tmp_path / "out")[0].name, str
    yield "projects.would_delete", projects.would_delete(1).sentence, str
    yield "projects.delete", projects.delete(1), type(None)
    for name in ("report", "precisions", "search", "snippets"):
        yield f"results.{name}", getattr(rest, name)(1), dict
    for name in ("points", "layers", "advice", "pictures", "exports"):
        yield f"results.{name}", getattr(rest, name)(1), list
    yield "results.layer", rest.layer(1, "conv/1"), dict
    yield "results.export", rest.export(1, "report.html", tmp_path / "r.html"), type(None)
    yield "results.model", rest.model(1, tmp_path / "m.zip", only_model=True), type(None)
    yield "results.download", rest.download(1, tmp_path / "out")[0].name, str
    yield "results.fetch", None, type(None)  # a real archive: test_client_and_server.py
    yield "jobs.all", jobs.all(("running", "queued"), "calibrate", 1), tuple
    yield "jobs.get", jobs.get(5), Job
    yield "jobs.place", jobs.place(5), int
    yield "jobs.cancel", jobs.cancel(5), Job
    yield "jobs.retry", jobs.retry(5), Job
    yield "jobs.log", jobs.log(5, 10), str
    yield "jobs.trials", jobs.trials(5), list
    yield "jobs.delete", jobs.delete(5, leave=True), type(None)
    yield "targets.all", client.targets.all(), tuple
    yield "targets.get", client.targets.get(1), Target
    yield "targets.named", client.targets.named("lab"), Target
    yield "targets.add", client.targets.add("lab", "ssh://me@lab:2222", TargetSpec(key="/home/me/.ssh/lab")), Target
    yield "targets.change", client.targets.change(2, ChangeTarget(name="box")), Target
    yield "targets.host_key", client.targets.host_key(2), HostKey
    yield "targets.host_key_at", client.targets.host_key_at(AskHost(address="ssh://me@lab:2222")), HostKey
    yield "targets.cache", client.targets.cache(2), TargetCache
    yield "targets.clean", client.targets.clean(2), Cleaned
    yield "targets.remove", client.targets.remove(2), type(None)
    yield "targets.check", client.targets.check(1), Job
    yield "targets.load", client.targets.load(1, wait_s=0), TargetLoad
    yield "uploads.all", client.uploads.all(), tuple
    yield "uploads.get", client.uploads.get("5d41402abc4b2a76"), Upload
    yield "uploads.send", client.uploads.send(tmp_path / "m.onnx"), Upload
    yield "uploads.send_bytes", client.uploads.send_bytes("net.onnx", b"1"), Upload
    yield "uploads.delete", client.uploads.delete("5d41402abc4b2a76"), type(None)


def example(name):
    operation = next(
        each for path in OPENAPI["paths"].values() for each in path.values() if each["operationId"] == name
    )
    return operation["responses"]["200"]["content"]["application/json"]["example"]


def test_every_operation_has_a_method_and_every_method_is_understood(client, server, tmp_path):
    called = set()
    for name, found, kind in every_call(client, server, tmp_path):
        assert isinstance(found, kind), name
        called.add(name)
    operations = {each["operationId"] for path in OPENAPI["paths"].values() for each in path.values()}
    assert set(server.asked) == operations
    assert called == methods(client)


def methods(client):
    """The public methods of a client and its parts."""
    parts = {
        "": client,
        "models.": client.models,
        "datasets.": client.datasets,
        "projects.": client.projects,
        "results.": client.projects.results,
        "jobs.": client.jobs,
        "targets.": client.targets,
        "uploads.": client.uploads,
    }
    found = {
        prefix + name
        for prefix, part in parts.items()
        for name in vars(type(part))
        if not name.startswith("_") and callable(getattr(part, name))
    }
    return found - {"close"}


def test_what_is_asked_arrives_as_it_was_said(client, server, tmp_path):
    client.projects.calibrate(1, AskCalibration(subset_percent=25, accuracy_settings={}, advanced={"seed": 3}))
    assert server.bodies["calibrate_project"] == {
        "subset_percent": 25,
        "accuracy_settings": {},
        "advanced": {"seed": 3},
    }
    client.jobs.all(("running", "queued"))
    assert server.queries["list_jobs"] == [
        ("limit", "1000"),
        ("offset", "0"),
        ("state", "running"),
        ("state", "queued"),
    ]
    client.projects.results.export(1, "a/../b", tmp_path / "b")  # a name, and no way to elsewhere
    assert server.asked[-1] == "download_export"


def test_a_list_is_read_to_its_end_however_long(client, server, monkeypatch):
    monkeypatch.setattr("calibench.client.connection.PAGE", 1)
    pages = iter(([example("show_job")], [{**example("show_job"), "id": 4}], []))
    read = client.connection.read
    monkeypatch.setattr(client.connection, "read", lambda path, **query: (read(path, **query), next(pages))[1])
    assert [job.id for job in client.jobs.all()] == [5, 4]


def test_an_answer_of_another_version_is_one_sentence(client, server):
    server.instead["show_job"] = {**example("show_job"), "colour": "red"}
    with pytest.raises(TargetError, match=r"a Job that this Calibench does not understand \(colour: .*same version"):
        client.jobs.get(5)
