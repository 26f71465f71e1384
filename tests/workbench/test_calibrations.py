"""A calibration that was asked for: its settings, its rows, its bundle."""

from datetime import timedelta
from functools import partial

import pytest
from kept_things import NOW
from project_bench import ProjectBench, report_values, search_values

from calibench.errors import JobError, SettingsError
from calibench.settings import Settings
from calibench.targets.bundle_files import read_bundle
from calibench.things.asked import AskCalibration, AskEvaluation, AskPick, Points
from calibench.things.kept import NAME_LENGTH, Headline, Job, KeptDataset, KeptModel, Project, Target
from calibench.things.target_spec import TargetSpec
from calibench.workbench.calibrations import free_name, laid_over, share
from calibench.workbench.refusals import NotPossible
from calibench.workbench.worker_processes import why_no_workers


@pytest.fixture
def bench(tmp_path):
    bench = ProjectBench(tmp_path / "data")
    yield bench
    bench.close()


@pytest.fixture
def project(bench):
    return bench.ready()


def test_the_int8_project_and_its_model_are_there_at_once(bench, project):
    made = bench.projects.calibrate(project.id, AskCalibration())
    model = bench.model_of(made)
    assert (made.parent_id, made.state, made.dataset_id) == (project.id, "queued", project.dataset_id)
    assert (model.state, model.parent_id, model.name) == ("importing", project.model_id, "net INT8 performance")
    assert (model.method, model.preset, model.job_id) == ("default", "performance", made.job_id)


def test_settings_are_those_of_the_model_with_what_was_asked_and_the_advanced_ones_over_them(bench, project):
    ask = AskCalibration(
        subset_percent=12.5,
        method="accuracy-aware",
        max_drop=0.3,
        preset="mixed",
        advanced={"seed": 3, "accuracy": {"max_trials": 9}, "inputs": {"": {"color": "bgr"}}},
    )
    settings = bench.bundle(bench.projects.calibrate(project.id, ask)).settings
    assert settings == Settings(
        **{"method": "accuracy-aware", "preset": "mixed", "subset": "12.5%", "seed": 3},
        **{"accuracy": {"max_drop": 0.3, "max_trials": 9}, "inputs": {"": {"mean": [127.0], "color": "bgr"}}},
    )


def test_worker_processes_share_the_work_of_this_machine_only(bench, project, monkeypatch):
    monkeypatch.setattr("calibench.workbench.worker_processes.find_spec", lambda name: name)
    made = bench.projects.calibrate(project.id, AskCalibration(workers=2))
    assert (bench.bundle(made).workers, made.ask["workers"]) == (2, 2)
    lab = bench.store.add(Target(created=NOW, name="lab", kind="ssh", spec=TargetSpec(kind="ssh")))
    there = bench.shelf.change(Project, project.id, target_id=lab.id)
    with pytest.raises(SettingsError, match=r"^workers: Only on the server's own machine; this runs on lab\. Leave"):
        bench.projects.calibrate(there.id, AskCalibration(workers=2))
    assert bench.bundle(bench.projects.calibrate(there.id, AskCalibration(workers=1))).workers == 1


def test_without_dask_worker_processes_say_what_to_install(monkeypatch):
    here = Target(created=NOW, name="This machine")
    monkeypatch.setattr("calibench.workbench.worker_processes.find_spec", lambda name: name)
    assert why_no_workers(here) == ""
    monkeypatch.setattr("calibench.workbench.worker_processes.find_spec", lambda name: None)
    assert "pip install 'calibench[targets]'" in why_no_workers(here)
    farm = Target(created=NOW, name="farm", kind="dask", spec=TargetSpec(kind="dask"))
    assert why_no_workers(farm).startswith("farm has workers of its own")


def test_the_project_remembers_what_was_asked(bench, project):
    ask = AskCalibration(preset="mixed", points=Points(batches=(1, 4)))
    made = bench.projects.calibrate(project.id, ask)
    assert AskCalibration(**made.ask) == ask
    assert made.settings["preset"] == "mixed"
    assert bench.bundle(made).points.batches == (1, 4)


def test_without_another_dataset_the_project_s_own_is_split(bench, project):
    for ask in (AskCalibration(), AskCalibration(calibration_dataset_id=project.dataset_id)):
        bundle = bench.bundle(made := bench.projects.calibrate(project.id, ask))
        assert bundle.validation is None and made.calibration_dataset_id is None


def test_another_dataset_sets_the_ranges_and_the_project_s_own_decides(bench, project):
    other = bench.dataset("for ranges", "other pixels")
    made = bench.projects.calibrate(project.id, AskCalibration(calibration_dataset_id=other.id))
    bundle = bench.bundle(made)
    assert bundle.dataset == bench.trees.path(other.tree)
    assert bundle.validation == bench.datasets.path(project.dataset_id)
    assert made.calibration_dataset_id == other.id


def test_a_calibration_dataset_must_fit_too(bench, project):
    texts = bench.dataset("texts", "a text", format="text", has_pictures=False)
    with pytest.raises(NotPossible, match="holds texts"):
        bench.projects.calibrate(project.id, AskCalibration(calibration_dataset_id=texts.id))


@pytest.mark.parametrize(
    ("advanced", "sentence"),
    [
        ({"range_rule": "best"}, "range_rule"),
        ({"device": "GPU"}, "device: follows from the project"),
        ({"accuracy": 3}, "accuracy"),
        ({"no_such": 1}, "there is no such setting"),
        ({"ignored": {"patterns": ["("]}}, "is no regular expression"),
    ],
)
def test_an_impossible_setting_makes_nothing(bench, project, advanced, sentence):
    before = bench.store.count(Project), bench.store.count(KeptModel)
    with pytest.raises(SettingsError, match=sentence):
        bench.projects.calibrate(project.id, AskCalibration(advanced=advanced))
    assert (bench.store.count(Project), bench.store.count(KeptModel)) == before


def test_a_queue_that_takes_nothing_leaves_nothing_behind(bench, project):
    bench.jobs.refuses = JobError("The disk is full.")
    with pytest.raises(JobError, match="full"):
        bench.projects.calibrate(project.id, AskCalibration())
    assert bench.projects.count() == 1 and bench.store.count(KeptModel) == 1


def test_names_of_int8_models_differ(bench, project):
    names = [bench.model_of(bench.projects.calibrate(project.id, AskCalibration())).name for _ in range(2)]
    assert names == ["net INT8 performance", "net INT8 performance 2"]
    with pytest.raises(SettingsError, match="there is a model"):
        bench.projects.calibrate(project.id, AskCalibration(name="net"))


def test_a_long_name_is_cut_where_the_parent_s_name_ends():
    name = free_name("n" * NAME_LENGTH, " INT8 mixed", set())
    assert len(name) == NAME_LENGTH and name.endswith("n INT8 mixed")
    assert free_name("n" * NAME_LENGTH, " INT8 mixed", {name}).endswith("n INT8 mixed 2")


def test_the_accuracy_aware_method_needs_annotations_unless_labels_are_not_wanted(bench, project):
    bench.store.change(KeptDataset, project.dataset_id, annotated=())
    ask = AskCalibration(method="accuracy-aware")
    with pytest.raises(NotPossible, match="no annotations"):
        bench.projects.calibrate(project.id, ask)
    free = ask.model_copy(update={"advanced": {"accuracy": {"label_free": True}}})
    assert bench.bundle(bench.projects.calibrate(project.id, free)).settings.accuracy.label_free


def test_a_failed_calibration_stays_with_its_failure_and_can_be_asked_for_again(bench, project):
    made = bench.projects.calibrate(project.id, AskCalibration())
    bench.broken(made.job_id, "set: has no sample.")
    assert bench.model_of(made).failure.message == "set: has no sample."
    assert bench.model_of(made).tree is None
    again = bench.projects.calibrate(made.id, AskCalibration(preset="mixed"))
    assert (again.id, again.state) == (made.id, "queued")
    assert (bench.model_of(again).state, bench.model_of(again).failure) == ("importing", None)
    assert bench.model_of(again).name == "net INT8 mixed"
    bench.done(again.job_id, bench.calibration_files())
    assert bench.projects.get(made.id).state == "done" and bench.model_of(made).state == "ready"


def test_a_cancelled_calibration_says_so(bench, project):
    made = bench.projects.calibrate(project.id, AskCalibration())
    bench.stopped(made.job_id)
    assert bench.projects.get(made.id).state == "cancelled"
    assert bench.model_of(made).failure.kind == "Cancelled"
    assert bench.projects.hindrances(made.id) == ()


def test_a_job_that_is_tried_again_makes_its_model_again(bench, project):
    made = bench.projects.calibrate(project.id, AskCalibration())
    bench.broken(made.job_id)
    second = bench.jobs.retry(bench.store.get(Job, made.job_id))
    assert bench.projects.get(made.id).job_id == second.id
    assert bench.model_of(made).state == "importing"
    bench.done(second.id, bench.calibration_files())
    assert bench.model_of(made).state == "ready"


def test_an_int8_project_that_is_done_is_not_calibrated(bench, project):
    made = bench.calibrated(project)
    with pytest.raises(NotPossible, match="calibrated already"):
        bench.projects.calibrate(made.id, AskCalibration())


def test_the_subset_is_counted_in_images(bench, project):
    other = bench.dataset("for ranges", "other pixels", samples=1001)
    assert bench.projects.estimate(project.id, AskCalibration(subset_percent=25))["images"] == 50
    ask = AskCalibration(subset_percent=25, calibration_dataset_id=other.id)
    assert bench.projects.estimate(project.id, ask)["images"] == 251


def test_nothing_is_said_of_time_without_anything_that_tells(bench, project):
    assert bench.projects.estimate(project.id, AskCalibration())["seconds"] is None
    bench.calibrated(project)
    least, most = bench.projects.estimate(project.id, AskCalibration(subset_percent=1))["seconds"]
    assert least < 6 + 10 < most
    more = bench.projects.estimate(project.id, AskCalibration())["seconds"]
    assert more[0] > least
    search = AskCalibration(method="accuracy-aware")
    assert bench.projects.estimate(project.id, search)["seconds"] is None


def test_the_time_of_the_baseline_tells_of_plain_int8_and_not_of_a_search(bench, project):
    took = {"started": NOW, "ended": NOW + timedelta(seconds=20)}
    bench.store.change(Job, project.job_id, **took)
    assert bench.projects.estimate(project.id, AskCalibration())["seconds"] == (10.0, 80.0)
    search = AskCalibration(method="accuracy-aware")
    assert bench.projects.estimate(project.id, search)["seconds"] is None
    bench.store.change(Job, project.job_id, attempt=2)  # it was interrupted: its time says nothing
    assert bench.projects.estimate(project.id, AskCalibration())["seconds"] is None


def test_worker_processes_change_the_time_of_what_they_share(bench, project):
    machine = {"physical_cores": 4}
    bench.store.change(Target, project.target_id, machine=machine)
    made = bench.calibrated(project)  # 10 s of calibration, 6 s of the rest
    plain = bench.projects.estimate(project.id, AskCalibration(subset_percent=1))["seconds"]
    two = bench.projects.estimate(project.id, AskCalibration(subset_percent=1, workers=2))["seconds"]
    assert two[0] == plain[0]  # nothing tells how much of it they share
    assert two[1] == pytest.approx(1.5 * (6 + 10 * 4 / 1.4), abs=0.1)
    assert bench.projects.estimate(project.id, AskCalibration(subset_percent=1, workers=1))["seconds"] == plain
    bench.store.change(Project, made.id, ask={**made.ask, "workers": 2})
    assert bench.projects.estimate(project.id, AskCalibration(subset_percent=1, workers=2))["seconds"] == plain
    alone = bench.projects.estimate(project.id, AskCalibration(subset_percent=1))["seconds"]
    assert alone == (pytest.approx(0.7 * (6 + 10 * 1.4 / 4), abs=0.1), plain[1])


def test_a_search_is_shared_as_a_whole(bench, project):
    bench.store.change(Target, project.target_id, machine={"physical_cores": 8})
    report = report_values(search=search_values())
    bench.calibrated(project, {**report, "seconds": {"search": 100.0}}, method="accuracy-aware")
    ask = AskCalibration(method="accuracy-aware", subset_percent=1)
    alone = bench.projects.estimate(project.id, ask)["seconds"]
    assert alone == (40.0, 250.0)
    eight = bench.projects.estimate(project.id, ask.model_copy(update={"workers": 8}))["seconds"]
    assert eight == (pytest.approx(40 / 0.9, abs=0.1), pytest.approx(250 / 0.7, abs=0.1))
    many = bench.projects.estimate(project.id, ask.model_copy(update={"workers": 64}))["seconds"]
    assert many == eight  # there are not more cores than that


def test_a_job_that_took_longer_than_its_stages_counts_as_a_whole(bench, project):
    made = bench.calibrated(project)
    bench.store.change(Job, made.job_id, started=NOW, ended=NOW + timedelta(seconds=100))
    least, most = bench.projects.estimate(project.id, AskCalibration(subset_percent=1))["seconds"]
    assert least < 100 < most


def test_another_model_of_the_front_gets_a_project(bench, project):
    report = report_values(search=search_values())
    searched = bench.calibrated(project, report, method="accuracy-aware")
    picked = bench.projects.pick(searched.id, AskPick(max_drop=0.2))
    assert (picked.parent_id, picked.state) == (project.id, "queued")
    assert bench.model_of(picked).name == "net INT8 drop 0.10 performance"
    bundle = bench.bundle(picked)
    assert (bundle.kind, bundle.max_drop, bundle.result) == ("pick", 0.2, bench.trees.path(searched.result))
    bench.done(picked.job_id, bench.calibration_files())
    assert bench.model_of(picked).state == "ready"


def test_a_model_of_the_front_that_a_project_has_is_not_made_twice(bench, project):
    report = report_values(search=search_values())
    searched = bench.calibrated(project, report, method="accuracy-aware")
    assert bench.projects.pick(searched.id, AskPick(max_drop=1)).id == searched.id
    picked = bench.projects.pick(searched.id, AskPick(max_drop=0.2))
    assert bench.projects.pick(searched.id, AskPick(max_drop=0.3)).id == picked.id
    bench.done(picked.job_id, bench.calibration_files(report))
    assert bench.projects.pick(picked.id, AskPick(max_drop=1)).id == searched.id  # its files have the whole front
    bench.projects.delete(searched.id)
    with pytest.raises(NotPossible, match="was deleted"):
        bench.projects.pick(picked.id, AskPick(max_drop=1))


def test_what_the_front_does_not_have_is_refused_with_the_nearest(bench, project):
    report = report_values(search=search_values())
    searched = bench.calibrated(project, report, method="accuracy-aware")
    with pytest.raises(SettingsError, match=r"The nearest loses 0\.10"):
        bench.projects.pick(searched.id, AskPick(max_drop=0.05))
    with pytest.raises(SettingsError, match=r"The fastest runs 300\.0"):
        bench.projects.pick(searched.id, AskPick(min_fps=1000))
    with pytest.raises(SettingsError, match="either"):
        bench.projects.pick(searched.id, AskPick())
    with pytest.raises(NotPossible, match="no search"):
        bench.projects.pick(bench.calibrated(project).id, AskPick(max_drop=1))


@pytest.mark.parametrize(("percent", "words"), [(100, "100%"), (12.5, "12.5%"), (1 / 3, "0.333333%")])
def test_a_share_is_said_in_the_words_of_settings(percent, words):
    assert share(percent) == words
    assert Settings(subset=words).subset == words


def test_sections_are_merged_and_values_replaced():
    below = {"a": {"x": 1, "y": 2}, "b": [1], "c": 1}
    assert laid_over(below, {"a": {"y": 3}, "b": [2]}) == {"a": {"x": 1, "y": 3}, "b": [2], "c": 1}


def test_settings_brought_along_take_the_place_of_those_of_the_model(bench, project):
    ask = AskCalibration(accuracy_settings={"task": {"kind": "classification"}}, advanced={"seed": 3})
    settings = bench.bundle(bench.projects.calibrate(project.id, ask)).settings
    assert settings == Settings(task={"kind": "classification"}, seed=3)
    assert "mean" not in settings.input("").model_fields_set
    nothing = bench.bundle(bench.projects.calibrate(project.id, AskCalibration(accuracy_settings={}))).settings
    assert not {"inputs", "task", "metric", "data"} & nothing.model_fields_set


def test_who_brings_settings_need_not_set_those_of_the_model(bench):
    project = bench.ready()
    bench.store.change(KeptModel, project.model_id, accuracy_settings={}, are_settings_confirmed=False)
    bench.store.change(Project, project.id, headline=Headline())
    with pytest.raises(NotPossible, match="how pictures enter"):
        bench.projects.calibrate(project.id, AskCalibration())
    assert bench.projects.calibrate(project.id, AskCalibration(accuracy_settings={})).state == "queued"


@pytest.mark.parametrize("settings", [{"threads": 1}, {"data": {"labels": "/etc/passwd"}}, {"metric": "os:system"}])
def test_settings_brought_along_reach_no_further_than_those_of_a_model(bench, project, settings):
    for ask in (AskCalibration, partial(AskEvaluation, dataset_id=project.dataset_id)):
        call = bench.projects.evaluate if ask is not AskCalibration else bench.projects.calibrate
        with pytest.raises(SettingsError):
            call(project.id, ask(accuracy_settings=settings))


def test_an_evaluation_takes_settings_of_its_own(bench, project):
    ask = AskEvaluation(
        dataset_id=project.dataset_id, accuracy_settings={"metric": "top5"}, advanced={"batch": 4, "diagnose": False}
    )
    job = bench.projects.evaluate(project.id, ask)
    settings = read_bundle(bench.folder.jobs / str(job.id)).settings
    assert settings == Settings(metric="top5", batch=4, diagnose=False)
    with pytest.raises(SettingsError, match="device: follows from the project"):
        bench.projects.evaluate(project.id, ask.model_copy(update={"advanced": {"device": "GPU"}}))


def test_a_calibration_may_leave_speed_unmeasured(bench, project):
    made = bench.projects.calibrate(project.id, AskCalibration(benchmark=False))
    bundle = bench.bundle(made)
    assert (bundle.benchmark, bundle.points) == (False, None)


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (("net.prototxt", "net.caffemodel"), None),
        (("net.prototxt", "sub/other.caffemodel"), "sub/other.caffemodel"),
        (("net.prototxt", "a.caffemodel", "b.caffemodel"), "b.caffemodel"),
    ],
)
def test_weights_of_a_caffe_model_are_named_only_where_no_run_finds_them(bench, project, files, named):
    """As on the command line: the report of the same run would say another path else."""
    tree = bench.tree(dict.fromkeys(files, "caffe"))
    bench.store.change(KeptModel, project.model_id, tree=tree, entry="net.prototxt", weights=files[-1])
    settings = bench.bundle(bench.projects.calibrate(project.id, AskCalibration())).settings
    assert settings.weights == (named and bench.trees.path(tree) / named)
    assert ("weights" in settings.model_fields_set) == bool(named)
