from collections.abc import Callable

import numpy as np
import pytest
from conv_models import conv_relu, fixed_batch

from calibench.errors import Cancelled, DatasetError, SettingsError
from calibench.inference import benchmark as module
from calibench.inference import requests
from calibench.inference.benchmark import (
    BenchmarkSettings,
    Candidate,
    Rounds,
    interleave,
    make_benchmark_settings,
    measure,
)

SAMPLES = [{"data": np.full((1, 3, 8, 8), i, np.float32)} for i in range(3)]
BRIEF = BenchmarkSettings(seconds=0.001, rounds=3, warm_up=0.0)


def recorder(name: str, calls: list[str]) -> Callable[[], str]:
    def run() -> str:
        calls.append(name)
        return name

    return run


def test_candidates_run_in_turns_and_each_round_starts_with_another() -> None:
    calls: list[str] = []
    turns: list[int] = []
    runs = {name: recorder(name, calls) for name in ("fp32", "default", "int8")}
    results = interleave(runs, 4, lambda: turns.append(len(calls)))
    rounds = [tuple(calls[i : i + 3]) for i in range(0, 12, 3)]
    assert rounds == [
        ("fp32", "default", "int8"),
        ("default", "int8", "fp32"),
        ("int8", "fp32", "default"),
        ("fp32", "default", "int8"),
    ]
    assert turns == list(range(12))
    assert results == {name: [name] * 4 for name in runs}


def test_measure_never_runs_a_candidate_twice_in_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[int] = []
    monkeypatch.setattr(module, "run_queue", lambda queue, seconds: order.append(id(queue)) or 100.0)
    monkeypatch.setattr(module, "run_request", lambda request, seconds: order.append(id(request)) or [2.0, 4.0])
    models = {name: Candidate(conv_relu(), "f32") for name in ("a", "b", "c")}
    speeds = measure(models, SAMPLES, BRIEF)
    assert len(order) == 2 * (3 + 9)  # throughput and latency: a warm-up each, then three rounds
    for block in (order[:12], order[12:]):
        warm_up, rounds = block[:3], [block[i : i + 3] for i in (3, 6, 9)]
        assert all(sorted(one) == sorted(warm_up) for one in rounds)
        assert [one[0] for one in rounds] == warm_up
    assert speeds["a"].fps == 100.0
    assert speeds["a"].latency_ms.raw == (3.0, 3.0, 3.0)
    assert speeds["a"].latency_p95_ms.median == pytest.approx(3.9)


def test_everything_of_a_point_is_compiled_before_it_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    real = module.compile_at
    monkeypatch.setattr(module, "compile_at", lambda *args: events.append("compile") or real(*args))
    monkeypatch.setattr(module, "run_queue", lambda queue, seconds: events.append("run") or 1.0)
    monkeypatch.setattr(module, "run_request", lambda request, seconds: events.append("run") or [1.0])
    measure({name: Candidate(conv_relu(), "f32") for name in "ab"}, SAMPLES, BRIEF)
    assert events == (["compile"] * 2 + ["run"] * 8) * 2


def test_throughput_counts_samples_not_inferences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "run_queue", lambda queue, seconds: 10.0)
    settings = BRIEF.model_copy(update={"batches": (1, 4), "streams": (1,)})
    speed = measure({"m": Candidate(conv_relu())}, SAMPLES, settings)["m"]
    assert [(point.batch, point.streams, point.fps.median) for point in speed.throughput] == [
        (1, 1, 10.0),
        (4, 1, 40.0),
    ]
    assert speed.best.batch == 4


def test_requests_run_until_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(1000))
    monkeypatch.setattr(requests, "perf_counter", lambda: float(next(now)))
    compiled = requests.compile_at(conv_relu(), "CPU", "f32", 1, {"PERFORMANCE_HINT": "LATENCY"})
    assert requests.run_request(requests.filled_request(compiled, SAMPLES, 1), 3.0) == [1000.0] * 3
    queue = requests.filled_queue(compiled, SAMPLES, 1)
    assert requests.run_queue(queue, 3.0) == pytest.approx(3 / 4, rel=0.5)


def test_a_slow_model_runs_at_least_once() -> None:
    compiled = requests.compile_at(conv_relu(), "CPU", "f32", 1, {})
    assert len(requests.run_request(requests.filled_request(compiled, SAMPLES, 1), 1e-9)) == 1


def test_threads_and_precision_reach_the_runtime() -> None:
    compiled = requests.compile_at(conv_relu(), "CPU", "f32", 1, {})
    assert compiled.get_property("INFERENCE_NUM_THREADS") == 1
    assert requests.precision_of(compiled) == "f32"


def test_progress_reaches_its_total_and_may_cancel() -> None:
    calls: list[tuple[str, int, int]] = []
    measure({"m": Candidate(conv_relu())}, SAMPLES, BRIEF, lambda *call: calls.append(call))
    assert calls == [("benchmark", done, 6) for done in range(7)]

    def stop(stage: str, done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        measure({"m": Candidate(conv_relu())}, SAMPLES, BRIEF, stop)


def test_samples_are_stacked_to_the_batch_and_used_again_when_they_run_out() -> None:
    compiled = requests.compile_at(requests.with_batch(conv_relu(), 2), "CPU", "f32", 1, {})
    tensors = requests.stacks(compiled, SAMPLES, 2, 2)
    assert [tensor[0].data[:, 0, 0, 0].tolist() for tensor in tensors] == [[0.0, 1.0], [2.0, 0.0]]


def test_a_free_batch_is_left_free() -> None:
    model = conv_relu(dynamic=True)
    assert requests.with_batch(model, 8) is model


def test_a_graph_that_fixes_its_batch_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^fixed: cannot run at batch 2, its graph fixes the batch\."):
        compiled = requests.with_batch(fixed_batch(), 2)
        del compiled


def test_samples_of_different_shape_cannot_form_a_batch() -> None:
    compiled = requests.compile_at(conv_relu(dynamic=True), "CPU", "f32", 1, {})
    samples = [{"data": np.zeros((1, 3, size, 8), np.float32)} for size in (8, 9)]
    with pytest.raises(DatasetError, match=r"^data: samples of shapes \[1, 3, 8, 8\], \[1, 3, 9, 8\] cannot form"):
        requests.stacks(compiled, samples, 2, 1)


def test_a_sample_without_the_input_is_refused() -> None:
    compiled = requests.compile_at(conv_relu(), "CPU", "f32", 1, {})
    with pytest.raises(DatasetError, match=r"samples have image, but the model's input is 'data'"):
        requests.stacks(compiled, [{"image": np.zeros(1)}], 1, 1)


def test_no_sample_is_said() -> None:
    with pytest.raises(SettingsError, match=r"^benchmark: there is no sample"):
        measure({"m": Candidate(conv_relu())}, [], BRIEF)


def test_rounds_give_median_and_spread() -> None:
    rounds = Rounds(raw=(3.0, 1.0, 2.0))
    assert (rounds.median, rounds.spread) == (2.0, (1.0, 3.0))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"seconds": 0}, "seconds: Input should be greater than 0."),
        ({"batches": (0,)}, "batches.0: Input should be greater than or equal to 1."),
        ({"streams": (-1,)}, "streams.0: Input should be greater than or equal to 0."),
    ],
)
def test_impossible_settings_are_refused(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError) as error:
        make_benchmark_settings(values)
    assert str(error.value) == sentence
