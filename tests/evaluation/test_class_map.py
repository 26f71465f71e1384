"""Classes of the model find their classes of the dataset."""

import numpy as np
import pytest

from calibench.errors import SettingsError
from calibench.evaluation.class_map import NONE, map_classes
from calibench.evaluation.class_names import COCO, names_in, normal
from calibench.evaluation.decoders.decoder import Counting
from calibench.evaluation.tasks.task import Context
from calibench.settings import TaskSettings

IDS, NAMES = (tuple(column) for column in zip(*COCO, strict=True))


def mapped(classes, counting, settings=None, **more):
    context = Context(outputs={}, classes=tuple(classes), settings=TaskSettings(**(settings or {})), **more)
    return map_classes(context, counting)


def looked_up(*args, **more):
    return mapped(*args, **more).lookup.tolist()


def test_coco_has_80_classes_numbered_to_90():
    assert len(COCO) == 80 and IDS[0] == 1 and IDS[-1] == 90 and list(IDS) == sorted(set(IDS))
    assert {1, 13, 18, 44, 90} <= set(IDS) and not {12, 26, 29, 30, 45, 66, 68, 69, 71, 83} & set(IDS)


def test_as_many_classes_are_matched_by_index():
    assert looked_up("abc", Counting(3)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("counting", "lookup"),
    [(Counting(4, "first"), [NONE, 0, 1, 2]), (Counting(4, "last"), [0, 1, 2, NONE]), (Counting(4), [NONE, 0, 1, 2])],
)
def test_one_class_more_is_background(counting, lookup):
    assert looked_up("abc", counting) == lookup


def test_settings_say_where_the_background_is():
    assert looked_up("abc", Counting(4), {"background": "last"}) == [0, 1, 2, NONE]
    assert looked_up("abc", Counting(None, "first"), {"background": "none"}) == [0, 1, 2]


def test_1001_outputs_of_imagenet_begin_with_background():
    lookup = looked_up(map(str, range(1000)), Counting(1001))
    assert lookup[0] == NONE and lookup[1:] == list(range(1000))


def test_an_offset_is_taken_at_its_word():
    assert looked_up("abc", Counting(5), {"label_offset": 2}) == [NONE, NONE, 0, 1, 2]
    assert looked_up("abc", Counting(2), {"label_offset": -1}) == [1, 2]


def test_names_on_both_sides_are_matched_whatever_the_order():
    metadata = {"framework/names": "{0: 'traffic_light', 1: 'Dog', 2: 'cat'}"}
    found = mapped(["cat", "dog", "Traffic Light"], Counting(3), metadata=metadata)
    assert found.lookup.tolist() == [2, 1, 0]
    assert found.names == ("traffic_light", "Dog", "cat")
    assert found.note == "classes by name, from the model's names: 3 of 3"


def test_names_without_the_background_begin_behind_it():
    metadata = {"model_info/labels": "cat dog"}
    assert looked_up(["dog", "cat"], Counting(3, "first"), metadata=metadata) == [NONE, 1, 0]
    assert looked_up(["dog", "cat"], Counting(None, "first"), metadata={"model_info/labels": "background cat dog"}) == [
        NONE,
        1,
        0,
    ]


def test_80_classes_on_a_part_of_coco_are_matched_by_name():
    found = mapped(["zebra", "person", "TV"], Counting(80))
    assert found.apply(np.array([0, NAMES.index("tv"), NAMES.index("zebra"), 1])).tolist() == [1, 2, 0, NONE]


def test_voc_names_find_classes_of_coco():
    found = mapped(["aeroplane", "sofa", "tvmonitor", "person"], Counting(80))
    wanted = [NAMES.index(name) for name in ("airplane", "couch", "tv", "person")]
    assert found.apply(np.array(wanted)).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "counting", [Counting(91), Counting(91, "first"), Counting(92, "last"), Counting(None, "first")]
)
def test_91_classes_are_the_numbers_of_coco(counting):
    lookup = looked_up(NAMES, counting, class_ids=IDS)
    assert lookup[0] == NONE and [lookup[number] for number in IDS] == list(range(80))


def test_90_classes_are_the_numbers_of_coco_from_zero():
    lookup = looked_up(NAMES, Counting(90), class_ids=IDS)
    assert [lookup[number - 1] for number in IDS] == list(range(80))


def test_81_classes_have_background_and_the_names_of_coco():
    lookup = looked_up(NAMES, Counting(81, "first"), class_ids=IDS)
    assert lookup == [NONE, *range(80)]


def test_numbers_of_the_dataset_when_asked_for():
    assert looked_up("ab", Counting(None), {"class_numbers": "id"}, class_ids=(2, 4)) == [NONE, NONE, 0, NONE, 1]
    assert looked_up("ab", Counting(4), {"class_numbers": "id"}, class_ids=(2, 4)) == [NONE, 0, NONE, 1]


def test_numbers_that_a_model_should_not_have_are_no_class():
    assert mapped("abc", Counting(3)).apply(np.array([-1, 3, 99, 1])).tolist() == [NONE, NONE, NONE, 1]


def test_without_classes_in_the_dataset_numbers_stay():
    assert mapped((), Counting(5)).apply(np.array([0, 4])).tolist() == [0, 4]


def test_names_in_a_file(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("dog\ncat\n", encoding="utf-8")
    assert looked_up(["cat", "dog"], Counting(2), {"class_names": path}) == [1, 0]
    with pytest.raises(SettingsError, match=r"no\.txt: cannot be read"):
        mapped(["cat"], Counting(1), {"class_names": tmp_path / "no.txt"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "The model has 7 classes, the dataset 2"),
        ({"class_numbers": "name"}, "the model has no names"),
        ({"class_numbers": "id"}, "the dataset has none"),
    ],
)
def test_what_nothing_tells_is_an_error(settings, message):
    with pytest.raises(SettingsError, match=message):
        mapped("ab", Counting(7), settings)


def test_names_of_which_none_is_known_are_an_error_when_asked_for():
    with pytest.raises(SettingsError, match=r"None of the model's classes \(x, y\)"):
        mapped("ab", Counting(2), {"class_numbers": "name"}, metadata={"model_info/labels": "x y"})


def test_what_no_python_can_read_is_no_list_of_names():
    assert names_in({"framework/names": "{0: oops"}) == ()
    assert names_in({"names": "['a', 'b']"}) == ("a", "b")
    assert normal("Traffic_Light ") == normal("traffic-light") == "traffic light"


def test_the_empty_name_of_training_extensions_is_no_class_of_the_outputs():
    metadata = {"model_info/labels": "otx_empty_lbl cat dog"}
    assert looked_up(["dog", "cat"], Counting(), metadata=metadata) == [1, 0]
    assert looked_up(["dog", "cat"], Counting(None, "first"), metadata=metadata) == [NONE, 1, 0]
