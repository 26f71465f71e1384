"""A metric that the person wrote."""

import numpy as np
import pytest

from calibench.errors import SettingsError
from calibench.evaluation.custom import custom
from calibench.evaluation.metrics import Observation, choose_metric

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
LIMIT = 3
"""
OUTPUTS = {"y": np.array([[1.0, 2.0]])}
SEEN = Observation(OUTPUTS, OUTPUTS, 1)


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "my_metrics.py").write_text(SOURCE)
    (tmp_path / "wrong_python.py").write_text("def")
    (tmp_path / "wrong_import.py").write_text("import no_such_package")
    monkeypatch.chdir(tmp_path)


def test_a_function_of_the_current_folder_is_a_share_by_default():
    metric = choose_metric("my_metrics:right", True, [(1, 2)])
    assert (metric.unit, metric.higher_is_better, metric.needs_labels) == ("%", True, False)
    assert metric.value(SEEN) == 1
    assert metric.mean(np.array([1.0, 0.0])) == 50


def test_a_function_may_have_a_unit_and_a_direction():
    metric = custom("my_metrics:error")
    assert (metric.unit, metric.higher_is_better) == ("mm", False)
    assert metric.value(SEEN) == 3
    assert metric.mean(np.array([3.0, 5.0])) == 4


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
            "Known: right, error, big, nothing, missing, nan.",
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
        custom(f"my_metrics:{name}").value(SEEN)
    assert sentence in str(error.value)
