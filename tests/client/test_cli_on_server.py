"""The same command line with `--server` gives the same answer, and stops, fails and goes on as it should."""

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from real_server import PATIENCE_S, START, real_server
from typer.testing import CliRunner

from calibench.cli.app import app
from calibench.client.client import Client
from calibench.pipeline import calibrate
from calibench.reports.report import decided_view, read_report
from calibench.settings import make_settings

pytestmark = pytest.mark.models

INPUTS = ("--color", "gray", "--mean", "72.9", "--scale", "90")
AS_SETTINGS = {"inputs": {"": {"color": "gray", "mean": [72.9], "scale": [90.0]}}}
LONGEST_S = 300


def run(*words, server="", check=None):
    """Run the program in this process, with a server or without."""
    environment = {"CALIBENCH_SERVER": server or None, "NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"}
    done = CliRunner().invoke(app, [str(word) for word in words], env=environment)
    assert check is None or done.exit_code == check, done.output
    return done


@pytest.fixture
def there(server):
    """Run the program with the server in its environment."""
    return partial(run, server=server.link)


@pytest.fixture(scope="module")
def first(server, network, sets, tmp_path_factory):
    """The folder of a calibration of a model that the server sees for the first time, without any option."""
    out = tmp_path_factory.mktemp("first") / "int8"
    run("calibrate", network, "-d", sets[0], "--no-benchmark", "-o", out, server=server.link, check=0)
    return out


def test_targets_of_a_server_are_listed_with_their_load(there):
    lines = there("target", "list", check=0).stdout.splitlines()
    assert lines[0].split()[-1] == "load"
    assert " cores" in lines[1]
    (row,) = json.loads(there("target", "list", "--json", check=0).stdout)
    assert (row["name"], row["load"]["cores"] > 0) == ("This machine", True)


@contextmanager
def started(link, *words):
    """The program while it runs."""
    command = [sys.executable, "-u", "-c", START, *(str(word) for word in words), "--server", link]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def heard(process, words):
    """Read what the program says until these words are in it."""
    said = ""
    while words not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


def test_what_nobody_set_is_found_there_as_here(first, network, sets, tmp_path):
    here = calibrate(network, sets[0], out=tmp_path / "here", benchmark=False).report
    assert_same(first, tmp_path / "here", here)


def test_a_calibration_is_the_same_as_on_this_machine(there, first, network, sets, tmp_path):
    options = ("--preset", "mixed", "--subset", "20", "--seed", "3", "--ignore-type", "MatMul", *INPUTS)
    settings = {**AS_SETTINGS, "preset": "mixed", "subset": "20", "seed": 3, "ignored": {"types": ["MatMul"]}}
    files = ("calibrate", network, "-d", sets[1], "--validation", sets[0], "-o", tmp_path / "there")
    done = there(*files, *options, "--no-benchmark", "--json", check=0)
    here = calibrate(
        network, sets[1], make_settings(settings), tmp_path / "here", validation=sets[0], benchmark=False
    ).report
    assert_same(tmp_path / "there", tmp_path / "here", here)
    assert json.loads(done.stdout) == json.loads((tmp_path / "there/report.json").read_text(encoding="utf-8"))
    assert ": Calibrate fashion-resnet8 on a: INT8 mixed. http://127.0.0.1" in done.stderr
    assert "Baseline" not in done.stderr  # it was there
    assert list(tmp_path.glob(".*")) == []


def assert_same(one, other, report):
    """The same model, and the same decisions, in the same files."""
    for name in ("model.xml", "model.bin"):
        assert (one / name).read_bytes() == (other / name).read_bytes()
    assert decided_view(read_report(one / "report.json")) == decided_view(report)
    assert names(one) == names(other)


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_an_evaluation_is_the_same_as_on_this_machine(there, first, network, sets):
    words = ("evaluate", network, "-d", sets[0], *INPUTS, "--batch", "1", "--json")
    assert json.loads(there(*words, check=0).stdout) == json.loads(run(*words, check=0).stdout)


def test_a_result_is_scored_by_its_report_there_as_here(there, network, sets, tmp_path):
    out = tmp_path / "int8"
    run("calibrate", network, "-d", sets[0], *INPUTS, "--preset", "mixed", "--no-benchmark", "-o", out, check=0)
    words = ("evaluate", out / "model.xml", "-d", sets[0], "--json")
    assert json.loads(there(*words, check=0).stdout) == (found := json.loads(run(*words, check=0).stdout))
    assert "color gray, mean 72.9, scale 90" in found["notes"][0]


def test_a_search_shows_its_trials_and_brings_its_front(there, first, network, sets, tmp_path):
    out = tmp_path / "out"
    words = ("calibrate", network, "-d", sets[1], "--validation", sets[0], *INPUTS, "--no-benchmark", "-o", out)
    done = there(*words, "--max-drop", "0", "--max-trials", "3", "--front", "1", "--no-repair")
    report = read_report(out / "report.json")
    assert report.search is not None
    assert done.exit_code == (0 if report.search.is_reached else 3), done.stderr
    assert ("The limit was not kept" in done.stderr) != report.search.is_reached
    shown = [line for line in done.stderr.splitlines() if line.startswith("trial ")]
    assert len(shown) == len(report.search.trials)
    assert ("drop" in shown[0] and "(limit 0)" in shown[0]) or "over limit 0" in shown[0]
    assert {"model.xml", "report.json"} <= set(names(out))
    assert "search" not in names(out) and "points.json" not in names(out)
    picked = run("pick", out, "--max-drop", "100", "-o", tmp_path / "picked", check=0)
    assert "Written to" in picked.stdout
    again = there(*words, "--max-drop", "0", "--max-trials", "1", "--force")  # a result that came may be replaced
    assert again.exit_code in (0, 3), again.stderr


def test_ctrl_c_cancels_the_job_and_writes_nothing(server, first, network, sets, tmp_path):
    out = tmp_path / "out"
    with started(server.link, "calibrate", network, "-d", sets[0], *INPUTS, "-o", out) as process:
        said = heard(process, ": Calibrate fashion-resnet8")
        job_id = int(said.rpartition("Job ")[2].partition(":")[0])
        with Client(server.link) as client:
            wait_for(lambda: client.jobs.get(job_id).state == "running")
            process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=PATIENCE_S)
            assert process.returncode == 130
            assert f"Interrupted; job {job_id} was cancelled on the server and nothing was written." in rest
            assert client.jobs.get(job_id).state == "cancelled"
    assert list(tmp_path.iterdir()) == []


def wait_for(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_a_model_that_is_none_fails_as_on_this_machine(there, sets, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    words = ("calibrate", tmp_path / "bad.onnx", "-d", sets[0], "-o", tmp_path / "out")
    one, other = there(*words, check=2), run(*words, check=2)
    assert one.stderr.splitlines()[-1] == other.stderr.splitlines()[-1].replace(f"{tmp_path}/", "")
    assert not (tmp_path / "out").exists()


def test_an_int8_model_is_refused_as_on_this_machine(there, first, sets, tmp_path):
    done = there("calibrate", first / "model.xml", "-d", sets[0], "-o", tmp_path / "out", check=2)
    assert "ModelError: int8 holds FakeQuantize or INT8 weights" in done.stderr


def test_jobs_and_projects_are_listed(there, first):
    assert "fashion-resnet8 on a" in there("projects", check=0).stdout
    assert json.loads(there("projects", "--search", "no such", "--json", check=0).stdout) == []
    baseline = next(
        job for job in json.loads(there("jobs", "--json", "--all", check=0).stdout) if job["kind"] == "baseline"
    )
    assert "Baseline of fashion-resnet8 on a" in there("jobs", check=0).stdout
    assert "of the whole" in there("jobs", "--log", baseline["id"], check=0).stdout
    assert "Conflict: This job is done already" in there("jobs", "--cancel", baseline["id"], check=1).stderr
    assert "give one of --cancel" in there("jobs", "--cancel", 1, "--log", 1, check=2).stderr


def test_models_and_datasets_are_looked_at_and_measured(there, first, network, sets):
    here = run("inspect", sets[0], check=0).stdout.splitlines()
    *same, link = there("inspect", sets[0], check=0).stdout.splitlines()
    assert same == here and "/datasets/" in link
    assert "INT8    " in there("inspect", network, check=0).stdout
    quick = ("--seconds", "0.05", "--rounds", "1", "--batches", "1,2")
    found = json.loads(there("benchmark", network, "-d", sets[0], *quick, "--json", check=0).stdout)
    assert [(row["series"], row["batch"]) for row in found["points"][str(network)]][:1] == [("fp32", 1)]
    assert "fashion-resnet8.onnx (fp32)" in there("benchmark", network, "-d", sets[0], *quick, check=0).stdout
    beside = ("--baseline", network, "-d", sets[0], *quick, "--target", "This machine", "--json")
    told = there("benchmark", first / "model.xml", *beside, check=0)
    (row,) = json.loads(told.stdout)["machines"]
    assert row["speedup"] == pytest.approx(row["int8_fps"] / row["default_fps"])
    assert (row["target_id"], row["failure"], "This machine: Job " in told.stderr) == (1, "", True)
    assert "Give --dataset" in there("benchmark", network, check=2).stderr
    assert "inputs with --server" in there("benchmark", network, "-d", sets[0], "--mean", "1", check=2).stderr


def test_it_goes_on_when_the_server_is_killed_and_started_again(server, first, network, sets, tmp_path):
    """The last one: the server of this module does not come back."""
    out = tmp_path / "out"
    with started(
        server.link, "calibrate", network, "-d", sets[0], "--seed", "5", *INPUTS, "--no-benchmark", "-o", out
    ) as process:
        heard(process, ": Calibrate fashion-resnet8")
        server.process.kill()
        server.process.wait()
        with real_server(Path(server.data_dir), "--port", str(server.port)):
            said, rest = process.communicate(timeout=LONGEST_S)
            assert process.returncode == 0, rest
    assert "Written to" in said
    settings = make_settings({**AS_SETTINGS, "seed": 5})
    calibrate(network, sets[0], settings, tmp_path / "here", benchmark=False)
    assert (out / "model.bin").read_bytes() == (tmp_path / "here/model.bin").read_bytes()
