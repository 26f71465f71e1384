"""The seed's command line from end to end: what is printed, what is written, and the exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from benchmarks.zoo.caffe.caffe_projects import hostile_project
from typer.testing import CliRunner, Result

from calibench import keeping
from calibench.cli.app import app
from calibench.evaluation.both_models import Performance
from tiny_project import TinyProject, quantized_layers, write_tiny

NO_FASTER = "The accuracy holds, but INT8 is no faster here: 90.0 samples a second, 100.0 without INT8."


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return lambda *args: CliRunner().invoke(app, ["caffe", *map(str, args)], env={"NO_COLOR": "1", "COLUMNS": "200"})


@pytest.fixture
def project(tmp_path: Path) -> TinyProject:
    return write_tiny(tmp_path / "my.nets")


def seed(project: TinyProject, loss: object = 0.1) -> tuple[object, ...]:
    files = ("-w", project.weights, "-m", project.prototxt)
    return ("-r", "../build/", *files, "-i", 20, "-n", "accuracy-top1", "-l", loss, "-d", 0)


def test_the_line_of_the_seed_writes_the_prototxt_beside_the_model(project: TinyProject, run) -> None:
    done = run(*seed(project), "-fu", "--no-benchmark")
    assert done.exit_code == 0, done.output
    assert f"Updated prototxt {project.quantized} is generated." in done.stdout
    assert "accuracy-top1" in done.stdout
    names = {path.name for path in project.prototxt.parent.iterdir()} - {"train_lmdb", "test_lmdb"}
    assert names == {
        "net.prototxt", "net.caffemodel", "net_quantized.prototxt", "net_quantized",
        "net_quantized_force_u8.prototxt", "net_new.caffemodel",
    }  # fmt: skip
    assert quantized_layers(project.quantized) == ["conv1", "dw", "pw", "branch", "last"]
    assert {"model.xml", "model.bin", "report.json", "report.html"} <= {path.name for path in project.folder.iterdir()}


def test_a_second_run_is_refused_before_the_work_and_done_with_force(project: TinyProject, run) -> None:
    assert run(*seed(project), "-q").exit_code == 0
    before = project.quantized.read_bytes()
    again = run(*seed(project), "-q", "-1st")
    assert again.exit_code == 1
    note, error = again.stderr.splitlines()
    assert note.startswith("Note: -r") and "net_quantized.prototxt: exists already." in error
    assert project.quantized.read_bytes() == before
    assert run(*seed(project), "-q", "-1st", "--force").exit_code == 0
    assert quantized_layers(project.quantized)[0] == "conv1"


def test_only_quantizing_needs_neither_iterations_nor_a_blob(project: TinyProject, run) -> None:
    done = run("-w", project.weights, "-m", project.prototxt, "-q", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["search"] is None and found["caffe"]["prototxt"] == str(project.quantized)
    assert any(note.startswith("-q: no accuracy was measured") for note in found["notes"])


def test_out_of_reach_is_exit_code_3_and_everything_is_written(tmp_path: Path, run) -> None:
    made = hostile_project(tmp_path / "it", 32)
    files = ("-w", made.weights, "-m", made.prototxt)
    done = run(*files, "-i", made.iterations, "-n", made.blob, "-l", 0.1, "--no-benchmark")
    assert done.exit_code == 3, done.output
    assert done.stderr.splitlines()[-1].startswith("The tolerance was not kept: No model with a layer in INT8 keeps")
    assert quantized_layers(made.prototxt.with_name("train_val_quantized.prototxt"))


def test_how_fast_it_is_here_does_not_decide(project: TinyProject, run, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = {name: SimpleNamespace(fps=fps) for name, fps in (("fp32", 100.0), ("int8", 90.0))}
    why_missed = keeping.why_missed
    seen = []

    def watched(promise, performance, drop):
        seen.append((why_missed(promise, Performance(speeds=slow), drop), why_missed(promise, performance, drop)))
        return seen[-1][1]

    monkeypatch.setattr(keeping, "why_missed", watched)
    done = run(*seed(project), "--force")
    assert done.exit_code == 0, done.output
    assert seen == [(NO_FASTER, "")]  # what other calibrations would say, and this one
    assert "The limit is kept" in done.stdout


def test_a_dry_run_writes_nothing_and_names_the_blob(project: TinyProject, run) -> None:
    before = sorted(project.prototxt.parent.rglob("*"))
    done = run(*seed(project), "--dry-run")
    assert done.exit_code == 0, done.output
    assert "Score: accuracy-top1 (Accuracy)." in done.stdout and str(project.quantized) in done.stdout
    assert sorted(project.prototxt.parent.rglob("*")) == before


def test_the_next_commands_take_what_was_written(project: TinyProject, run) -> None:
    found = json.loads(run(*seed(project), "--no-benchmark", "--json").stdout)
    command = ["evaluate", project.quantized, "--dataset", project.prototxt, "--metric", "accuracy-top1", "--json"]
    done = CliRunner().invoke(app, [*map(str, command), "--threads", "1"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["score"] == found["int8"]


def test_calibrate_takes_a_prototxt_as_its_own_dataset(project: TinyProject, tmp_path: Path) -> None:
    given = [project.prototxt, "--dataset", project.prototxt, "-o", tmp_path / "int8", "--no-benchmark", "--json"]
    done = CliRunner().invoke(app, ["calibrate", *map(str, given), "--threads", "1"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["dataset"]["samples"], found["evaluated"]) == (80, 200)
    assert any("come from the TRAIN data (train_lmdb)" in note for note in found["notes"])
