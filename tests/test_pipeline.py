"""The whole way, on a small real network: what comes out, that it is a drop-in, and that it comes out the same."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from PIL import Image, ImageDraw

from calibench import Arrays, Settings, calibrate, evaluate
from calibench.errors import JobError, ModelError, SettingsError
from calibench.pipeline import inspect, plan
from calibench.progress import STAGES
from calibench.reports.report import decided_view, read_report
from calibench.settings import make_settings

pytestmark = pytest.mark.models

NETWORKS = Path(__file__).parent / "data/networks"
RESNET = NETWORKS / "fashion-resnet8.onnx"
CLASSES = 10


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn clothes of a sort, 28 x 28, one folder per class; the classes are what they are."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in range(200):
        image = Image.new("L", (28, 28))
        draw = ImageDraw.Draw(image)
        left, top, right, bottom = (int(v) for v in (*random.integers(1, 10, 2), *random.integers(16, 27, 2)))
        draw.rectangle((left, top, right, bottom), fill=int(random.integers(80, 255)))
        draw.line((left, bottom, right, top), fill=int(random.integers(0, 80)), width=2)
        target = folder / f"{number % CLASSES:02d}_kind"
        target.mkdir(exist_ok=True)
        image.save(target / f"{number:04d}.png")
    return folder


@pytest.fixture(scope="module")
def result(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("result") / "int8"
    return calibrate(RESNET, pictures, settings(), out, benchmark=False)


def settings(**more: Any) -> Settings:
    return make_settings({"inputs": {"": {"color": "gray", "mean": (72.9,), "scale": (90.0,)}}, **more})


def arrays(count: int = 40, seed: int = 0) -> Arrays:
    random = np.random.default_rng(seed)
    return Arrays([{"input": random.normal(size=(1, 1, 28, 28)).astype(np.float32)} for _ in range(count)])


def test_the_folder_holds_a_model_and_a_report_that_fit(result: Any) -> None:
    names = ["classes.csv", "deploy.py", "model.bin", "model.xml", "report.html", "report.json"]
    assert sorted(path.name for path in result.folder.iterdir()) == names
    report = read_report(result.folder / "report.json")
    assert report == result.report
    assert report.int8_bytes == sum((result.folder / f"model.{suffix}").stat().st_size for suffix in ("xml", "bin"))
    assert report.metric == "top1"
    assert report.sqnr_db is not None and report.sqnr_db > 25
    assert {row.precision for row in report.layers if row.type == "Convolution"} == {"int8"}
    assert all(row.reason for row in report.layers if row.precision == "float")


def test_int8_weights_make_the_file_smaller(result: Any) -> None:
    assert result.report.int8_bytes < 0.45 * result.report.fp32_bytes


def test_the_result_replaces_the_fp32_model_in_a_script_that_knows_nothing_of_it(result: Any) -> None:
    script = """
import numpy as np, openvino as ov
compiled = ov.Core().compile_model(PATH, "CPU")
batch = np.linspace(-1, 2, 3 * 784, dtype=np.float32).reshape(3, 1, 28, 28)
answer = compiled({"input": batch})["logits"]
"""
    answers = []
    for path in (RESNET, result.folder / "model.xml"):
        names: dict[str, Any] = {"PATH": str(path)}
        exec(script, names)
        answers.append(names["answer"])
    assert answers[0].shape == answers[1].shape == (3, CLASSES)
    assert np.array_equal(answers[0].argmax(1), answers[1].argmax(1))


def test_inputs_and_outputs_keep_names_order_types_and_free_axes(result: Any) -> None:
    def ports(path: Path) -> list[Any]:
        model = ov.Core().read_model(path)
        return [(p.names, str(p.partial_shape), p.element_type) for p in (*model.inputs, *model.outputs)]

    assert ports(RESNET) == ports(result.folder / "model.xml")


@pytest.mark.parametrize("network", ["fashion-mbv3", "fashion-vit"])
def test_every_zero_point_is_0_in_the_performance_preset(network: str) -> None:
    found = calibrate(NETWORKS / f"{network}.onnx", arrays(), benchmark=False)
    quantizers = [op for op in found.model.get_ops() if op.get_type_name() == "FakeQuantize"]
    assert quantizers
    for op in quantizers:
        low, high = (op.input_value(i).get_node().data for i in (1, 2))
        unsigned = low == 0
        signed = np.isclose(low / -128, high / 127, rtol=1e-5)
        assert (unsigned | signed).all(), op.get_friendly_name()


def test_the_mixed_preset_uses_zero_points_where_they_help() -> None:
    found = calibrate(NETWORKS / "fashion-mbv3.onnx", arrays(), make_settings({"preset": "mixed"}), benchmark=False)
    lows = [q.low[0] / q.high[0] for row in found.report.layers for q in row.quantizers]
    assert any(-0.9 < low < -0.01 for low in lows)


@pytest.mark.parametrize("network", ["fashion-mbv3", "fashion-vit"])
def test_threads_and_repetition_change_no_byte(network: str, tmp_path: Path) -> None:
    views, files = [], []
    for number, threads in enumerate((1, 2, 2)):
        out = tmp_path / str(number)
        chosen = make_settings({"threads": threads, "subset": "140", "preset": "mixed"})
        found = calibrate(NETWORKS / f"{network}.onnx", arrays(320), chosen, out, benchmark=False)
        views.append(json.dumps(decided_view(found.report), default=str))
        files.append((out / "model.xml").read_bytes() + (out / "model.bin").read_bytes())
    assert views[0] == views[1] == views[2]
    assert files[0] == files[1] == files[2]


def test_small_subsets_take_the_safe_recipe_and_say_so() -> None:
    report = calibrate(RESNET, arrays(60), benchmark=False).report
    assert report.recipe == "mse" and report.tried == ()
    assert any("safe recipe" in note for note in report.notes)


def test_larger_subsets_compare_recipes_on_samples_kept_apart() -> None:
    report = calibrate(NETWORKS / "fashion-mbv3.onnx", arrays(300), benchmark=False).report
    assert len(report.tried) >= 2
    assert report.recipe == min(report.tried, key=lambda trial: trial.error).name
    assert {trial.samples for trial in report.tried} == {64}


def test_a_single_dataset_is_split_and_that_is_said(result: Any) -> None:
    assert result.report.evaluated == 100
    assert any("the other 100 for accuracy" in note for note in result.report.notes)


def test_a_validation_set_of_its_own_is_used_whole() -> None:
    report = calibrate(RESNET, arrays(40), validation=arrays(30, seed=1), benchmark=False).report
    assert report.evaluated == 30
    assert report.subset is not None and report.subset.total == 40


def test_shared_samples_are_warned_about() -> None:
    report = calibrate(RESNET, arrays(40), validation=arrays(40), benchmark=False).report
    assert any("40 samples are in both datasets" in note for note in report.notes)


def test_embedded_preprocessing_takes_pictures_as_they_are(pictures: Path, tmp_path: Path) -> None:
    calibrate(RESNET, pictures, settings(embed_preprocessing=True), tmp_path / "out", benchmark=False)
    compiled = ov.Core().compile_model(tmp_path / "out/model.xml", "CPU")
    picture = np.asarray(Image.open(next(pictures.rglob("*.png"))))[None, :, :, None]
    assert compiled({"input": picture})[0].shape == (1, CLASSES)


def test_ignored_layers_stay_float_with_the_reason() -> None:
    chosen = make_settings({"ignored": {"types": ["MatMul"]}})
    rows = calibrate(RESNET, arrays(), chosen, benchmark=False).report.layers
    assert [row.reason for row in rows if row.type == "MatMul"] == ["ignored, as the settings ask"]


def test_speed_is_measured_in_three_columns(pictures: Path) -> None:
    report = calibrate(RESNET, pictures, settings(subset="20"), benchmark=True).report
    assert report.fp32_fps and report.default_fps and report.int8_fps
    assert report.speedup == pytest.approx(report.int8_fps / report.default_fps)
    conv = next(row for row in report.layers if row.type == "Convolution")
    assert conv.runtime_precision in ("I8", "U8") and conv.int8_ms is not None


def test_answers_do_not_depend_on_the_batch() -> None:
    report = calibrate(NETWORKS / "fashion-vit.onnx", arrays(), make_settings({"batch": 4}), benchmark=False).report
    assert report.batch_agreement == 100


@pytest.mark.parametrize("stage", STAGES)
def test_an_interruption_leaves_nothing_behind(stage: str, pictures: Path, tmp_path: Path) -> None:
    def stop(at: str, done: int, total: int) -> None:
        if at == stage:
            raise KeyboardInterrupt

    try:
        calibrate(
            RESNET, pictures, settings(subset="20"), tmp_path / "out", benchmark=stage == "benchmark", progress=stop
        )
    except KeyboardInterrupt:
        assert list(tmp_path.iterdir()) == []


def test_a_result_is_not_overwritten_without_being_asked(result: Any) -> None:
    before = (result.folder / "report.json").read_bytes()
    with pytest.raises(JobError, match=r"exists already.*--force"):
        calibrate(RESNET, arrays(), out=result.folder, benchmark=False)
    assert (result.folder / "report.json").read_bytes() == before


def test_force_replaces_a_result_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text("old")
    calibrate(RESNET, arrays(), out=out, force=True, benchmark=False)
    assert read_report(out / "report.json").schema_version == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("name", ["picture.png", "model.xml"])
def test_force_empties_no_folder_that_holds_anything_but_a_result(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(JobError, match="no result of Calibench"):
        calibrate(RESNET, arrays(), out=tmp_path, force=True, benchmark=False)
    assert (tmp_path / name).read_text() == "mine"


def test_of_two_runs_into_one_folder_the_second_changes_nothing(tmp_path: Path) -> None:
    from calibench.reports.result import result_folder

    with (
        pytest.raises(JobError, match="exists already"),
        result_folder(tmp_path / "out", force=False) as slow,
    ):
        (slow / "report.json").write_text("slow")
        with result_folder(tmp_path / "out", force=False) as fast:
            (fast / "report.json").write_text("fast")
    assert (tmp_path / "out/report.json").read_text() == "fast"


def test_a_model_is_not_scored_against_itself() -> None:
    with pytest.raises(SettingsError, match="evaluate has one model only"):
        evaluate(RESNET, arrays(), Settings())


def test_a_typo_in_a_layer_to_leave_alone_is_noticed() -> None:
    for ignored in ({"names": ["/6/Gem"]}, {"types": ["convolution"]}, {"patterns": ["gemm"]}):
        with pytest.raises(SettingsError, match="Ignored"):
            calibrate(RESNET, arrays(), make_settings({"ignored": ignored}), benchmark=False)


def test_a_poor_result_is_pointed_out() -> None:
    near_zero = arrays(20)
    far = Arrays([{"input": sample["input"] * 100} for sample in arrays(10, seed=1).samples])
    report = calibrate(RESNET, near_zero, validation=far, benchmark=False).report
    assert report.sqnr_db is not None and report.sqnr_db < 10
    assert any("The result is poor" in advice.title for advice in report.advice)


def test_a_drop_of_more_than_a_point_names_the_layers_that_probably_cause_it() -> None:
    near_zero = Arrays([{"input": sample["input"] / 50} for sample in arrays(20).samples])
    random = np.random.default_rng(1)
    far = [np.full((1, 1, 28, 28), -0.8, np.float32) for _ in range(100)]
    for values in far:
        left, top, width, height = random.integers(0, 14, 4)
        values[..., left : left + width + 6, top : top + height + 6] = random.uniform(0, 2.2)
    compiled = ov.Core().compile_model(RESNET, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    labels = [int(compiled(values)[0].argmax()) for values in far]
    validation = Arrays([{"input": values} for values in far], labels)
    report = calibrate(RESNET, near_zero, validation=validation, benchmark=False).report
    assert report.baseline == 100 and report.drop_points is not None and report.drop_points > 1
    worst = min((row for row in report.layers if row.input_db is not None), key=lambda row: row.input_db or 0)
    assert report.drop_interval is not None and report.drop_interval[0] > 0
    assert any("INT8 loses" in advice.title and worst.name in advice.action for advice in report.advice)


def test_the_fp32_and_the_int8_file_are_scored_alike(result: Any, pictures: Path) -> None:
    fp32 = evaluate(RESNET, pictures, settings())
    int8 = evaluate(result.folder / "model.xml", pictures, settings())
    assert abs(fp32.score.score - int8.score.score) < 5
    assert fp32.as_json()["samples"] == 200


def test_a_result_cannot_be_calibrated_again(result: Any) -> None:
    with pytest.raises(ModelError, match=r"quantized already.*Give the FP32 model"):
        calibrate(result.folder / "model.xml", arrays(), benchmark=False)


def test_a_plan_says_what_would_be_done_and_writes_nothing(pictures: Path) -> None:
    found = plan(RESNET, pictures, settings())
    assert found.as_json()["samples"] == {"calibration": 100, "total": 100, "validation": 100}
    assert any("10 layers" in line for line in found.lines)


def test_inspection_names_layers_and_reasons() -> None:
    found = inspect(NETWORKS / "fashion-vit.onnx", Settings())
    reasons = {layer["reason"] for layer in found.as_json()["float"]}
    assert "attention runs as one fused float kernel" in reasons


def test_it_works_through_python_with_defaults() -> None:
    assert calibrate(RESNET, arrays(), benchmark=False).folder is None


def test_layout_and_metadata_of_the_model_are_kept(tmp_path: Path) -> None:
    model = ov.Core().read_model(RESNET)
    model.inputs[0].node.set_layout(ov.Layout("NCHW"))
    model.set_rt_info("hello", ["mine", "note"])
    ov.save_model(model, tmp_path / "model.xml", compress_to_fp16=False)
    calibrate(tmp_path / "model.xml", arrays(), out=tmp_path / "out", benchmark=False)
    found = ov.Core().read_model(tmp_path / "out/model.xml")
    assert str(found.inputs[0].node.layout) == "[N,C,H,W]"
    assert found.get_rt_info(["mine", "note"]).astype(str) == "hello"
    assert found.get_rt_info(["calibench", "preset"]).astype(str) == "performance"
