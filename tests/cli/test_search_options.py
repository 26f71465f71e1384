import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from calibench.cli.accuracy_options import limits, seconds
from calibench.cli.bars import shown_with_trials, trial_line
from calibench.cli.resume import interrupted_sentence
from calibench.errors import Cancelled, SettingsError
from calibench.reports.answers import PlannedSearch
from calibench.reports.run_file import asked, read_asked, write_asked
from calibench.reports.search_report import LimitRow, SearchReport
from calibench.search.journal import open_journal
from calibench.search.values import Configuration, Outcome, Trial
from calibench.settings import make_settings

BASE = ("calibrate", "m.xml", "--dataset", "data", "-o", "out")
ACCURATE = {"method": "accuracy-aware"}


def trial(**more: Any) -> Trial:
    outcome = {"drop": 0.14, "scores": {}, "evaluated": 50, "total": 50, "holds": False, "excess": 0.04, "seconds": 1.2}
    return Trial(3, Configuration(frozenset(("a", "b"))), "2 worst layers in float", Outcome(**{**outcome, **more}))


def search(is_reached: bool, why_not: str = "") -> SearchReport:
    limit = LimitRow(metric="top1", drop=0.5)
    return SearchReport(metric="top1", limits=(limit,), is_reached=is_reached, why_not=why_not, best=1)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A folder with two trials of a search that was interrupted."""
    out = tmp_path / "stopped"
    (out / "search").mkdir(parents=True)
    settings = make_settings({**ACCURATE, "seed": 3, "threads": 2, "accuracy": {"max_drop": 0.1, "max_trials": 5}})
    write_asked(asked(tmp_path / "m.xml", tmp_path / "data", tmp_path / "val", settings, benchmark=True), out)
    with open_journal(out, {}) as journal:
        journal.write("trial", "1", 0)
        journal.write("trial", "2", 0)
    return out


def test_every_option_reaches_the_settings(pipeline, run) -> None:
    options = (
        "--method accuracy-aware --max-drop 0.25 --drop-type relative --limit top5=0.2 --limit a=b=1 "
        "--max-class-drop 3 --holdout 20% --label-free --time-budget 1h30m --max-trials 9 --no-repair --front 0 "
        "--timings t.json"
    )
    result = run(*BASE, *options.split())
    assert result.exit_code == 0, result.stderr
    assert pipeline.settings == make_settings(
        {
            **ACCURATE,
            "accuracy": {
                "max_drop": 0.25,
                "drop_type": "relative",
                "limits": {"top5": 0.2, "a=b": 1.0},
                "max_class_drop": 3,
                "holdout": "20%",
                "label_free": True,
                "time_budget_s": 5400,
                "max_trials": 9,
                "repair": "off",
                "front": 0,
                "timings": "t.json",
            },
        }
    )


def test_whoever_limits_the_drop_means_the_method_that_keeps_it(pipeline, run) -> None:
    assert run(*BASE, "--max-drop", "0").exit_code == 0
    assert pipeline.settings == make_settings({**ACCURATE, "accuracy": {"max_drop": 0.0}})


def test_the_method_alone_has_the_limit_of_the_settings(pipeline, run) -> None:
    run(*BASE, "--method", "accuracy-aware")
    assert pipeline.settings == make_settings(ACCURATE)
    run(*BASE)
    assert pipeline.settings.method == "default"


@pytest.mark.parametrize("in_file", [False, True])
def test_a_limit_for_the_method_that_keeps_none_is_refused(in_file: bool, pipeline, run, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("method: default\n")
    method = ("--config", tmp_path / "c.yaml") if in_file else ("--method", "default")
    result = run(*BASE, *method, "--max-drop", "0.5")
    assert (result.exit_code, pipeline.calls) == (2, [])
    assert result.stderr == (
        "SettingsError: --max-drop 0.5 needs --method accuracy-aware, and the method is default. Leave one out.\n"
    )


def test_options_are_laid_over_the_file(pipeline, run, tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("method: accuracy-aware\naccuracy: {max_drop: 1, front: 2, limits: {top5: 1, top3: 2}}\n")
    run(*BASE, "--config", config, "--max-drop", "0.25", "--limit", "top5=0.5")
    accuracy = pipeline.settings.accuracy
    assert (accuracy.max_drop, accuracy.front, accuracy.limits) == (0.25, 2, {"top5": 0.5, "top3": 2.0})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("1h2m3s", 3723), ("0.5s", 0.5), ("1d", 86400)),
        *(("10 m", 600), ("20min", 1200), ("2 Hours", 7200), ("1 h 30 min", 5400), (" 3 days ", 259200)),
        *(("1:30:00", 5400), ("00:10:00", 600), ("1-12:00:00", 129600)),
    ],
)
def test_times_are_read(text: str, value: float) -> None:
    assert seconds("--time-budget", text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "90",
        "30:00",
        "1:90:00",
        "-5s",
        "s",
        "0s",
        "0:00:00",
        "5w",
        "1m1h",
        "nan",
        "9" * 400 + "h",
        "99999999999-00:00:00",
        "\u0661h",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SettingsError) as error:
        seconds("--time-budget", text)
    assert str(error.value) == f"--time-budget {text}: expected a time such as 90s, 10m, 1h30m or 1:30:00."


@pytest.mark.parametrize("text", ["top5", "top5=", "=1", "top5=much"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="expected a metric and its largest drop"):
        limits([text])


def test_a_metric_has_one_limit() -> None:
    with pytest.raises(SettingsError, match=r"--limit top5=3: there is --limit top5=0\.2 already\. Leave one out\."):
        limits(["top5=0.2", "top5=3"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--max-drop", "-1"), "accuracy.max_drop: Input should be greater than or equal to 0"),
        (("--max-drop", "nan"), "accuracy.max_drop: Input should be a finite number"),
        (("--limit", "top5=-1"), "accuracy.limits.top5: Input should be greater than or equal to 0"),
        (("--drop-type", "much"), "accuracy.drop_type: Input should be 'absolute' or 'relative'"),
        (("--method", "best"), "method: Input should be 'default' or 'accuracy-aware'"),
    ],
)
def test_wrong_values_are_one_line(options, sentence: str, pipeline, run) -> None:
    result = run(*BASE, *options)
    assert (result.exit_code, pipeline.calls, result.stderr.count("\n")) == (2, [], 1)
    assert result.stderr.startswith(f"SettingsError: {sentence}")


@pytest.mark.parametrize(
    ("args", "missing"),
    [(("--dataset", "d"), "model. Give MODEL"), (("m.xml",), "dataset. Give --dataset DIR")],
)
def test_what_is_missing_is_asked_for(args, missing: str, pipeline, run) -> None:
    result = run("calibrate", *args, "-o", "out")
    assert (result.exit_code, pipeline.calls) == (2, [])
    assert result.stderr == (
        f"SettingsError: calibrate: there is no {missing}, or go on with a stopped run: --resume OUT.\n"
    )


def test_a_stopped_run_goes_on_with_what_was_asked_for(stopped: Path, pipeline, run, tmp_path: Path) -> None:
    assert run("calibrate", "--resume", stopped).exit_code == 0
    [(_, args, more)] = pipeline.calls
    assert args[:2] == (tmp_path / "m.xml", tmp_path / "data") and args[3] == stopped
    assert (more["validation"], more["benchmark"], more["force"], more["resume"]) == (
        tmp_path / "val",
        True,
        False,
        True,
    )
    assert (pipeline.settings.seed, pipeline.settings.accuracy.max_drop) == (3, 0.1)


def test_only_what_it_may_cost_can_change(stopped: Path, pipeline, run) -> None:
    more = (
        "--time-budget",
        "90s",
        "--max-trials",
        "50",
        "--threads",
        "1",
        "--workers",
        "2",
        "--no-benchmark",
        "--json",
    )
    assert run("calibrate", "--resume", stopped, *more).exit_code == 0
    settings = pipeline.settings
    assert (settings.threads, settings.accuracy.time_budget_s, settings.accuracy.max_trials) == (1, 90.0, 50)
    assert settings.accuracy.max_drop == 0.1
    assert (pipeline.calls[0][2]["benchmark"], pipeline.calls[0][2]["workers"]) == (False, 2)


def test_workers_are_no_setting_and_none_are_asked_for_where_the_option_is_missing(pipeline, run) -> None:
    assert run(*BASE, "--workers", "3").exit_code == 0
    assert run(*BASE).exit_code == 0
    assert [more["workers"] for _, _, more in pipeline.calls] == [3, 0]
    assert pipeline.settings == make_settings({})
    assert run(*BASE, "--workers", "0").exit_code == 2


@pytest.mark.parametrize(
    ("args", "name"),
    [
        (("m.xml",), "MODEL"),
        (("-d", "data"), "--dataset"),
        (("--max-drop", "1"), "--max-drop"),
        (("-o", "out"), "--out"),
        (("--force",), "--force"),
        (("--seed", "0"), "--seed"),
        (("--limit", "a=1"), "--limit"),
        (("--dry-run",), "--dry-run"),
    ],
)
def test_nothing_else_is_taken_beside_resume(args, name: str, stopped: Path, pipeline, run) -> None:
    result = run("calibrate", "--resume", stopped, *args)
    assert (result.exit_code, pipeline.calls) == (2, [])
    assert f"so {name} cannot be given" in result.stderr


def test_there_must_be_a_run_to_go_on_with(pipeline, run, tmp_path: Path) -> None:
    result = run("calibrate", "--resume", tmp_path)
    assert (result.exit_code, pipeline.calls) == (1, [])
    assert "holds no search to go on with" in result.stderr


def test_a_run_with_samples_in_memory_goes_on_in_python(stopped: Path, pipeline, run, tmp_path: Path) -> None:
    write_asked(asked(tmp_path / "m.xml", object(), None, make_settings(ACCURATE)), stopped)
    result = run("calibrate", "--resume", stopped)
    assert (result.exit_code, pipeline.calls) == (1, [])
    assert "Go on there: calibrate(..., resume=True)." in result.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Cancelled()])
def test_an_interrupted_search_says_what_is_kept(error: BaseException, stopped: Path, pipeline, run) -> None:
    def before() -> None:
        raise error

    pipeline.before = before
    result = run("calibrate", "--resume", stopped)
    assert result.exit_code == 130
    assert result.stderr.endswith(f"Interrupted; 2 trials are kept: go on with --resume {stopped}.\n")


def test_the_sentence_counts(stopped: Path, tmp_path: Path) -> None:
    assert interrupted_sentence(tmp_path) == ""
    (stopped / "search/journal.jsonl").unlink()
    assert interrupted_sentence(stopped) == f"Interrupted; the search is kept: go on with --resume {stopped}."
    with open_journal(stopped, {}) as journal:
        journal.write("trial", "1", 0)
    assert interrupted_sentence(stopped) == f"Interrupted; 1 trial is kept: go on with --resume {stopped}."


def test_what_a_finished_run_has_kept_stays_when_going_on_is_interrupted(stopped: Path) -> None:
    write_asked(read_asked(stopped).model_copy(update={"is_finished": True}), stopped)
    (stopped / "report.json").write_text("{}")
    assert interrupted_sentence(stopped) == ""
    assert "2 trials are kept" in interrupted_sentence(stopped, resume=True)


SEARCHING = """
import sys, time, types, calibench
from calibench.reports.run_file import asked
from calibench.reports.search_folder import searched_folder
from calibench.search.journal import open_journal
pipeline = types.ModuleType("calibench.pipeline")
def calibrate(model, dataset, settings, out, *, force, resume, **more):
    with searched_folder(out, asked(model, dataset, None, settings), force=force, resume=resume):
        with open_journal(out, {}) as journal:
            journal.write("trial", str(time.time()), 1)
            print("ready", file=sys.stderr, flush=True)
            time.sleep(60)
pipeline.calibrate = calibrate
sys.modules["calibench.pipeline"] = calibench.pipeline = pipeline
from calibench.cli.app import main
sys.argv = ["calibench", *sys.argv[1:]]
main()
"""


def test_sigterm_keeps_the_trials_and_a_second_run_adds_to_them(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = ("m.xml", "-d", "data", "-o", str(out), "--max-drop", "1")
    for count, args in ((1, first), (2, ("--resume", str(out)))):
        command = [sys.executable, "-c", SEARCHING, "calibrate", *args]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None and process.stderr.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=120)
        kept = "1 trial is kept" if count == 1 else "2 trials are kept"
        assert (process.returncode, said) == (130, f"Interrupted; {kept}: go on with --resume {out}.\n")


@pytest.mark.parametrize("args", [(), ("--json",)])
def test_a_limit_that_was_not_kept_is_exit_3_after_the_whole_answer(args, pipeline, run) -> None:
    pipeline.report = pipeline.report.model_copy(update={"search": search(False, "Nothing within 0.5 is left.")})
    result = run(*BASE, "--max-drop", "0.5", *args)
    assert result.exit_code == 3
    assert result.stderr.endswith("The limit was not kept: Nothing within 0.5 is left.\n")
    assert json.loads(result.stdout)["search"]["is_reached"] is False if args else "Written to out" in result.stdout


def test_a_limit_that_was_kept_is_exit_0(pipeline, run) -> None:
    pipeline.report = pipeline.report.model_copy(update={"search": search(True)})
    assert run(*BASE, "--max-drop", "0.5").exit_code == 0


def test_a_trial_is_one_line() -> None:
    assert trial_line(trial(), 7, "0.1") == (
        "trial 3: 2 layers in float, drop 0.14 (over limit 0.1), 1.2 s, 7 more at most"
    )
    early = trial(holds=True, evaluated=20)
    assert "drop 0.14 after 20 of 50 samples (limit 0.1)" in trial_line(early, 0, "0.1")


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        (Configuration(), "all layers in INT8,"),
        (Configuration(repair="bias"), "all layers in INT8, biases corrected,"),
        (Configuration(frozenset("a"), "bias"), "1 layer in float, biases corrected,"),
    ],
)
def test_a_line_says_what_was_tried(configuration: Configuration, said: str) -> None:
    assert said in trial_line(Trial(1, configuration, "", trial().outcome), 0, "0.5")


def test_trials_are_said_as_they_end_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_with_trials("0.1") as (_, on_trial):
        on_trial(trial(), 7)
        assert capsys.readouterr() == ("", trial_line(trial(), 7, "0.1") + "\n")


def test_the_limit_of_the_lines_is_the_one_that_was_asked_for(pipeline, run) -> None:
    def calibrate(*args: Any, on_trial: Any, **more: Any) -> Any:
        on_trial(trial(), 7)
        return original(*args, **more)

    original, sys.modules["calibench.pipeline"].calibrate = pipeline.calibrate, calibrate  # type: ignore[attr-defined]
    assert "(over limit 0.3)" in run(*BASE, "--max-drop", "0.3").stderr
    assert "(over limit 2 %)" in run(*BASE, "--max-drop", "2", "--drop-type", "relative").stderr


def test_a_plan_names_limits_layers_and_the_most_trials() -> None:
    planned = PlannedSearch("top1", 0.5, "points", {"top5": 0.25}, layers=53, most_trials=46)
    assert planned.line == (
        "search  accuracy-aware: drop of top1 at most 0.5 points, of top5 at most 0.25 points; 53 layers can be "
        "given back, 46 trials at most"
    )
    assert planned.as_json()["limits"] == {"top5": 0.25}
