"""A metric that the person wrote."""

import math

import numpy as np
import pytest

from calibench.datasets.truth import Truth
from calibench.errors import SettingsError
from calibench.evaluation.metrics.custom import custom
from calibench.evaluation.metrics.metric import Observation

SOURCE = """
def right(outputs, label):
    return outputs["y"].argmax() == label

def error(outputs, label):
    return float(abs(outputs["y"]).sum())
error.unit = "mm"
error.higher_is_better = False

def big(outputs, label): return 31.2
def nothing(outputs, label): return None
def missing(outputs, label): return outputs["z"]
def nan(outputs, label): return float("nan")
def careless(outputs, label):
    outputs["y"][:] = 0
    outputs.clear()
    return 1
def third(outputs, label, known): return label + len(known.text)
def named(outputs, label=None, *, truth): return label + len(truth.text)
def instead(outputs, truth): return len(truth.text)
def only_named(outputs, *, truth=None): return len(truth.text)
def with_default(outputs, label, weight=7): return weight
def any_number(*values): return len(values)
for each in (third, named, instead, only_named, with_default, any_number):
    each.unit = "mm"
LIMIT = 3
"""
OUTPUTS = {"y": np.array([[1.0, 2.0]])}
SEEN = Observation(OUTPUTS, OUTPUTS, Truth(label=1, text="four"))


def value(metric, seen=SEEN):
    return metric.value(metric.observe(seen))


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "my_metrics.py").write_text(SOURCE)
    (tmp_path / "wrong_python.py").write_text("def")
    (tmp_path / "wrong_import.py").write_text("import no_such_package")
    monkeypatch.chdir(tmp_path)


def test_a_function_of_the_current_folder_is_a_share_by_default():
    metric = custom("my_metrics:right")
    assert (metric.unit, metric.higher_is_better, metric.needs) == ("%", True, "nothing")
    assert value(metric) == 100
    assert metric.score([1.0, 0.0]).score == 50


def test_a_function_that_changes_what_it_gets_changes_nothing_for_others():
    custom("my_metrics:careless").observe(SEEN)
    assert OUTPUTS["y"].tolist() == [[1.0, 2.0]]


def test_a_function_may_have_a_unit_and_a_direction():
    metric = custom("my_metrics:error")
    assert (metric.unit, metric.higher_is_better) == ("mm", False)
    assert value(metric) == 3
    assert metric.score([3.0, 5.0]).score == 4


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("third", 1 + 4),
        ("named", 1 + 4),
        ("instead", 4),
        ("only_named", 4),
        ("with_default", 7),
        ("any_number", 2),
    ],
)
def test_a_function_gets_the_truth_where_it_asks_for_it(name, expected):
    assert value(custom(f"my_metrics:{name}")) == expected


def test_a_function_written_in_c_gets_outputs_and_label(monkeypatch):
    monkeypatch.setattr(math, "share", min, raising=False)
    with pytest.raises(SettingsError, match=r"math:share failed \(TypeError"):
        value(custom("math:share"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere:f", "--metric nowhere:f: nowhere cannot be imported (No module named 'nowhere')."),
        ("wrong_import:f", "wrong_import cannot be imported (No module named 'no_such_package')."),
        ("wrong_python:f", "wrong_python cannot be imported (invalid syntax"),
        (":f", "--metric :f: no module cannot be imported"),
        (".x:f", "cannot be imported"),
        (
            "my_metrics:other",
            "--metric my_metrics:other: my_metrics has no function 'other'. "
            "Known: right, error, big, nothing, missing, nan, careless, third, named, instead, only_named, "
            "with_default, any_number, each.",
        ),
        ("my_metrics:LIMIT", "my_metrics has no function 'LIMIT'."),
    ],
)
def test_what_cannot_be_imported_is_said(name, sentence):
    with pytest.raises(SettingsError) as error:
        custom(name)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("big", "--metric my_metrics:big returned 31.2, but without a unit a metric is a share in 0..1. Say its unit"),
        ("nothing", "--metric my_metrics:nothing failed (TypeError: "),
        ("missing", "failed (KeyError: 'z'). It gets outputs y and label 1, and returns one number."),
        ("nan", "--metric my_metrics:nan returned nan. It must return a finite number for every sample."),
    ],
)
def test_what_a_function_must_not_return_is_said(name, sentence):
    with pytest.raises(SettingsError) as error:
        custom(f"my_metrics:{name}").observe(SEEN)
    assert sentence in str(error.value)
