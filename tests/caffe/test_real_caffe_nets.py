"""Real networks: the outputs of a genuine Caffe (1e-5), and for the ResNet those of OpenCV."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from real_nets import Files, face_detector, genuine, qr_detector, qr_super_resolution, thin_resnet
from ssd_nets import filled_rows, in_one_order

from calibench.caffe.convert import to_openvino
from calibench.caffe.read_net import read_net

pytestmark = pytest.mark.packages


def _model(files: Files) -> ov.Model:
    return to_openvino(read_net(files.prototxt, files.weights))


def _run(model: ov.Model, values: np.ndarray) -> list[np.ndarray]:
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled([values])
    return [np.array(found[number]) for number in range(len(compiled.outputs))]


@pytest.mark.parametrize(("name", "fetch"), [("face", face_detector), ("qr", qr_detector)])
def test_a_detector_finds_what_caffe_finds(name: str, fetch: object, packages: Path) -> None:
    values, expected = genuine(name)
    found = filled_rows(_run(_model(fetch(packages)), values)[0])
    assert found.shape == expected.shape[2:]
    np.testing.assert_allclose(found, in_one_order(expected[0, 0]), rtol=0, atol=1e-5)


def test_a_batch_of_pictures_is_detected_as_each_alone(packages: Path) -> None:
    values, expected = genuine("face")
    rows = in_one_order(expected[0, 0])
    found = filled_rows(_run(_model(face_detector(packages)), np.concatenate([values, values]))[0])
    for number, half in enumerate(np.split(found, 2)):
        assert set(half[:, 0]) == {number}
        np.testing.assert_allclose(half[:, 1:], rows[:, 1:], rtol=0, atol=1e-5)


def test_a_picture_is_enlarged_as_caffe_does(packages: Path) -> None:
    values, expected = genuine("sr")
    np.testing.assert_allclose(_run(_model(qr_super_resolution(packages)), values)[0], expected, rtol=0, atol=1e-5)


def test_the_resnet_agrees_with_opencv_before_and_behind_the_softmax(packages: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    files = thin_resnet(packages)
    coarse = np.random.default_rng(0).uniform(0, 255, (4, 3, 7, 7)).astype(np.float32)
    values = np.repeat(np.repeat(coarse, 32, axis=2), 32, axis=3) - np.array([104, 117, 123], np.float32)[:, None, None]
    model = _model(files)
    model.add_outputs("fc_nsfw")
    found = _run(model, values)
    oracle = cv2.dnn.readNetFromCaffe(str(files.prototxt), str(files.weights))
    oracle.setInput(values, "data")
    for ours, blob in zip(found, ("prob", "fc_nsfw"), strict=True):
        np.testing.assert_allclose(ours, oracle.forward(blob), rtol=0, atol=1e-5)
