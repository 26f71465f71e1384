"""Samples drawn as pictures: what others wrote stays text, and nothing is loaded from elsewhere."""

import base64
from xml.etree import ElementTree

import pytest

pytest.importorskip("nicegui", reason="needs the extra serve")

from calibench.web import looks
from calibench.web.compared_tables import difference_words, layer_row
from calibench.web.headline import drop_words, interval_words
from calibench.web.pictures_tab import how_many, wrong_words
from calibench.web.sample_cards import caption, mark_of, wrong_ones
from calibench.web.settings_tab import changed
from calibench.web.shown_drawing import drawing, words

PICTURE = "data:image/jpeg;base64," + base64.b64encode(b"a picture").decode()
WICKED = "</text><script>alert(1)</script>&\x00\u202e"


def drawn(shown: dict[str, object], picture: str = PICTURE) -> ElementTree.Element:
    uri = drawing(picture, (100, 200), shown, "int8")
    assert uri is not None
    return ElementTree.fromstring(base64.b64decode(uri.partition(",")[2]))


def tags(svg: ElementTree.Element) -> list[str]:
    return [each.tag.rpartition("}")[2] for each in svg.iter()]


def test_a_label_is_text_whatever_it_holds() -> None:
    svg = drawn({"boxes": [[0.1, 0.2, 0.5, 0.9]], "box_labels": [WICKED]})
    assert "script" not in tags(svg)
    assert next(each.text for each in svg.iter() if each.tag.endswith("text")) == "</text><script>alert(1)</script>&"


@pytest.mark.parametrize(
    "uri", ["http://example.org/a.png", "javascript:alert(1)", "data:image/svg+xml;base64,AAAA", '"']
)
def test_a_picture_from_elsewhere_is_not_drawn(uri: str) -> None:
    assert drawing(uri, (10, 10), {}, "truth") is None
    assert tags(drawn({"overlay": uri})).count("image") == 1


def test_boxes_stand_at_their_shares_of_the_picture() -> None:
    svg = drawn({"boxes": [[0.1, 0.2, 0.5, 0.9]]})
    box = [each.attrib for each in svg.iter() if each.tag.endswith("rect")][1]
    assert [box[name] for name in ("x", "y", "width", "height")] == ["20.0", "20.0", "80.0", "70.0"]


def test_an_answer_is_said_in_words_for_those_who_do_not_see_it() -> None:
    assert words({"text": "cat 0.9", "box_labels": ["dog"]}) == "cat 0.9"
    assert words({"box_labels": [f"c{i}" for i in range(10)]}).endswith("c7 and 2 more")
    assert words({"boxes": [[0, 0, 1, 1]] * 3}) == "3 boxes"


def test_a_drop_below_zero_is_a_gain() -> None:
    assert drop_words(0.42, "%") == ("0.42", "points lost")
    assert drop_words(-0.42, "%") == ("0.42", "points gained")
    assert drop_words(0.0, "%") == ("0.00", "points lost")
    assert interval_words((0.1, 0.9), "dB") == "95 % sure: 0.10 to 0.90 dB"
    assert interval_words((-2.81, 1.49), "%") == "95 % sure: 2.81 points gained to 1.49 lost"
    assert interval_words((-0.9, -0.1), "%") == "95 % sure: 0.10 to 0.90 points gained"


def test_how_many_samples_differ_is_said_with_how_many_are_shown() -> None:
    assert how_many(24, {"differing": 37, "evaluated": 500, "agreement": 90.0}) == (
        "The score of 37 of 500 samples differs between FP32 and INT8; 50 answers changed. "
        "24 are shown, what lost most first."
    )
    assert how_many(0, {"differing": 0, "evaluated": 500}) == "FP32 and INT8 have the same score on all of 500 samples."
    assert how_many(0, {"evaluated": 500}) == "No sample was kept on which FP32 and INT8 differ of 500 samples."


def test_differences_have_a_sign_and_percent_where_they_say_something() -> None:
    assert difference_words({"difference": -0.88, "percent": -1.0, "unit": "%"}) == "-0.88 points"
    assert difference_words({"difference": 100.0, "percent": 50.0, "unit": "samples/s"}) == "+100 fps (+50 %)"
    assert difference_words({"difference": None, "unit": "ms"}) == looks.NOTHING


def test_a_layer_that_ran_in_one_of_two_models_only_says_so() -> None:
    row = layer_row({"name": "a", "type": "Reorder", "a_ms": None, "b_ms": 0.1, "in_a": False, "in_b": True,
                     "b_precision": "FP32"})  # fmt: skip
    assert (row["a_precision"], row["b_precision"]) == ("not executed", "FP32")


def test_only_settings_that_are_not_the_default_are_listed() -> None:
    values = {"preset": "mixed", "seed": 0, "inputs": {"": {"mean": [1.0], "color": "rgb"}, "b": {}}, "diagnose": False}
    assert changed(values) == [
        ("preset", "mixed"),
        ("inputs.mean", "1.0"),
        ("diagnose", "off"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "unit", "said"),
    [
        (100.0, 0.0, "%", "right in FP32, wrong in INT8"),
        (0.0, 0.0, "%", "FP32 and INT8 alike"),
        (100.0, 37.5, "%", "100.00 % in FP32, 37.50 % in INT8"),
        (0.0, 100.0, "dB", "0.00 dB in FP32, 100.00 dB in INT8"),
    ],
)
def test_a_sample_that_is_right_or_wrong_has_no_percent(before: float, after: float, unit: str, said: str) -> None:
    assert caption({"baseline_value": before, "int8_value": after, "truth": {"label": "cat"}}, unit) == said


def test_without_annotations_no_answer_is_called_right() -> None:
    assert caption({"baseline_value": 100.0, "int8_value": 0.0}, "%") == "100.00 % in FP32, 0.00 % in INT8"


def test_an_answer_is_marked_right_or_wrong_only_where_it_is_one_of_them() -> None:
    row = {"truth": {"text": "cat"}, "baseline_value": 0.0, "int8_value": 100.0}
    assert mark_of(row, "baseline", "%") == "wrong"
    assert mark_of(row, "int8", "%") == "right"
    assert mark_of(row, "truth", "%") == mark_of(row, "baseline", "dB") == ""
    assert mark_of({**row, "baseline_value": 0.4}, "baseline", "%") == ""
    assert mark_of({**row, "truth": {"boxes": [[0, 0, 1, 1]]}}, "baseline", "%") == ""
    assert wrong_ones([row, {**row, "baseline_value": 100.0}], "%") == [row]


def test_how_many_are_wrong_is_said_also_where_none_is_or_answers_are_scored() -> None:
    assert wrong_words(3, 8, has_scores=False).startswith("3 of the 8 samples")
    assert wrong_words(0, 8, has_scores=False).startswith("None of the 8 samples")
    assert wrong_words(0, 8, has_scores=True).startswith("Answers are scored")
