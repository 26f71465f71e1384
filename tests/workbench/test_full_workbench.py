"""A disk that is really full below a Workbench: one sentence, nothing half, and it goes on when there is room again."""

import asyncio
import hashlib
import json
import subprocess
from contextlib import suppress

import pytest
from project_bench import ProjectBench, baseline_values

from calibench.errors import JobError
from calibench.things.asked import AskCalibration
from calibench.things.kept import Job, KeptModel, Project
from calibench.workbench import uploads as uploads_module

pytestmark = pytest.mark.root


@pytest.fixture
def small(tmp_path):
    """A disk of 6 MB."""
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.fixture
def bench(small):
    bench = ProjectBench(small / "data")
    yield bench
    bench.close()


def fill(small):
    """Take the last byte; what it gives makes room again."""
    filling = small / "fill"
    with filling.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filling


def send(bench, id, offset, content):
    async def pieces():
        for begin in range(offset, len(content), 65536):
            yield content[begin : begin + 65536]

    return asyncio.run(bench.uploads.write(id, offset, pieces()))


def test_an_upload_goes_on_when_there_is_room_again(bench, small, monkeypatch):
    monkeypatch.setattr(uploads_module, "RESERVE_BYTES", 0)  # so that the disk itself refuses
    content = bytes(range(256)) * 12_000
    upload, other = bench.uploads.begin("net.onnx"), bench.uploads.begin("other.onnx")
    send(bench, other.id, 0, b"whole")
    send(bench, upload.id, 0, content[:1_100_000])
    filling = fill(small)
    with pytest.raises(JobError, match=r"net\.onnx: the disk of the data folder is full after 1\.1 MB"):
        send(bench, upload.id, 1_100_000, content)
    with pytest.raises(JobError, match=r"third\.onnx: no room on the disk"):
        bench.uploads.begin("third.onnx")
    with pytest.raises(JobError, match=r"other\.onnx: the data folder cannot be written .* Free some room there"):
        bench.uploads.finish(other.id)
    assert [(each.received, each.is_whole) for each in map(bench.uploads.get, (upload.id, other.id))] == [
        (1_100_000, False),
        (5, False),
    ]
    filling.unlink()
    assert send(bench, upload.id, 1_100_000, content).received == len(content)
    assert bench.uploads.finish(upload.id).sha256 == hashlib.sha256(content).hexdigest()
    assert bench.uploads.finish(other.id).is_whole


def test_a_result_is_taken_in_when_there_is_room_again(bench, small):
    made = bench.projects.calibrate(bench.ready().id, AskCalibration())
    job, trees = bench.store.get(Job, made.job_id), bench.trees.hashes()
    out = bench.folder.jobs / str(job.id) / "out"
    for name, content in bench.calibration_files().items():
        out.mkdir(exist_ok=True)
        (out / name).write_text(content)
    filling = fill(small)
    with pytest.raises(JobError, match="full"):
        bench.done(job.id, {})
    assert bench.store.get(Job, job.id) == job  # not even failed: the worker comes back to it
    assert bench.store.get(Project, made.id) == made
    assert bench.model_of(made).state == "importing"
    assert bench.trees.hashes() == trees
    filling.unlink()
    assert bench.done(job.id, {}).state == "done"
    assert bench.store.get(KeptModel, made.model_id).state == "ready"


def test_a_job_that_does_not_fit_is_not_half_there(bench, small):
    project = bench.ready()
    filling = fill(small)
    before = len(bench.store.all(Job))
    with pytest.raises(JobError, match=r"full|No space left"):
        bench.projects.baseline(project.id)
    assert len(bench.store.all(Job)) == before
    assert bench.projects.get(project.id) == project
    filling.unlink()
    again = bench.projects.baseline(project.id)
    assert bench.done(again.id, {"baseline.json": json.dumps(baseline_values())}).state == "done"
