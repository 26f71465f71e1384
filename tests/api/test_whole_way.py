"""The whole way over REST with real jobs: import, baseline, calibrate, compare, take away; as by Python."""

import http.client
import io
import json
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from real_server import RealServer, real_server

from calibench.pipeline import calibrate
from calibench.settings import make_settings

pytestmark = pytest.mark.models

NETWORK = Path(__file__).parents[1] / "data/networks/fashion-resnet8.onnx"
V1 = "/api/v1"
FORM = {"inputs": {"": {"color": "gray", "mean": [72.9], "scale": [90.0]}}, "metric": "top1"}
POINTS = {"seconds": 0.05, "rounds": 1}
LONG_S = 300
"""What a loaded machine may take for one job."""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    """Stripes and spots in the folders of two classes."""
    folder, random = tmp_path_factory.mktemp("pictures") / "set", np.random.default_rng(0)
    for number in range(48):
        place = folder / ("stripes" if number % 2 else "spots")
        place.mkdir(parents=True, exist_ok=True)
        shape = (28, 1) if number % 2 else (28, 28)
        values = np.broadcast_to(random.integers(0, 255, shape), (28, 28)).astype(np.uint8)
        Image.fromarray(values).save(place / f"{number:03d}.png")
    return folder


def zipped(folder: Path) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*.png")):
            file.write(path, path.relative_to(folder.parent))
    return archive.getvalue()


def asked(server: RealServer, method: str, path: str, body: dict | bytes | None = None) -> dict:
    status, answer = server.ask(method, f"{V1}{path}", body)
    assert 200 <= status < 300, (path, answer)
    return json.loads(answer)


def done(server: RealServer, job_id: int) -> dict:
    """The job, once it has ended well."""
    end = time.monotonic() + LONG_S
    while (job := asked(server, "GET", f"/jobs/{job_id}"))["state"] not in ("done", "failed", "cancelled"):
        assert time.monotonic() < end, job
        time.sleep(0.2)
    assert job["state"] == "done", (job, server.ask("GET", f"{V1}/jobs/{job_id}/log"))
    return job


def imported(server: RealServer, kind: str, name: str, content: bytes) -> dict:
    upload = asked(server, "POST", f"/uploads/raw?name={name}", content)
    thing = asked(server, "POST", f"/{kind}", {"name": name, "uploads": [upload["id"]]})
    done(server, thing["job_id"])
    return asked(server, "GET", f"/{kind}/{thing['id']}")


def told_of(answer: http.client.HTTPResponse, events: list) -> None:
    """Keep every event of a line until it ends."""
    while line := answer.readline():
        if line.startswith(b"data: ") and (event := json.loads(line.removeprefix(b"data: "))):  # `ready` holds nothing
            events.append(event)


def test_from_files_to_a_compared_int8_model(tmp_path, pictures):
    events: list[dict] = []
    with real_server(tmp_path / "data") as server:
        line = server.connect()
        line.request("GET", f"{V1}/events", headers={"Authorization": f"Bearer {server.token}"})
        listener = threading.Thread(target=told_of, args=(line.getresponse(), events))
        listener.start()

        model = imported(server, "models", "net.onnx", NETWORK.read_bytes())
        dataset = imported(server, "datasets", "set.zip", zipped(pictures))
        assert (model["state"], model["format"], dataset["samples"]) == ("ready", "ONNX", 48)
        asked(server, "PUT", f"/models/{model['id']}/settings", {"settings": FORM, "version": model["version"]})

        project = asked(server, "POST", "/projects", {"model_id": model["id"], "dataset_id": dataset["id"]})
        path = f"/projects/{project['id']}"
        done(server, project["job_id"])
        assert asked(server, "GET", path)["headline"]["fp32_fps"] > 0
        assert asked(server, "GET", f"{path}/hindrances")["calibration"] == []

        int8 = asked(server, "POST", f"{path}/calibrations", {"points": POINTS, "subset_percent": 50})
        job = done(server, int8["job_id"])
        int8 = asked(server, "GET", f"/projects/{int8['id']}")
        result = f"/projects/{int8['id']}"
        assert int8["state"] == "done"
        assert int8["headline"]["int8_bytes"] < int8["headline"]["fp32_bytes"]
        report = asked(server, "GET", f"{result}/report")
        assert report["settings"]["subset"] == int8["settings"]["subset"]
        assert {"int8", "fp32"} <= {point["series"] for point in asked(server, "GET", f"{result}/points")}
        assert asked(server, "GET", f"{result}/layers")
        assert asked(server, "GET", f"/compare?a={project['id']}&b={int8['id']}")["layers"]
        exports = [each["name"] for each in asked(server, "GET", f"{result}/exports")]
        assert {"model.xml", "model.bin", "report.html"} <= set(exports)
        status, page = server.ask("GET", f"{V1}{result}/exports/report.html")
        assert (status, page[:15].lower()) == (200, b"<!doctype html>")
        status, archive = server.ask("GET", f"{V1}{result}/model.zip")
        assert status == 200
        server.stop()
        listener.join(LONG_S)

    of_job = [event["data"] for event in events if (event["topic"], event["id"]) == ("job", job["id"])]
    bars = [data["progress"] for data in of_job if "progress" in data]
    assert bars == sorted(bars)
    assert len(set(bars)) > 5
    calibrate(NETWORK, pictures, make_settings(_own(int8["settings"])), tmp_path / "direct", benchmark=False)
    files = zipfile.ZipFile(io.BytesIO(archive))
    for name in ("model.xml", "model.bin"):
        assert files.read(name) == (tmp_path / "direct" / name).read_bytes(), name


def _own(settings: dict) -> dict:
    """Settings of a job without what is of its machine's folders."""
    return {name: value for name, value in settings.items() if name not in ("cache_dir", "keep_cache")}
