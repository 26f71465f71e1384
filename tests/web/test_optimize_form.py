"""What is entered on Optimize INT8 becomes the calibration that is asked for, or sentences beside the fields."""

from typing import Any

import pytest

pytest.importorskip("nicegui", reason="needs the extra serve")

from calibench.things.asked import AskCalibration, Points
from calibench.web.optimize_form import asked_for, fresh
from calibench.web.points_form import numbers_of, points_of


def entered(**entries: Any) -> dict[str, Any]:
    return fresh() | entries


def test_untouched_entries_ask_for_the_defaults() -> None:
    ask, errors = asked_for(fresh())
    assert ask == AskCalibration()
    assert errors == {}


def test_a_calibration_that_was_asked_for_stands_in_the_fields_and_asks_for_the_same_again() -> None:
    ask = AskCalibration(
        calibration_dataset_id=7, subset_percent=12.5, method="accuracy-aware", max_drop=0.2, preset="mixed",
        advanced={"range_rule": "mse", "ignored": {"types": ["MatMul", "Add"]}, "recipes": 1,
                  "accuracy": {"max_trials": 9, "front": 2}},
        points=Points(batches=(1, 8), streams=(0, 2)), name="small", workers=3,
    )  # fmt: skip
    draft = fresh(ask.model_dump(mode="json"))
    assert (draft["range_rule"], draft["ignored.types"], draft["streams"]) == ("mse", "MatMul, Add", "auto, 2")
    again, errors = asked_for(draft)
    assert errors == {}
    assert again == ask


@pytest.mark.parametrize(
    ("entries", "field", "words"),
    [
        ({"percent": 0}, "percent", "greater than 0"),
        ({"percent": 101}, "percent", "less than or equal to 100"),
        ({"percent": None}, "percent", "number"),
        ({"method": "accuracy-aware", "max_drop": -1}, "max_drop", "greater than or equal to 0"),
        ({"batches": "1, x"}, "batches", "'x' is no whole number"),
        ({"batches": ""}, "batches", "at least one"),
        ({"streams": "many"}, "streams", "nor auto"),
        ({"ignored.patterns": "("}, "ignored.patterns", "no regular expression"),
        ({"seed": -3}, "seed", "greater than or equal to 0"),
        ({"yaml": "preset: mixed"}, "yaml", "set elsewhere"),
        ({"yaml": "a: [1"}, "yaml", "no valid YAML"),
        ({"yaml": "- 1"}, "yaml", "name: value"),
        ({"yaml": "recipes: 9"}, "yaml", "recipes"),
        ({"yaml": "rangerule: mse"}, "yaml", "no such setting"),
        ({"workers": 65}, "workers", "less than or equal to 64"),
        ({"workers": 1.5}, "workers", "integer"),
        ({"name": "a\tb"}, "name", "control characters"),
    ],
)
def test_a_wrong_entry_is_told_beside_its_field(entries: dict[str, Any], field: str, words: str) -> None:
    ask, errors = asked_for(entered(**entries))
    assert ask is None
    assert words in errors[field]


def test_several_wrong_entries_are_all_told() -> None:
    _, errors = asked_for(entered(percent=0, batches="x", yaml="- 1"))
    assert set(errors) == {"percent", "batches", "yaml"}


def test_yaml_is_laid_over_the_fields() -> None:
    ask, _ = asked_for(entered(range_rule="mse", yaml="range_rule: typical\nrecipes: 1"))
    assert ask is not None
    assert ask.advanced == {"range_rule": "typical", "recipes": 1}


def test_settings_of_the_search_are_left_out_of_the_default_method() -> None:
    entries = {"accuracy.max_trials": 5, "max_drop": 0.1}
    plain, _ = asked_for(entered(**entries))
    aware, _ = asked_for(entered(method="accuracy-aware", **entries))
    assert plain is not None and aware is not None
    assert (plain.advanced, plain.max_drop) == ({}, 0.5)
    assert (aware.advanced, aware.max_drop) == ({"accuracy": {"max_trials": 5}}, 0.1)


def test_numbers_are_read_with_commas_or_blanks_each_once() -> None:
    assert numbers_of("1, 2 4;2") == (1, 2, 4)
    assert numbers_of("AUTO 2", has_auto=True) == (0, 2)


def test_more_points_than_can_be_measured_are_refused_in_words() -> None:
    points, errors = points_of(" ".join(str(i) for i in range(1, 20)), "auto")
    assert points is None
    assert errors == {"batches": "At most 16 are possible."}
