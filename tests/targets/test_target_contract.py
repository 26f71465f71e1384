"""What every target does: the same result and the same sentences, one bar, and nothing left behind."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from carried_ways import Way, at_stage, carrier, stages, wait_for
from shared_python import shared_python
from slurm_cluster import slurm, slurm_cluster
from told_events import INPUTS, told

from calibench.reports.report import decided_view, read_report
from calibench.targets.bundle import Bundle
from calibench.targets.bundle_files import ask_cancel, read_end, write_bundle
from calibench.targets.run_bundle import run_bundle
from calibench.things.target_spec import TargetSpec

__all__ = ["slurm", "slurm_cluster"]

pytestmark = pytest.mark.targets

SEARCH = {**INPUTS, "method": "accuracy-aware", "accuracy": {"max_drop": 0.0, "front": 0, "max_trials": 2}}
LONG = {"kind": "benchmark", "points": {"seconds": 60, "rounds": 20}, "settings": INPUTS}
BY_ROOT = ("slurm", "slurm over ssh", "pbs")
EVERYWHERE = ("this process", "this machine", "ssh", *(pytest.param(name, marks=pytest.mark.root) for name in BY_ROOT))


@pytest.fixture(scope="session")
def python_of_others() -> Iterator[Path]:
    with shared_python() as python:
        yield python


@pytest.fixture(params=EVERYWHERE)
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    name, home = request.param, tmp_path / "there"
    if name == "this process":
        yield Way(name, None, home)
    elif name == "this machine":
        yield Way(name, TargetSpec(kind="ssh", python=sys.executable, home=str(home)), home)
    elif name in ("slurm", "pbs"):
        request.getfixturevalue("slurm")
        yield Way(name, TargetSpec(kind=name, python=sys.executable, home=str(home)), home)
    else:
        server = request.getfixturevalue("login_node" if name in BY_ROOT else "ssh_server")
        python = request.getfixturevalue("python_of_others")
        yield Way(name, server.spec(kind=name.split()[0], python=str(python)), server.here / "home")


@pytest.fixture(scope="session")
def searched(resnet: Path, clothes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a job that this process did."""
    folder = tmp_path_factory.mktemp("searched")
    values = {"kind": "calibrate", "model": resnet, "dataset": clothes, "settings": SEARCH, "benchmark": False}
    write_bundle(Bundle.model_validate(values), folder)
    assert run_bundle(folder).state == "done"
    return folder


def decided(job: Path) -> dict[str, Any]:
    """What a result must have in common wherever it was made; the Python there may be another one."""
    view = decided_view(read_report(job / "out/report.json"))
    view["versions"].pop("python")
    return view


def test_the_result_is_the_same_to_the_byte(
    way: Way, searched: Path, resnet: Path, clothes: Path, tmp_path: Path
) -> None:
    job = way.write(tmp_path / "job", kind="calibrate", model=resnet, dataset=clothes, settings=SEARCH, benchmark=False)
    end = run_bundle(job)
    assert end.state == "done", end
    before = read_end(searched)
    assert before is not None
    assert end.result == before.result
    assert {path.name for path in (job / "out").iterdir()} == {path.name for path in (searched / "out").iterdir()}
    for name in ("model.xml", "model.bin"):
        assert (job / "out" / name).read_bytes() == (searched / "out" / name).read_bytes()
    assert decided(job) == decided(searched)
    for text in ("report.json", "report.html", "search/run.json"):
        assert str(way.home / "jobs") not in (job / "out" / text).read_text()  # these are gone
    assert [row["number"] for row in told(job, "trial")] == [row["number"] for row in told(searched, "trial")]
    assert way.jobs() == []


def test_the_bar_is_one_way_up(way: Way, resnet: Path, clothes: Path, tmp_path: Path) -> None:
    job = way.write(tmp_path / "job", kind="evaluate", model=resnet, dataset=clothes, settings=INPUTS)
    assert run_bundle(job).state == "done"
    shares = [event["progress"] for event in told(job, "progress")]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert stages(job)[-2:] == ["download", "done"] or way.spec is None
    if way.spec is not None:
        assert stages(job)[:2] == ["prepare", "upload"]
        assert "inference" in stages(job)
        uploads = [event for event in told(job, "progress") if event["stage"] == "upload"]
        assert uploads[-1]["done"] == uploads[-1]["total"] > resnet.stat().st_size


def test_an_error_there_is_the_same_sentence(way: Way, resnet: Path, tmp_path: Path) -> None:
    (tmp_path / "set/a").mkdir(parents=True)
    (tmp_path / "set/a/1.png").write_text("no picture")
    job = way.write(tmp_path / "job", kind="evaluate", model=resnet, dataset=tmp_path / "set", settings=INPUTS)
    end = run_bundle(job)
    assert end.state == "failed" and end.failure is not None
    assert end.failure.kind == "DatasetError"
    assert end.failure.message.startswith("dataset")
    assert str(tmp_path) not in end.failure.message and "/in/" not in end.failure.message
    assert way.jobs() == []


def test_a_cancelled_job_stops_there_and_leaves_nothing(way: Way, resnet: Path, clothes: Path, tmp_path: Path) -> None:
    job = way.write(tmp_path / "job", **LONG, model=resnet, dataset=clothes)
    process = carrier(job)
    at_stage(job, "measure")
    ask_cancel(job)  # as the worker does
    process.send_signal(signal.SIGTERM)
    process.wait()
    end = read_end(job)
    assert end is not None and end.state == "cancelled"
    assert not list((job / "out").iterdir())
    assert way.jobs() == []
    wait_for(lambda: not way.processes())  # to qstat of Slurm a job has ended that is still being killed


def test_log_and_trials_are_as_if_it_ran_here(way: Way, resnet: Path, clothes: Path, tmp_path: Path) -> None:
    job = way.write(tmp_path / "job", kind="evaluate", model=resnet, dataset=clothes, settings=INPUTS)
    process = carrier(job)
    assert process.wait() == 0
    assert "inference: evaluate" in (job / "log.txt").read_text()
    assert json.loads((job / "out/evaluation.json").read_text()) == (read_end(job) or pytest.fail("no end")).result
