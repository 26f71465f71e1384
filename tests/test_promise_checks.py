"""What the accuracy-aware method refuses before the calibration begins."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calibench import Arrays
from calibench.errors import CalibenchError, DatasetError, SettingsError
from calibench.pipeline import plan
from calibench.settings import make_settings

NETWORK = Path(__file__).parent / "data/networks/fashion-resnet8.onnx"


def samples(count: int = 20) -> Arrays:
    random = np.random.default_rng(0)
    made = [{"input": random.normal(size=(1, 1, 28, 28)).astype(np.float32)} for _ in range(count)]
    return Arrays(made, [i % 10 for i in range(count)])


def refused(kind: type[CalibenchError], sentence: str, accuracy: dict[str, Any], **more: Any) -> None:
    settings = make_settings({"method": "accuracy-aware", "accuracy": accuracy, "diagnose": False, **more})
    with pytest.raises(kind, match=sentence):
        plan(NETWORK, samples(), settings, samples())


def test_a_metric_of_likeness_is_no_fault_of_the_samples() -> None:
    refused(SettingsError, "--metric cosine says how like FP32 .* --label-free", {}, metric="cosine")


def test_a_metric_of_annotations_is_not_free_of_labels() -> None:
    refused(SettingsError, "--label-free counts answers .* --metric top1", {"label_free": True}, metric="top1")


def test_an_unknown_metric_with_a_limit_is_said_of_its_option() -> None:
    refused(
        SettingsError, r"^--limit top=1: there is no such metric for classification\. Known", {"limits": {"top": 1}}
    )


def test_times_that_are_none_are_refused_before_anything_runs(tmp_path: Path) -> None:
    refused(SettingsError, r"--timings .*none\.json: cannot be read", {"timings": tmp_path / "none.json"})


def test_held_out_samples_without_annotations_are_refused_before_the_search(tmp_path: Path) -> None:
    np.savez(tmp_path / "held.npz", input=np.zeros((3, 1, 28, 28), np.float32))
    refused(
        DatasetError,
        "--holdout .*: its samples have not the annotations that top1 needs",
        {"holdout": str(tmp_path)},
    )


def test_samples_too_few_to_show_the_limit_are_noted_before_the_work() -> None:
    settings = make_settings({"method": "accuracy-aware", "accuracy": {"max_drop": 0.5}, "diagnose": False})
    assert any("at least 390 can" in note for note in plan(NETWORK, samples(), settings, samples()).notes)
    default = make_settings({"diagnose": False})
    assert not any("cannot tell a drop" in note for note in plan(NETWORK, samples(), default, samples()).notes)


def test_a_share_without_its_sign_is_no_folder() -> None:
    refused(SettingsError, "--holdout 20: there is no such folder. A share is written with %", {"holdout": "20"})
