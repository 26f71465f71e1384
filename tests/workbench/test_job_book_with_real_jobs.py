"""Tests of jobs as they really run: `calibench run` in processes that a worker starts."""

import time
from pathlib import Path

import pytest

from calibench.store.data_folder import DataFolder
from calibench.store.store import Store
from calibench.targets.bundle import Bundle
from calibench.things.kept import ENDED
from calibench.workbench.job_book import JobBook
from calibench.worker.hub import Hub
from calibench.worker.worker import Worker

RESNET = Path(__file__).parents[1] / "data/networks/fashion-resnet8.onnx"


@pytest.fixture
def book(tmp_path):
    folder, hub = DataFolder(tmp_path / "data"), Hub()
    folder.make()
    store = Store(folder.url)
    worker = Worker(store, folder, hub, {})
    worker.start()
    yield JobBook(store, folder, hub, worker)
    worker.stop()
    store.close()


def ended(book, job):
    while (now := book.get(job.id)).state not in ENDED:
        time.sleep(0.05)
    return now


def test_a_model_is_imported_beside_a_look_at_the_machine(book):
    model = book.submit("import-model", "Import clothes", Bundle(kind="import-model", sources=(RESNET,)))
    machine = book.submit("machine", "Look", Bundle(kind="machine"))
    model, machine = ended(book, model), ended(book, machine)
    assert (model.state, model.failure) == ("done", None), book.log(model.id)
    assert model.result["format"] == "ONNX"
    assert machine.result["devices"]
    assert "import-model" in book.log(model.id)


def test_a_file_that_is_no_model_fails_with_the_sentence_of_its_process(book, tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"nothing")
    job = ended(
        book, book.submit("import-model", "Import", Bundle(kind="import-model", sources=(tmp_path / "m.onnx",)))
    )
    assert (job.state, job.failure.kind) == ("failed", "ModelError")
    assert job.failure.message.startswith("m.onnx")


def test_a_real_process_stops_when_it_is_told_to(book):
    job = book.submit("sample", "Sample", Bundle(kind="sample"))
    while book.get(job.id).pid is None:
        time.sleep(0.02)
    book.cancel(job.id)
    assert ended(book, job).state == "cancelled"
