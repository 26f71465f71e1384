"""The client with a real server: what is sent, what is not sent again, what survives a broken line."""

import hashlib
import shutil
import threading

import pytest

from calibench.client import sending
from calibench.client.client import Client
from calibench.client.connection import Connection, Refused
from calibench.client.contents import as_tar, entries_of
from calibench.errors import Cancelled, DatasetError, JobError, ModelError, SettingsError, TargetError
from calibench.store.refused import NotThere
from calibench.things.asked import AskCalibration

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def client(server):
    with Client(server.link) as client:
        yield client


@pytest.fixture
def puts(monkeypatch):
    """Offsets from which bytes were sent."""
    seen, put = [], Connection.put_bytes

    def counted(self, path, content, **query):
        seen.append(query["offset"])
        return put(self, path, content, **query)

    monkeypatch.setattr(Connection, "put_bytes", counted)
    return seen


def test_what_the_server_has_is_not_sent_again(client, puts, network, sets):
    told = []
    model = client.models.send(network, progress=lambda *step: told.append(step[0]))
    dataset = client.datasets.send(sets[0])
    assert (model.name, model.state, model.format) == ("fashion-resnet8", "ready", "ONNX")
    assert (dataset.name, dataset.samples, dataset.annotated) == ("a", 30, ("label",))
    assert puts == [0, 0]
    assert {"send", "read"} <= set(told)
    assert client.models.send(network, name="other").id == model.id
    assert client.datasets.send(sets[0]).id == dataset.id
    assert puts == [0, 0]


def test_a_dataset_that_is_read_otherwise_is_another_one(client, network, sets):
    first = client.datasets.send(sets[0])
    as_folder = client.datasets.send(sets[0], data={"format": "folder"})
    assert as_folder.id != first.id and as_folder.facts["data"] == {"format": "folder"}
    assert as_folder.tree == first.tree  # and stored once
    assert client.datasets.send(sets[0], data={"format": "folder"}).id == as_folder.id


def test_an_upload_goes_on_where_the_line_broke(client, monkeypatch, tmp_path):
    (tmp_path / "set").mkdir()
    for number in range(5):
        (tmp_path / f"set/{number}.bin").write_bytes(bytes([number]) * 700_000)
    content, put, offsets = as_tar("set", entries_of(tmp_path / "set")), Connection.put_bytes, []

    def breaking(self, path, parts, **query):
        offsets.append(query["offset"])
        if len(offsets) < 3:
            put(self, path, [next(iter(parts))[:300_000]], **query)
            raise TargetError("the line broke")
        return put(self, path, parts, **query)

    monkeypatch.setattr(Connection, "put_bytes", breaking)
    monkeypatch.setattr(sending, "PAUSE_S", 0)
    upload = sending.send(client.connection, content)
    assert len(offsets) == 3 and offsets == sorted(set(offsets)) and offsets[2] > 0
    assert (upload.is_whole, upload.received) == (True, content.size)
    assert upload.sha256 == hashlib.sha256(b"".join(content.parts(0))).hexdigest()
    client.uploads.delete(upload.id)


def test_where_the_line_stays_broken_it_is_given_up(client, monkeypatch, tmp_path):
    (tmp_path / "f.bin").write_bytes(b"1")

    def broken(*_, **__):
        raise TargetError("the line broke")

    monkeypatch.setattr(Connection, "put_bytes", broken)
    monkeypatch.setattr(sending, "LOST_S", 0)
    with pytest.raises(TargetError, match="the line broke"):
        client.uploads.send(tmp_path / "f.bin")
    (left,) = [upload for upload in client.uploads.all() if upload.name == "f.bin"]  # to go on from
    client.uploads.delete(left.id)


@pytest.mark.parametrize("stop", [Cancelled, KeyboardInterrupt])
def test_who_stops_sending_leaves_nothing(client, tmp_path, stop):
    def stopping(stage, *_):
        if stage == "send":
            raise stop

    (tmp_path / "f.bin").write_bytes(bytes(3_000_000))
    with pytest.raises(stop):
        client.uploads.send(tmp_path / "f.bin", stopping)
    assert "f.bin" not in [upload.name for upload in client.uploads.all()]


def test_who_stops_an_import_leaves_nothing(client, sets, tmp_path):
    shutil.copytree(sets[0], tmp_path / "stopped")
    (tmp_path / "stopped/more.txt").write_text("another tree")

    def stopping(stage, *_):
        if stage not in ("look", "send"):
            raise Cancelled

    with pytest.raises(Cancelled):
        client.datasets.send(tmp_path / "stopped", progress=stopping)
    assert "stopped" not in [dataset.name for dataset in client.datasets.all()]


def test_an_import_fails_by_the_error_of_the_server(client, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"^bad\.onnx"):
        client.models.send(tmp_path / "bad.onnx")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/readme.md").write_text("no samples")
    with pytest.raises(DatasetError, match="no pictures in this folder"):
        client.datasets.send(tmp_path / "texts")
    with pytest.raises(SettingsError, match="name: a name holds no control characters"):
        client.models.send(tmp_path / "bad.onnx", name="a\nb")


def test_a_job_is_followed_to_its_end_and_its_progress_is_heard(client, network, sets):
    project = client.projects.create(client.models.send(network).id, client.datasets.send(sets[0]).id)
    heard = []
    job = client.wait(project.job_id, heard.append)
    assert (job.state, job.kind) == ("done", "baseline")
    assert [event.data["progress"] for event in heard if event.change == "progress"][-1] == 1.0
    assert {event.id for event in heard} == {job.id}
    assert client.projects.get(project.id).headline.metric == "top1"
    again = client.wait(project.job_id)  # which has ended
    assert again.state == "done"


def test_a_cancelled_job_and_one_that_is_gone_are_errors(client, network, sets):
    project = client.projects.create(client.models.send(network).id, client.datasets.send(sets[1]).id)
    threading.Timer(0.5, client.jobs.cancel, (project.job_id,)).start()
    with pytest.raises(JobError, match="was cancelled"):
        client.wait(project.job_id)
    client.jobs.delete(project.job_id)
    with pytest.raises(NotThere):
        client.wait(project.job_id)


def test_a_refused_calibration_brings_the_way_out(client, network, sets):
    project = client.projects.create(client.models.send(network).id, client.datasets.send(sets[1]).id, "CPU", False)
    with pytest.raises(Refused) as caught:
        client.projects.calibrate(project.id, AskCalibration())
    assert caught.value.hindrance.code.startswith("baseline")
