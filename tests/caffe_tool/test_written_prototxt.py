"""The prototxt with scales: what was there stays, what was added says all of the INT8 model."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from calibench import pipeline
from calibench.caffe.prototxt import read_prototxt
from calibench.caffe.read_net import read_net
from calibench.caffe_tool.calibrator import CaffeResult, calibrate_caffe
from calibench.models.read import read_model
from calibench.reports.result import save_model
from calibench.settings import CaffeSettings, make_settings
from tiny_project import LAYERS, TinyProject, pictures_of, run, with_line_ends, write_tiny

ALL = {"first_convolution": True, "inner_product": True}
CASES = {
    "plain": {},
    "unguarded": {"overflow_guard": "off", "caffe": CaffeSettings(first_convolution=True)},
    "single": {"per_channel_weights": False, "caffe": CaffeSettings(statistic="ma")},
    "all of it": {"caffe": CaffeSettings(statistic="kl", **ALL)},
    "quantile": {"caffe": CaffeSettings(statistic="maxp", inner_product=True)},
    "given back": {"per_channel_weights": False, "loss": 0.02},
}
"""What a job asks for; the last loses too much in plain INT8."""


@dataclass(frozen=True)
class Made:
    project: TinyProject
    before: bytes
    result: CaffeResult


@pytest.fixture(scope="module", params=CASES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return calibrated(request.param, tmp_path_factory.mktemp("tiny"))


def calibrated(case: str, folder: Path) -> Made:
    project = write_tiny(folder, 5.0 if case == "given back" else 0.0)
    if case == "single":
        with_line_ends(project.prototxt, "\r\n")
    before = project.prototxt.read_bytes()
    return Made(project, before, calibrate_caffe(project.job(**CASES[case]), benchmark=False))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return calibrated("unguarded", tmp_path_factory.mktemp("tiny"))


def without_scales(text: bytes) -> bytes:
    """The text without its blocks of scales, in lines of their own or inside of one."""
    text = re.sub(rb"(?m)^[ \t]*quantization_param \{[^}]*\}\r?\n", b"", text)
    return re.sub(rb" quantization_param \{[^}]*\}", b"", text)


def test_the_text_but_for_the_scales_stays_byte_for_byte(made: Made) -> None:
    written = made.project.quantized.read_bytes()
    assert without_scales(written) == made.before == made.project.prototxt.read_bytes()
    assert written != made.before
    assert (b"\r\n" in written) == (b"\r\n" in made.before)
    assert (b"\n" in written.replace(b"\r\n", b"")) == (b"\n" in made.before.replace(b"\r\n", b""))


def test_it_is_read_back_to_the_same_bytes_of_weights(made: Made, tmp_path: Path) -> None:
    save_model(read_back(made.project), tmp_path)
    assert (tmp_path / "model.bin").read_bytes() == (made.project.folder / "model.bin").read_bytes()


def test_it_is_read_back_to_the_same_outputs(made: Made) -> None:
    samples = pictures_of("TEST")
    ours = run(read_model(made.project.folder / "model.xml", allow_quantized=True).graph, samples)
    assert np.array_equal(run(read_back(made.project), samples), ours)


def test_it_scores_as_the_report_says_to_the_last_picture(made: Made) -> None:
    settings = make_settings({"metric": "accuracy-top1", "weights": made.project.weights})
    found = pipeline.evaluate(made.project.quantized, made.project.prototxt, settings).score
    report = made.result.report
    assert (found.score, len(found.values)) == (report.int8, report.evaluated) == (report.int8, 200)
    assert report.baseline is not None and report.baseline > 80


def test_the_ir_is_scored_by_the_report_beside_it(made: Made) -> None:
    found = pipeline.evaluate(made.project.folder / "model.xml", made.project.prototxt)
    report = made.result.report
    assert (found.score.metric, found.score.score) == (report.metric, report.int8) == ("accuracy-top1", report.int8)
    assert "metric accuracy-top1" in found.notes[0]


def test_the_report_and_the_prototxt_say_the_same_of_each_layer(made: Made) -> None:
    fields = fields_of(made.project)
    rows = {row.name: row.scales for row in made.result.report.layers if row.scales is not None}
    assert fields.keys() == rows.keys() != set()
    for name, field in fields.items():
        own = rows[name]
        assert ([own.scale_in], [own.scale_out]) == (list(field.scale_in), list(field.scale_out))
        assert (own.input == "s8", own.out_bits) == (field.is_negative_input, field.bw_layer_out)
        assert own.scale_params == (min(field.scale_params), max(field.scale_params))
        assert own.channels == len(field.scale_params)


def test_layers_in_float_have_no_scales_and_a_reason(made: Made) -> None:
    fields = fields_of(made.project)
    floats = [row for row in made.result.report.layers if row.precision == "float"]
    assert not fields.keys() & {row.name for row in floats}
    assert all(row.reason for row in floats)


def test_the_fields_are_those_of_intel(plain: Made) -> None:
    fields = fields_of(plain.project)
    assert list(fields) == ["conv1", "dw", "pw", "branch", "last"]
    for name, field in fields.items():
        assert (field.bw_layer_in, field.bw_layer_out, field.bw_params) == (8, 8, 8)
        assert len(field.scale_params) == (8 if name in ("conv1", "dw") else 16)
        assert field.is_negative_input == (name == "conv1")
    assert fields["conv1"].scale_out == fields["dw"].scale_in  # pooling keeps the scale


@pytest.mark.parametrize(
    ("layer", "field", "blob"),
    [
        ("dw", "scale_in", "pool1"),
        ("branch", "scale_out", "sum"),
        ("last", "scale_in", "sum"),
        ("last", "scale_out", "last"),
    ],
)
def test_scales_are_255_over_the_largest_value_of_the_train_pictures(
    layer: str, field: str, blob: str, plain: Made
) -> None:
    (scale,) = getattr(fields_of(plain.project)[layer], field)
    assert scale == pytest.approx(255 / largest(plain, blob), rel=1e-5)


def test_the_scale_of_the_signed_input_is_127_over_its_largest(plain: Made) -> None:
    (scale,) = fields_of(plain.project)["conv1"].scale_in
    assert scale == pytest.approx(127 / np.abs(pictures_of("TRAIN")).max(), rel=1e-6)


def test_scales_of_weights_are_127_over_the_largest_of_the_folded_ones(plain: Made) -> None:
    net = read_net(plain.project.prototxt, plain.project.weights)
    (weights,), (_, variance, factor), (gamma, _) = (net.layer(name).blobs for name in ("conv1", "bn1", "scale1"))
    folded = weights * (gamma / np.sqrt(variance / factor + 1e-5))[:, None, None, None]
    wanted = 127 / np.abs(folded).max((1, 2, 3))
    np.testing.assert_allclose(fields_of(plain.project)["conv1"].scale_params, wanted, rtol=1e-5)


def test_scales_of_an_earlier_calibration_are_no_part_of_the_next(tmp_path: Path) -> None:
    project = write_tiny(tmp_path)
    calibrate_caffe(project.job(quantize_only=True, blob=None, caffe=CaffeSettings(**ALL)))
    assert list(fields_of(project)) == ["conv1", "dw", "pw", "branch", "last", "fc"]
    calibrate_caffe(project.job(quantize_only=True, blob=None), force=True)
    assert list(fields_of(project)) == ["dw", "pw", "branch", "last"]


def test_the_page_shows_scales_and_warnings(tmp_path: Path) -> None:
    power = 'layer { name: "minus" type: "Power" bottom: "dw" top: "dw" power_param { shift: -0.5 } }\n'
    project = write_tiny(tmp_path, text=LAYERS.replace('layer { name: "pw"', f'{power}layer {{ name: "pw"'))
    result = calibrate_caffe(project.job(loss=0.5), benchmark=False)
    field = fields_of(project)["pw"]
    assert field.is_negative_input
    page = (project.folder / "report.html").read_text()
    (row,) = (each for each in page.split("<tr") if ">pw<" in each and ">Convolution<" in each)
    assert ">s8<" in row and f">{field.scale_in[0]:.5g}<" in row and f">{field.scale_out[0]:.5g}<" in row
    warned = [note for note in result.report.notes if note.startswith("Layer pw reads values down to -0.5")]
    assert len(warned) == 1 and "original tool would have cut off" in warned[0]
    assert "Layer pw reads values down to -0.5" in page


def fields_of(project: TinyProject) -> dict:
    """Message QuantizationParameter by layer."""
    layers = read_prototxt(project.quantized).message.layer
    return {layer.name: layer.quantization_param for layer in layers if layer.HasField("quantization_param")}


def read_back(project: TinyProject):
    return read_model(project.quantized, weights=project.weights, allow_quantized=True).graph


def largest(made: Made, blob: str) -> float:
    """Of a blob, in FP32 on the TRAIN pictures."""
    graph = read_model(made.project.prototxt, weights=made.project.weights).graph
    graph.add_outputs(blob)
    return float(run(graph, pictures_of("TRAIN"), blob).max())
