"""A detector with -d 1: quarters of a picture are its boxes, their brightness the score."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.zoo.caffe.written import write_annotated, write_caffemodel, write_label_map

from calibench import pipeline
from calibench.caffe_tool.calibrator import CaffeResult, calibrate_caffe, plan_caffe
from calibench.caffe_tool.job import CaffeJob
from calibench.errors import SettingsError
from calibench.settings import make_settings
from tiny_project import TinyProject, quantized_layers

HALF, COUNT, BATCH = 16, 12, 4
FOUND, SLOPE = 122.5 / 255, 8.0
"""Brightness, as a share, from which a quarter is found, and how fast the score rises."""

DATA = """\
layer {
  name: "data" type: "AnnotatedData" top: "data" top: "label"
  include { phase: %s }
  transform_param { scale: 0.00392156862745098 resize_param { prob: 1 resize_mode: WARP height: 32 width: 32 } }
  data_param { source: "%s_lmdb" batch_size: 4 backend: LMDB }
  annotated_data_param { label_map_file: "labelmap.prototxt" }
}
"""
NET = """\
layer {
  name: "mean" type: "Convolution" bottom: "data" top: "mean"
  convolution_param { num_output: 2 kernel_size: 16 stride: 16 }
}
layer { name: "relu" type: "ReLU" bottom: "mean" top: "mean" }
layer { name: "loc" type: "Convolution" bottom: "mean" top: "loc" convolution_param { num_output: 4 kernel_size: 1 } }
layer { name: "conf" type: "Convolution" bottom: "mean" top: "conf" convolution_param { num_output: 2 kernel_size: 1 } }
layer {
  name: "loc_p" type: "Permute" bottom: "loc" top: "loc_p" permute_param { order: 0 order: 2 order: 3 order: 1 }
}
layer {
  name: "conf_p" type: "Permute" bottom: "conf" top: "conf_p" permute_param { order: 0 order: 2 order: 3 order: 1 }
}
layer { name: "loc_f" type: "Flatten" bottom: "loc_p" top: "loc_f" flatten_param { axis: 1 } }
layer {
  name: "pairs" type: "Reshape" bottom: "conf_p" top: "pairs" reshape_param { shape { dim: 0 dim: -1 dim: 2 } }
}
layer { name: "softmax" type: "Softmax" bottom: "pairs" top: "softmax" softmax_param { axis: 2 } }
layer { name: "conf_f" type: "Flatten" bottom: "softmax" top: "conf_f" flatten_param { axis: 1 } }
layer {
  name: "prior" type: "PriorBox" bottom: "mean" bottom: "data" top: "prior"
  prior_box_param {
    min_size: 16 clip: false step: 16 offset: 0.5 variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2
  }
}
layer {
  name: "found" type: "DetectionOutput" bottom: "loc_f" bottom: "conf_f" bottom: "prior" top: "found"
  include { phase: TEST }
  detection_output_param {
    num_classes: 2 share_location: true background_label_id: 0 code_type: CENTER_SIZE
    nms_param { nms_threshold: 0.45 top_k: 100 } keep_top_k: 50 confidence_threshold: 0.5
  }
}
layer {
  name: "eval" type: "DetectionEvaluate" bottom: "found" bottom: "label" top: "detection_eval"
  include { phase: TEST }
  detection_evaluate_param {
    num_classes: 2 background_label_id: 0 overlap_threshold: 0.5 evaluate_difficult_gt: false
  }
}
"""


def quarters(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Brightness [COUNT, 4], no two alike; which are objects, brighter ones more often; which are difficult."""
    random = np.random.default_rng(seed)
    bright = (10 + 5 * random.permutation(COUNT * 4)).reshape(COUNT, 4)
    is_object = random.uniform(0, 255, bright.shape) < bright
    return bright, is_object, is_object & (random.uniform(size=bright.shape) < 0.15)


def corner(quarter: int) -> tuple[int, int]:
    return HALF * (quarter // 2), HALF * (quarter % 2)


def scenes(seed: int):
    for bright, is_object, is_hard in zip(*quarters(seed), strict=True):
        picture = np.zeros((2 * HALF, 2 * HALF, 3), np.uint8)
        boxes = []
        for quarter in range(4):
            top, left = corner(quarter)
            picture[top : top + HALF, left : left + HALF] = bright[quarter]
            if is_object[quarter]:
                boxes.append((1, np.array([left, top, left + HALF, top + HALF]), bool(is_hard[quarter])))
        yield picture, boxes


def average_precision(seed: int) -> float:
    """By hand, percent: the mean over 11 recalls of the best precision from there on; difficult ones do not count."""
    bright, is_object, is_hard = (values.ravel() for values in quarters(seed))
    order = [place for place in np.argsort(-bright) if bright[place] / 255 > FOUND and not is_hard[place]]
    hits = np.cumsum(is_object[order])
    precision, recall = hits / np.arange(1, len(order) + 1), hits / (is_object & ~is_hard).sum()
    return 100 * np.mean([max(precision[recall >= step / 10], default=0) for step in range(11)])


def write_detector(folder: Path) -> TinyProject:
    folder.mkdir(exist_ok=True)
    text = 'name: "quarters"\n'
    for seed, phase in enumerate(("TRAIN", "TEST")):
        write_annotated(folder / f"{phase}_lmdb", scenes(seed))
        text += DATA % (phase, phase)
    write_label_map(folder / "labelmap.prototxt", ("background", "bright"))
    project = TinyProject(folder / "net.prototxt", folder / "net.caffemodel")
    project.prototxt.write_text(text + NET)
    average = np.full((2, 3, HALF, HALF), 1 / (3 * HALF**2), np.float32)
    scores = np.array([[0, 0], [SLOPE / 2, SLOPE / 2]], np.float32)[:, :, None, None]
    write_caffemodel(
        project.weights,
        "quarters",
        {
            "mean": ("Convolution", [average, np.zeros(2)]),
            "loc": ("Convolution", [np.zeros((4, 2, 1, 1)), np.zeros(4)]),
            "conf": ("Convolution", [scores, np.array([0, -SLOPE * FOUND])]),
        },
    )
    return project


def job_of(project: TinyProject, **more: object) -> CaffeJob:
    job = project.job(loss=0.1)
    return replace(job, iterations=COUNT // BATCH, blob="detection_eval", is_detection=True, **more)


@pytest.fixture(scope="module")
def detected(tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyProject, CaffeResult]:
    project = write_detector(tmp_path_factory.mktemp("detector"))
    return project, calibrate_caffe(job_of(project), benchmark=False)


def test_the_score_of_fp32_is_that_by_hand(detected: tuple[TinyProject, CaffeResult]) -> None:
    _, result = detected
    wanted = average_precision(1)
    assert 30 < wanted < 90
    assert (result.report.metric, result.report.evaluated) == ("detection_eval", COUNT)
    assert result.report.baseline == pytest.approx(wanted, abs=1e-4)
    assert result.report.search is not None and result.report.search.is_reached


def test_the_quantized_detector_scores_as_reported(detected: tuple[TinyProject, CaffeResult]) -> None:
    project, result = detected
    assert quantized_layers(project.quantized)
    found = pipeline.evaluate(project.quantized, project.prototxt, make_settings({"metric": "detection_eval"})).score
    assert found.score == result.report.int8


def test_a_layer_of_zeros_has_scales_of_zero(detected: tuple[TinyProject, CaffeResult]) -> None:
    _, result = detected
    scales = {row.name: row.scales for row in result.report.layers if row.scales is not None}
    assert scales["loc"].scale_params == (0, 0) and scales["conf"].scale_params[1] > 0


def test_a_detector_needs_d_1_and_a_classifier_needs_it_not(
    detected: tuple[TinyProject, CaffeResult], tmp_path: Path
) -> None:
    project, _ = detected
    with pytest.raises(SettingsError, match=r"-n detection_eval: is the score of a detector.*Give -d 1 too\."):
        plan_caffe(replace(job_of(project), is_detection=False), force=True)
    with pytest.raises(SettingsError, match=r"-n found: .*Candidates: detection_eval \(DetectionEvaluate\)\."):
        plan_caffe(replace(job_of(project), blob="found"), force=True)
