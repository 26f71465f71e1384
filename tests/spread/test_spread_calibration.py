"""A whole calibration with two workers: the same trials, the same model and the same decided fields as without."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

sys.path.append(str(Path(__file__).parents[1] / "search"))
from single_layer_network import draw, network

from calibench import Arrays, calibrate
from calibench.errors import Cancelled
from calibench.pipeline import Calibrated
from calibench.search.values import Trial
from calibench.settings import make_settings

pytestmark = pytest.mark.targets


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two weights are far larger than the others of their channel, so that INT8 costs accuracy."""

    def spoiled(values: np.ndarray) -> np.ndarray:
        changed = values.copy()
        changed[..., 0, 0] *= 40
        return changed

    path = tmp_path_factory.mktemp("model") / "small.xml"
    ov.save_model(network({"second": spoiled, "last": spoiled}), path, compress_to_fp16=False)
    return path


@pytest.fixture(scope="module")
def annotated(model: Path) -> Arrays:
    """Labelled by FP32 itself."""
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    samples = draw(150, seed=5)
    return Arrays(samples, [int(compiled(sample)[0].argmax()) for sample in samples])


def calibrated(model: Path, annotated: Arrays, out: Path, **more: Any) -> Calibrated:
    timings = more.pop("timings", None)
    accuracy = {"max_drop": 0.0, "front": 0, "repair": "off", "max_trials": 5, "timings": timings}
    settings = make_settings(
        {"method": "accuracy-aware", "accuracy": accuracy, "diagnose": False, "inference_precision": "f32"}
    )
    calibration = Arrays(draw(40))
    return calibrate(model, calibration, settings, out, validation=annotated, benchmark=False, **more)


def decided(found: Calibrated) -> list[Any]:
    assert found.report.search is not None
    return [trial.model_dump(exclude={"seconds", "time_ms"}) for trial in found.report.search.trials]


def test_two_workers_give_the_trials_and_the_bytes_of_none(model: Path, annotated: Arrays, tmp_path: Path) -> None:
    first = calibrated(model, annotated, tmp_path / "first")
    timings = tmp_path / "first/timings.json"
    alone = calibrated(model, annotated, tmp_path / "alone", timings=timings)
    spread = calibrated(model, annotated, tmp_path / "spread", timings=timings, workers=2)
    assert len(decided(first)) > 2, "a search that ends at once shows nothing"
    assert decided(spread) == decided(alone)
    for name in ("model.xml", "model.bin"):
        assert (tmp_path / "spread" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert spread.report.drop_points == alone.report.drop_points


def test_cancelled_with_workers_it_leaves_no_process_and_goes_on_later(
    model: Path, annotated: Arrays, tmp_path: Path
) -> None:
    import psutil

    seen: list[Trial] = []

    def stop(trial: Trial, left: int) -> None:
        seen.append(trial)
        if len(seen) == 2:
            raise Cancelled

    before = set(psutil.Process().children(recursive=True))  # workers that other tests share
    with pytest.raises(Cancelled):
        calibrated(model, annotated, tmp_path / "out", workers=2, on_trial=stop)
    left = set(psutil.Process().children(recursive=True)) - before
    assert not [child for child in left if "spawn_main" in " ".join(child.cmdline())]
    found = calibrated(model, annotated, tmp_path / "out", resume=True)
    assert [each.number for each in seen] == [1, 2] and len(decided(found)) > 2
