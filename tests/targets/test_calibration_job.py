"""A calibration as a job: the same model and decisions as by Python, its points, its trials, and going on."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from told_events import INPUTS, told

from calibench import pipeline
from calibench.evaluation.both_models import Performance
from calibench.pipeline import calibrate
from calibench.reports.report import decided_view, read_report
from calibench.settings import make_settings
from calibench.targets.bundle import Bundle, End
from calibench.targets.bundle_files import read_end, take_over_search, write_bundle
from calibench.targets.run_bundle import run_bundle

pytestmark = pytest.mark.models

Run = Callable[..., End]
POINTS = {"seconds": 0.02, "rounds": 2}
SEARCH = {**INPUTS, "method": "accuracy-aware", "accuracy": {"max_drop": 0.0, "front": 1, "max_trials": 4}}


@pytest.fixture(scope="module")
def searched(resnet: Path, clothes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an accuracy-aware job that is done."""
    folder = tmp_path_factory.mktemp("searched")
    values = {"kind": "calibrate", "model": resnet, "dataset": clothes, "settings": SEARCH, "points": POINTS}
    write_bundle(Bundle.model_validate(values), folder)
    assert run_bundle(folder).state == "done"
    return folder


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speed is not measured: it takes the most time, and changes no decision."""
    monkeypatch.setattr(pipeline, "measure_both", lambda both, layers, progress: Performance())


@pytest.mark.usefixtures("unmeasured")
def test_a_job_makes_the_model_that_python_makes(
    run: Run, job: Path, resnet: Path, clothes: Path, tmp_path: Path
) -> None:
    end = run(kind="calibrate", model=resnet, dataset=clothes, settings=INPUTS, points=POINTS)
    assert end.state == "done"
    direct = calibrate(resnet, clothes, make_settings(INPUTS), tmp_path / "direct", benchmark=False)
    for name in ("model.xml", "model.bin"):
        assert (job / "out" / name).read_bytes() == (tmp_path / "direct" / name).read_bytes()
    assert decided_view(read_report(job / "out/report.json")) == decided_view(direct.report)


def test_its_points_set_int8_beside_fp32(searched: Path) -> None:
    points = json.loads((searched / "out/points.json").read_text())
    assert {"int8", "fp32"} <= {point["series"] for point in points}
    assert all(point["fps"] > 0 for point in points)


def test_its_trials_are_told_as_the_report_has_them(searched: Path) -> None:
    report = read_report(searched / "out/report.json")
    assert report.search is not None
    rows = [{k: v for k, v in row.items() if k not in ("time", "type", "left")} for row in told(searched, "trial")]
    assert [row["number"] for row in rows] == [trial.number for trial in report.search.trials]
    assert rows[0].keys() == report.search.trials[0].model_dump().keys()


def test_its_progress_is_one_way_up(searched: Path) -> None:
    shares = [event["progress"] for event in told(searched, "progress")]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert {"prepare", "calibrate", "inference", "search", "measure"} <= {
        event["stage"] for event in told(searched, "progress")
    }


def test_another_point_is_picked(searched: Path, run: Run, job: Path) -> None:
    end = run(kind="pick", result=searched / "out", max_drop=100.0)
    assert end.state == "done"
    assert end.result["is_reached"]
    assert {"model.xml", "model.bin", "report.json"} <= {path.name for path in (job / "out").iterdir()}


def test_a_point_that_there_is_not_fails_with_the_nearest(searched: Path, run: Run) -> None:
    end = run(kind="pick", result=searched / "out", min_fps=1e12)
    assert end.failure is not None
    assert "No model of the front runs" in end.failure.message


def test_what_is_there_already_is_not_made_again(searched: Path, tmp_path: Path) -> None:
    """The machine was switched off between the model and the end of the job."""
    folder = tmp_path / "again"
    shutil.copytree(searched, folder)
    (folder / "end.json").unlink()
    (folder / "out/points.json").unlink()
    before = (folder / "out/report.json").stat().st_mtime_ns
    assert run_bundle(folder).state == "done"
    assert (folder / "out/report.json").stat().st_mtime_ns == before
    assert (folder / "out/points.json").exists()


@pytest.mark.usefixtures("unmeasured")
def test_a_killed_search_goes_on_and_gives_the_same_model(
    searched: Path, resnet: Path, clothes: Path, tmp_path: Path
) -> None:
    values: dict[str, Any] = {"kind": "calibrate", "model": resnet, "dataset": clothes, "settings": SEARCH}
    folder, retry = tmp_path / "first", tmp_path / "retry"
    for each in (folder, retry):
        write_bundle(Bundle.model_validate(values), each)
    process = subprocess.Popen(
        [sys.executable, "-m", "calibench", "run", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "trial 0" in line or "trial 1" in line:
            os.kill(process.pid, signal.SIGKILL)
            break
    process.communicate()
    assert read_end(folder) is None
    take_over_search(folder, retry)
    found = (folder / "out/search/journal.jsonl").read_bytes()
    for each in (folder, retry):
        assert run_bundle(each).state == "done"
        assert any("goes on" in event["text"] for event in told(each, "note"))
        assert (each / "out/search/journal.jsonl").read_bytes().startswith(found[: found.rfind(b"\n") + 1])
        assert (each / "out/model.bin").read_bytes() == (searched / "out/model.bin").read_bytes()
