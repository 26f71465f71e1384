"""Datasets: imported from uploads or from an allowed folder."""

import pytest
from kept_things import DATASET_RESULT

from calibench.errors import SettingsError
from calibench.targets.bundle_files import read_bundle
from calibench.things.asked import Import, Rename
from calibench.workbench.refusals import NotPossible


def imported(bench, name="flowers", files=None):
    dataset = bench.datasets.import_(Import(name=name, uploads=(bench.sent(f"{name}.zip"),)))
    bench.end(dataset.job_id, DATASET_RESULT, files or {"cat/1.png": "a", "dog/2.png": "b"})
    return bench.datasets.get(dataset.id)


def test_what_the_job_found_becomes_the_dataset(bench):
    dataset = imported(bench)
    assert (dataset.state, dataset.samples, dataset.annotated) == ("ready", 4, ("label",))
    assert bench.datasets.files(dataset.id) == ("cat/1.png", "dog/2.png")
    assert (bench.datasets.path(dataset.id) / "cat/1.png").read_text() == "a"


def test_pictures_that_two_datasets_share_are_stored_once(bench):
    imported(bench, "one", {"cat/1.png": "a", "dog/2.png": "b"})
    second = imported(bench, "two", {"cat/1.png": "a", "dog/3.png": "c"})
    assert len(bench.blobs()) == 3
    assert second.problems == ()


def test_the_same_dataset_twice_says_so(bench):
    first, second = imported(bench, "one"), imported(bench, "two")
    assert second.problems[0] == f"These are the same files as dataset {first.id} (one); they are stored once."


def test_an_allowed_folder_is_left_as_it_is(bench, tmp_path):
    source = tmp_path / "allowed/set"
    source.mkdir(parents=True)
    dataset = bench.datasets.import_(Import(name="set", path=source))
    bundle = read_bundle(bench.folder.jobs / str(dataset.job_id))
    assert bundle.sources == (source,)
    assert bundle.is_copied


def test_how_a_dataset_is_read_travels_with_the_import(bench):
    dataset = bench.datasets.import_(
        Import(name="set", uploads=(bench.sent(),), data={"format": "coco", "split": "val"})
    )
    bundle = read_bundle(bench.folder.jobs / str(dataset.job_id))
    assert (bundle.settings.data.format, bundle.settings.data.split) == ("coco", "val")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"colour": "red"}, r"data\.colour: there is no such setting"),
        ({"max_tokens": 0}, r"data\.max_tokens"),
        ({"labels": "/etc/passwd"}, r"data\.labels: /etc/passwd: not below"),
    ],
)
def test_impossible_data_settings_name_their_field_and_make_nothing(bench, data, said):
    with pytest.raises(SettingsError, match=said):
        bench.datasets.import_(Import(name="set", uploads=(bench.sent(),), data=data))
    assert bench.datasets.all() == ()


def test_a_failed_import_stays_with_its_reason(bench):
    dataset = bench.datasets.import_(Import(name="set", uploads=(bench.sent(),)))
    bench.fail(dataset.job_id, "set.zip: holds no pictures.")
    assert bench.datasets.get(dataset.id).failure.message == "set.zip: holds no pictures."
    with pytest.raises(NotPossible):
        bench.datasets.path(dataset.id)


def test_a_dataset_gets_another_name(bench):
    dataset = imported(bench)
    assert bench.datasets.rename(dataset.id, Rename(name="tulips")).name == "tulips"
    assert ("changed", dataset.id) in bench.told("dataset")


def test_datasets_are_found_by_name(bench):
    imported(bench, "tulips")
    imported(bench, "roses")
    assert [each.name for each in bench.datasets.all("tul")] == ["tulips"]
    assert bench.datasets.count() == 2
