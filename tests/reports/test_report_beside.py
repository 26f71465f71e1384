"""A result is scored as it was when it was calibrated: by the settings of the report that lies beside it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from PIL import Image

from calibench import calibrate, evaluate
from calibench.comparison import compare_models
from calibench.errors import CalibenchError
from calibench.reports.report_beside import settings_beside
from calibench.settings import InputSettings, Settings, TaskSettings, make_settings

SIDE = 8


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 dark ones in folder 0, 30 bright ones in folder 1."""
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for label in range(2):
        (folder / str(label)).mkdir()
        for number in range(30):
            level = 128 + (2 * label - 1) * random.integers(20, 100)
            Image.fromarray(np.full((SIDE, SIDE), level, np.uint8)).save(folder / str(label) / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def fp32(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dark or bright, of pictures [1, 1, 8, 8] from -1 to 1: unprepared, every picture is bright."""
    entry = ops.parameter([1, 1, SIDE, SIDE], np.float32, name="x")
    weights = np.array([[-4.0], [4.0]], np.float32) / SIDE**2 * np.ones((2, SIDE**2), np.float32)
    flat = ops.reshape(entry, np.array([1, -1]), special_zero=False)
    path = tmp_path_factory.mktemp("fp32") / "brightness.xml"
    ov.save_model(
        ov.Model([ops.matmul(flat, weights, False, True)], [entry], "brightness"), path, compress_to_fp16=False
    )
    return path


@pytest.fixture(scope="module")
def result(fp32: Path, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("result") / "int8"
    return calibrate(fp32, pictures, Settings(inference_precision="f32"), out, validation=pictures, benchmark=False)


@pytest.fixture
def copied(result: Any, tmp_path: Path) -> Path:
    """The folder of the result, to be changed; its report names a scale, too."""
    folder = Path(shutil.copytree(result.folder, tmp_path / "int8"))
    settings = result.report.settings.model_dump(mode="json")
    _change(folder, settings={**settings, "inputs": {"": {"mean": [127.5], "scale": [127.5]}}})
    return folder


SET = Path("set")
UNTRIED = Settings(diagnose=False)
"""So that nothing is found by trying."""


def test_a_result_has_the_score_of_its_report(result: Any, pictures: Path) -> None:
    found = evaluate(result.folder / "model.xml", pictures, UNTRIED)
    assert found.score.score == result.report.int8 == 100.0
    assert found.notes[0] == (
        f"The settings of {result.folder / 'report.json'} are used: mean 114.8; options take their place."
    )


def test_the_fp32_model_has_no_report(fp32: Path, pictures: Path) -> None:
    assert settings_beside(fp32, UNTRIED, SET).settings is UNTRIED
    assert evaluate(fp32, pictures, UNTRIED).score.score == 50.0


def test_what_was_set_wins_field_by_field(copied: Path) -> None:
    given = make_settings({"inputs": {"": {"mean": 3}}, "metric": "top5", "inference_precision": "bf16"})
    found = settings_beside(copied / "model.xml", given, SET)
    assert found.settings.input("x").mean == (3.0,)
    assert found.settings.input("x").scale == (127.5,)
    assert (found.settings.metric, found.settings.inference_precision) == ("top5", "bf16")
    assert "used: scale 127.5;" in found.notes[0]


def test_where_all_was_set_nothing_is_said(result: Any) -> None:
    given = make_settings(result.report.settings.model_dump())
    given = given.model_copy(update={"inference_precision": "f32"})
    given.model_fields_set.add("inference_precision")
    assert settings_beside(result.folder / "model.xml", given, SET).notes == ()


def test_a_task_of_another_kind_takes_no_task_settings(result: Any) -> None:
    given = Settings(task=TaskSettings(kind="detection"))
    assert settings_beside(result.folder / "model.xml", given, SET).settings.task == given.task


def test_input_settings_by_name_win_too(copied: Path) -> None:
    given = Settings(inputs={"x": InputSettings(mean=())})
    found = settings_beside(copied / "model.xml", given, SET).settings.input("x")
    assert (found.mean, found.scale) == ((), (127.5,))


def test_the_report_of_another_model_is_passed_over(result: Any, copied: Path) -> None:
    weights = copied / "model.bin"
    weights.write_bytes(bytes([weights.read_bytes()[0] ^ 1]) + weights.read_bytes()[1:])  # of the same size
    found = settings_beside(copied / "model.xml", UNTRIED, SET)
    assert (found.settings, found.notes) == (UNTRIED, ())


def test_a_renamed_model_still_has_its_report(copied: Path) -> None:
    for suffix in ("xml", "bin"):
        (copied / f"model.{suffix}").rename(copied / f"bright.{suffix}")
    assert settings_beside(copied / "bright.xml", UNTRIED, SET).notes


def test_a_report_of_before_there_was_a_hash_is_known_by_size_and_origin(copied: Path) -> None:
    _change(copied, int8_sha256=None)
    assert settings_beside(copied / "model.xml", UNTRIED, SET).settings.input("x").mean == (127.5,)
    _change(copied, int8_bytes=1)
    assert settings_beside(copied / "model.xml", UNTRIED, SET).notes == ()


@pytest.mark.parametrize("text", ["{", '{"schema_version": 1}', '{"schema_version": 2}', "[]"])
def test_a_report_that_cannot_be_read_is_passed_over_and_that_is_said(text: str, copied: Path, pictures: Path) -> None:
    (copied / "report.json").write_text(text)
    found = evaluate(copied / "model.xml", pictures, UNTRIED)
    assert found.score.score == 50.0
    assert found.notes[0].startswith(f"The settings of the calibration are not used: {copied / 'report.json'}: ")


def test_a_json_file_of_that_name_beside_another_model_is_nobodys_business(fp32: Path, tmp_path: Path) -> None:
    model = Path(shutil.copy(fp32, tmp_path))
    shutil.copy(fp32.with_suffix(".bin"), tmp_path)
    (tmp_path / "report.json").write_text("[]")
    assert settings_beside(model, UNTRIED, SET).notes == ()


def test_a_file_that_is_gone_is_named_and_left_out(copied: Path) -> None:
    changed = json.loads((copied / "report.json").read_text())["settings"]
    changed["data"]["labels"] = "gone/labels.txt"
    _change(copied, settings=changed)
    found = settings_beside(copied / "model.xml", UNTRIED, SET)
    assert found.settings.data.labels is None
    assert "gone/labels.txt is not there any more" in found.notes[1]


def test_a_report_sends_no_file_from_outside_of_its_folder(copied: Path, tmp_path: Path) -> None:
    near, far = copied / "labels.txt", tmp_path / "far.txt"
    for path in (near, far):
        path.write_text("a\nb\n")
    changed = json.loads((copied / "report.json").read_text())["settings"]
    changed["data"]["labels"], changed["task"]["class_names"] = str(far), str(near)
    _change(copied, settings=changed)
    model = copied / "model.xml"
    here = settings_beside(model, Settings(), "d")
    assert (here.settings.data.labels, here.settings.task.class_names) == (far, near)
    sent = settings_beside(model, Settings(), "d", is_sent=True)
    assert (sent.settings.data.labels, sent.settings.task.class_names) == (None, near)
    assert any(f"{far}, which" in note and "is not sent" in note for note in sent.notes)
    given = Settings.model_validate({"data": {"labels": far}})
    assert settings_beside(model, given, "d", is_sent=True).settings.data.labels == far


def test_a_metric_that_no_model_has_alone_is_left_to_the_comparison(copied: Path) -> None:
    changed = json.loads((copied / "report.json").read_text())["settings"]
    _change(copied, settings={**changed, "metric": "cosine"})
    assert settings_beside(copied / "model.xml", UNTRIED, SET).settings.metric == "auto"
    assert settings_beside(copied / "model.xml", UNTRIED, SET, is_alone=False).settings.metric == "cosine"


def test_a_data_layer_prepares_samples_itself(copied: Path) -> None:
    found = settings_beside(copied / "model.xml", UNTRIED, Path("train_val.prototxt")).settings
    assert (found.inputs, found.inference_precision) == ({}, "f32")


def test_a_calibration_on_arrays_says_nothing_of_pictures(copied: Path) -> None:
    _change(copied, inputs=[{"name": "x", "kind": "tensor"}])
    assert settings_beside(copied / "model.xml", UNTRIED, SET).settings.inputs == {}


def test_a_metric_that_is_code_is_named_and_not_run(copied: Path) -> None:
    changed = json.loads((copied / "report.json").read_text())["settings"]
    _change(copied, settings={**changed, "metric": "somebodys:code"})
    found = settings_beside(copied / "model.xml", UNTRIED, SET)
    assert found.settings.metric == "auto"
    assert "give --metric somebodys:code to score by it" in found.notes[-1]
    own = Settings(metric="my:own")
    assert settings_beside(copied / "model.xml", own, SET).settings.metric == "my:own"


def test_a_report_from_elsewhere_can_be_left_aside(result: Any, pictures: Path) -> None:
    found = evaluate(result.folder / "model.xml", pictures, UNTRIED, report_beside=False)
    assert found.score.score == 50.0


def test_the_precision_of_the_score_is_kept(copied: Path) -> None:
    _change(copied, inference_precision="bf16")
    found = settings_beside(copied / "model.xml", UNTRIED, SET)
    assert found.settings.inference_precision == "bf16"
    assert "inference precision bf16" in found.notes[0]


def test_embedded_preprocessing_is_not_done_twice(fp32: Path, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "int8"
    report = calibrate(
        fp32, pictures, Settings(embed_preprocessing=True), out, validation=pictures, benchmark=False
    ).report
    assert report.settings.input("x").mean == (114.8,)
    assert evaluate(out / "model.xml", pictures, UNTRIED).score.score == report.int8 == 100.0


def test_a_comparison_takes_the_settings_of_the_int8_model(result: Any, fp32: Path, pictures: Path) -> None:
    report = compare_models(fp32, result.folder / "model.xml", pictures, UNTRIED, benchmark=False).report
    assert (report.baseline, report.int8) == (100.0, 100.0)
    assert report.notes[0].startswith("The settings of ")


def _change(folder: Path, **fields: Any) -> None:
    path = folder / "report.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_an_error_of_what_nobody_set_says_where_it_comes_from(copied: Path, pictures: Path) -> None:
    changed = json.loads((copied / "report.json").read_text())["settings"]
    _change(copied, settings={**changed, "metric": "miou"})
    with pytest.raises(CalibenchError, match=r"report\.json are used: .*metric miou; options take their place\.$"):
        evaluate(copied / "model.xml", pictures, UNTRIED)
    with pytest.raises(CalibenchError) as own:
        evaluate(copied / "model.xml", pictures, Settings(metric="miou"), report_beside=False)
    assert "report.json" not in str(own.value)


def test_a_dataset_that_is_not_there_says_nothing_of_settings(result: Any) -> None:
    with pytest.raises(CalibenchError) as gone:
        evaluate(result.folder / "model.xml", Path("gone"), UNTRIED)
    assert "report.json" not in str(gone.value)
