"""`--server`: what it is asked, and what is refused rather than passed over."""

import sys

import pytest

from calibench.cli.on_server import ask_of, given_in
from calibench.reports.run_file import Asked
from calibench.settings import make_settings
from calibench.things.asked import AskCalibration

SERVER = "http://127.0.0.1:9/?token=t"
BASE = ("calibrate", "m.xml", "-d", "data", "-o", "out", "--server", SERVER)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--resume", "out"), "--resume with --server: a search of a server is taken up there, by its button Retry"),
        (("--dry-run",), "--dry-run with --server: looks at files of this machine"),
        (("--cache-dir", "c"), "--cache-dir with --server: is a folder of this machine"),
        (("--labels", "l.txt"), "--labels l.txt with --server: a server reads no file of this machine"),
        (("--characters", "c.txt"), "--characters c.txt with --server: a server reads no file of this machine"),
        (("--tokenizer", "t.json"), "--tokenizer t.json with --server: put it beside the model or the table"),
        (("--timings", "t.json"), "--timings t.json with --server: a server decides by the times that it measures"),
        (("--holdout", "more"), "--holdout more with --server: give a share of the validation dataset, such as 20%"),
        (("--metric", "mine:score"), "--metric mine:score with --server: runs code of this machine"),
    ],
)
def test_what_means_this_machine_is_refused_in_one_sentence(run, options, sentence):
    done = run(*BASE, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"SettingsError: {sentence}") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("inspect", "set", "--sheet", "s.png"), "--sheet with --server: is drawn from files of this machine"),
        (("inspect", "set", "--size", "8", "8"), "--size with --server: a server shows models and datasets as it"),
        (("benchmark", "m.xml", "--shape", "1,3,8,8"), "--shape with --server: is of random data"),
        (("evaluate", "m.xml", "-d", "set", "--cache-dir", "c"), "--cache-dir with --server: is a folder of this"),
        (("compare", "a.xml", "b.xml", "-d", "set"), "compare: sets two files of this machine side by side"),
    ],
)
def test_other_commands_refuse_too(run, words, sentence):
    done = run(*words, "--server", SERVER)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"SettingsError: {sentence}")


def test_settings_of_a_file_are_refused_as_options_are(run, tmp_path):
    (tmp_path / "s.yaml").write_text("task: {class_names: names.txt}\n")
    done = run(*BASE, "--config", tmp_path / "s.yaml")
    assert done.stderr.startswith("SettingsError: task.class_names names.txt with --server: a server reads no file")


def test_without_a_server_nothing_is_sent_anywhere(pipeline, run):
    assert run("calibrate", "m.xml", "-d", "data", "-o", "out").exit_code == 0
    assert [name for name, _, _ in pipeline.calls] == ["calibrate"]


def test_a_server_that_is_away_is_one_sentence_and_nothing_is_written(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("calibrate", "m.xml", "-d", "data", "-o", "out", "--server", "http://127.0.0.1:9")
    assert done.exit_code == 2
    assert done.stderr.startswith("TargetError: http://127.0.0.1:9: does not answer")
    assert list(tmp_path.iterdir()) == []


def test_without_httpx_it_says_what_to_install(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "httpx", None)
    for words in (BASE, ("jobs", "--server", SERVER)):
        done = run(*words)
        assert done.exit_code == 2
        assert done.stderr == (
            "SettingsError: Talking to a server needs httpx. Install it: pip install 'calibench[client]'.\n"
        )


def test_lists_need_a_server(run):
    done = run("projects")
    assert (done.exit_code, done.stderr) == (
        2,
        "SettingsError: There is no server to ask. Give --server URL, or set CALIBENCH_SERVER.\n",
    )


def asked(**settings):
    what = Asked(model="m.xml", dataset="d", settings=make_settings(settings), benchmark=False)
    return ask_of(what, given_in(what.settings), 7)


def test_what_is_asked_has_the_settings_of_the_command_line_and_no_others():
    nothing = AskCalibration(calibration_dataset_id=7, accuracy_settings={}, benchmark=False)
    assert asked() == asked(weights="net.caffemodel", device="GPU") == nothing
    ask = asked(
        preset="mixed",
        subset="25%",
        seed=3,
        inputs={"": {"mean": [1]}},
        metric="top5",
        accuracy={"max_drop": 0.3, "max_trials": 4},
        method="accuracy-aware",
    )
    assert (ask.preset, ask.method, ask.max_drop, ask.subset_percent) == ("mixed", "accuracy-aware", 0.3, 25)
    assert ask.accuracy_settings == {"inputs": {"": {"mean": [1.0]}}, "metric": "top5"}
    assert ask.advanced == {"subset": "25%", "seed": 3, "accuracy": {"max_drop": 0.3, "max_trials": 4}}


def test_worker_processes_are_asked_of_the_server():
    what = Asked(model="m.xml", dataset="d", settings=make_settings({}), benchmark=False)
    assert ask_of(what, given_in(what.settings), 7, 2).workers == 2
    assert "workers" not in asked().model_fields_set


def test_a_count_of_samples_and_a_large_drop_are_asked_too():
    ask = asked(subset="300", method="accuracy-aware", accuracy={"max_drop": 250, "drop_type": "relative"})
    assert (ask.subset_percent, ask.advanced["subset"]) == (100, "300")
    assert ask.advanced["accuracy"] == {"max_drop": 250, "drop_type": "relative"}
