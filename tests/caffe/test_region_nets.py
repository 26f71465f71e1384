"""Faster R-CNN and R-FCN as a whole: OpenCV's reader of Caffe files is the oracle."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from region_nets import HEIGHT, WIDTH, write_region_net

from calibench.caffe.convert import to_openvino
from calibench.caffe.read_net import read_net

cv2 = pytest.importorskip("cv2")


def test_opencv_finds_the_same_regions_and_classes(tmp_path: Path) -> None:
    prototxt, caffemodel = write_region_net(tmp_path)
    inputs = {
        "data": np.random.default_rng(0).normal(0, 1, (1, 3, HEIGHT, WIDTH)).astype(np.float32),
        "im_info": np.array([[HEIGHT, WIDTH, 1]], np.float32),
    }
    model = to_openvino(read_net(prototxt, caffemodel))
    assert {port.any_name for port in model.outputs} == {"cls_prob", "vote"}
    model.add_outputs("rois")
    found = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(inputs)
    oracle = cv2.dnn.readNetFromCaffe(str(prototxt), str(caffemodel))
    for name, values in inputs.items():
        oracle.setInput(values, name)
    for name in ("rois", "cls_prob", "vote"):
        expected = oracle.forward(name)
        np.testing.assert_allclose(
            found[name].reshape(expected.shape), expected, rtol=0, atol=1e-4 if name == "rois" else 1e-6
        )


def test_the_batch_stays_that_of_the_file(tmp_path: Path) -> None:
    """Proposals of several pictures would share one im_info, and pooling takes no free sizes."""
    model = to_openvino(read_net(*write_region_net(tmp_path)))
    assert model.input("data").get_partial_shape() == ov.PartialShape([1, 3, HEIGHT, WIDTH])
