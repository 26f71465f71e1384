"""Which task and which metric are taken."""

import pytest

from calibench.errors import DatasetError, SettingsError
from calibench.evaluation.tasks.task import Context
from calibench.evaluation.tasks.task_choice import choose_metric, choose_task, unused_annotations
from calibench.settings import TaskSettings

LOGITS, MAPS = {"y": (1, 5)}, {"y": (1, 3, 8, 8)}
LABELS = frozenset(("label",))


def chosen(name, outputs, annotated=frozenset(), **task):
    context = Context(outputs, annotated=annotated, settings=TaskSettings(**task))
    return choose_metric(name, choose_task(context), context)


@pytest.mark.parametrize(
    ("name", "annotated", "outputs", "metric"),
    [
        ("auto", LABELS, LOGITS, "top1"),
        ("auto", frozenset(), LOGITS, "agreement"),
        ("auto", frozenset(), MAPS, "cosine"),
        ("top5", LABELS, LOGITS, "top5"),
        ("top3", LABELS, LOGITS, "top3"),
        ("agreement", LABELS, LOGITS, "agreement"),
        ("cosine", frozenset(), MAPS, "cosine"),
    ],
)
def test_a_metric_is_chosen_by_name(name, annotated, outputs, metric):
    found = chosen(name, outputs, annotated)
    assert found.name == metric
    assert found.higher_is_better


@pytest.mark.parametrize("name", ["top", "top0", "top-1", "acc", "", "topx", "Top1"])
def test_an_unknown_metric_answers_with_the_known_ones(name):
    with pytest.raises(SettingsError) as error:
        chosen(name, LOGITS, LABELS)
    assert str(error.value) == (
        f"--metric {name}: there is no such metric for classification. "
        "Known: top1, top5, topK (such as top3), agreement, cosine, package.module:function."
    )


def test_annotations_that_are_needed_and_missing_are_said():
    with pytest.raises(DatasetError) as error:
        chosen("top1", LOGITS)
    assert str(error.value) == (
        "Metric top1 needs a class for every sample, such as one folder per class; the dataset has no annotations. "
        "Take metric agreement, or annotate it."
    )


def test_a_custom_task_reads_nothing_from_the_outputs():
    assert choose_task(Context(LOGITS, annotated=LABELS, settings=TaskSettings(kind="custom"))).metrics == {}
    assert chosen("auto", LOGITS, LABELS, kind="custom").name == "agreement"


def test_1001_classes_begin_with_the_background_of_imagenet():
    found = choose_task(Context({"y": (1, 1001)}, annotated=LABELS, classes=("a", "b")))
    assert found.notes == ("The model has 1001 classes: its first one is taken for the background of ImageNet.",)


def test_annotations_of_another_task_are_said():
    context = Context(LOGITS, annotated=frozenset(("objects",)))
    assert unused_annotations(choose_task(context), context) == (
        "The dataset has boxes, but the model gives y [1, 5], and the task classification does not use them. Give a "
        "dataset of the model's task, or say the task and how its outputs are read: --task, --decoder."
    )
    for annotated in (frozenset(), LABELS):
        context = Context(LOGITS, annotated=annotated)
        assert unused_annotations(choose_task(context), context) is None
