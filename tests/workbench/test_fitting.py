"""Whether a dataset can feed a model, from what the imports found."""

import re

import pytest
from kept_things import NOW

from calibench.things.kept import Failure, KeptDataset, KeptModel, Port
from calibench.workbench.fitting import doubts, fit


def port(shape, kind="f32", name="x"):
    return Port(name=name, shape=shape, type=kind)


def model(*inputs, **values):
    return KeptModel(id=1, created=NOW, name="net", **{"state": "ready", "inputs": inputs, **values})


def dataset(format, **values):
    return KeptDataset(id=2, created=NOW, name="set", **{"state": "ready", "samples": 4, "format": format, **values})


PICTURES = dataset("coco", has_pictures=True)
TEXTS = dataset("text")
ARRAYS = dataset("arrays")
EYES = model(port("[?,3,224,224]"))
READER = model(port("[?,?]", "i64", "input_ids"), port("[?,?]", "i64", "attention_mask"))
SENSOR = model(port("[1,16]"))
TWO = model(port("[1,3,8,8]"), port("[1,2]"))


@pytest.mark.parametrize(
    ("net", "samples"),
    [
        (EYES, PICTURES),
        (EYES, ARRAYS),
        (READER, TEXTS),
        (READER, ARRAYS),
        (SENSOR, ARRAYS),
        (TWO, ARRAYS),
        (model(port("[1,224,224,3]", "u8")), PICTURES),
        (model(port("[1,1,28,28]")), PICTURES),
        (model(port("[?,?,?,?]")), PICTURES),
        (model(port("[1,2,8,3]"), accuracy_settings={"inputs": {"": {"layout": "NHWC"}}}), PICTURES),
    ],
)
def test_what_fits_is_not_hindered(net, samples):
    assert fit(net, samples) is None


@pytest.mark.parametrize(
    ("net", "samples", "said"),
    [
        (READER, PICTURES, "set holds pictures, and net takes texts"),
        (EYES, TEXTS, "set holds texts, and net takes pictures"),
        (SENSOR, PICTURES, r"net takes x \[1,16\] f32: a picture alone cannot feed it"),
        (SENSOR, TEXTS, r"set holds texts, and net takes x \[1,16\] f32"),
        (TWO, PICTURES, "a picture alone cannot feed it"),
        (model(port("[1,5,8,8]")), PICTURES, "a picture alone cannot feed it"),
    ],
)
def test_what_does_not_fit_says_what_each_side_is(net, samples, said):
    hindrance = fit(net, samples)
    assert hindrance.code == "dataset-does-not-fit"
    assert re.search(said, hindrance.sentence)


def test_a_dataset_without_annotations_fits():
    assert fit(EYES, dataset("pictures", has_pictures=True, annotated=())) is None


@pytest.mark.parametrize(
    ("net", "samples", "code"),
    [
        (EYES.model_copy(update={"state": "importing"}), PICTURES, "model-importing"),
        (EYES, PICTURES.model_copy(update={"state": "importing"}), "dataset-importing"),
        (EYES, PICTURES.model_copy(update={"samples": 0}), "dataset-empty"),
    ],
)
def test_what_is_not_there_yet_does_not_fit(net, samples, code):
    assert fit(net, samples).code == code


def test_a_failed_import_is_named_with_its_reason():
    failed = PICTURES.model_copy(update={"state": "failed", "failure": Failure(kind="DatasetError", message="empty.")})
    assert fit(EYES, failed).sentence == "set could not be imported: empty."


TEN = model(port("[?,1,28,28]"), outputs=(port("[?,10]"),))


def classes(number, source):
    names = tuple(f"class{i}" for i in range(number))
    return dataset("folder", has_pictures=True, annotated=("label",), classes=names, facts={"label_source": source})


def test_more_classes_than_the_model_has_and_an_order_from_the_alphabet_are_doubted():
    (said,) = doubts(TEN, classes(12, "numbers"))
    assert said.startswith("set has 12 classes, and net tells 10 apart")
    (said,) = doubts(TEN, classes(10, "alphabet"))
    assert "in the order of the alphabet (class0, class1, class2, ...)" in said


@pytest.mark.parametrize("samples", [classes(10, "numbers"), classes(3, "file"), PICTURES])
def test_nothing_else_is_doubted(samples):
    assert doubts(TEN, samples) == ()
    assert doubts(EYES, samples) == ()
