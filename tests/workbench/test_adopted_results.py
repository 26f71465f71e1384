"""What a job found becomes rows and files: the headline, the INT8 model, points."""

import errno
import json
import os

import pytest
from project_bench import ProjectBench, baseline_values, point, report_values, search_values

from calibench.settings import make_settings
from calibench.things.asked import AskPick, NewProject, Points
from calibench.things.kept import Headline, Job, KeptModel, Project
from calibench.workbench.adopted_results import merged


@pytest.fixture
def bench(tmp_path):
    bench = ProjectBench(tmp_path / "data")
    yield bench
    bench.close()


def test_a_baseline_gives_the_project_its_numbers(bench):
    project = bench.ready()
    head = project.headline
    assert (project.state, head.metric, head.baseline, head.evaluated) == ("done", "top1", 90.0, 4)
    assert (head.fp32_fps, head.default_fps, head.latency_ms, head.fp32_bytes) == (100.0, 150.0, 7.0, 4000)
    assert (head.int8, head.int8_fps) == (None, None)
    assert bench.projects.report(project.id)["samples"] == 4


@pytest.mark.parametrize("is_confirmed", (True, False))
def test_settings_that_the_baseline_found_by_trying_are_the_models_unless_a_person_set_them(bench, is_confirmed):
    given = {"accuracy_settings": {"metric": "top1"}, "are_settings_confirmed": is_confirmed}
    model, dataset = bench.model(**given), bench.dataset()
    project = bench.projects.create(NewProject(model_id=model.id, dataset_id=dataset.id))
    found = make_settings({"metric": "top1", "inputs": {"": {"mean": [127.5]}}}).model_dump(mode="json")
    bench.done(project.job_id, {"baseline.json": json.dumps(baseline_values(settled=found))})
    after = bench.store.get(KeptModel, model.id)
    assert ("inputs" in after.accuracy_settings) is not is_confirmed
    assert after.are_settings_confirmed is is_confirmed
    assert not [each for each in bench.projects.remarks(project.id) if each.code == "baseline-outdated"]


def test_a_baseline_without_a_score_has_speeds(bench):
    model, dataset = bench.model(), bench.dataset(annotated=())
    project = bench.projects.create(NewProject(model_id=model.id, dataset_id=dataset.id))
    found = baseline_values(score=None, why_no_score="Nothing is annotated.")
    bench.done(project.job_id, {"baseline.json": json.dumps(found)})
    head = bench.projects.get(project.id).headline
    assert (head.metric, head.baseline, head.fp32_fps) == (None, None, 100.0)


def test_a_calibration_gives_the_model_its_files_and_the_project_its_numbers(bench):
    made = bench.calibrated(bench.ready())
    model, head = bench.model_of(made), made.headline
    assert (model.state, model.tree, model.entry) == ("ready", made.result, "model.xml")
    assert (model.int8_layers, model.float_layers, model.operations, model.size_bytes) == (1, 1, 1, 1100)
    assert model.accuracy_settings == {"inputs": {"": {"mean": [127.0]}}} and model.is_quantized
    assert (head.baseline, head.int8, head.drop_points, head.drop_interval) == (90.0, 89.5, 0.5, (0.1, 0.9))
    assert (head.agreement, head.speedup, head.latency_ms, head.int8_bytes) == (98.0, 2.0, 4.0, 1100)
    assert (head.limit, head.is_reached) == (None, None)
    assert bench.models.path(model.id).read_text().startswith("<net>")


def test_a_search_that_missed_its_limit_is_a_result(bench):
    search = search_values(is_reached=False, why_not="Every layer in float loses 0.7 points.")
    made = bench.calibrated(bench.ready(), report_values(search=search), method="accuracy-aware")
    assert (made.state, made.headline.is_reached, made.headline.limit) == ("done", False, 0.5)
    assert bench.projects.search(made.id)["why_not"].startswith("Every layer")


def test_a_report_that_cannot_be_read_makes_the_calibration_a_failed_one(bench):
    from calibench.things.asked import AskCalibration

    made = bench.projects.calibrate(bench.ready().id, AskCalibration())
    bench.done(made.job_id, {"report.json": "{"})
    model = bench.model_of(made)
    assert bench.projects.get(made.id).state == "failed" and bench.projects.get(made.id).result is None
    assert (model.state, model.tree) == ("failed", None)


def test_points_that_are_measured_again_replace_the_earlier_ones_even_where_they_are_slower(bench):
    project = bench.ready()
    job = bench.projects.benchmark(project.id, Points(batches=(1, 8)))
    new = [point("fp32", fps=50.0), point("fp32", batch=8, fps=120.0)]
    bench.done(job.id, {"points.json": json.dumps(new)}, {"points": new})
    found = {(each["series"], each["batch"]): each["fps"] for each in bench.projects.points(project.id)}
    assert found == {("default", 1): 150.0, ("fp32", 1): 50.0, ("fp32", 8): 120.0}
    assert bench.projects.report(project.id)["samples"] == 4  # the rest of the result stays


def test_points_are_kept_on_a_disk_without_hard_links_too(bench, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    project = bench.ready()
    monkeypatch.setattr(os, "link", refuse)
    job = bench.projects.benchmark(project.id, Points(batches=(8,)))
    new = [point("fp32", batch=8, fps=120.0)]
    bench.done(job.id, {"points.json": json.dumps(new)}, {"points": new})
    assert bench.store.get(Job, job.id).state == "done"
    assert 8 in {each["batch"] for each in bench.projects.points(project.id)}


def test_points_of_an_int8_project_stand_beside_its_model(bench):
    made = bench.calibrated(bench.ready())
    before = len(bench.blobs())
    job = bench.projects.benchmark(made.id, Points())
    bench.done(job.id, {}, {"points": [point("int8", streams=4, fps=400.0)]})
    assert [(each["series"], each["streams"]) for each in bench.projects.points(made.id)] == [
        ("fp32", 2),
        ("int8", 2),
        ("int8", 4),
    ]
    assert bench.model_of(made).tree == made.result  # the model's own files stay where they were
    assert len(bench.blobs()) == before + 1  # and nothing of the result is stored twice


def test_a_result_that_was_replaced_is_freed_at_once(bench):
    project = bench.ready()
    before = len(bench.trees.hashes())
    again = bench.projects.baseline(project.id)
    bench.done(again.id, {"baseline.json": json.dumps(baseline_values(points=[point("fp32", batch=2)]))})
    now = bench.projects.get(project.id)
    assert now.result != project.result
    assert project.result not in bench.trees.hashes()
    assert len(bench.trees.hashes()) == before  # nor is the result left as it was before the older points were added


def test_a_result_that_was_replaced_stays_while_another_thing_or_a_job_needs_it(bench):
    made = bench.calibrated(bench.ready(), report_values(search=search_values()), method="accuracy-aware")
    first = bench.projects.benchmark(made.id, Points())
    bench.done(first.id, {}, {"points": [point("int8", streams=4)]})
    old = bench.projects.get(made.id).result
    assert bench.model_of(made).tree == made.result in bench.trees.hashes()  # of the model
    picked = bench.projects.pick(made.id, AskPick(max_drop=0.2))
    second = bench.projects.benchmark(made.id, Points())
    bench.done(second.id, {}, {"points": [point("int8", streams=8)]})
    assert bench.bundle(picked).result == bench.trees.path(old)  # waits to be read
    bench.users.sweep()
    bench.broken(picked.job_id)
    bench.users.drop_unused([old])
    assert old not in bench.trees.hashes()


def test_the_merging_of_points_knows_cells_and_no_better_or_worse():
    before, new = [point("fp32", fps=9.0), point("fp32", streams=4)], [point("fp32", fps=1.0)]
    assert [(each["streams"], each["fps"]) for each in merged(before, new)] == [(2, 1.0), (4, 100.0)]


def test_the_speed_of_a_quantized_import_is_its_headline(bench):
    model, dataset = bench.model(is_quantized=True), bench.dataset()
    project = bench.projects.create(NewProject(model_id=model.id, dataset_id=dataset.id))
    bench.done(project.job_id, {}, {"points": [point("int8", fps=300.0)]})
    assert bench.projects.get(project.id).headline.int8_fps == 300.0
    job = bench.projects.evaluate(project.id, dataset.id)
    bench.done(job.id, {}, {"metric": "top1", "unit": "%", "score": 88.0, "samples": 4})
    assert bench.projects.get(project.id).headline.int8 == 88.0


def test_a_score_on_another_dataset_is_the_job_s(bench):
    project, other = bench.ready(), bench.dataset("other", "other pixels")
    job = bench.projects.evaluate(project.id, other.id)
    assert bench.jobs.store.get(Job, job.id).dataset_id == other.id
    ended = bench.done(job.id, {}, {"metric": "top1", "unit": "%", "score": 12.0, "samples": 4})
    assert ended.result["score"] == 12.0
    assert bench.projects.get(project.id).headline.baseline == 90.0


def test_a_failed_measurement_leaves_the_result(bench):
    project = bench.ready()
    bench.broken(bench.projects.benchmark(project.id, Points()).id)
    now = bench.projects.get(project.id)
    assert (now.state, now.result, now.headline) == ("failed", project.result, project.headline)
    assert now.headline != Headline()


def test_a_result_that_was_taken_in_is_not_taken_in_again_by_a_server_that_was_killed(bench):
    """The files were moved, then the transaction was lost: the next start ends the job from where they are now."""
    from calibench.things.asked import AskCalibration

    made = bench.projects.calibrate(bench.ready().id, AskCalibration())
    taking = bench.runs._adopters["calibrate"]
    bench.runs._adopters = {"calibrate": _dying_after(taking)}
    with pytest.raises(KeyboardInterrupt):
        bench.done(made.job_id, bench.calibration_files())
    assert bench.projects.get(made.id).state == "queued" and bench.model_of(made).tree is None
    bench.runs._adopters = {"calibrate": taking}
    bench.done(made.job_id, {})
    assert bench.store.get(Project, made.id).state == "done"
    assert bench.model_of(made).state == "ready"


def _dying_after(taking):
    def take(job, folder, end):
        taking(job, folder, end)
        raise KeyboardInterrupt

    return take
