"""What goes with a thing, what stays, and that nothing is left behind."""

import os
import threading

import pytest
from kept_things import DATASET_RESULT, MODEL_RESULT
from sqlalchemy.event import listen

from calibench.store.refused import NotThere
from calibench.things.asked import Import
from calibench.things.kept import Job, KeptDataset, KeptModel, Project
from calibench.workbench.refusals import NotPossible


@pytest.fixture
def family(bench):
    """An FP32 model with its project, and an INT8 model that was calibrated in it with another dataset."""
    parent, dataset, other = bench.model(), bench.dataset(), bench.dataset("calibration", "others")
    root = bench.project(parent, dataset, result=bench.tree({"baseline.json": "{}"}))
    child = bench.model("net INT8", "int8", parent_id=parent.id, is_quantized=True)
    result = bench.tree({"model.xml": "int8", "report.json": "{'drop': 0.1}"})
    about = {"parent_id": root.id, "ask": {"method": "default"}, "calibration_dataset_id": other.id}
    int8 = bench.project(child, dataset, result=result, **about)
    baseline = bench.job("baseline", project_id=root.id, model_id=parent.id, dataset_id=dataset.id)
    calibrate = bench.job("calibrate", project_id=int8.id, model_id=child.id)
    names = ("parent", "child", "dataset", "other", "root", "int8", "baseline", "calibrate")
    things = (parent, child, dataset, other, root, int8, baseline, calibrate)
    return dict(zip(names, things, strict=True))


def ids(bench):
    return {
        kind.__name__: {each.id for each in bench.store.all(kind)} for kind in (KeptModel, KeptDataset, Project, Job)
    }


def test_a_model_takes_children_projects_and_jobs_along(bench, family):
    said = bench.models.would_delete(family["parent"].id)
    assert said.models == (family["parent"].id, family["child"].id)
    assert said.projects == (family["root"].id, family["int8"].id)
    assert said.jobs == (family["baseline"].id, family["calibrate"].id)
    assert said.sentence.startswith("Delete model net, with 1 INT8 model, 2 projects and 2 jobs?")
    assert not said.hindrance
    bench.models.delete(family["parent"].id)
    assert ids(bench) == {
        "KeptModel": set(),
        "KeptDataset": {family["dataset"].id, family["other"].id},
        "Project": set(),
        "Job": set(),
    }


def test_asking_deletes_nothing(bench, family):
    before = ids(bench)
    for would_delete in (bench.models.would_delete, bench.datasets.would_delete, bench.deletions.of_project):
        would_delete(1)
    assert ids(bench) == before


def test_a_child_goes_without_its_parent(bench, family):
    bench.models.delete(family["child"].id)
    left = ids(bench)
    assert left["KeptModel"] == {family["parent"].id}
    assert left["Project"] == {family["root"].id}


def test_a_dataset_takes_its_projects_along_and_ready_int8_models_stay(bench, family):
    said = bench.datasets.would_delete(family["dataset"].id)
    assert said.projects == (family["root"].id, family["int8"].id)
    assert said.models == ()
    assert "1 INT8 model stays." in said.sentence
    bench.datasets.delete(family["dataset"].id)
    left = ids(bench)
    assert left["KeptModel"] == {family["parent"].id, family["child"].id}
    assert left["Project"] == set()


def test_a_calibration_dataset_goes_and_what_it_calibrated_stays(bench, family):
    said = bench.datasets.would_delete(family["other"].id)
    assert said.projects == ()
    assert "1 project of other datasets that it calibrated stays too" in said.sentence
    bench.datasets.delete(family["other"].id)
    assert bench.store.get(Project, family["int8"].id).calibration_dataset_id is None


def test_an_int8_model_goes_with_the_project_that_made_it(bench, family):
    said = bench.deletions.of_project(family["int8"].id)
    assert said.models == (family["child"].id,)
    bench.deletions.delete_project(family["int8"].id)
    left = ids(bench)
    assert left["KeptModel"] == {family["parent"].id}
    assert left["Project"] == {family["root"].id}


def test_an_int8_model_that_another_project_measures_stays(bench, family):
    measured = bench.project(family["child"], family["other"])
    bench.deletions.delete_project(family["int8"].id)
    left = ids(bench)
    assert family["child"].id in left["KeptModel"]
    assert measured.id in left["Project"]


def test_a_project_takes_its_int8_projects_along(bench, family):
    bench.deletions.delete_project(family["root"].id)
    left = ids(bench)
    assert left["Project"] == set()
    assert left["KeptModel"] == {family["parent"].id}


@pytest.mark.parametrize("state", ["queued", "running", "cancelling"])
def test_nothing_goes_while_one_of_its_jobs_runs(bench, family, state):
    job = bench.job("calibrate", state, project_id=family["int8"].id, model_id=family["child"].id)
    before = ids(bench)
    asked = (
        (bench.deletions.of_model, bench.deletions.delete_model, family["parent"]),
        (bench.deletions.of_dataset, bench.deletions.delete_dataset, family["dataset"]),
        (bench.deletions.of_dataset, bench.deletions.delete_dataset, family["other"]),
        (bench.deletions.of_project, bench.deletions.delete_project, family["int8"]),
    )
    for would_delete, delete, thing in asked:
        assert f"job {job.id} (A calibrate)" in would_delete(thing.id).hindrance
        with pytest.raises(NotPossible, match=rf"job {job.id} \(A calibrate\)") as refused:
            delete(thing.id)
        assert refused.value.hindrance.link == f"/jobs/{job.id}"
    assert ids(bench) == before


def test_a_job_that_ended_does_not_hinder(bench, family):
    for state in ("done", "failed", "cancelled"):
        bench.job("benchmark", state, project_id=family["root"].id)
    assert bench.models.would_delete(family["parent"].id).hindrance == ""


def test_files_that_another_thing_names_stay(bench):
    first, second = bench.model("one"), bench.model("two")
    assert first.tree == second.tree
    assert bench.models.would_delete(first.id).frees_bytes == 0
    bench.models.delete(first.id)
    assert bench.models.path(second.id).read_text() == "net"


def test_what_would_be_free_is_what_gets_free(bench, family):
    def used():
        return sum(path.stat().st_size for path in bench.folder.blobs.rglob("*") if path.is_file())

    before = used()
    for delete, thing in (
        (bench.deletions.delete_project, family["int8"]),
        (bench.deletions.delete_model, family["parent"]),
        (bench.deletions.delete_dataset, family["dataset"]),
    ):
        freed = delete(thing.id).frees_bytes
        assert freed == before - used()
        assert freed > 0
        before = used()


def test_nothing_is_left_when_all_was_deleted(bench):
    model = bench.models.import_(Import(name="net", uploads=(bench.sent(),)))
    bench.end(model.job_id, MODEL_RESULT, {"model.xml": "<net/>", "model.bin": "weights"})
    dataset = bench.datasets.import_(Import(name="set", uploads=(bench.sent("set.zip"),)))
    bench.end(dataset.job_id, DATASET_RESULT, {"cat/1.png": "a", "dog/2.png": "a"})
    failed = bench.models.import_(Import(name="bad", uploads=(bench.sent("bad.onnx"),)))
    bench.fail(failed.job_id)
    result = bench.tree({"baseline.json": "{}", "model.bin": "weights"})
    bench.project(bench.models.get(model.id), bench.datasets.get(dataset.id), result=result)
    for each in (model, failed):
        bench.models.delete(each.id)
    bench.datasets.delete(dataset.id)
    assert ids(bench) == {"KeptModel": set(), "KeptDataset": set(), "Project": set(), "Job": set()}
    assert bench.blobs() == []
    assert bench.trees.hashes() == ()
    assert not list(bench.folder.uploads.iterdir())
    assert [path.name for path in bench.folder.jobs.iterdir() if path.is_dir()] == []


def test_files_that_an_import_is_about_to_name_are_not_dropped(bench):
    model = bench.model()
    bench.users.about_to_name(model.tree, 7)
    bench.models.delete(model.id)
    assert bench.trees.hashes() == (model.tree,)
    bench.users.has_named(7)
    bench.users.drop_unused([model.tree])
    assert bench.trees.hashes() == ()


def test_the_same_files_may_be_deleted_and_imported_in_one_moment(bench, monkeypatch, tmp_path):
    """The files of the import are found to be there already; then what they are there for is deleted."""
    model, real, others = bench.model(content="same"), bench.trees.place, []

    def placed_meanwhile(staged):
        kept = real(staged)
        bench.store.delete(KeptModel, model.id)
        others.append(threading.Thread(target=bench.users.drop_unused, args=([model.tree],)))
        others[0].start()
        others[0].join(0.2)
        return kept

    monkeypatch.setattr(bench.trees, "place", placed_meanwhile)
    (tmp_path / "again").mkdir()
    (tmp_path / "again/model.xml").write_text("same")
    assert bench.users.keep(tmp_path / "again", 7, move=True) == model.tree
    others[0].join(10)
    assert bench.trees.path(model.tree).is_dir()
    bench.users.has_named(7)
    assert bench.trees.hashes() == ()  # nothing came of the job


def test_files_without_a_thing_go_at_the_next_start(bench):
    kept, lost = bench.model("kept", "a"), bench.tree({"model.xml": "b"})
    for tree in (kept.tree, lost):
        os.utime(bench.trees.path(tree), (1, 1))
    bench.users.sweep()
    assert bench.trees.hashes() == (kept.tree,)


def test_a_deletion_is_told_when_it_is_done(bench, family):
    seen = []
    bench.hub.subscribe(lambda event: seen.append((event.topic, event.change, len(bench.models.all()))))
    bench.models.delete(family["child"].id)
    assert ("model", "deleted", 1) in seen
    assert {topic for topic, _, _ in seen} == {"model", "project", "job"}


def test_a_deletion_that_fails_half_way_deletes_and_tells_nothing(bench, family, monkeypatch):
    real, before = bench.store.delete_all, ids(bench)

    def breaks(kind, ids):
        if kind is KeptModel:
            raise RuntimeError("broken")
        real(kind, ids)

    monkeypatch.setattr(bench.store, "delete_all", breaks)
    bench.events.clear()
    with pytest.raises(RuntimeError):
        bench.models.delete(family["parent"].id)
    assert ids(bench) == before
    assert bench.events == []
    assert bench.models.path(family["parent"].id).is_file()


def test_a_thousand_projects_go_in_few_statements_so_that_other_writers_hardly_wait(bench):
    model, dataset, other = bench.model(), bench.dataset(), bench.dataset("others", "other pixels")
    with bench.store.together():
        for _ in range(1000):
            bench.project(model, dataset, calibration_dataset_id=other.id)
    statements = []
    listen(bench.store._engine, "before_cursor_execute", lambda _c, _cursor, said, *_: statements.append(said))
    bench.datasets.delete(other.id)
    assert len(bench.store.all(Project, where={"calibration_dataset_id": None})) == 1000
    bench.models.delete(model.id)
    assert bench.store.count(Project) == 0
    assert len([event for event in bench.events if (event.topic, event.change) == ("project", "deleted")]) == 1000
    assert len(statements) < 70  # what goes is looked up twice: before jobs are removed on targets, and after


def test_what_is_not_there_cannot_be_deleted(bench):
    for call in (bench.deletions.delete_model, bench.deletions.delete_dataset, bench.deletions.delete_project):
        with pytest.raises(NotThere):
            call(99)
