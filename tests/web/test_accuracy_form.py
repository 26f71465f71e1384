"""Accuracy settings as form and YAML: what a field shows, what an entry means, and that both stay in step."""

from typing import Any

import pytest
import yaml

pytest.importorskip("nicegui", reason="needs the extra serve")

from calibench.evaluation.decoders.decoders import DECODERS
from calibench.settings import make_settings
from calibench.web import accuracy_form
from calibench.web.setting_fields import as_yaml, meant, shown

FIELDS = {field.name: field for field in accuracy_form.FIELDS}
KEPT = {"inputs": {"": {"mean": [127.0], "color": "bgr"}}, "task": {"kind": "detection", "outputs": {"boxes": "b"}}}


def enter(settings: dict[str, Any], name: str, entry: Any, of_input: str = "") -> tuple[dict[str, Any], str]:
    return accuracy_form.with_entry(settings, FIELDS[name], entry, of_input)


def test_every_field_is_a_setting_and_shows_its_default() -> None:
    shown_first = accuracy_form.entries({}, "")
    assert shown_first["inputs.color"] == "rgb"
    assert shown_first["task.label_offset"] == 0
    assert shown_first["inputs.size"] == ""
    assert set(shown_first) == set(FIELDS)


def test_the_decoders_that_are_suggested_are_those_that_there_are() -> None:
    assert ("auto", *(decoder.name for decoder in DECODERS)) == accuracy_form.DECODERS


def test_settings_are_shown_as_they_are_typed() -> None:
    entries = accuracy_form.entries({"inputs": {"x": {"size": [224, 320], "mean": [1.5, 2.0]}}}, "x")
    assert (entries["inputs.size"], entries["inputs.mean"]) == ("224 x 320", "1.5, 2")


@pytest.mark.parametrize("entry", ["224x320", "224 x 320", "224, 320", "224 X 320 "])
def test_a_size_is_read_however_it_is_written(entry: str) -> None:
    assert enter({}, "inputs.size", entry) == ({"inputs": {"": {"size": [224, 320]}}}, "")


def test_what_no_field_shows_stays_when_a_field_changes() -> None:
    settings, wrong = enter(KEPT, "task.label_offset", 1)
    assert wrong == ""
    assert settings["task"] == {"kind": "detection", "outputs": {"boxes": "b"}, "label_offset": 1}


def test_a_default_is_taken_out_and_an_empty_section_goes_too() -> None:
    settings, _ = enter({"inputs": {"": {"color": "bgr"}}, "metric": "top1"}, "inputs.color", "rgb")
    assert settings == {"metric": "top1"}


@pytest.mark.parametrize(
    ("name", "entry", "words"),
    [
        ("inputs.size", "224", "height and width"),
        ("inputs.mean", "1, two", "'two' is no number"),
        ("inputs.scale", "0", "cannot divide"),
        ("inputs.pad", 256, "255"),
        ("task.score_threshold", 2, "less than or equal to 1"),
        ("task.label_offset", 0.5, "whole number"),
    ],
)
def test_a_wrong_entry_changes_nothing_and_says_why(name: str, entry: Any, words: str) -> None:
    settings, wrong = enter(KEPT, name, entry)
    assert settings == KEPT
    assert words in wrong


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("device: GPU", "no accuracy setting"),
        ("inputs: {'': {colour: bgr}}", "there is no such setting"),
        ("task: [", "no valid YAML"),
        ("task: &a {kind: auto}\nmetric: *a", "Line 2: an alias is not read; write its values out."),
        ("just words", "name: value"),
    ],
)
def test_wrong_yaml_is_told(words: str, said: str) -> None:
    assert said in accuracy_form.typed(words)[1]


def test_yaml_of_settings_reads_back_as_the_same_settings() -> None:
    words = as_yaml(KEPT)
    assert "?" not in words
    assert yaml.safe_load(words) == KEPT
    assert accuracy_form.typed(words) == (KEPT, "")


def test_what_says_only_the_default_is_left_out_of_the_yaml() -> None:
    whole = make_settings(KEPT).model_dump(mode="json", include=set(accuracy_form.SECTIONS))
    lean = accuracy_form.lean(whole)
    assert lean["inputs"] == {"": {"color": "bgr", "mean": [127.0]}}
    assert lean["task"] == KEPT["task"]


def test_changes_are_said_by_the_titles_of_the_fields() -> None:
    after = {"inputs": {"": {"color": "rgb", "mean": [127.0]}}, "task": {"kind": "detection", "label_offset": 1}}
    assert accuracy_form.changes(KEPT, after) == ["Colour order: bgr → rgb", "Label offset: 0 → 1"]


def test_a_model_of_several_inputs_offers_each_of_them() -> None:
    assert accuracy_form.input_names({}, ["a"]) == [""]
    assert accuracy_form.input_names({"inputs": {"b": {}}}, ["a", "b"]) == ["", "b", "a"]


def test_an_entry_that_is_the_default_means_nothing() -> None:
    field = FIELDS["task.max_detections"]
    assert meant(field, shown(field, None)) is None
