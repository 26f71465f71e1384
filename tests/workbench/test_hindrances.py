"""Why INT8 cannot be calibrated: the first reason first, each with the way out."""

import pytest
from kept_things import NOW

from calibench.things.kept import Failure, Headline, Job, KeptDataset, KeptModel, Port, Project, Target
from calibench.workbench.hindrances import About, calibration_hindrances, method_hindrances, remarks

PICTURE = Port(name="image", shape="[?,3,8,8]", type="f32")
GUESSED = {"inputs": {"": {"color": "bgr"}}}


def about(project=None, model=None, dataset=None, target=None, **more):
    """A project that can be calibrated, but for what is said."""
    settings = {"accuracy_settings": GUESSED, "are_settings_confirmed": True}
    return About(
        project=Project(
            **{
                **{
                    "id": 7,
                    "created": NOW,
                    "name": "p",
                    "model_id": 1,
                    "dataset_id": 2,
                    "target_id": 3,
                    "result": "aa",
                },
                **{"settings": GUESSED, **(project or {})},
            }
        ),
        model=KeptModel(
            **{
                **{"id": 1, "created": NOW, "name": "net", "state": "ready", "int8_layers": 2, "inputs": (PICTURE,)},
                **settings,
                **(model or {}),
            }
        ),
        dataset=KeptDataset(
            **{
                **{"id": 2, "created": NOW, "name": "set", "state": "ready", "samples": 500, "annotated": ("label",)},
                **{"has_pictures": True, **(dataset or {})},
            }
        ),
        target=Target(id=3, created=NOW, name="here", machine={"devices": {"CPU": ["INT8"]}, **(target or {})}),
        **more,
    )


def job(state, **values):
    return Job(id=9, created=NOW, kind="baseline", title="b", state=state, **values)


REFUSED = {
    "archived": ({"project": {"is_archived": True}}, "archived", "PUT /api/v1/projects/7/archived"),
    "importing": ({"model": {"state": "importing"}}, "model-importing", "/jobs"),
    "failed": (
        {"model": {"state": "failed", "failure": Failure(kind="ModelError", message="It is empty.")}},
        "model-failed",
        "/models/1",
    ),
    "child": ({"model": {"parent_id": 4, "is_quantized": True}}, "int8-child", "/models/4"),
    "quantized": ({"model": {"is_quantized": True}}, "quantized", ""),
    "nothing": ({"model": {"int8_layers": 0}}, "nothing-to-quantize", "/models/1"),
    "no such device": ({"project": {"device": "GPU"}}, "device-missing", "/projects/new?model=1"),
    "no int8": ({"target": {"devices": {"CPU": ["FP32"]}}}, "device-without-int8", "/projects/new?model=1"),
    "never int8": ({"project": {"device": "MYRIAD"}}, "device-without-int8", "/projects/new?model=1"),
    "no dataset": ({"dataset": {"state": "importing"}}, "dataset-importing", "/jobs"),
    "bad dataset": ({"dataset": {"state": "failed"}}, "dataset-failed", "/datasets/2"),
    "texts": ({"dataset": {"format": "text", "has_pictures": False}}, "dataset-does-not-fit", "/datasets"),
    "no baseline": ({"project": {"result": None}}, "baseline-missing", "POST /api/v1/projects/7/baseline"),
    "waits": ({"project": {"result": None}, "baseline": job("queued")}, "baseline-running", "/jobs/9"),
    "runs": ({"project": {"result": None}, "baseline": job("running")}, "baseline-running", "/jobs/9"),
    "broke": (
        {"project": {"result": None}, "baseline": job("failed")},
        "baseline-failed",
        "POST /api/v1/projects/7/baseline",
    ),
    "was stopped": (
        {"project": {"result": None}, "baseline": job("cancelled")},
        "baseline-cancelled",
        "POST /api/v1/projects/7/baseline",
    ),
    "unknown input": (
        {"model": {"accuracy_settings": {}, "are_settings_confirmed": False}},
        "settings-missing",
        "/models/1/accuracy?dataset=2",
    ),
}


def test_a_project_with_all_it_takes_can_be_calibrated_by_both_methods():
    assert calibration_hindrances(about()) == () == method_hindrances(about())


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_possible_says_why_and_the_way_out(case):
    given, code, link = REFUSED[case]
    found = calibration_hindrances(about(**given))
    assert [(each.code, each.link) for each in found] == [(code, link)]
    assert found[0].sentence.endswith(".") and (bool(found[0].action) or not link or link == "/jobs")


def test_an_int8_child_leads_to_the_project_of_its_parent():
    parent = Project(id=5, created=NOW, name="parent", model_id=4, dataset_id=2, target_id=3)
    found = calibration_hindrances(about(model={"parent_id": 4, "is_quantized": True}, family=parent))
    assert (found[0].link, found[0].action) == ("/projects/5", "Go to the FP32 project")


def test_a_baseline_that_runs_again_hinders_nothing():
    assert calibration_hindrances(about(baseline=job("running"))) == ()


def test_the_reason_of_a_failure_is_said():
    broken = job("failed", failure=Failure(kind="DatasetError", message="set: is empty."))
    found = calibration_hindrances(about(project={"result": None}, baseline=broken))
    assert found[0].sentence == "The baseline failed: set: is empty."


def test_what_cannot_be_mended_by_a_baseline_is_said_before_it():
    found = calibration_hindrances(about(project={"result": None}, model={"is_quantized": True}))
    assert [each.code for each in found] == ["quantized"]


def test_fp16_weights_are_a_note_and_hinder_nothing():
    fp16 = about(model={"has_fp16_weights": True})
    assert calibration_hindrances(fp16) == ()
    assert [each.code for each in remarks(fp16)] == ["fp16-weights"]


def test_an_order_of_classes_that_is_only_the_alphabet_is_pointed_out_and_hinders_nothing():
    model = {"outputs": (Port(name="y", shape="[?,10]", type="f32"),)}
    named = about(model=model, dataset={"annotated": ("label",), "facts": {"label_source": "alphabet"}})
    assert calibration_hindrances(named) == ()
    assert [each.code for each in remarks(named)] == ["dataset-doubted"]
    good = about(model=model, dataset={"annotated": ("label",), "facts": {"label_source": "alphabet"}},
                 project={"headline": Headline(baseline=93.0)})  # fmt: skip
    assert remarks(good) == ()


def test_guessed_settings_are_pointed_out_and_hinder_nothing():
    guessed = about(model={"are_settings_confirmed": False})
    assert calibration_hindrances(guessed) == ()
    assert [each.code for each in remarks(guessed)] == ["settings-guessed"]
    assert remarks(about(model={"are_settings_confirmed": False}, project={"parent_id": 1})) == ()
    assert method_hindrances(guessed) == ()


def test_a_score_of_the_fp32_model_tells_that_the_default_settings_fit():
    open_ones = {"accuracy_settings": {}, "are_settings_confirmed": False}
    scored = about(model=open_ones, project={"headline": Headline(metric="top1", baseline=71.0)})
    assert calibration_hindrances(scored) == () == method_hindrances(scored)
    unscored = about(model=open_ones, project={"headline": Headline()})
    assert [each.code for each in calibration_hindrances(unscored)] == ["settings-missing"]


def test_texts_need_no_settings_of_pictures():
    words = Port(name="ids", shape="[?,?]", type="i64")
    texts = about(
        model={"inputs": (words,), "accuracy_settings": {}, "are_settings_confirmed": False},
        dataset={"format": "text", "has_pictures": False},
    )
    assert calibration_hindrances(texts) == () == method_hindrances(texts)


def test_without_annotations_only_the_default_method_is_left():
    bare = about(dataset={"annotated": ()})
    assert calibration_hindrances(bare) == ()
    assert [each.code for each in method_hindrances(bare)] == ["not-annotated"]


def test_annotations_that_give_no_score_hinder_the_accuracy_aware_method():
    found = method_hindrances(about(why_no_score="Its samples have boxes, and the model reads text."))
    assert [each.code for each in found] == ["no-score"]
    assert "the model reads text" in found[0].sentence


def test_few_samples_are_a_remark():
    found = remarks(about(dataset={"samples": 20}))
    assert [each.code for each in found] == ["few-samples"]
    assert "5.0 points" in found[0].sentence


def test_a_drop_of_more_than_five_points_is_a_remark():
    lost = about(project={"headline": Headline(drop_points=7.31), "parent_id": 5})
    assert [(each.code, "7.3 points" in each.sentence) for each in remarks(lost)] == [("large-drop", True)]
    assert remarks(about(project={"headline": Headline(drop_points=4.9), "parent_id": 5})) == ()
    decibels = Headline(drop_points=7.3, unit="dB")
    assert remarks(about(project={"headline": decibels, "parent_id": 5})) == ()


def test_settings_that_were_changed_since_the_baseline_are_a_remark():
    changed = about(model={"accuracy_settings": {"inputs": {"": {"color": "rgb"}}}})
    assert [each.code for each in remarks(changed)] == ["baseline-outdated"]
