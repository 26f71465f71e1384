"""The mistakes that are tried."""

import pytest

from calibench.evaluation.alternatives import alternatives
from calibench.settings import InputSettings, TaskSettings


def _says(inputs: InputSettings, channels: int = 3, has_labels: bool = True) -> list[str]:
    return [change.says for change in alternatives(inputs, TaskSettings(), channels, has_labels)]


def test_nothing_is_tried_that_is_set_already() -> None:
    given = InputSettings(mean=(127.5,), scale=(127.5,), color="bgr", resize="crop")
    for change in alternatives(given, TaskSettings(), 3, True):
        changed = given.model_copy(update=dict(change.inputs))
        assert changed != given or change.task


def test_no_change_is_tried_twice() -> None:
    for color in ("rgb", "bgr"):
        said = _says(InputSettings(color=color, mean=(103.53, 116.28, 123.675), scale=(57.375, 57.12, 58.395)))
        assert len(said) == len(set(said))


@pytest.mark.parametrize(("channels", "tried"), [(1, True), (3, False)])
def test_means_of_gray_sets_are_tried_for_one_channel_only(channels: int, tried: bool) -> None:
    assert ("--mean 72.94 --scale 90.02" in _says(InputSettings(), channels)) == tried


def test_a_gray_model_has_no_colour_order() -> None:
    assert not [said for said in _says(InputSettings(color="gray"), 1) if "--color" in said]


def test_labels_are_shifted_only_where_there_are_some() -> None:
    assert "task.label_offset: 1" in _says(InputSettings())
    assert not [said for said in _says(InputSettings(), has_labels=False) if "label_offset" in said]


def test_a_crop_of_a_size_that_a_person_chose_is_tried_with_the_usual_one() -> None:
    assert "no resize_short" in _says(InputSettings(resize="crop", resize_short=448))
    assert "no resize_short" not in _says(InputSettings(resize="crop"))
