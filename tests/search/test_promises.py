"""The accuracy-aware method on a small real network: the promise holds, and nothing is lost."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import pytest

from calibench import Arrays, calibrate, evaluate
from calibench.errors import Cancelled, DatasetError, JobError, SettingsError
from calibench.pipeline import Calibrated
from calibench.reports.report import read_report
from calibench.search.journal import journal_path
from calibench.search.values import Trial
from calibench.settings import Settings, make_settings

pytestmark = pytest.mark.models

NETWORK = Path(__file__).parents[1] / "data/networks/fashion-mbv3.onnx"
LIMIT = 2.5


def noise(count: int, seed: int, sharpness: float = 1.0) -> list[np.ndarray]:
    """Smooth random pictures, as they enter the network; it is sure of few, so that INT8 changes many."""
    random = np.random.default_rng(seed)
    coarse = random.normal(size=(count, 1, 1, 7, 7)).astype(np.float32)
    return list(sharpness * np.kron(coarse, np.ones((1, 1, 1, 4, 4), np.float32)))


def annotated(count: int, seed: int) -> Arrays:
    """Labelled by FP32 itself, but for every tenth."""
    pictures = noise(count, seed)
    compiled = ov.Core().compile_model(NETWORK, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    answers = [int(compiled({0: picture})[0].argmax()) for picture in pictures]
    labels = [(answer + 1) % 10 if i % 10 == 0 else answer for i, answer in enumerate(answers)]
    return Arrays([{"input": picture} for picture in pictures], labels)


def settings(**accuracy: Any) -> Settings:
    return make_settings(
        {
            "method": "accuracy-aware",
            "accuracy": {"max_drop": LIMIT, "front": 2, **accuracy},
            "diagnose": False,
            "overflow_guard": "on",  # the same weights, and float layers, on every CPU
            "inference_precision": "f32",
        }
    )


@pytest.fixture(scope="module")
def calibration() -> Arrays:
    return Arrays([{"input": picture} for picture in noise(48, 1)])


@pytest.fixture(scope="module")
def validation() -> Arrays:
    return annotated(200, 2)


@pytest.fixture(scope="module")
def result(calibration: Arrays, validation: Arrays, tmp_path_factory: pytest.TempPathFactory) -> Calibrated:
    out = tmp_path_factory.mktemp("promise") / "int8"
    return calibrate(NETWORK, calibration, settings(), out, validation=validation, benchmark=False)


def found(calibrated: Calibrated) -> Any:
    assert calibrated.report.search is not None
    return calibrated.report.search


def test_plain_int8_misses_the_limit_and_the_result_holds_it(result: Calibrated) -> None:
    search = found(result)
    assert search.trials[0].purpose == "plain INT8" and search.trials[0].drop > LIMIT
    assert search.is_reached, search.why_not
    assert result.report.drop_points is not None and result.report.drop_points <= LIMIT


def test_the_drop_that_is_promised_is_the_one_of_the_saved_model(result: Calibrated, validation: Arrays) -> None:
    assert result.folder is not None
    scored = evaluate(result.folder / "model.xml", validation, make_settings({"diagnose": False})).score.score
    before = evaluate(NETWORK, validation, make_settings({"diagnose": False})).score.score
    assert result.report.int8 == scored
    assert result.report.drop_points == pytest.approx(before - scored)
    assert f"{result.report.drop_points:.2f}" in found(result).promise


def test_every_layer_in_float_says_why(result: Calibrated) -> None:
    best = next(trial for trial in found(result).trials if trial.number == found(result).best)
    rows = {row.name: row for row in result.report.layers}
    for name in best.floats:
        assert rows[name].precision == "float"
        assert "estimated" in (rows[name].reason or "")


def test_the_best_trial_was_evaluated_on_every_sample(result: Calibrated) -> None:
    best = next(trial for trial in found(result).trials if trial.number == found(result).best)
    assert best.is_exact and best.evaluated == 200


def test_every_point_of_the_front_is_there_and_holds_its_drop(result: Calibrated, validation: Arrays) -> None:
    assert result.folder is not None
    baseline = result.report.baseline
    assert baseline is not None
    for point in found(result).front:
        scored = evaluate(result.folder / point.folder / "model.xml", validation, make_settings({"diagnose": False}))
        assert baseline - scored.score.score == pytest.approx(point.drop)


def test_the_report_in_the_folder_is_the_report_of_the_run(result: Calibrated) -> None:
    assert result.folder is not None
    assert read_report(result.folder / "report.json") == result.report
    assert "How the accuracy was kept" in (result.folder / "report.html").read_text("utf-8")


class Stop:
    """Cancels a run when so many trials are done."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, trial: Trial, more: int) -> None:
        self.left -= 1
        if self.left == 0:
            raise Cancelled


@pytest.mark.parametrize("after", [1, 3])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    after: int, result: Calibrated, calibration: Arrays, validation: Arrays, tmp_path: Path
) -> None:
    assert result.folder is not None
    out, chosen = tmp_path / "int8", settings(timings=result.folder / "timings.json")
    with pytest.raises(Cancelled):
        calibrate(NETWORK, calibration, chosen, out, validation=validation, benchmark=False, on_trial=Stop(after))
    assert sorted(path.name for path in out.iterdir()) == ["search"]
    again = calibrate(NETWORK, calibration, chosen, out, validation=validation, benchmark=False, resume=True)
    assert found(again).trials[0].scores == found(result).trials[0].scores
    for name in ("model.xml", "model.bin"):
        assert (out / name).read_bytes() == (result.folder / name).read_bytes()


def test_a_run_goes_on_only_with_the_same_labels(calibration: Arrays, validation: Arrays, tmp_path: Path) -> None:
    out, short = tmp_path / "int8", settings(max_trials=1)
    with pytest.raises(Cancelled):
        calibrate(NETWORK, calibration, short, out, validation=validation, benchmark=False, on_trial=Stop(1))
    assert validation.labels is not None
    other = Arrays(validation.samples, [*validation.labels[1:], validation.labels[0]])
    with pytest.raises(JobError, match="annotations of the validation dataset have changed"):
        calibrate(NETWORK, calibration, short, out, validation=other, benchmark=False, resume=True)


def test_a_trial_that_was_made_better_in_the_journal_is_no_promise(
    calibration: Arrays, validation: Arrays, tmp_path: Path
) -> None:
    out, short = tmp_path / "int8", settings(max_trials=1)
    with pytest.raises(Cancelled):
        calibrate(NETWORK, calibration, short, out, validation=validation, benchmark=False, on_trial=Stop(1))
    lines = [json.loads(line) for line in journal_path(out).read_text().splitlines()]
    for line in lines:
        if line.get("kind") == "trial":
            line["value"].update(drop=0.0, holds=True, excess=-LIMIT, broken="")
    journal_path(out).write_text("".join(json.dumps(line) + "\n" for line in lines))
    again = calibrate(NETWORK, calibration, short, out, validation=validation, benchmark=False, resume=True)
    assert not found(again).is_reached
    assert "kept the limit in the search, and evaluated again it loses" in found(again).why_not


def test_a_budget_of_one_trial_returns_plain_int8_and_can_be_raised(
    calibration: Arrays, validation: Arrays, tmp_path: Path
) -> None:
    out = tmp_path / "int8"
    short = calibrate(NETWORK, calibration, settings(max_trials=1), out, validation=validation, benchmark=False)
    assert not found(short).is_reached
    assert "budget" in found(short).why_not
    assert (out / "model.xml").exists()
    more = calibrate(NETWORK, calibration, settings(), out, validation=validation, benchmark=False, resume=True)
    assert found(more).is_reached
    assert found(more).trials[0].seconds == found(short).trials[0].seconds


def test_a_limit_that_no_int8_model_keeps_gives_the_nearest_one(
    calibration: Arrays, validation: Arrays, tmp_path: Path
) -> None:
    hopeless = settings(max_drop=0.0, max_class_drop=0.0, max_trials=6, repair="off")
    missed = calibrate(NETWORK, calibration, hopeless, tmp_path / "int8", validation=validation, benchmark=False)
    search = found(missed)
    if not search.is_reached:
        drops = [trial.drop for trial in search.trials if trial.is_exact]
        assert search.why_not
        assert (tmp_path / "int8/model.xml").exists()
        assert min(drops) <= (missed.report.drop_points or 0.0)


def test_without_annotations_the_method_is_refused(calibration: Arrays, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"takes annotated samples.*--label-free"):
        calibrate(NETWORK, calibration, settings(), tmp_path / "int8", validation=calibration, benchmark=False)
    assert not (tmp_path / "int8").exists()


def test_label_free_bounds_the_drop_by_disagreement(calibration: Arrays) -> None:
    other = Arrays([{"input": picture} for picture in noise(200, 3)])
    free = calibrate(NETWORK, calibration, settings(label_free=True, max_drop=4.0), validation=other, benchmark=False)
    search = found(free)
    assert free.report.metric == "agreement"
    assert search.label_free and "unlabelled" in search.promise
    assert free.report.drop_points is not None and free.report.drop_points <= 4.0


def test_samples_held_out_decide_nothing_whatever_the_preset(calibration: Arrays, validation: Arrays) -> None:
    mixed = settings(holdout="25%").model_copy(update={"preset": "mixed"})
    held = calibrate(NETWORK, calibration, mixed, validation=validation, benchmark=False)
    assert held.report.settings.preset == "mixed"
    search = found(held)
    assert search.held_out is not None and search.held_out.samples == 50
    assert held.report.evaluated == 150
    assert search.held_out.drop_interval is not None


def test_samples_that_calibrate_and_decide_are_warned_about(validation: Arrays) -> None:
    both = calibrate(NETWORK, validation, settings(front=0), validation=validation, benchmark=False)
    assert found(both).overlap == 200
    assert any("are in both datasets" in note for note in both.report.notes)


def test_an_interrupted_search_is_not_begun_anew_by_accident(
    calibration: Arrays, validation: Arrays, tmp_path: Path
) -> None:
    out = tmp_path / "int8"
    with pytest.raises(Cancelled):
        calibrate(NETWORK, calibration, settings(), out, validation=validation, benchmark=False, on_trial=Stop(1))
    with pytest.raises(JobError, match="--resume"):
        calibrate(NETWORK, calibration, settings(), out, validation=validation, benchmark=False)
    with pytest.raises(JobError, match="max_drop"):
        calibrate(
            NETWORK, calibration, settings(max_drop=9.0), out, validation=validation, benchmark=False, resume=True
        )
    shutil.rmtree(out)


def test_the_default_method_cannot_be_resumed(calibration: Arrays, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="accuracy-aware"):
        calibrate(NETWORK, calibration, Settings(), tmp_path / "int8", benchmark=False, resume=True)
