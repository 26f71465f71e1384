"""Models: imported, renamed, with accuracy settings."""

import pytest
from kept_things import MODEL_RESULT

from calibench.errors import JobError, SettingsError
from calibench.store.refused import Conflict, NotThere
from calibench.targets.bundle_files import read_bundle
from calibench.things.asked import AccuracyForm, Import, Rename, TrySettings
from calibench.things.kept import Job, KeptModel
from calibench.workbench.kept_models import differs
from calibench.workbench.refusals import NotPossible


def imported(bench, name="net", content=b"model", files=None, result=MODEL_RESULT):
    model = bench.models.import_(Import(name=name, uploads=(bench.sent(content=content),)))
    bench.end(model.job_id, result, files or {"model.xml": "<net/>", "model.bin": content.decode()})
    return bench.models.get(model.id)


def test_an_import_stands_in_the_list_at_once(bench):
    model = bench.models.import_(Import(name="net", uploads=(bench.sent(),)))
    assert [(each.name, each.state) for each in bench.models.all()] == [("net", "importing")]
    job = bench.store.get(Job, model.job_id)
    assert (job.kind, job.model_id, job.title) == ("import-model", model.id, "Import net")
    assert not read_bundle(bench.folder.jobs / str(job.id)).is_copied


def test_what_the_job_found_becomes_the_model(bench):
    model = imported(bench)
    assert (model.state, model.entry, model.int8_layers, model.failure) == ("ready", "model.xml", 2, None)
    assert bench.models.path(model.id).read_text() == "<net/>"
    assert model.accuracy_settings == {"inputs": {"": {"color": "bgr"}}}
    assert not model.are_settings_confirmed


def test_nothing_is_left_of_an_import_but_its_files(bench):
    model = imported(bench)
    assert bench.uploads.all() == ()
    assert not list((bench.folder.jobs / str(model.job_id) / "out").glob("*"))


def test_the_end_of_an_import_is_told_when_it_can_be_read(bench):
    seen = []
    bench.hub.subscribe(lambda event: seen.append(bench.models.get(event.id).state) if event.topic == "model" else None)
    imported(bench)
    assert seen[-1] == "ready"


def test_the_same_files_are_stored_once_and_the_second_model_says_so(bench):
    first = imported(bench, "first")
    blobs = bench.blobs()
    second = imported(bench, "second")
    assert second.tree == first.tree
    assert bench.blobs() == blobs
    assert second.notes == (f"These are the same files as model {first.id} (first); they are stored once.",)
    assert first.notes == ()


def test_a_failed_import_stays_with_its_reason_and_can_be_tried_again(bench):
    model = bench.models.import_(Import(name="net", uploads=(bench.sent(),)))
    job = bench.fail(model.job_id, "model.onnx: cannot be read.")
    failed = bench.models.get(model.id)
    assert (failed.state, failed.failure.message) == ("failed", "model.onnx: cannot be read.")
    assert len(bench.uploads.all()) == 1
    again = bench.jobs.retry(job)
    assert bench.models.get(model.id).state == "importing"
    bench.end(again.id, MODEL_RESULT, {"model.xml": "<net/>"})
    ready = bench.models.get(model.id)
    assert (ready.state, ready.failure, ready.job_id) == ("ready", None, again.id)
    assert bench.uploads.all() == ()


def test_a_cancelled_import_says_so(bench):
    model = bench.models.import_(Import(name="net", uploads=(bench.sent(),)))
    bench.cancel(model.job_id)
    assert bench.models.get(model.id).failure.kind == "Cancelled"


def test_a_second_attempt_that_comes_too_late_takes_nothing_away(bench):
    model = bench.models.import_(Import(name="net", uploads=(bench.sent(),)))
    job = bench.fail(model.job_id)
    first, second = bench.jobs.retry(job), bench.jobs.retry(job)
    bench.end(first.id, MODEL_RESULT, {"model.xml": "<net/>"})
    assert bench.fail(second.id, "model.onnx: there is no such file any more.").state == "failed"
    assert (bench.models.get(model.id).state, bench.models.get(model.id).failure) == ("ready", None)


def test_a_result_that_is_no_model_fails_the_import_and_keeps_nothing(bench):
    model = bench.models.import_(Import(name="net", uploads=(bench.sent(),)))
    job = bench.end(model.job_id, {**MODEL_RESULT, "operations": "many"}, {"model.xml": "<net/>"})
    assert job.state == "failed"
    assert bench.models.get(model.id).state == "failed"
    assert bench.models.get(model.id).tree is None


def test_an_upload_is_imported_once(bench):
    upload = bench.sent()
    bench.models.import_(Import(name="one", uploads=(upload,)))
    with pytest.raises(Conflict, match=r"model\.onnx was imported already"):
        bench.models.import_(Import(name="two", uploads=(upload,)))
    assert [model.name for model in bench.models.all()] == ["one"]


def test_an_import_that_cannot_be_queued_leaves_the_upload_for_the_next(bench):
    upload = bench.sent()
    bench.jobs.refuses = JobError("The queue cannot be written.")
    with pytest.raises(JobError, match="queue"):
        bench.models.import_(Import(name="net", uploads=(upload,)))
    bench.jobs.refuses = None
    assert bench.models.all() == ()
    assert bench.models.import_(Import(name="net", uploads=(upload,))).state == "importing"


def test_an_import_whose_server_was_killed_is_said_to_have_failed(bench):
    lost = bench.store.add(KeptModel(created=bench.store.all(Job) or "2026-01-01T00:00:00Z", name="lost"))
    waiting = bench.models.import_(Import(name="waiting", uploads=(bench.sent(),)))
    bench.news.catch_up()
    assert bench.models.get(lost.id).state == "failed"
    assert bench.models.get(waiting.id).state == "importing"


def test_an_int8_model_is_imported_too(bench):
    model = imported(bench, result={**MODEL_RESULT, "is_quantized": True})
    assert model.is_quantized
    assert model.state == "ready"


def test_a_family_begins_with_the_parent(bench):
    parent = bench.model("net")
    first, second = (bench.model(f"net INT8 {number}", f"{number}", parent_id=parent.id) for number in (1, 2))
    for member in (parent, first, second):
        assert [each.name for each in bench.models.family(member.id)] == ["net", "net INT8 1", "net INT8 2"]


def test_two_people_do_not_overwrite_each_others_name(bench):
    model = bench.model()
    bench.models.rename(model.id, Rename(name="mine", version=model.version))
    with pytest.raises(Conflict, match="was changed meanwhile"):
        bench.models.rename(model.id, Rename(name="yours", version=model.version))
    assert bench.models.get(model.id).name == "mine"


def test_settings_are_shown_with_every_default(bench):
    model = bench.model(accuracy_settings={"inputs": {"": {"color": "bgr"}}})
    shown = bench.models.settings(model.id)
    assert shown["inputs"][""]["color"] == "bgr"
    assert shown["inputs"][""]["resize"] == "stretch"
    assert shown["task"]["kind"] == "auto"
    assert set(shown) == {"inputs", "task", "metric", "data"}


def test_settings_that_nobody_set_show_one_input(bench):
    assert bench.models.settings(bench.model().id)["inputs"][""]["color"] == "rgb"


def test_settings_are_kept_confirmed_for_the_whole_family(bench):
    parent = bench.model()
    child = bench.model("int8", "int8", parent_id=parent.id)
    form = AccuracyForm(settings={"inputs": {"": {"mean": [127.5]}}, "metric": "top1"}, version=parent.version)
    kept = bench.models.set_settings(parent.id, form)
    assert kept.are_settings_confirmed
    assert kept.accuracy_settings["inputs"][""]["mean"] == [127.5]
    assert bench.models.get(child.id).accuracy_settings == kept.accuracy_settings


def test_what_is_shown_can_be_sent_back(bench):
    model = bench.model(accuracy_settings={"metric": "top1"})
    kept = bench.models.set_settings(model.id, AccuracyForm(settings=bench.models.settings(model.id)))
    assert not differs(kept, {"metric": "top1"})


def test_an_older_form_does_not_overwrite_a_newer_one(bench):
    model = bench.model()
    bench.models.set_settings(model.id, AccuracyForm(settings={"metric": "top1"}, version=model.version))
    with pytest.raises(Conflict, match="was changed meanwhile"):
        bench.models.set_settings(model.id, AccuracyForm(settings={"metric": "top5"}, version=model.version))
    assert bench.models.get(model.id).accuracy_settings["metric"] == "top1"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"inputs": {"": {"scale": [0]}}}, r"inputs\..*scale: a scale of 0 cannot divide"),
        ({"preset": "mixed"}, "preset: is no accuracy setting"),
        ({"task": {"kind": "cooking"}}, r"task\.kind"),
        ({"data": {"labels": "/etc/passwd"}}, r"data\.labels: /etc/passwd: not below a folder"),
        ({"metric": "os:system"}, "metric: os:system would run code"),
    ],
)
def test_settings_that_are_wrong_name_their_field(bench, settings, said):
    model = bench.model()
    with pytest.raises(SettingsError, match=said):
        bench.models.set_settings(model.id, AccuracyForm(settings=settings))
    assert bench.models.get(model.id).accuracy_settings == {}


def test_a_file_that_the_model_named_already_may_be_named_again(bench):
    model = bench.model(accuracy_settings={"task": {"class_names": "/elsewhere/names.txt"}})
    form = AccuracyForm(settings=bench.models.settings(model.id))
    assert bench.models.set_settings(model.id, form).accuracy_settings["task"]["class_names"] == "/elsewhere/names.txt"


def test_an_int8_model_takes_its_parents_settings(bench):
    child = bench.model("int8", "int8", parent_id=bench.model().id)
    with pytest.raises(Conflict, match="takes the settings of its FP32 model"):
        bench.models.set_settings(child.id, AccuracyForm(settings={}))


BGR = {"inputs": {"": {"color": "bgr", "mean": [], "size": None}}, "task": {"kind": "auto"}, "metric": "auto"}


@pytest.mark.parametrize(
    ("then", "is_other"),
    [
        ({"inputs": {"": {"color": "bgr", "resize": "stretch"}}, "preset": "mixed"}, False),
        (
            {"inputs": {"image": {"color": "bgr", "size": [8, 8]}}, "task": {"kind": "detection"}, "metric": "coco"},
            False,
        ),
        ({"inputs": {"": {"color": "rgb"}}}, True),
        ({"inputs": {"image": {"color": "bgr", "mean": [127.5]}}}, True),
        ({}, True),
    ],
)
def test_a_result_of_other_settings_is_out_of_date_and_what_was_left_open_is_none(bench, then, is_other):
    assert differs(bench.model(accuracy_settings=BGR), then) == is_other


def test_a_model_without_settings_makes_nothing_out_of_date(bench):
    assert not differs(bench.model(), {"inputs": {"": {"color": "bgr"}}, "metric": "top1"})


def test_settings_are_tried_without_being_kept(bench):
    model, dataset = bench.model(), bench.dataset()
    settings = {"inputs": {"": {"color": "bgr"}}}
    job = bench.models.try_settings(model.id, TrySettings(dataset_id=dataset.id, settings=settings, samples=7))
    bundle = read_bundle(bench.folder.jobs / str(job.id))
    assert (bundle.kind, bundle.samples, bundle.settings.inputs[""].color) == ("try-settings", 7, "bgr")
    assert bundle.model == bench.models.path(model.id)
    assert bundle.dataset == bench.datasets.path(dataset.id)
    assert bench.models.get(model.id).accuracy_settings == {}


def test_settings_are_not_tried_on_a_dataset_that_does_not_fit(bench):
    words = bench.dataset("words", "a", format="text", has_pictures=False)
    with pytest.raises(NotPossible, match="words holds texts"):
        bench.models.try_settings(bench.model().id, TrySettings(dataset_id=words.id))


def test_a_model_without_files_has_no_path(bench):
    model = bench.models.import_(Import(name="net", uploads=(bench.sent(),)))
    with pytest.raises(NotPossible, match="still being imported"):
        bench.models.path(model.id)
    with pytest.raises(NotPossible, match="still being imported"):
        bench.models.set_settings(model.id, AccuracyForm(settings={}))


def test_a_model_that_is_not_there_is_not_there(bench):
    for call in (bench.models.get, bench.models.family, bench.models.would_delete, bench.models.delete):
        with pytest.raises(NotThere):
            call(7)


def test_a_trial_gives_its_pictures_and_only_the_last_one_keeps_them(bench):
    model, dataset = bench.model(), bench.dataset()
    jobs = []
    for score in (50, 60):
        job = bench.models.try_settings(model.id, TrySettings(dataset_id=dataset.id))
        bench.end(job.id, {"samples": 8}, {"try.json": f'{{"score": {score}, "rows": []}}'}, place=".")
        jobs.append(job.id)
    assert [bench.store.get(Job, id).result for id in jobs] == [{}, {"score": 60, "rows": []}]
    assert not list((bench.folder.jobs / str(jobs[1])).glob("out/*"))
