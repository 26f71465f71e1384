"""New weights: bytes straight into the first convolution (-fu), and mended biases (--repair)."""

import re
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path

import numpy as np
import pytest

from calibench import pipeline
from calibench.caffe.prototxt import read_prototxt
from calibench.caffe.weights_file import read_mean, read_weights
from calibench.caffe_tool.calibrator import CaffeResult, calibrate_caffe
from calibench.datasets.caffe.data_layer import open_prototxt
from calibench.models.read import read_model
from calibench.settings import Ignored, make_settings
from tiny_project import INPUT, TinyProject, pictures_of, quantized_layers, run, write_tiny
from written_data import write_mean

ROUNDED = 1e-3
"""Of the largest output: nothing but float rounding between -fu and the model it was made of."""


@dataclass(frozen=True)
class Forced:
    project: TinyProject
    result: CaffeResult

    @property
    def path(self) -> Path:
        return self.project.prototxt.with_name("net_quantized_force_u8.prototxt")


@pytest.fixture(scope="module")
def forced(tmp_path_factory: pytest.TempPathFactory) -> Forced:
    project = write_tiny(tmp_path_factory.mktemp("v1.2"))
    return Forced(project, calibrate_caffe(project.job(force_u8=True), benchmark=False))


def score(path: Path) -> float:
    """Of a prototxt on its own data, with the weights that it finds itself."""
    return pipeline.evaluate(path, path, make_settings({"metric": "accuracy-top1"})).score.score


def outputs(path: Path) -> np.ndarray:
    """On the TEST pictures as its own data layer gives them."""
    samples = open_prototxt(path)
    blobs = np.concatenate([samples[index]["data"] for index in range(len(samples))])
    return run(read_model(path, allow_quantized=True).graph, blobs)


def test_forced_files_have_their_names_and_are_reported(forced: Forced) -> None:
    folder = forced.project.prototxt.parent
    assert forced.result.as_json()["caffe"] == {
        "prototxt": str(folder / "net_quantized.prototxt"),
        "weights": None,
        "forced_prototxt": str(forced.path),
        "forced_weights": str(folder / "net_new.caffemodel"),
        "notes": [],
    }
    assert forced.path.is_file() and (folder / "net_new.caffemodel").is_file()


def test_the_forced_network_gives_the_outputs_of_the_quantized_one_border_included(forced: Forced) -> None:
    plain, found = outputs(forced.project.quantized), outputs(forced.path)
    assert np.abs(found - plain).max() < ROUNDED * np.abs(plain).max()
    assert score(forced.path) == score(forced.project.quantized) == forced.result.report.int8


def test_its_data_layers_give_the_border_and_its_first_convolution_reads_bytes(forced: Forced) -> None:
    net = {(layer.name, layer.include[0].phase if layer.include else None): layer for layer in
           read_prototxt(forced.path).message.layer}  # fmt: skip
    for phase in (0, 1):
        assert net["data", phase].transform_param.pad == 1
    (conv,) = (layer for (name, _), layer in net.items() if name == "conv1")
    assert list(conv.convolution_param.pad) == [0]
    assert conv.quantization_param.force_u8_input and not conv.quantization_param.is_negative_input
    assert open_prototxt(forced.path)[0]["data"].shape == (1, 3, 18, 18)


def test_only_what_shifts_the_first_layer_changes_in_the_weights(forced: Forced) -> None:
    before, after = (read_weights(forced.project.prototxt.with_name(f"net{end}.caffemodel")) for end in ("", "_new"))
    assert before.keys() == after.keys()
    changed = {
        name for name in before if any(not np.array_equal(a, b) for a, b in zip(before[name], after[name], strict=True))
    }
    assert changed == {"scale1"}  # conv1 has no bias: its Scale holds it
    assert np.array_equal(before["scale1"][0], after["scale1"][0])


def test_nothing_else_changes_in_the_text(forced: Forced) -> None:
    plain, found = (path.read_text().splitlines() for path in (forced.project.quantized, forced.path))
    changed = {
        re.sub(r"(?<!u)-?[\d.]+", "N", " ".join(line.split())) for line in ndiff(plain, found) if line[0] in "+-"
    }
    convolution = "convolution_param { num_output: N kernel_size: N pad: N bias_term: false }"
    assert {line[2:] for line in changed if line[0] == "+"} == {
        "scale: N", "mean_value: N", "pad: N", "force_u8_input: true", convolution
    }  # fmt: skip
    assert {line[2:] for line in changed if line[0] == "-"} == {
        "scale: N", "mean_value: N", "is_negative_input: true", convolution
    }  # fmt: skip


def test_a_mean_image_is_moved_into_a_file_of_its_own(tmp_path: Path) -> None:
    project = write_tiny(tmp_path)
    mean = np.random.default_rng(0).normal(120, 3, (3, 16, 16)).astype(np.float32)
    write_mean(tmp_path / "mean.binaryproto", mean)
    project.prototxt.write_text(project.prototxt.read_text().replace(INPUT, '  mean_file: "mean.binaryproto"\n'))
    forced = Forced(project, calibrate_caffe(project.job(force_u8=True, loss=0.2), benchmark=False))
    moved = read_mean(tmp_path / "mean_force_u8.binaryproto")
    (own,) = (layer for layer in read_prototxt(project.quantized).message.layer if layer.name == "conv1")
    np.testing.assert_allclose(moved, mean - 128 / (0.015625 * own.quantization_param.scale_in[0]), atol=1e-3)
    plain, found = outputs(project.quantized), outputs(forced.path)
    assert np.abs(found - plain).max() < 0.05 * np.abs(plain).max()  # single values round to another byte
    assert abs(score(forced.path) - score(project.quantized)) <= 1


def test_where_the_first_convolution_went_back_to_float_it_is_said(tmp_path: Path) -> None:
    project = write_tiny(tmp_path)
    job = project.job(force_u8=True, ignored=Ignored(names=("conv1",)))
    result = calibrate_caffe(job, benchmark=False)
    assert [note.startswith("-fu was not done. ") for note in result.notes] == [True]
    assert result.written.forced_prototxt is None and quantized_layers(project.quantized)[0] == "dw"


@pytest.fixture(scope="module")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> Forced:
    project = write_tiny(tmp_path_factory.mktemp("repaired"), spread=4.0)
    job = project.job(repair=True, force_u8=True, per_channel_weights=False, loss=0.02)
    return Forced(project, calibrate_caffe(job, benchmark=False))


def test_mended_biases_come_with_weights_of_their_own_which_are_found(repaired: Forced) -> None:
    project, report = repaired.project, repaired.result.report
    assert report.search is not None and report.search.is_reached
    best = next(trial for trial in report.search.trials if trial.number == report.search.best)
    assert best.repair == "bias" and report.search.trials[0].drop > 10
    assert repaired.result.written.weights == project.prototxt.with_name("net_quantized.caffemodel")
    found = read_model(project.quantized, allow_quantized=True)
    named = read_model(project.quantized, weights=repaired.result.written.weights, allow_quantized=True)
    assert found.sha256 == named.sha256 != read_model(project.quantized, weights=project.weights, allow_quantized=True)


def test_with_them_the_prototxt_is_the_model_of_the_report(repaired: Forced) -> None:
    samples = pictures_of("TEST")
    ours = run(read_model(repaired.project.folder / "model.xml", allow_quantized=True).graph, samples)
    found, unmended = (
        run(read_model(repaired.project.quantized, weights=weights, allow_quantized=True).graph, samples)
        for weights in (None, repaired.project.weights)
    )
    # a bias that is split over Scale and BatchNorm rounds otherwise, and single values fall onto the next step
    assert np.abs(found - ours).max() < 0.02 * np.abs(ours).max() < np.abs(unmended - ours).max()
    assert score(repaired.project.quantized) == repaired.result.report.int8


def test_the_weights_of_the_person_stay_as_they_are(repaired: Forced) -> None:
    before, after = (
        read_weights(repaired.project.prototxt.with_name(name))
        for name in ("net.caffemodel", "net_quantized.caffemodel")
    )
    assert any(not np.array_equal(before[name][-1], after[name][-1]) for name in before)
    assert score(repaired.project.prototxt) == repaired.result.report.baseline


def test_forced_and_mended_go_together(repaired: Forced) -> None:
    plain, found = outputs(repaired.project.quantized), outputs(repaired.path)
    assert np.abs(found - plain).max() < ROUNDED * np.abs(plain).max()
    assert score(repaired.path) == repaired.result.report.int8
