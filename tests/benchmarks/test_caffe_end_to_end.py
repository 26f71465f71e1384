"""The Caffe calibrator from prototxt to prototxt, on whole projects: within reach, out of reach, and read back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.zoo.caffe.caffe_projects import CaffeProject, fashion_project, hostile_project, qr_project
from benchmarks.zoo.caffe.fashion_project import NAME
from benchmarks.zoo.families import fashion

from calibench import pipeline
from calibench.caffe.schema import message
from calibench.caffe_tool.calibrator import CaffeResult, calibrate_caffe
from calibench.caffe_tool.job import CaffeJob
from calibench.datasets.caffe.data_layer import caffe_sets
from calibench.datasets.dataset import Arrays
from calibench.errors import DatasetError
from calibench.settings import CaffeSettings, Settings, make_settings

CACHE = Path(__file__).parents[2] / ".cache/zoo"


def calibrated(project: CaffeProject, loss: float, **settings: object) -> CaffeResult:
    job = CaffeJob(
        project.prototxt,
        project.weights,
        iterations=project.iterations,
        blob=project.blob,
        accuracy_loss=loss,
        is_detection=project.is_detection,
        settings=Settings(caffe=CaffeSettings(), **settings),
    )
    return calibrate_caffe(job, benchmark=False)


def read_back(project: CaffeProject, precision: str) -> float:
    """The score of the quantized prototxt on the data of its TEST phase, its float layers in a precision."""
    path = project.prototxt.with_name("train_val_quantized.prototxt")
    settings = make_settings({"metric": project.blob, "weights": project.weights, "inference_precision": precision})
    return pipeline.evaluate(path, caffe_sets(path)[1], settings).score.score


def test_a_tolerance_out_of_reach_ends_with_the_nearest_result_and_exit_code_3(tmp_path: Path) -> None:
    project = hostile_project(tmp_path / "v1.2", 32)  # a folder with a dot
    command = [sys.executable, "-c", "from calibench.cli.app import main; main()", "caffe", "--json"]
    command += ["-r", "ignored", "-w", str(project.weights), "-m", str(project.prototxt)]
    command += ["-i", str(project.iterations), "-n", project.blob, "-l", "0.1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)
    assert (report["baseline"], report["search"]["is_reached"]) == (100, False)
    assert len(report["search"]["trials"]) >= 2
    assert read_back(project, report["inference_precision"]) == pytest.approx(report["int8"], abs=1e-9)
    assert report["int8"] < 60


def test_a_label_that_is_no_class_is_one_sentence_with_its_sample(tmp_path: Path) -> None:
    import lmdb

    project = hostile_project(tmp_path / "it", 16)
    with lmdb.open(str(project.prototxt.parent / "test_lmdb")) as environment, environment.begin(write=True) as changes:
        datum = message("Datum").FromString(changes.get(b"00000005"))
        datum.label = 7
        changes.put(b"00000005", datum.SerializeToString())
    with pytest.raises(DatasetError, match=r"00000005.*: Label 7, but conv3 has 4 classes, 0 to 3\."):
        calibrated(project, 0.01)


@pytest.mark.packages
@pytest.mark.models
def test_a_net_built_to_lose_keeps_the_tolerance_by_reverting_layers(tmp_path: Path) -> None:
    project = fashion_project(tmp_path / "it", CACHE, {"TRAIN": 320, "TEST": 1000})
    found = calibrated(project, 0.01, per_channel_weights=False).report
    assert found.search is not None and found.search.is_reached
    assert found.search.trials[0].drop > 2  # plain INT8, one scale for all channels
    assert found.baseline is not None and found.int8 is not None and found.baseline - found.int8 <= 1 + 1e-9
    assert found.baseline == pytest.approx(onnx_accuracy(1000))
    assert read_back(project, found.inference_precision) == found.int8


@pytest.mark.packages
@pytest.mark.models
def test_a_detector_of_qr_codes_keeps_the_tolerance(tmp_path: Path) -> None:
    project = qr_project(tmp_path / "it", CACHE, {"TRAIN": 12, "TEST": 40})
    found = calibrated(project, 0.01).report
    assert found.metric == "detection_eval" and found.search is not None and found.search.is_reached
    assert found.baseline is not None and found.int8 is not None
    assert found.baseline > 70 and found.baseline - found.int8 <= 1 + 1e-9
    assert read_back(project, found.inference_precision) == pytest.approx(found.int8, abs=1e-9)


def onnx_accuracy(count: int) -> float:
    """Percent, of the network in ONNX form that the project was made of."""
    drawn = [each for _, each in zip(range(count), fashion.draw(CACHE, "validation"), strict=False)]
    samples = Arrays([sample for sample, _ in drawn], [int(truth[0]) for _, truth in drawn])
    return pipeline.evaluate(fashion.FILES / f"{NAME}.onnx", samples, make_settings({"metric": "top1"})).score.score
