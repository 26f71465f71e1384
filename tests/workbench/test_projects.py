"""Projects: found or made, renamed, archived, deleted; their jobs begun and followed."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from kept_things import NOW
from project_bench import ProjectBench, baseline_values
from pydantic import ValidationError

from calibench.errors import SettingsError
from calibench.store.refused import Conflict, NotThere
from calibench.things.asked import AskCalibration, NewProject, Points, Rename
from calibench.things.kept import Job, KeptModel, Project
from calibench.workbench.refusals import NotPossible


@pytest.fixture
def bench(tmp_path):
    bench = ProjectBench(tmp_path / "data", allowed=[tmp_path / "allowed"])
    yield bench
    bench.close()


def new(bench, **values):
    model, dataset = bench.model(), bench.dataset()
    return NewProject(model_id=model.id, dataset_id=dataset.id, **values)


def test_a_new_project_runs_its_baseline_at_once(bench):
    project = bench.projects.create(new(bench))
    job = bench.store.get(Job, project.job_id)
    assert (project.name, project.state, project.target_id) == ("net on pictures", "queued", bench.target.id)
    assert (job.kind, job.title, job.project_id) == ("baseline", "Baseline of net on pictures", project.id)
    assert bench.bundle(project).model.name == "model.xml"
    assert bench.bundle(project).points == Points()


def test_the_same_choice_gives_the_same_project_and_no_second_baseline(bench):
    asked = new(bench)
    first, second = bench.projects.create(asked), bench.projects.create(asked)
    assert first.id == second.id
    assert bench.store.count(Job) == 1


def test_another_device_is_another_project(bench):
    asked = new(bench)
    first = bench.projects.create(asked)
    assert bench.projects.create(asked.model_copy(update={"device": "GPU"})).id != first.id


def test_a_project_that_was_archived_comes_back_when_it_is_asked_for(bench):
    asked = new(bench)
    project = bench.projects.create(asked)
    bench.projects.archive(project.id)
    assert not bench.projects.create(asked).is_archived


def test_a_project_can_be_made_without_a_baseline(bench):
    project = bench.projects.create(new(bench, run_baseline=False))
    assert project.job_id is None and bench.store.count(Job) == 0


def test_of_a_model_that_was_imported_quantized_the_speed_is_measured(bench):
    model, dataset = bench.model(is_quantized=True), bench.dataset()
    project = bench.projects.create(NewProject(model_id=model.id, dataset_id=dataset.id))
    assert bench.store.get(Job, project.job_id).kind == "benchmark"
    with pytest.raises(NotPossible, match="quantized"):
        bench.projects.baseline(project.id)


def test_a_model_that_is_not_there_yet_gets_no_project(bench):
    model = bench.store.add(KeptModel(created=NOW, name="slow"))
    with pytest.raises(NotPossible, match="slow is still being imported"):
        bench.projects.create(NewProject(model_id=model.id, dataset_id=bench.dataset().id))


def test_a_dataset_that_does_not_fit_gets_no_project(bench):
    texts = bench.dataset(format="text", has_pictures=False)
    with pytest.raises(NotPossible, match="holds texts"):
        bench.projects.create(NewProject(model_id=bench.model().id, dataset_id=texts.id))


def test_a_project_follows_its_last_job(bench):
    project = bench.projects.create(new(bench))
    bench.jobs.rows.change(project.job_id, state="running")
    assert bench.projects.get(project.id).state == "running"
    bench.broken(project.job_id)
    assert bench.projects.get(project.id).state == "failed"
    again = bench.projects.baseline(project.id)
    assert (bench.projects.get(project.id).state, bench.projects.get(project.id).job_id) == ("queued", again.id)


def test_news_of_an_older_job_do_not_change_a_project(bench):
    project = bench.ready()
    first, second = bench.projects.benchmark(project.id, Points()), bench.projects.benchmark(project.id, Points())
    bench.stopped(first.id)
    assert (bench.projects.get(project.id).state, bench.projects.get(project.id).job_id) == ("queued", second.id)


def test_a_second_baseline_waits_for_the_first(bench):
    project = bench.projects.create(new(bench))
    with pytest.raises(NotPossible, match="runs already"):
        bench.projects.baseline(project.id)


def test_of_many_baselines_that_are_asked_for_at_once_one_runs(bench):
    project = bench.projects.create(new(bench, run_baseline=False))
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(bench.projects.baseline, project.id) for _ in range(8)]
    assert sum(each.exception() is None for each in asked) == 1
    assert bench.store.count(Job) == 1


@pytest.mark.parametrize("device", ["", "x" * 65, "GPU\n", "../CPU", "CPU;rm", "\u202eUPG"])
def test_a_device_has_a_name_as_openvino_gives_it(device):
    with pytest.raises(ValidationError, match="device"):
        NewProject(model_id=1, dataset_id=1, device=device)


def test_a_thousand_projects_are_searched_counted_and_paged(bench):
    model, dataset = bench.model(), bench.dataset()
    with bench.store.together():
        for number in range(1000):
            about = {"model_id": model.id, "dataset_id": dataset.id, "target_id": bench.target.id}
            bench.store.add(Project(created=NOW, name=f"project {number:04}", is_archived=number % 4 == 0, **about))
    assert bench.projects.count() == 750
    assert bench.projects.count(archived=True) == 250
    assert bench.projects.count("project 0", archived=None) == 1000
    page = bench.projects.all("PROJECT 019", limit=3, offset=1)
    assert [each.name for each in page] == ["project 0198", "project 0197", "project 0195"]


def test_an_older_version_is_not_renamed(bench):
    project = bench.projects.create(new(bench))
    seen = bench.projects.get(project.id).version
    bench.projects.rename(project.id, Rename(name="mine", version=seen))
    with pytest.raises(Conflict, match="changed meanwhile"):
        bench.projects.rename(project.id, Rename(name="yours", version=seen))
    assert bench.projects.get(project.id).name == "mine"


def test_a_family_begins_with_the_fp32_project(bench):
    project = bench.ready()
    first = bench.projects.calibrate(project.id, AskCalibration())
    second = bench.projects.calibrate(project.id, AskCalibration(preset="mixed"))
    assert [each.id for each in bench.projects.family(second.id)] == [project.id, first.id, second.id]


def test_with_an_fp32_project_go_its_int8_projects_and_their_models(bench):
    project = bench.ready()
    child = bench.calibrated(project)
    going = bench.projects.would_delete(project.id)
    assert (going.projects, going.models) == ((project.id, child.id), (child.model_id,))
    bench.projects.delete(project.id)
    assert bench.projects.count(archived=None) == 0
    assert [each.id for each in bench.store.all(KeptModel)] == [project.model_id]
    with pytest.raises(NotThere):
        bench.projects.get(child.id)


def test_a_project_is_not_deleted_while_a_job_of_it_runs(bench):
    project = bench.projects.create(new(bench))
    assert "Cancel it first" in bench.projects.would_delete(project.id).hindrance
    with pytest.raises(NotPossible, match="Cancel it first"):
        bench.projects.delete(project.id)


def test_nothing_is_started_in_an_archived_project(bench):
    project = bench.ready()
    bench.projects.archive(project.id)
    with pytest.raises(NotPossible, match="archived"):
        bench.projects.benchmark(project.id, Points())
    with pytest.raises(NotPossible, match="archived"):
        bench.projects.calibrate(project.id, AskCalibration())


def test_a_project_of_an_int8_model_belongs_to_the_fp32_project_of_the_same_dataset(bench):
    project = bench.ready()
    child = bench.calibrated(project)
    other = bench.dataset("more", "other pixels")
    alone = bench.projects.create(NewProject(model_id=child.model_id, dataset_id=other.id))
    assert alone.parent_id is None
    parent = bench.projects.create(NewProject(model_id=project.model_id, dataset_id=other.id, device="GPU"))
    beside = bench.projects.create(NewProject(model_id=child.model_id, dataset_id=other.id, device="GPU"))
    assert beside.parent_id == parent.id


def test_after_a_restart_projects_are_where_their_jobs_are(bench):
    project = bench.projects.create(new(bench))
    lost = bench.projects.create(new(bench, device="GPU"))
    bench.follower.stop()
    bench.store.change(Job, project.job_id, state="failed")
    bench.store.delete(Job, lost.job_id)
    bench.follower.catch_up()
    assert bench.projects.get(project.id).state == "failed"
    assert bench.projects.get(lost.id).state == "failed"


def test_an_int8_model_without_its_job_has_failed_after_a_restart(bench):
    child = bench.projects.calibrate(bench.ready().id, AskCalibration())
    bench.follower.stop()
    bench.store.change(Job, child.job_id, state="cancelled")
    bench.follower.catch_up()
    model = bench.model_of(child)
    assert (model.state, bench.projects.get(child.id).state) == ("failed", "cancelled")
    assert "Calibrate it again" in model.failure.message


def test_a_baseline_that_ran_again_keeps_points_of_other_places(bench):
    project = bench.ready()
    further = bench.projects.benchmark(project.id, Points(batches=(8,)))
    bench.done(further.id, {}, {"points": [{**baseline_values()["points"][0], "batch": 8}]})
    again = bench.projects.baseline(project.id)
    bench.done(again.id, {"baseline.json": json.dumps(baseline_values())})
    found = [(each["series"], each["batch"]) for each in bench.projects.points(project.id)]
    assert found == [("default", 1), ("fp32", 1), ("fp32", 8)]


def test_a_path_in_advanced_settings_must_be_allowed(bench, tmp_path):
    project = bench.ready()
    secret = tmp_path / "secret.txt"
    secret.write_text("")
    ask = AskCalibration(advanced={"data": {"labels": str(secret)}})
    with pytest.raises(SettingsError, match=r"data\.labels"):
        bench.projects.calibrate(project.id, ask)
    with pytest.raises(SettingsError, match="run code"):
        bench.projects.calibrate(project.id, AskCalibration(advanced={"metric": "os:system"}))
    assert bench.projects.count() == 1
