import json
import sys
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from calibench.caffe_tool.job import CaffeJob
from calibench.errors import SettingsError
from calibench.reports.report import DatasetFiles, ModelFile, Report
from calibench.settings import CaffeSettings, make_settings

SEED = ("-m", "net.prototxt", "-w", "net.caffemodel", "-i", "5", "-n", "accuracy-top1")


@dataclass
class Written:
    lines: tuple[str, ...] = ("Updated prototxt net_quantized.prototxt is generated.",)


@dataclass
class Result:
    report: Report
    folder: Path
    written: Written = field(default_factory=Written)
    notes: tuple[str, ...] = ("noted",)

    def as_json(self) -> dict[str, Any]:
        return {"caffe": {"prototxt": "net_quantized.prototxt"}}


@dataclass
class Plan:
    lines: tuple[str, ...] = ("planned",)

    def as_json(self) -> dict[str, Any]:
        return {"planned": True}


class FakeCalibrator:
    """Stands for `calibench.caffe_tool.calibrator`: keeps what it was asked for."""

    def __init__(self) -> None:
        self.jobs: list[CaffeJob] = []
        self.asked: dict[str, Any] = {}

    def calibrate_caffe(self, job: CaffeJob, **asked: Any) -> Result:
        self.jobs.append(job)
        self.asked = asked
        report = Report(
            model=ModelFile(path="net.prototxt", name="net", sha256="00", size_bytes=1),
            dataset=DatasetFiles(path="d", sha256="11", samples=3),
            settings=make_settings({}),
        )
        return Result(report, Path("net_quantized"))

    def plan_caffe(self, job: CaffeJob, **asked: Any) -> Plan:
        self.jobs.append(job)
        self.asked = asked
        return Plan()


@pytest.fixture
def calibrator(monkeypatch: pytest.MonkeyPatch) -> FakeCalibrator:
    import calibench.caffe_tool

    fake = FakeCalibrator()
    module = types.ModuleType("calibench.caffe_tool.calibrator")
    for name in ("calibrate_caffe", "plan_caffe"):
        setattr(module, name, getattr(fake, name))
    monkeypatch.setitem(sys.modules, "calibench.caffe_tool.calibrator", module)
    monkeypatch.setattr(calibench.caffe_tool, "calibrator", module, raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return fake


def test_the_line_of_the_seed_is_understood(calibrator, run) -> None:
    result = run("caffe", "-r", "../build/", *SEED, "-l", "0.02", "-d", "1", "-fu")
    assert result.exit_code == 0, result.output
    job = calibrator.jobs[0]
    assert (job.model, job.weights, job.iterations) == (Path("net.prototxt"), Path("net.caffemodel"), 5)
    assert (job.blob, job.accuracy_loss, job.is_detection, job.force_u8) == ("accuracy-top1", 0.02, True, True)
    assert "-r: no build of Caffe is needed" in result.stderr
    assert "Updated prototxt net_quantized.prototxt is generated." in result.stdout


def test_the_long_names_are_those_of_the_seed(calibrator, run) -> None:
    long = ("--root", "b", "--weights", "w", "--model", "m", "--iterations", "7", "--blob_name", "n")
    result = run("caffe", *long, "--accuracy_loss", "0", "--detection", "0", "--first_conv_force_u8")
    assert result.exit_code == 0, result.output
    job = calibrator.jobs[0]
    assert (job.model, job.weights, job.iterations, job.blob) == (Path("m"), Path("w"), 7, "n")
    assert (job.accuracy_loss, job.is_detection, job.force_u8) == (0.0, False, True)


def test_what_is_not_said_has_the_seeds_defaults_and_a_scale_for_each_channel(calibrator, run) -> None:
    run("caffe", *SEED)
    job = calibrator.jobs[0]
    assert (job.accuracy_loss, job.is_detection, job.force_u8, job.sampling) == (0.01, False, False, 10)
    assert job.settings.caffe == CaffeSettings()
    assert job.settings.per_channel_weights and job.settings.threads is None


def test_the_options_that_the_page_does_not_name_reach_the_settings(calibrator, run) -> None:
    more = (
        "-c",
        "single",
        "-a",
        "kl",
        "-1st",
        "-fc",
        "-q",
        "-s",
        "3",
        "-clx",
        "--repair",
        "--threads",
        "1",
        "--ignore-name",
        "conv2",
    )
    assert run("caffe", *SEED, *more).exit_code == 0
    job = calibrator.jobs[0]
    assert job.settings.caffe == CaffeSettings(statistic="kl", first_convolution=True, inner_product=True)
    assert not job.settings.per_channel_weights and job.settings.ignored.names == ("conv2",)
    assert (job.quantize_only, job.sampling, job.has_vnni, job.repair, job.settings.threads) == (True, 3, True, True, 1)


@pytest.mark.parametrize("option", ["-ss", "-p", "-u", "-t", "-f", "-wi", "-uff", "-ucac"])
def test_options_without_meaning_are_accepted_with_a_line(option, calibrator, run) -> None:
    result = run("caffe", *SEED, option)
    assert result.exit_code == 0, result.output
    assert [line.startswith(f"Note: {option}: ") for line in result.stderr.splitlines()] == [True]


@pytest.mark.parametrize(
    ("left_out", "told"), [("-m", "-m/--model is missing"), ("-w", "-w/--weights is"), ("-i", "-i/--iterations is")]
)
def test_a_missing_option_is_one_sentence(left_out, told, calibrator, run) -> None:
    place = SEED.index(left_out)
    result = run("caffe", *SEED[:place], *SEED[place + 2 :])
    assert result.exit_code == 2 and not calibrator.jobs
    assert result.stderr.startswith(f"SettingsError: {told}") and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("-i", "ten", "-i ten: expected a whole number of iterations"),
        ("-i", "0", "-i 0: expected a whole number"),
        ("-s", "-3", "-s -3: expected a whole number"),
        ("-l", "1", "-l 1: expected a share of 0 or more and less than 1"),
        ("-l", "-0.1", "-l -0.1: expected a share"),
        ("-l", "much", "-l much: expected a share"),
        ("-d", "yes", "-d yes: is not known. Known: 0, 1."),
        ("-c", "both", "-c both: is not known. Known: single, multiple."),
        ("-a", "mean", "-a MEAN: is not known. Known: DIRECT, KL, MAXP, MA."),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(option, value, told, calibrator, run) -> None:
    result = run("caffe", *SEED, option, value)
    assert (result.exit_code, calibrator.jobs) == (2, [])
    assert result.stderr.startswith(f"SettingsError: {told}") and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(("text", "threads"), [("4", 4), (" 2,1", 2), ("", None)])
def test_omp_num_threads_sets_the_threads(text, threads, calibrator, run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert run("caffe", *SEED).exit_code == 0
    assert calibrator.jobs[0].settings.threads == threads


def test_an_omp_num_threads_that_is_no_number_is_refused(calibrator, run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "%CORE_NUMBER%")
    result = run("caffe", *SEED)
    assert (result.exit_code, calibrator.jobs) == (2, [])
    assert "OMP_NUM_THREADS=%CORE_NUMBER%: is no number of threads." in result.stderr


def test_a_plan_is_printed_and_nothing_calibrated(calibrator, run) -> None:
    result = run("caffe", *SEED, "--dry-run")
    assert (result.exit_code, result.stdout) == (0, "planned\n")
    assert json.loads(run("caffe", *SEED, "--dry-run", "--json").stdout) == {"planned": True}


def test_json_is_one_document(calibrator, run) -> None:
    result = run("caffe", *SEED, "--json", "--force", "--resume", "--no-benchmark")
    assert json.loads(result.stdout) == {"caffe": {"prototxt": "net_quantized.prototxt"}}
    assert {name: calibrator.asked[name] for name in ("force", "resume", "benchmark")} == {
        "force": True,
        "resume": True,
        "benchmark": False,
    }


def test_an_error_of_the_calibrator_is_one_line(calibrator, run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **more: Any) -> None:
        raise SettingsError("-n top: is no score of net.prototxt. Candidates: accuracy (Accuracy).")

    monkeypatch.setattr(sys.modules["calibench.caffe_tool.calibrator"], "calibrate_caffe", refuse)
    result = run("caffe", *SEED)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("SettingsError: -n top: is no score")
