"""Whole SSD networks with random weights: OpenCV's reader of Caffe files is the oracle."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from ssd_nets import HEADS, Ssd, filled_rows, write_ssd

from calibench.caffe.convert import to_openvino
from calibench.caffe.read_net import read_net

cv2 = pytest.importorskip("cv2")

NMS = "nms_param { nms_threshold: 0.45 top_k: 100 }"
NETS = {
    "centers": Ssd(tuple(HEADS), f"code_type: CENTER_SIZE keep_top_k: 50 confidence_threshold: 0.2 {NMS}"),
    "corners": Ssd(tuple(HEADS), f"code_type: CORNER keep_top_k: 200 confidence_threshold: 0.2 {NMS}"),
    "clipped": Ssd(
        tuple(replace(head, prior=head.prior.replace("clip: false", "clip: true")) for head in HEADS),
        f"code_type: CENTER_SIZE keep_top_k: 100 confidence_threshold: 0.3 {NMS}",
    ),
    "own boxes of each class": Ssd(
        tuple(HEADS),
        f"code_type: CENTER_SIZE keep_top_k: 100 confidence_threshold: 0.3 {NMS}",
        shared=False,
    ),
}


def _sample(ssd: Ssd, count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (count, 3, ssd.height, ssd.width)).astype(np.float32)


def _rows(model: ov.Model, values: np.ndarray) -> np.ndarray:
    return filled_rows(ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([values])[0])


@pytest.mark.parametrize("name", NETS)
def test_opencv_finds_the_same_boxes(name: str, tmp_path: Path) -> None:
    ssd = NETS[name]
    prototxt, caffemodel = write_ssd(tmp_path, ssd)
    values = _sample(ssd, 1)
    oracle = cv2.dnn.readNetFromCaffe(str(prototxt), str(caffemodel))
    oracle.setInput(values, "data")
    expected = filled_rows(oracle.forward("detection_out"))
    found = _rows(to_openvino(read_net(prototxt, caffemodel)), values)
    assert len(expected) > 10
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_samples_of_a_batch_give_the_rows_that_each_gives_alone(tmp_path: Path) -> None:
    ssd = NETS["centers"]
    model = to_openvino(read_net(*write_ssd(tmp_path, ssd)))
    values = _sample(ssd, 3)
    alone = [_rows(model, values[number : number + 1]) for number in range(3)]
    for number, rows in enumerate(alone):
        rows[:, 0] = number
    together = _rows(model, values)
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-6)


def test_the_batch_is_free_and_the_output_has_the_name_of_its_top(tmp_path: Path) -> None:
    model = to_openvino(read_net(*write_ssd(tmp_path, NETS["centers"])))
    assert model.input("data").get_partial_shape() == ov.PartialShape([-1, 3, 48, 64])
    assert list(model.output("detection_out").get_partial_shape())[-1] == 7
