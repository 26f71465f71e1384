"""The lines that repeat a job: the command line gives the same settings, the Python runs."""

import shlex
from pathlib import Path

import click
import numpy as np
import openvino as ov
import pytest
import typer
from openvino import opset13 as ops
from project_bench import ProjectBench, report_values, search_values

from calibench.cli.app import app
from calibench.cli.options import overlaid
from calibench.settings import Settings, make_settings
from calibench.things.asked import AskCalibration, AskPick, Points
from calibench.things.target_spec import TargetSpec
from calibench.workbench.settings_as_options import as_options
from calibench.workbench.snippets import Place, Repeated, baseline_snippets, calibration_snippets
from made_models import data, dense, named

SETTINGS = {
    "defaults": {},
    "every option": {
        **{"preset": "mixed", "subset": "300", "subset_by": "class", "seed": 4, "exact_subset": True},
        **{"range_rule": "mse", "bias_correction": "off", "smoothing": "on", "per_channel_activations": "off"},
        **{"overflow_guard": "on", "inference_precision": "bf16", "batch": 8, "threads": 1, "metric": "top5"},
        **{"embed_preprocessing": True, "diagnose": False, "weights": "net.caffemodel", "device": "GPU.1"},
        "inputs": {
            "": {
                **{"size": (64, 48), "resize": "letterbox", "pad": 114, "color": "bgr", "layout": "NHWC"},
                **{"mean": (123.675, 116.28, 103.53), "scale": (58.395, 57.12, 57.375)},
            }
        },
        "data": {
            **{"format": "coco", "split": "val", "labels": "a b.txt", "tokenizer": "t.json", "max_tokens": 64},
            **{"text_columns": ("one", "two"), "label_column": "label"},
        },
        "task": {"kind": "detection", "decoder": "ssd", "label_offset": -1, "characters": "abc.txt"},
        "ignored": {"names": ("a b", "c'd"), "types": ("MatMul",), "patterns": (r"^x\d+$",)},
    },
    "a promise": {
        "method": "accuracy-aware",
        "accuracy": {
            **{"max_drop": 0.3, "drop_type": "relative", "limits": {"top5": 0.2, "a=b": 1}, "max_class_drop": 4.0},
            **{"holdout": "20%", "max_trials": 9, "repair": "off", "front": 0, "timings": "t.json"},
            "time_budget_s": 90.5,
        },
    },
    "a promise with the default drop": {"method": "accuracy-aware"},
    "without labels": {"method": "accuracy-aware", "accuracy": {"label_free": True}},
    "limits without the method": {"accuracy": {"max_drop": 2}},
    "defaults that were set": {
        **{"preset": "performance", "metric": "auto"},
        "inputs": {"": {"color": "rgb", "mean": (), "size": None, "pad": 0}},
        **{"task": {"label_offset": 0, "background": "auto"}, "data": {"max_tokens": 128, "labels": None}},
        "accuracy": {"label_free": False, "time_budget_s": None},
    },
    "settings without an option": {
        **{"per_channel_weights": False, "recipes": 1, "seed": 2},
        "inputs": {"a": {"mean": (1.5,)}, "b": {"color": "gray"}},
        "task": {"kind": "detection", "box_format": "cxcywh", "outputs": {"boxes": "out: 1"}},
    },
}


def parsed(text, folder):
    """Settings as the real command line makes them out of a snippet, with MODEL and the datasets."""
    if text.startswith("cat > "):
        head, _, rest = text.partition("<<'END'\n")
        config, _, text = rest.partition("END\n")
        (folder / head.split()[2]).write_text(config)
    first = text.splitlines()[0]
    words = shlex.split(first)
    assert words[0] == "calibench"
    command = typer.main.get_command(app).commands[words[1]]
    context: click.Context = command.make_context(words[1], list(words[2:]))
    params = dict(context.params)
    if params.get("config"):
        params["config"] = folder / params["config"]
    return overlaid(params), params


def alike(settings):
    """With what was set, though to its default: that is not found by trying."""
    found = settings.model_dump(include={"inputs", "task", "data"}, exclude_unset=True)
    return settings, {name: value for name, value in found.items() if value}


@pytest.mark.parametrize("case", SETTINGS)
def test_the_command_line_gives_the_settings_of_the_workbench(case, tmp_path):
    settings = make_settings(SETTINGS[case])
    job = Repeated(Path("/a/my net.onnx"), Path("/b/set"), settings, validation=Path("/c/val"))
    found, params = parsed(calibration_snippets(job)["cli"], tmp_path)
    assert alike(found) == alike(settings)
    assert (params["model"], params["dataset"], params["validation"]) == (job.model, job.dataset, job.validation)
    assert params["out"] == Path("int8")


OTHER_VALUES = {
    **{"caffe": {"first_convolution": True}, "ignored": {"names": ["a"]}, "inputs": {"": {"pad": 1}}, "recipes": 1},
    **{"task": {"background": "first"}, "data": {"max_tokens": 9}, "accuracy": {"max_drop": 1}, "weights": "a"},
    **{"method": "accuracy-aware", "preset": "mixed", "device": "GPU", "subset": "1", "seed": 1, "metric": "top5"},
    **{"range_rule": "mse", "bias_correction": "on", "smoothing": "on", "per_channel_activations": "on"},
    **{"overflow_guard": "on", "inference_precision": "f32", "batch": 2, "threads": 2, "subset_by": "class"},
    **{"exact_subset": True, "embed_preprocessing": True, "per_channel_weights": False, "diagnose": False},
    **{"cache_dir": "c", "keep_cache": True},
}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_no_setting_is_lost(name, tmp_path):
    settings = make_settings({name: OTHER_VALUES[name]})
    assert settings != Settings()
    found = parsed(calibration_snippets(Repeated(Path("m"), Path("d"), settings))["cli"], tmp_path)[0]
    assert alike(found) == alike(settings)


def test_what_has_an_option_is_not_written_into_a_file():
    for case in ("defaults", "every option", "a promise", "without labels"):
        assert as_options(make_settings(SETTINGS[case]))[1] == {}, case


def test_a_baseline_is_a_score_and_a_measurement(tmp_path):
    settings = make_settings({"inputs": {"": {"mean": (1.0,)}}, "metric": "top5"})
    points = Points(batches=(1, 8), streams=(2,), seconds=0.5)
    text = baseline_snippets(Repeated(Path("/a/n.xml"), Path("/b"), settings, points=points))["cli"]
    assert parsed(text, tmp_path)[0] == settings
    measure = shlex.split(text.splitlines()[1])
    params = typer.main.get_command(app).commands["benchmark"].make_context("benchmark", measure[2:]).params
    assert (params["batches"], params["streams"], params["seconds"]) == ("1,8", "2", 0.5)


@pytest.fixture
def bench(tmp_path):
    bench = ProjectBench(tmp_path / "data")
    yield bench
    bench.close()


def test_the_job_of_the_workbench_and_its_line_have_the_same_settings_and_files(bench, tmp_path):
    project, other = bench.ready(), bench.dataset("for ranges", "other pixels")
    ask = AskCalibration(
        calibration_dataset_id=other.id,
        **{"subset_percent": 12.5, "method": "accuracy-aware", "max_drop": 0.7, "preset": "mixed"},
        advanced={"seed": 5, "recipes": 1, "accuracy": {"max_trials": 3}},
    )
    made = bench.projects.calibrate(project.id, ask)
    bundle = bench.bundle(made)
    settings, params = parsed(bench.projects.snippets(made.id)["cli"], tmp_path)
    assert alike(settings) == alike(bundle.settings) == alike(make_settings(made.settings))
    assert (params["model"], params["dataset"], params["validation"]) == (
        bundle.model,
        bundle.dataset,
        bundle.validation,
    )


def test_an_fp32_project_repeats_its_baseline_and_a_picked_one_its_choice(bench):
    project = bench.ready()
    assert bench.projects.snippets(project.id)["cli"].startswith("calibench evaluate ")
    searched = bench.calibrated(project, report_values(search=search_values()), method="accuracy-aware")
    picked = bench.projects.pick(searched.id, AskPick(max_drop=0.2))
    found = bench.projects.snippets(picked.id)
    assert found["cli"] == f"calibench pick {bench.trees.path(searched.result)} --max-drop 0.2 --out int8\n"
    compile(found["python"], "snippet", "exec")
    bench.stopped(picked.job_id)
    bench.projects.delete(searched.id)
    assert bench.projects.snippets(picked.id)["cli"].startswith("calibench calibrate ")


def test_the_python_runs_and_gives_the_model_of_the_settings(tmp_path, monkeypatch):
    x = data([-1, 8])
    hidden = ops.relu(dense(x, 8, 16, "first", 1))
    ov.save_model(ov.Model([named(dense(hidden, 16, 4, "y", 2), "y")], [x], "small"), tmp_path / "net.xml")
    np.savez(tmp_path / "set.npz", x=np.random.default_rng(0).normal(size=(24, 8)).astype(np.float32))
    settings = make_settings({"preset": "mixed", "subset": "50%", "recipes": 1, "threads": 1})
    job = Repeated(tmp_path / "net.xml", tmp_path / "set.npz", settings)
    monkeypatch.chdir(tmp_path)
    snippet = calibration_snippets(job)["python"]
    spoken: dict = {}
    exec(compile(snippet, "snippet", "exec"), spoken)
    assert spoken["result"].report.settings == settings
    assert (tmp_path / "int8" / "model.xml").is_file()


def test_worker_processes_are_repeated_and_may_read_the_file_again():
    found = calibration_snippets(Repeated(Path("/a/n.xml"), Path("/b"), make_settings({}), workers=2))
    assert found["cli"].startswith("calibench calibrate /a/n.xml --dataset /b --workers 2 --out int8\n")
    assert "        workers=2,\n" in found["python"]
    exec(compile(found["python"], "snippet", "exec"), {"__name__": "__mp_main__"})  # as each of them does


def test_a_calibration_without_speed_is_repeated_without(tmp_path):
    found = calibration_snippets(Repeated(Path("/a/n.xml"), Path("/b"), make_settings({}), points=None))
    assert found["cli"] == "calibench calibrate /a/n.xml --dataset /b --out int8 --no-benchmark\n"
    assert "    benchmark=False,\n" in found["python"]
    compile(found["python"], "snippet", "exec")


def test_what_another_machine_did_is_repeated_there():
    lab = Place("my lab", TargetSpec(kind="ssh", host="lab"), Path("/data"))
    found = calibration_snippets(Repeated(Path("/a/n.xml"), Path("/b"), make_settings({}), place=lab))
    calibrated, measured = found["cli"].splitlines()
    assert calibrated.endswith("--out int8 --target 'my lab' --data-dir /data")
    assert measured.endswith("--target 'my lab' --data-dir /data")
    assert "from calibench import RemoteTarget, Settings\n" in found["python"]
    assert "result = RemoteTarget('my lab', data_dir='/data').calibrate(\n" in found["python"]
    assert found["python"].endswith("print(result.drop_points)\n")
    scored = baseline_snippets(Repeated(Path("/a/n.xml"), Path("/b"), make_settings({}), place=lab))
    assert (
        scored["cli"].splitlines()[0] == "calibench evaluate /a/n.xml --dataset /b --target 'my lab' --data-dir /data"
    )
    assert scored["python"].endswith('print(result["score"])\n')
    for text in (found["python"], scored["python"]):
        compile(text, "snippet", "exec")


def test_a_cluster_shares_a_calibration_and_measures_nothing():
    farm = Place("farm", TargetSpec(kind="dask", worker_queue="slurm"), Path("/data"))
    found = calibration_snippets(Repeated(Path("/a/n.xml"), Path("/b"), make_settings({}), place=farm))
    calibrated, measured = found["cli"].splitlines()
    assert "--target farm" in calibrated
    assert "--target" not in measured
    scored = baseline_snippets(Repeated(Path("/a/n.xml"), Path("/b"), make_settings({}), place=farm))
    assert "farm" not in scored["cli"] + scored["python"]
