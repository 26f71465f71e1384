import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from calibench.machine import Machine
from calibench.settings import make_settings


def test_evaluate_passes_model_dataset_and_settings(pipeline, run) -> None:
    result = run("evaluate", "m.xml", "-d", "data", "--metric", "top5", "--batch", "2")
    assert (result.exit_code, result.stdout) == (0, "one\ntwo\n")
    name, args, _ = pipeline.calls[0]
    assert (name, args[:3]) == (
        "evaluate",
        (Path("m.xml"), Path("data"), make_settings({"metric": "top5", "batch": 2})),
    )


@pytest.mark.parametrize("args", [("evaluate", "m.xml", "-d", "data"), ("inspect", "m.xml")])
def test_json_is_one_document(args, pipeline, run) -> None:
    assert json.loads(run(*args, "--json").stdout) == {"lines": ["one", "two"]}


def test_inspect_passes_the_settings(pipeline, run) -> None:
    assert run("inspect", "m.xml", "--device", "AUTO").exit_code == 0
    assert pipeline.settings.device == "AUTO"


def test_demo_prepares_and_calibrates(pipeline, run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def prepare(folder, scenes, say):
        asked.append((folder, scenes))
        say("fetching")
        return SimpleNamespace(model=folder / "m.xml", calibration=folder / "c", validation=folder / "v")

    monkeypatch.setattr(importlib.import_module("calibench.demo.files"), "prepare", prepare)
    result = run("demo", "--folder", tmp_path, "--scenes", "20", "--threads", "1")
    assert result.exit_code == 0, result.stderr
    assert asked == [(tmp_path, 20)]
    assert "fetching" in result.stderr
    _, args, more = pipeline.calls[0]
    assert (args[0], args[1], args[3]) == (tmp_path / "m.xml", tmp_path / "c", tmp_path / "int8")
    assert (more["validation"], more["force"]) == (tmp_path / "v", True)
    image = pipeline.settings.input("image")
    assert (image.color, image.mean, image.scale) == ("rgb", (127.0,), (128.0,))
    assert (pipeline.settings.metric, pipeline.settings.threads) == ("top1", 1)


def test_doctor_says_what_the_machine_can_do(run) -> None:
    result = run("doctor")
    assert result.exit_code == 0
    for label in ("CPU", "VNNI", "AMX", "FP32 models", "cores", "memory", "disk", "OpenVINO"):
        assert any(line.startswith(label) for line in result.stdout.splitlines()), label


def test_doctor_gives_one_json_document(run) -> None:
    values = json.loads(run("doctor", "--json", "--threads", "1").stdout)
    assert {"default_precision", "has_vnni"} <= set(values)
    assert values["threads"] == 1
    assert set(Machine.model_fields) <= set(values)


def test_doctor_refuses_a_device_without_int8(run) -> None:
    result = run("doctor", "--device", "MYRIAD")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("TargetError: MYRIAD: has no INT8: ")


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    """Two IR files in different folders: FP32 and one with a quantizer; input data [1, 3, 8, 8]."""
    paths = []
    for folder, quantized in (("fp32", False), ("int8", True)):
        data = ops.parameter([1, 3, 8, 8], name="data")
        data.output(0).tensor.set_names({"data"})
        node = ops.fake_quantize(data, 0.0, 1.0, 0.0, 1.0, 256) if quantized else data
        model = ov.Model([ops.result(ops.relu(node))], [data], folder)
        path = tmp_path / folder / "model.xml"
        path.parent.mkdir()
        ov.save_model(model, path, compress_to_fp16=False)
        paths.append(path)
    return paths


BRIEF = ("--seconds", "0.001", "--rounds", "2")


def test_benchmark_measures_files_side_by_side(models, run) -> None:
    result = run("benchmark", *models, *BRIEF, "--inference-precision", "f32", "--json")
    assert result.exit_code == 0, result.stderr
    values = json.loads(result.stdout)
    assert list(values["speeds"]) == ["fp32/model (f32)", "int8/model (f32)"]
    assert values["data"] == "random data"
    assert len(values["speeds"]["fp32/model (f32)"]["throughput"][0]["fps"]["raw"]) == 2
    assert values["profiles"]["int8/model (f32)"][0]["outputPrecisions"]


def test_an_fp32_model_is_measured_as_deployed_as_well(models, run, monkeypatch: pytest.MonkeyPatch) -> None:
    from calibench.inference import side_by_side

    for default, names in (
        ("bf16", ["fp32/model (f32)", "fp32/model (default bf16)", "int8/model (INT8 + bf16)"]),
        ("f32", ["fp32/model (f32)", "int8/model (INT8 + f32)"]),
    ):
        monkeypatch.setattr(side_by_side, "default_precision", lambda device, default=default: default)
        assert list(json.loads(run("benchmark", *models, *BRIEF, "--json").stdout)["speeds"]) == names


def test_benchmark_prints_tables(models, run) -> None:
    result = run("benchmark", models[0], *BRIEF, "--batches", "1,2", "--streams", "1")
    assert result.exit_code == 0, result.stderr
    assert "latency ms" in result.stdout
    assert "slowest layers" in result.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--batches", "1,x"), "SettingsError: --batches 1,x: expected whole numbers with commas, such as 1,8."),
        (("--rounds", "0"), "SettingsError: rounds: Input should be greater than or equal to 1."),
        (("--shape", "data=1,3,9,9"), "SettingsError: --shape 1,3,9,9: input data is [1, 3, 8, 8]. Give a shape"),
        (("--device", "TPU"), "TargetError: TPU: there is no such device here. Available:"),
    ],
)
def test_wrong_benchmarks_are_refused(options, sentence: str, models, run) -> None:
    result = run("benchmark", models[0], *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(sentence)


def test_a_model_named_twice_is_refused(models, run) -> None:
    result = run("benchmark", models[0], models[0])
    assert result.stderr == "SettingsError: benchmark: a model is named twice. Name every file once.\n"


def test_models_with_other_inputs_are_refused(models, run, tmp_path: Path) -> None:
    data = ops.parameter([1, 4], name="other")
    path = tmp_path / "third.xml"
    ov.save_model(ov.Model([ops.result(ops.relu(data))], [data], "third"), path)
    result = run("benchmark", models[0], path)
    assert result.exit_code == 2
    assert result.stderr.startswith("SettingsError: third takes other, but model takes data.")


def test_benchmark_runs_on_the_samples_of_a_dataset(models, run, tmp_path: Path) -> None:
    np.save(tmp_path / "samples.npy", np.zeros((2, 3, 8, 8), np.float32))
    result = run("benchmark", models[0], "-d", tmp_path / "samples.npy", *BRIEF, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["data"] == str(tmp_path / "samples.npy")
