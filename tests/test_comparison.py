"""Two files side by side, on a small real network: our INT8 result and models that do not fit each other."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from PIL import Image

from calibench import Arrays, calibrate
from calibench.comparison import compare_models
from calibench.errors import JobError, SettingsError
from calibench.reports.report import read_report
from calibench.settings import make_settings

pytestmark = pytest.mark.models

RESNET = Path(__file__).parent / "data/networks/fashion-resnet8.onnx"


def arrays(count: int = 24, labels: bool = False) -> Arrays:
    random = np.random.default_rng(3)
    samples = [{"input": random.normal(size=(1, 1, 28, 28)).astype(np.float32)} for _ in range(count)]
    return Arrays(samples, [i % 10 for i in range(count)] if labels else None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A calibration, and its folder."""
    return calibrate(RESNET, arrays(), out=tmp_path_factory.mktemp("made") / "int8", benchmark=False)


@pytest.fixture(scope="module")
def int8(made: Any) -> Path:
    return made.folder / "model.xml"


def test_the_comparison_reads_back_what_the_calibration_decided(made: Any, int8: Path) -> None:
    report = compare_models(RESNET, int8, arrays(), benchmark=False).report
    assert (report.kind, report.notes) == ("comparison", ())
    decided = {row.name: row for row in made.report.layers if row.precision == "int8"}
    found = {row.name: row for row in report.layers if row.precision == "int8"}
    weighted = {name for name, row in decided.items() if row.weights}
    assert weighted and weighted <= found.keys()
    for name in weighted:
        assert [(q.low, q.high) for q in found[name].quantizers] == [(q.low, q.high) for q in decided[name].quantizers]
        assert found[name].weights is not None
        assert np.allclose(found[name].weights.error_db, decided[name].weights.error_db, atol=0.5)


def test_sizes_hashes_and_scores_belong_to_the_right_file(made: Any, int8: Path) -> None:
    report = compare_models(RESNET, int8, arrays(labels=True), benchmark=False).report
    assert report.int8_model is not None
    assert report.int8_model.path == str(int8)
    assert (report.fp32_bytes, report.int8_bytes) == (made.report.fp32_bytes, made.report.int8_bytes)
    assert report.metric == "top1"
    assert report.evaluated == 24
    assert report.drop_interval is not None
    assert {row.label for row in report.classes} == set(range(10))


def test_samples_that_differ_come_first_where_they_lost_most(int8: Path, tmp_path: Path) -> None:
    report = compare_models(RESNET, RESNET, arrays(labels=True), benchmark=False).report
    assert (report.differing, report.samples, report.drop_points) == (0, (), 0.0)
    worse = compare_models(RESNET, int8, arrays(), make_settings({"metric": "cosine"}), benchmark=False).report
    assert worse.samples
    lost = [row.worse for row in worse.samples]
    assert lost == sorted(lost, reverse=True)
    assert all(row.name.startswith("sample ") for row in worse.samples)


def test_speed_memory_and_layers_are_measured(int8: Path) -> None:
    report = compare_models(RESNET, int8, arrays()).report
    assert report.fp32_fps and report.int8_fps
    assert report.runtime_layers["fp32"] and report.runtime_layers["int8"]
    assert report.fp32_memory_mb and report.int8_memory_mb
    conv = next(row for row in report.layers if row.type == "Convolution")
    assert conv.output_db is not None and 15 < conv.output_db < 80
    assert conv.fp32_ms is not None and conv.int8_ms is not None
    product = next(row for row in report.layers if row.type == "MatMul")
    assert product.fp32_ms is not None and product.int8_ms is not None
    assert report.advice


def test_the_folder_holds_the_report_and_no_model(int8: Path, tmp_path: Path) -> None:
    found = compare_models(RESNET, int8, arrays(labels=True), out=tmp_path / "out", benchmark=False)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["classes.csv", "report.html", "report.json"]
    assert read_report(tmp_path / "out/report.json") == found.report
    with pytest.raises(JobError, match="exists already"):
        compare_models(RESNET, int8, arrays(), out=tmp_path / "out", benchmark=False)
    compare_models(RESNET, int8, arrays(), out=tmp_path / "out", benchmark=False, force=True)


def test_a_calibration_is_not_replaced_by_a_comparison(int8: Path) -> None:
    with pytest.raises(JobError, match="holds the model of a calibration, which would be lost"):
        compare_models(RESNET, int8, arrays(), out=int8.parent, benchmark=False, force=True)
    assert int8.exists()


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (("int8", "fp32"), "is quantized and .* is not: the FP32 model goes first"),
        (("int8", "int8"), "two INT8 models are compared"),
        (("fp32", "fp32"), "holds no quantizers: two FP32 models are compared"),
    ],
)
def test_an_odd_order_is_compared_and_said(order: tuple[str, str], sentence: str, int8: Path) -> None:
    files = {"fp32": RESNET, "int8": int8}
    report = compare_models(*(files[name] for name in order), arrays(), benchmark=False).report
    (note,) = report.notes
    assert re.search(sentence, note)


def test_a_result_with_embedded_preprocessing_is_fed_pictures(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(12):
        folder = tmp_path / "pictures" / str(number % 3)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (28, 28), np.uint8)).save(folder / f"{number}.png")
    inputs = {"": {"color": "gray", "mean": (72.9,), "scale": (90.0,)}}
    settings = make_settings({"inputs": inputs, "embed_preprocessing": True, "metric": "cosine"})
    calibrate(RESNET, tmp_path / "pictures", settings, tmp_path / "int8", benchmark=False)
    report = compare_models(
        RESNET, tmp_path / "int8/model.xml", tmp_path / "pictures", settings, benchmark=False
    ).report
    assert report.sqnr_db is not None and report.sqnr_db > 15


def small(path: Path, shape: tuple[int, ...], classes: int, name: str = "input") -> Path:
    data = ops.parameter(list(shape), np.float32, name=name)
    data.output(0).tensor.set_names({name})
    flat = ops.reshape(data, np.array([1, -1]), False)
    weights = np.ones((int(np.prod(shape)), classes), np.float32)
    node = ops.matmul(flat, weights, False, False, name="logits")
    node.output(0).tensor.set_names({"logits"})
    ov.save_model(ov.Model([ops.result(node)], [data], "small"), path, compress_to_fp16=False)
    return path


@pytest.mark.parametrize(
    ("shape", "classes", "name", "sentence"),
    [
        (
            (1, 1, 28, 28),
            7,
            "input",
            r"gives logits \[1,7\], but .* gives logits \[\?,10\]. Compare an INT8",
        ),
        ((1, 1, 28, 28), 10, "other", r"takes other, but .* takes input. Compare an INT8 model with"),
        ((1, 3, 28, 28), 10, "input", r"takes input \[1,3,28,28\], but .* takes \[\?,1,28,28\]. Compare models with"),
    ],
)
def test_models_that_do_not_fit_are_refused(
    shape: tuple[int, ...], classes: int, name: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        compare_models(RESNET, small(tmp_path / "other.xml", shape, classes, name), arrays(), benchmark=False)
