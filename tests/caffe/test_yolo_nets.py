"""YOLOv2 as a whole: what is scored is taken off, Reorg and Region keep a free batch."""

from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from benchmarks.zoo.caffe.written import write_caffemodel

from calibench.caffe.convert import to_openvino
from calibench.caffe.read_net import read_net
from calibench.errors import ModelError

BOXES, CLASSES, SIDE = 2, 3, 32
VALUES = BOXES * (5 + CLASSES)
HEAD = f"""
input: "data" input_shape {{ dim: 1 dim: 3 dim: {SIDE} dim: {SIDE} }}
layer {{ name: "fine" type: "Convolution" bottom: "data" top: "fine"
  convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 stride: 4 }} }}
layer {{ name: "coarse" type: "Convolution" bottom: "fine" top: "coarse"
  convolution_param {{ num_output: 4 kernel_size: 3 pad: 1 stride: 2 }} }}
layer {{ name: "squares" type: "Reorg" bottom: "fine" top: "squares" reorg_param {{ stride: 2 }} }}
layer {{ name: "both" type: "Concat" bottom: "squares" bottom: "coarse" top: "both" }}
layer {{ name: "last" type: "Convolution" bottom: "both" top: "last"
  convolution_param {{ num_output: {VALUES} kernel_size: 1 }} }}
"""
SCORED = """
layer { name: "eval_det" type: "EvalDetection" bottom: "last" bottom: "label" top: "eval_det"
  eval_detection_param { side: 4 num_class: 3 num_object: 2 } }
"""
REGION = f"""
layer {{ name: "region" type: "Region" bottom: "last" top: "region"
  region_param {{ coords: 4 classes: {CLASSES} num: {BOXES} }} }}
"""


def _model(folder: Path, tail: str) -> ov.Model:
    numbers = np.random.default_rng(0)
    shapes = {"fine": (4, 3, 3, 3), "coarse": (4, 4, 3, 3), "last": (VALUES, 20, 1, 1)}
    layers = {
        name: ("Convolution", [numbers.normal(0, 0.2, shape), np.zeros(shape[0])]) for name, shape in shapes.items()
    }
    (folder / "yolo.prototxt").write_text(HEAD + tail)
    write_caffemodel(folder / "yolo.caffemodel", "yolo", layers)
    return to_openvino(read_net(folder / "yolo.prototxt", folder / "yolo.caffemodel"))


def _run(model: ov.Model, values: np.ndarray) -> np.ndarray:
    return np.array(ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([values])[0])


def test_without_the_layer_that_scores_the_last_convolution_is_the_output(tmp_path: Path) -> None:
    tail = SCORED.replace("label", "data")  # a net with a data layer has a label here
    model = _model(tmp_path, tail)
    assert [port.any_name for port in model.outputs] == ["last"]
    assert model.output(0).get_partial_shape() == ov.PartialShape([-1, VALUES, 4, 4])


def test_region_behind_it_gives_each_sample_what_it_gets_alone(tmp_path: Path) -> None:
    model = _model(tmp_path, REGION)
    assert model.input(0).get_partial_shape() == ov.PartialShape([-1, 3, SIDE, SIDE])
    values = np.random.default_rng(1).normal(0, 1, (3, 3, SIDE, SIDE)).astype(np.float32)
    found = _run(model, values)
    assert found.shape == (3, VALUES * 16)
    for number in range(3):
        np.testing.assert_allclose(found[number], _run(model, values[number : number + 1])[0], atol=1e-6)
    chances = found.reshape(3, BOXES, 5 + CLASSES, 16)[:, :, 5:]
    np.testing.assert_allclose(chances.sum(axis=2), 1, atol=1e-5)


def test_region_is_sigmoid_and_softmax_of_the_last_convolution(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(0, 1, (1, 3, SIDE, SIDE)).astype(np.float32)
    raw = _run(_model(tmp_path, ""), values).reshape(BOXES, 5 + CLASSES, 16)
    done = _run(_model(tmp_path, REGION), values).reshape(BOXES, 5 + CLASSES, 16)
    np.testing.assert_allclose(done[:, 4], 1 / (1 + np.exp(-raw[:, 4])), atol=1e-6)
    np.testing.assert_allclose(done[:, 2:4], raw[:, 2:4], atol=1e-6)


def test_a_convolution_of_another_size_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"'region'.*need 24 channels, but the input has 16"):
        _model(tmp_path, REGION.replace("num: 2", "num: 3"))
