"""The benchmark of Caffe networks: one row of a small network, and what is said of it."""

from pathlib import Path

import benchmarks.caffe_calibrator as benchmark
import pytest
from benchmarks.zoo.caffe.caffe_projects import hostile_project

from calibench.inference.benchmark import BenchmarkSettings

MODELS = {"fp32", "caffe", "caffe_single", "default", "nncf"}


def test_a_row_holds_all_models_and_is_said_in_a_few_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "SPEED", BenchmarkSettings(seconds=0.02, rounds=2, warm_up=0))
    case = benchmark._annotated("hostile", hostile_project(tmp_path / "it", 16), None, (8, 16))
    row = benchmark.compare(case, 1)
    assert row["metric"] == "accuracy-top1" and row["samples"] == [8, 16]
    assert row["scores"]["fp32"] == 100 and row["scores"]["caffe"] < 60
    assert set(row["scores"]) == MODELS and set(row["calibration_seconds"]) == MODELS - {"fp32"}
    assert set(row["read_seconds"]) == {"ours"}
    assert len(row["speed"]["caffe"]["fps"]) == 2
    said = benchmark.lines([row])
    assert said[0].startswith("hostile: read ours ") and len(said) == 1 + len(row["scores"])
    assert "accuracy-top1 100.00" in said[1] and "times FP32" in said[2]


def test_ratios_are_taken_round_by_round() -> None:
    assert benchmark._ratio([2.0, 9.0, 3.0], [1.0, 3.0, 3.0]) == {"median": 2.0, "lowest": 1.0, "highest": 3.0}
