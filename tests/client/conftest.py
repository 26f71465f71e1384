"""A real server, a small network, and pictures that it knows."""

import sys
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "api"))
from real_server import real_server

RESNET = Path(__file__).parents[1] / "data/networks/fashion-resnet8.onnx"


@pytest.fixture(autouse=True)
def _of_nobody(monkeypatch):
    """No server or token of whoever runs the tests."""
    for name in ("CALIBENCH_SERVER", "CALIBENCH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with real_server(tmp_path_factory.mktemp("served") / "data") as server:
        yield server


@pytest.fixture(scope="session")
def network():
    """A classifier of clothes in ten classes, 28 x 28 gray."""
    return RESNET


@pytest.fixture(scope="session")
def sets(tmp_path_factory):
    """Two folders of drawn things, each in the folder of the class that the network sees in it."""
    compiled = ov.Core().compile_model(RESNET, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return tuple(_drawn(tmp_path_factory.mktemp(name) / name, compiled, seed) for seed, name in enumerate("ab"))


def _drawn(folder, compiled, seed):
    random = np.random.default_rng(seed)
    for number in range(30):
        image = Image.new("L", (28, 28))
        left, top, right, bottom = (int(v) for v in (*random.integers(1, 10, 2), *random.integers(16, 27, 2)))
        ImageDraw.Draw(image).rectangle((left, top, right, bottom), fill=int(random.integers(80, 255)))
        values = (np.asarray(image, np.float32)[None, None] - 72.9) / 90.0
        place = folder / f"{int(np.asarray(compiled(values)[0]).argmax()):02d}_kind"
        place.mkdir(parents=True, exist_ok=True)
        image.save(place / f"{number:04d}.png")
    return folder
