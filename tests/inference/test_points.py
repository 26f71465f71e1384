"""Points of throughput and latency: every batch with every number of streams, for every model."""

import numpy as np
import openvino as ov
import pytest

import made_models as made
from calibench.errors import Cancelled, SettingsError
from calibench.inference.benchmark import Candidate
from calibench.inference.points import PointGrid, measure_points
from calibench.progress import silent

QUICK = PointGrid(batches=(1, 2), streams=(1, 2), seconds=0.01, rounds=3)


def dense() -> ov.Model:
    x = made.data([-1, 8])
    return ov.Model([made.dense(x, 8, 4, "y")], [x], "dense")


def samples() -> list[dict[str, np.ndarray]]:
    return [{"x": np.full((1, 8), number, np.float32)} for number in range(3)]


def test_every_model_has_every_point() -> None:
    models = {"fp32": Candidate(dense(), "f32"), "int8": Candidate(dense())}
    found = measure_points(models, samples(), QUICK, 2, silent)
    assert {(row.series, row.batch, row.streams) for row in found} == {
        (name, batch, streams) for name in models for batch in (1, 2) for streams in (1, 2)
    }
    for row in found:
        assert 0 < row.fps_low <= row.fps <= row.fps_high
        assert 0 < row.latency_ms <= row.latency_p95_ms
        assert row.requests >= row.streams
        assert row.as_json()["series"] == row.series


def test_progress_counts_every_measurement_to_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    measure_points({"fp32": Candidate(dense())}, samples(), QUICK, 2, lambda *each: told.append(each))
    done = [each[1] for each in told]
    assert done == sorted(done) == list(range(17))
    assert told[-1] == ("points", 16, 16)


def test_it_stops_between_two_measurements() -> None:
    def stop(stage: str, done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        measure_points({"fp32": Candidate(dense())}, samples(), QUICK, 2, stop)


def test_without_samples_there_is_nothing_to_measure() -> None:
    with pytest.raises(SettingsError, match="no sample"):
        measure_points({"fp32": Candidate(dense())}, [], QUICK, 2, silent)
