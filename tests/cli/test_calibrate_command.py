import json
from pathlib import Path

import pytest
import yaml

from calibench.reports.report import Report
from calibench.settings import make_settings, read_settings

BASE = ("calibrate", "m.xml", "--dataset", "data", "-o", "out")


def test_the_pipeline_is_called_once_with_what_was_said(pipeline, run) -> None:
    result = run(*BASE, "--validation", "val", "--no-benchmark", "--force")
    assert result.exit_code == 0, result.stderr
    [(name, args, more)] = pipeline.calls
    assert name == "calibrate"
    assert args == (Path("m.xml"), Path("data"), make_settings({}), Path("out"))
    assert (more["validation"], more["benchmark"], more["force"]) == (Path("val"), False, True)


def test_by_default_speed_is_measured_and_nothing_is_replaced(pipeline, run) -> None:
    run(*BASE)
    _, _, more = pipeline.calls[0]
    assert (more["validation"], more["benchmark"], more["force"]) == (None, True, False)


def test_every_option_reaches_the_settings(pipeline, run) -> None:
    options = (
        "--preset mixed --subset 25% --seed 7 --exact-subset --range-rule mse --bias-correction on --smoothing off "
        "--per-channel-activations on --overflow-guard off --ignore-name a --ignore-name b --ignore-type MatMul "
        "--ignore-pattern x.* --size 32 48 --resize crop --color bgr --mean 1,2.5,3 --scale 128 --layout NHWC "
        "--embed-preprocessing --inference-precision f32 --device AUTO --batch 4 --metric top5 --cache-dir cache "
        "--threads 3"
    )
    result = run(*BASE, *options.split())
    assert result.exit_code == 0, result.stderr
    assert pipeline.settings == make_settings(
        {
            "preset": "mixed",
            "subset": "25%",
            "seed": 7,
            "exact_subset": True,
            "range_rule": "mse",
            "bias_correction": "on",
            "smoothing": "off",
            "per_channel_activations": "on",
            "overflow_guard": "off",
            "ignored": {"names": ["a", "b"], "types": ["MatMul"], "patterns": ["x.*"]},
            "inputs": {
                "": {
                    "size": [32, 48],
                    "resize": "crop",
                    "color": "bgr",
                    "mean": [1, 2.5, 3],
                    "scale": [128],
                    "layout": "NHWC",
                }
            },
            "embed_preprocessing": True,
            "inference_precision": "f32",
            "device": "AUTO",
            "batch": 4,
            "metric": "top5",
            "cache_dir": "cache",
            "threads": 3,
        }
    )


def test_options_win_over_the_file_and_the_rest_of_the_file_stays(pipeline, run, tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(
        "preset: mixed\nseed: 5\nignored: {types: [MatMul]}\n"
        "inputs:\n  image: {size: [10, 20], color: bgr}\n  '': {mean: [1]}\n"
    )
    result = run(*BASE, "--config", config, "--seed", "0", "--color", "gray", "--ignore-name", "a")
    assert result.exit_code == 0, result.stderr
    settings = pipeline.settings
    assert (settings.preset, settings.seed) == ("mixed", 0)
    assert (settings.ignored.types, settings.ignored.names) == (("MatMul",), ("a",))
    assert (settings.input("image").size, settings.input("image").color) == ((10, 20), "gray")
    assert (settings.input("other").mean, settings.input("other").color) == ((1.0,), "gray")


def test_saved_settings_give_the_same_settings(pipeline, run, tmp_path: Path) -> None:
    saved = tmp_path / "saved.yaml"
    run(*BASE, "--preset", "mixed", "--mean", "1,2,3", "--cache-dir", "c", "--save-config", saved)
    first = pipeline.settings
    assert make_settings(read_settings(saved)) == first
    assert yaml.safe_load(saved.read_text())["preset"] == "mixed"


def test_settings_that_cannot_be_saved_are_said(pipeline, run, tmp_path: Path) -> None:
    result = run(*BASE, "--save-config", tmp_path / "no" / "x.yaml")
    assert (result.exit_code, pipeline.calls) == (2, [])
    assert "cannot be written (No such file or directory)" in result.stderr


def test_a_dry_run_prints_the_plan_and_needs_no_place(pipeline, run) -> None:
    result = run("calibrate", "m.xml", "-d", "data", "--dry-run")
    assert (result.exit_code, result.stdout) == (0, "one\ntwo\n")
    assert [name for name, _, _ in pipeline.calls] == ["plan"]
    assert json.loads(run("calibrate", "m.xml", "-d", "data", "--dry-run", "--json").stdout) == {
        "lines": ["one", "two"]
    }


def test_a_place_for_the_result_is_asked_for(pipeline, run) -> None:
    result = run("calibrate", "m.xml", "-d", "data")
    assert result.exit_code == 2
    assert result.stderr == (
        "SettingsError: calibrate: there is no place for the result. Give -o OUT, or look first with --dry-run.\n"
    )


def test_json_is_alone_on_stdout(pipeline, run) -> None:
    result = run(*BASE, "--json")
    assert Report.model_validate_json(result.stdout) == pipeline.report
    assert "a library speaks" in result.stderr


def test_people_read_tables_and_where_the_files_are(pipeline, run) -> None:
    result = run(*BASE)
    assert "Note: Only 3 samples." in result.stdout
    assert result.stdout.endswith("Written to out: model.xml, model.bin, report.html, report.json, deploy.py\n")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--preset", "fast"), "SettingsError: preset: Input should be 'performance' or 'mixed'."),
        (("--subset", "0"), "SettingsError: subset: '0' is neither a share such as 25% nor a count such as 300."),
        (("--mean", "1;2"), "SettingsError: --mean 1;2: expected numbers with commas, such as 123.7,116.3,103.5."),
        (("--scale", "0"), "SettingsError: inputs..scale: a scale of 0 cannot divide."),
        (("--config", "no.yaml"), "SettingsError: no.yaml: cannot be read"),
    ],
)
def test_wrong_values_are_one_line_and_exit_2(options, sentence: str, pipeline, run) -> None:
    result = run(*BASE, *options)
    assert (result.exit_code, result.stdout, pipeline.calls) == (2, "", [])
    assert result.stderr.startswith(sentence)
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("text", ["inputs: 3\n", "inputs: {image: 3}\n"])
def test_a_wrong_section_of_the_file_is_said(text: str, pipeline, run, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text)
    result = run(*BASE, "--config", tmp_path / "c.yaml", "--color", "bgr")
    assert result.exit_code == 2
    assert "expected 'name: value' lines, found int." in result.stderr
