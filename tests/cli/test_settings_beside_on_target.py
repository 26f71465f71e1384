"""`--target`: the settings of the report beside an INT8 model go along in the bundle."""

import json
from pathlib import Path

import pytest

from calibench.models.read import hash_of
from calibench.reports.report import DatasetFiles, ModelFile, PreparedInput, Report, read_report, write_report
from calibench.settings import make_settings
from calibench.targets.bundle import End
from calibench.targets.bundle_files import read_bundle, write_end

FOUND = {"inputs": {"": {"resize": "crop", "mean": (127.5,)}}}


@pytest.fixture
def bundles(monkeypatch, run, tmp_path):
    """What was sent to a target that answers at once; beside it a result, m/model.xml."""
    sent, place = [], tmp_path / "m"
    place.mkdir()
    (place / "model.xml").write_text("<net/>")
    (place / "model.bin").write_bytes(b"weights")
    files, samples = (
        ModelFile(path="m", name="m", sha256="0", size_bytes=1),
        DatasetFiles(path="d", sha256="1", samples=3),
    )
    report = Report(
        model=files,
        dataset=samples,
        settings=make_settings(FOUND),
        inputs=(PreparedInput(name="x", kind="picture"),),
        int8_sha256=hash_of(place / "model.xml"),
    )
    write_report(report, place / "report.json")

    def run_bundle(folder: Path) -> End:
        sent.append(read_bundle(folder))
        (folder / "out").mkdir()
        there = report.model_copy(update={"kind": "comparison", "notes": ("Said there.",)})
        write_report(there, folder / "out/report.json")
        found = {"metric": "top1", "score": 65.33, "unit": "%", "samples": 3, "details": {}, "notes": ["Said there."]}
        end = End(state="done", result=found)
        write_end(end, folder)
        return end

    monkeypatch.setattr("calibench.targets.run_bundle.run_bundle", run_bundle)
    (tmp_path / "set").mkdir()
    (tmp_path / "set/1.png").write_bytes(b"picture")
    run("target", "add", "lab", "ssh://me@lab", "--host-key", "ssh-ed25519 AAAA", "--data-dir", tmp_path / "data")
    return sent


def test_evaluate_sends_them_and_says_so_first(bundles, run, tmp_path):
    words = (
        "evaluate",
        tmp_path / "m/model.xml",
        "-d",
        tmp_path / "set",
        "--target",
        "lab",
        "--data-dir",
        tmp_path / "data",
    )
    done = run(*words, "--mean", "3", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["notes"] == [
        f"The settings of {tmp_path / 'm/report.json'} are used: resize crop; options take their place.",
        "Said there.",
    ]
    (bundle,) = bundles
    assert (bundle.settings.input("x").resize, bundle.settings.input("x").mean) == ("crop", (3.0,))
    assert bundle.settings.inference_precision == "f32"


def test_compare_sends_them_and_the_report_says_so(bundles, run, tmp_path):
    (tmp_path / "fp32.onnx").write_bytes(b"model")
    done = run("compare", tmp_path / "fp32.onnx", tmp_path / "m/model.xml", "-d", tmp_path / "set", "--target", "lab",
               "--data-dir", tmp_path / "data", "-o", tmp_path / "out")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert bundles[0].settings.input("x").resize == "crop"
    first, last = read_report(tmp_path / "out/report.json").notes
    assert (first.startswith("The settings of "), last) == (True, "Said there.")
