"""The whole way once: a Workbench with its queue and real job processes imports, tries, cancels and deletes."""

import asyncio
import io
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from PIL import Image

from calibench.things.asked import Import, TrySettings
from calibench.things.kept import ENDED
from calibench.workbench.door import make_workbench

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from made_models import data, weights

LONGEST_S = 300


@pytest.fixture(scope="module")
def workbench(tmp_path_factory):
    workbench = make_workbench(tmp_path_factory.mktemp("workbench") / "data")
    workbench.start()
    yield workbench
    workbench.stop()


def classifier(folder):
    """A small IR of 3 classes."""
    picture = data([1, 3, 8, 8], "image")
    found = ops.relu(ops.convolution(picture, weights(4, 3, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1]))
    pooled = ops.reshape(ops.reduce_mean(found, np.array([2, 3]), False), np.array([1, 4]), False)
    scores = ops.softmax(ops.matmul(pooled, weights(4, 3, seed=1), False, False), -1)
    ov.save_model(ov.Model([scores], [picture], "net"), folder / "net.xml", compress_to_fp16=False)
    return [folder / "net.xml", folder / "net.bin"]


def archive():
    """A zip with a folder for each of 3 classes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        for number in range(12):
            values = np.random.default_rng(number).integers(0, 255, (8, 8, 3), dtype=np.uint8)
            picture = io.BytesIO()
            Image.fromarray(values).save(picture, "PNG")
            made.writestr(f"set/{'abc'[number % 3]}/{number}.png", picture.getvalue())
    return packed.getvalue()


def send(workbench, name, content):
    async def chunks():
        for begin in range(0, len(content), 1000):
            yield content[begin : begin + 1000]

    upload = workbench.uploads.begin(name, len(content))
    asyncio.run(workbench.uploads.write(upload.id, 0, chunks()))
    return workbench.uploads.finish(upload.id).id


def ended(workbench, job_id):
    last = time.monotonic() + LONGEST_S
    while (job := workbench.jobs.get(job_id)).state not in ENDED:
        assert time.monotonic() < last, f"{job.title}: {job.state} {job.stage}"
        time.sleep(0.1)
    return job


def test_a_model_and_a_dataset_are_imported_tried_and_deleted(workbench, tmp_path):
    uploads = tuple(send(workbench, path.name, path.read_bytes()) for path in classifier(tmp_path))
    model = workbench.models.import_(Import(name="net", uploads=uploads))
    dataset = workbench.datasets.import_(Import(name="set", uploads=(send(workbench, "set.zip", archive()),)))
    bad = workbench.models.import_(Import(name="bad", uploads=(send(workbench, "bad.onnx", b"no model"),)))
    jobs = [ended(workbench, thing.job_id) for thing in (model, dataset, bad)]
    assert [job.state for job in jobs] == ["done", "done", "failed"]

    model, dataset, bad = (
        workbench.models.get(model.id),
        workbench.datasets.get(dataset.id),
        workbench.models.get(bad.id),
    )
    assert (model.state, model.format, model.int8_layers, model.inputs[0].shape) == (
        "ready",
        "OpenVINO IR",
        2,
        "[1,3,8,8]",
    )
    assert (dataset.state, dataset.samples, dataset.classes) == ("ready", 12, ("a", "b", "c"))
    assert bad.failure.kind == "ModelError"
    assert bad.failure.message.startswith("bad.onnx")
    assert str(workbench.folder.path) not in bad.failure.message
    assert workbench.datasets.fits(model.id, dataset.id) is None
    assert [upload.name for upload in workbench.uploads.all()] == ["bad.onnx"]

    trial = workbench.models.try_settings(model.id, TrySettings(dataset_id=dataset.id, samples=6, pictures=2))
    found = ended(workbench, trial.id)
    assert found.state == "done"
    assert len(found.result["rows"]) == 2
    assert found.result["rows"][0]["picture"].startswith("data:image/")

    again = ended(workbench, workbench.jobs.retry(bad.job_id).id)
    assert again.state == "failed"
    assert workbench.models.get(bad.id).failure.message == bad.failure.message

    for id in (model.id, bad.id):
        workbench.models.delete(id)
    workbench.datasets.delete(dataset.id)
    assert not [path for path in workbench.folder.blobs.rglob("*") if path.is_file()]
    assert workbench.trees.hashes() == ()
    assert not list(workbench.folder.uploads.iterdir())


def test_this_machine_is_looked_at_by_itself(workbench):
    (target,) = workbench.targets.all()
    (look,) = workbench.jobs.all(kind="machine")
    assert ended(workbench, look.id).state == "done"
    assert "CPU" in workbench.targets.get(target.id).machine["devices"]


def test_the_server_loads_no_model_library_for_all_that():
    lines = "import sys, calibench.workbench.door; print({'openvino', 'numpy', 'cv2', 'datumaro'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True).stdout == "set()\n"
