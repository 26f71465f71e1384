"""What was found out about the task reaches the report and the terminal."""

from io import StringIO
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from PIL import Image
from report_samples import rich_report, small_report
from rich.console import Console

from calibench import calibrate
from calibench.reports.report import Report
from calibench.reports.table import print_report
from calibench.settings import make_settings


def printed(report: Report) -> str:
    stream = StringIO()
    print_report(report, Console(file=stream, width=80))
    return stream.getvalue()


def segmenter(folder: Path) -> Path:
    """Two classes of pixels out of one convolution."""
    random = np.random.default_rng(0)
    picture = ops.parameter([1, 3, 16, 16], np.float32, name="picture")
    weights = random.normal(size=(8, 3, 3, 3)).astype(np.float32)
    middle = ops.relu(ops.convolution(picture, weights, [1, 1], [1, 1], [1, 1], [1, 1]))
    last = random.normal(size=(2, 8, 1, 1)).astype(np.float32)
    scores = ops.convolution(middle, last, [1, 1], [0, 0], [0, 0], [1, 1])
    scores.output(0).set_names({"scores"})
    ov.save_model(ov.Model([scores], [picture], "segmenter"), folder / "model.xml", compress_to_fp16=False)
    return folder / "model.xml"


def masked_pictures(folder: Path) -> Path:
    random = np.random.default_rng(1)
    for inner in ("Images", "Masks"):
        (folder / inner).mkdir(parents=True)
    for number in range(12):
        Image.fromarray(random.integers(0, 255, (16, 16, 3), np.uint8)).save(folder / f"Images/{number}.png")
        mask = np.uint8(255) * random.integers(0, 2, (16, 16), np.uint8)
        Image.fromarray(mask).save(folder / f"Masks/{number}.png")
    return folder


def test_how_outputs_are_read_is_printed() -> None:
    text = printed(rich_report())
    assert "Task: detection.\n  decoder nanodet, from the shapes of the outputs\n" in text


def test_a_report_without_a_task_says_nothing_of_it() -> None:
    assert "Task:" not in printed(small_report().model_copy(update={"task": None}))


@pytest.mark.models
def test_what_the_task_has_guessed_is_in_the_report(tmp_path: Path) -> None:
    chosen = make_settings({"diagnose": False})
    report = calibrate(segmenter(tmp_path), masked_pictures(tmp_path / "set"), chosen, benchmark=False).report
    assert report.task == "segmentation"
    assert "classes of pixels from output scores" in report.task_notes
