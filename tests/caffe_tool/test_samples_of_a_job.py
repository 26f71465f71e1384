"""Which samples set the ranges and which decide, and what is said of them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calibench import pipeline
from calibench.caffe_tool.calibrator import calibrate_caffe, plan_caffe
from calibench.caffe_tool.job import CaffeJob
from calibench.caffe_tool.job_samples import UNMEASURED
from calibench.errors import DatasetError, SettingsError
from calibench.models.read import read_model
from calibench.reports.report import Report, read_report
from calibench.settings import CaffeSettings, InputSettings, Settings, make_settings
from tiny_project import COUNTS, TinyProject, pictures, pictures_of, quantized_layers, run, write_tiny

OTHER = "also set the ranges"


@pytest.fixture
def project(tmp_path: Path) -> TinyProject:
    return write_tiny(tmp_path)


def without_train(project: TinyProject) -> TinyProject:
    """The first layer of the file is that of TRAIN."""
    head, _, rest = project.prototxt.read_text().split("layer {", 2)
    project.prototxt.write_text(f"{head}layer {{{rest}")
    return project


def labels(count: int) -> np.ndarray:
    return np.array([label for _, label in pictures(COUNTS["TEST"], 1)])[np.arange(count) % COUNTS["TEST"]]


def test_samples_of_train_set_the_ranges_and_iterations_of_test_decide(project: TinyProject) -> None:
    plan = plan_caffe(project.job(sampling=3, iterations=7)).plan
    assert plan.sets == {"calibration": 24, "total": 24, "validation": 70}
    assert "Calibration samples come from the TRAIN data (train_lmdb), transformed as in TEST." in plan.notes
    assert not any(OTHER in note or "in both" in note or "again" in note for note in plan.notes)


def test_iterations_beyond_the_data_begin_anew_and_count_twice(project: TinyProject) -> None:
    report = calibrate_caffe(project.job(iterations=23), benchmark=False).report
    graph = read_model(project.prototxt, weights=project.weights).graph
    right = run(graph, pictures_of("TEST")).argmax(1) == labels(200)
    assert right[:30].mean() != right.mean()  # so that the thirty can be told
    assert (report.evaluated, report.baseline) == (230, pytest.approx(100 * np.r_[right, right[:30]].mean()))
    said = [note for note in report.notes if "-i 23" in note]
    assert len(said) == 1
    assert "230 samples are more than the 200 of test_lmdb" in said[0] and "30 count again" in said[0]


def test_without_train_the_test_samples_set_the_ranges_which_is_said_once(project: TinyProject) -> None:
    result = calibrate_caffe(without_train(project).job(sampling=4), benchmark=False)
    for report in (result.report, read_report(project.folder / "report.json")):
        assert report.subset is not None and report.subset.used == 40
        assert [OTHER in note for note in report.notes if "TEST data" in note or "both" in note] == [True]
    assert result.notes == ()


def test_pictures_that_are_in_both_phases_are_counted(project: TinyProject) -> None:
    from benchmarks.zoo.caffe.written import write_datums

    write_datums(project.prototxt.with_name("more"), [*pictures(20, 1), *pictures(60, 5)])
    project.prototxt.write_text(project.prototxt.read_text().replace('"train_lmdb"', '"more"'))
    notes = plan_caffe(project.job()).plan.notes
    assert [note for note in notes if "in both" in note] == [
        "20 samples are in both datasets: the accuracy is flattered. Use separate sets to avoid that."
    ]


@pytest.mark.parametrize("has_train", [True, False])
def test_only_quantized_nothing_is_scored_and_it_is_said(has_train: bool, project: TinyProject) -> None:
    project = project if has_train else without_train(project)
    job = project.job(quantize_only=True, blob=None)
    result = calibrate_caffe(job)
    report = result.report
    assert quantized_layers(project.quantized) == ["dw", "pw", "branch", "last"]
    assert (report.metric, report.search, report.speedup) == ("cosine", None, None)
    assert UNMEASURED in report.notes
    said = " ".join([*report.notes, *(f"{each.title} {each.action}" for each in report.advice)])
    assert not any(word in said for word in ("flattered", OTHER, "--max-drop", "--validation"))


def test_a_dry_run_names_what_would_be_done_and_writes_nothing(project: TinyProject) -> None:
    before = sorted(project.prototxt.parent.rglob("*"))
    plan = plan_caffe(project.job(force_u8=True, repair=True, caffe=CaffeSettings(statistic="kl")))
    assert sorted(project.prototxt.parent.rglob("*")) == before
    assert "Score: accuracy-top1 (Accuracy)." in plan.lines
    assert "INT8 layers: conv1, dw, pw, branch, last." in plan.lines
    assert "recipes scales by kl" in plan.lines
    written = ["net_quantized.prototxt", "net_quantized.caffemodel", "net_quantized_force_u8.prototxt"]
    assert [path.name for path in plan.would_write] == [*written, "net_new.caffemodel", "net_quantized"]
    assert all(str(path) in plan.lines[-1] for path in plan.would_write)
    assert plan.as_json()["caffe"]["would_write"] == [str(path) for path in plan.would_write]


def test_the_recipe_of_a_plan_is_that_of_the_report(project: TinyProject) -> None:
    job = project.job(quantize_only=True, blob=None, caffe=CaffeSettings(statistic="maxp"))
    plan = plan_caffe(job)
    assert "samples 80 of 80 set the ranges, 80 set INT8 beside FP32" in plan.lines
    assert plan.plan.recipes == (calibrate_caffe(job).report.recipe,) == ("scales by maxp",)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> tuple[TinyProject, Path]:
    """The network with a layer Input and Softmax, and its TEST pictures as class folders."""
    project = write_tiny(tmp_path_factory.mktemp("deployed"))
    text = project.prototxt.read_text()
    trunk = text[text.index("# ---- the trunk") : text.index('layer {\n  name: "loss"')]
    shape = "input_param { shape { dim: 1 dim: 3 dim: 16 dim: 16 } }"
    first = f'layer {{ name: "data" type: "Input" top: "data" {shape} }}\n'
    project.prototxt.write_text(f'{first}{trunk}layer {{ name: "prob" type: "Softmax" bottom: "fc" top: "prob" }}\n')
    folder = project.prototxt.with_name("pictures")
    for number, (picture, label) in enumerate(pictures(COUNTS["TEST"], 1)):
        place = folder / f"kind{label}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[::-1].transpose(1, 2, 0)).save(place / f"{number:03d}.png")
    return project, folder


def folder_job(project: TinyProject, folder: Path, **more: object) -> CaffeJob:
    prepared = InputSettings(mean=(110, 120, 130), scale=(64, 64, 64), color="bgr")
    return project.job(dataset=folder, blob="prob", inputs={"": prepared}, **more)


def test_a_network_without_data_takes_a_folder(deployed: tuple[TinyProject, Path]) -> None:
    project, folder = deployed
    result = calibrate_caffe(folder_job(project, folder), benchmark=False)
    report = result.report
    assert report.metric == "top1" and report.baseline is not None and report.baseline > 80
    assert report.search is not None and report.search.is_reached
    assert quantized_layers(project.quantized) == ["dw", "pw", "branch", "last"]
    assert "--dataset is used: -i and -s count nothing." in report.notes


def test_without_a_folder_it_is_refused(deployed: tuple[TinyProject, Path]) -> None:
    project, _ = deployed
    with pytest.raises(SettingsError, match=r"Candidates|no data layer|--dataset"):
        plan_caffe(project.job(blob="prob"), force=True)


def test_calibrate_takes_both_phases_of_a_prototxt(project: TinyProject) -> None:
    settings = settings_of(project)
    report = pipeline.calibrate(project.prototxt, project.prototxt, settings, benchmark=False).report
    assert told(report) == ["Calibration samples come from the TRAIN data (train_lmdb), transformed as in TEST."]
    assert (report.dataset.samples, report.evaluated, report.metric) == (80, 200, "accuracy-top1")
    assert report.validation is not None and report.validation.samples == 200
    scored = pipeline.evaluate(project.prototxt, project.prototxt, settings).score
    assert (scored.score, len(scored.values)) == (report.baseline, 200)
    planned = pipeline.plan(project.prototxt, project.prototxt, settings)
    assert planned.sets == {"calibration": 80, "total": 80, "validation": 200}


def test_calibrate_takes_test_for_both_where_there_is_no_train(project: TinyProject) -> None:
    without_train(project)
    planned = pipeline.plan(project.prototxt, project.prototxt, settings_of(project))
    assert planned.sets == {"calibration": 200, "total": 200, "validation": 200}
    assert [OTHER in note for note in planned.notes if "TEST data" in note or "both" in note] == [True]


def test_a_validation_dataset_of_its_own_is_kept(project: TinyProject) -> None:
    other = write_tiny(project.prototxt.parent / "other")
    planned = pipeline.plan(project.prototxt, project.prototxt, settings_of(project), other.prototxt)
    assert planned.sets == {"calibration": 200, "total": 200, "validation": 200}  # TEST, as named, of both


def test_a_broken_record_of_train_is_left_out_and_counted(project: TinyProject) -> None:
    import lmdb

    with lmdb.open(str(project.prototxt.with_name("train_lmdb"))) as data, data.begin(write=True) as changes:
        changes.put(b"00000003", b"no datum")
    report = pipeline.calibrate(project.prototxt, project.prototxt, settings_of(project), benchmark=False).report
    assert (report.dataset.samples, len(report.dataset.skipped)) == (79, 1)
    with pytest.raises(DatasetError, match="00000003"):
        calibrate_caffe(project.job(), benchmark=False)


def settings_of(project: TinyProject) -> Settings:
    return make_settings({"weights": project.weights, "diagnose": False, "inference_precision": "f32", "threads": 1})


def told(report: Report) -> list[str]:
    return [note for note in report.notes if "data" in note]
