"""The job that brings the sample, with small files in place of those that are fetched."""

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops
from PIL import Image

from calibench.demo.files import DemoFiles
from calibench.settings import make_settings
from calibench.targets import smaller_jobs
from calibench.targets.bundle import Bundle
from calibench.targets.bundle_files import read_events, write_bundle
from calibench.targets.run_bundle import run_bundle


@pytest.fixture
def folder(tmp_path, monkeypatch):
    def prepare(folder, scenes, say):
        say("fetching EfficientNet-Lite0 (17 MB)")
        (folder / "packages/stamps").mkdir(parents=True)
        (folder / "model").mkdir(exist_ok=True)
        image = ops.parameter([1, 3, 8, 8], np.float32, name="image")
        kernel = np.ones((4, 3, 3, 3), np.float32)
        ov.save_model(
            ov.Model([ops.convolution(image, kernel, [1, 1], [0, 0], [0, 0], [1, 1])], [image]),
            folder / "model/efficientnet-lite0.xml",
            compress_to_fp16=False,
        )
        for part in ("calibration", "validation"):
            say(f"making {scenes} scenes for {part}")
            for name in ("1_cat", "2_dog"):
                place = folder / f"{part}-{scenes}" / name
                place.mkdir(parents=True)
                Image.new("RGB", (8, 8)).save(place / f"{part}.png")
        return DemoFiles(
            folder / "model/efficientnet-lite0.xml", folder / f"calibration-{scenes}", folder / f"validation-{scenes}"
        )

    monkeypatch.setattr(smaller_jobs, "prepare", prepare)
    write_bundle(Bundle(kind="sample"), tmp_path / "job")
    return tmp_path / "job"


def test_three_folders_are_made_and_said_what_they_hold(folder):
    end = run_bundle(folder)
    assert end.state == "done", end.failure
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["calibration", "model", "validation"]
    assert end.result["model"]["entry"] == "efficientnet-lite0.xml"
    assert end.result["model"]["int8_layers"] == 1
    assert [end.result[name]["samples"] for name in ("calibration", "validation")] == [2, 2]
    settings = make_settings(end.result["model"]["accuracy_settings"])
    assert (settings.metric, settings.inputs[""].scale) == ("top1", (128.0,))


def test_the_bar_moves_with_what_is_made(folder):
    run_bundle(folder)
    events, _ = read_events(folder)
    shares = {event["stage"]: event["progress"] for event in events if event["type"] == "progress"}
    assert shares["fetch"] < shares["write"] < shares["read"] <= shares["done"] == 1


def test_another_attempt_takes_the_place_of_the_first(folder):
    run_bundle(folder)
    assert run_bundle(folder).state == "done"
