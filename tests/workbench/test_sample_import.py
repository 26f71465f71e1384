"""The sample: one job brings a model and two datasets, once."""

import pytest
from kept_things import DATASET_RESULT, MODEL_RESULT

from calibench.things.kept import ENDED, Job
from calibench.workbench.sample import ask_for_sample

RESULT = {"model": MODEL_RESULT, "calibration": DATASET_RESULT, "validation": DATASET_RESULT}
FILES = {"model/model.xml": "<net/>", "calibration/cat/1.png": "a", "validation/cat/2.png": "b"}


def ask(bench):
    return ask_for_sample(bench.store, bench.jobs)


@pytest.fixture
def brought(bench):
    return bench.end(ask(bench).id, RESULT, FILES, place=".")


def test_one_job_brings_all_three(bench, brought):
    model = bench.models.get(brought.result["model_id"])
    datasets = [bench.datasets.get(brought.result[f"{part}_dataset_id"]) for part in ("calibration", "validation")]
    assert brought.state in ENDED
    assert all(thing.state == "ready" for thing in (model, *datasets))
    assert [each.name for each in datasets] == ["Sample calibration", "Sample validation"]
    assert brought.result["accuracy_settings"] == model.accuracy_settings
    assert model.are_settings_confirmed
    assert bench.datasets.files(datasets[1].id) == ("cat/2.png",)
    assert not list((bench.folder.jobs / str(brought.id)).glob("out/*"))


def test_asking_again_gives_the_job_that_brought_it(bench, brought):
    assert ask(bench) == brought
    assert len(bench.models.all()) == 1


def test_asking_while_it_comes_gives_the_same_job(bench):
    assert ask(bench).id == ask(bench).id


def test_after_a_failure_it_is_tried_again(bench):
    first = ask(bench)
    bench.fail(first.id)
    assert ask(bench).id != first.id


def test_what_was_deleted_comes_again_and_the_rest_is_taken_as_it_is(bench, brought):
    bench.models.delete(brought.result["model_id"])
    second = bench.end(ask(bench).id, RESULT, FILES, place=".")
    assert second.id != brought.id
    assert second.result["validation_dataset_id"] == brought.result["validation_dataset_id"]
    assert bench.models.get(second.result["model_id"]).state == "ready"
    assert len(bench.datasets.all()) == 2
    assert len(bench.store.all(Job, where={"kind": "sample"})) == 2
