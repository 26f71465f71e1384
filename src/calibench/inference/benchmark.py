"""How fast models run: throughput and latency of several models, taken in turns so that noise meets all alike."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

import numpy as np
import openvino as ov
from pydantic import Field, ValidationError

from calibench.datasets.dataset import Sample
from calibench.errors import SettingsError
from calibench.inference.requests import (
    compile_at,
    filled_queue,
    filled_request,
    precision_of,
    run_queue,
    run_request,
    with_batch,
)
from calibench.progress import Progress, silent
from calibench.settings import Frozen

T = TypeVar("T")


class BenchmarkSettings(Frozen):
    """How long and at which points to measure."""

    seconds: float = Field(default=1.0, gt=0, description="time of one measurement: one model, one point, one round")
    rounds: int = Field(default=5, ge=1, description="how often each measurement is repeated")
    warm_up: float = Field(
        default=0.3, ge=0, description="seconds that each model runs unmeasured; at least once a request"
    )
    batches: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(1,), min_length=1, description="samples per inference"
    )
    streams: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(0,), min_length=1, description="parallel streams; 0: the runtime's own choice"
    )
    threads: int | None = Field(default=None, ge=1, description="None: the runtime's own choice")
    shapes: dict[str, tuple[Annotated[int, Field(ge=1)], ...]] = Field(
        default_factory=dict, description="shapes of random data by input name, '' for every input"
    )


def make_benchmark_settings(values: dict[str, Any]) -> BenchmarkSettings:
    """Benchmark settings from plain values.

    Raises:
        SettingsError: a name is unknown or a value impossible.
    """
    try:
        return BenchmarkSettings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}.") from None


class Rounds(Frozen):
    """One quantity, measured several times."""

    raw: tuple[float, ...] = Field(min_length=1, description="in the order in which they were measured")

    @property
    def median(self) -> float:
        return statistics.median(self.raw)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest of the rounds."""
        return min(self.raw), max(self.raw)


class Throughput(Frozen):
    """Throughput at one point of the streams x batch grid."""

    batch: int
    streams: int = Field(description="as the runtime set them up")
    requests: int = Field(description="inferences in flight")
    fps: Rounds = Field(description="samples a second")


class Speed(Frozen):
    """How fast one model ran, beside the others of the same `measure`."""

    device: str
    precision: str = Field(description="INFERENCE_PRECISION_HINT as the runtime set it: f32, bf16, f16")
    throughput: tuple[Throughput, ...] = Field(description="one for every point of the grid")
    latency_ms: Rounds = Field(description="median of the single inferences of each round, one request at a time")
    latency_p95_ms: Rounds = Field(description="95th percentile of the same")

    @property
    def best(self) -> Throughput:
        """The point with the highest median throughput."""
        return max(self.throughput, key=lambda point: point.fps.median)

    @property
    def fps(self) -> float:
        """The headline: median samples a second at the best point."""
        return self.best.fps.median


@dataclass(frozen=True)
class Candidate:
    """A model as it is to be measured.

    Args:
        model: takes samples as they are (pre-processing attached).
        precision: INFERENCE_PRECISION_HINT; None: what the device chooses itself, as deployed without a hint.
    """

    model: ov.Model
    precision: str | None = None
    device: str = "CPU"


def measure(
    models: Mapping[str, Candidate],
    samples: Sequence[Sample],
    settings: BenchmarkSettings,
    progress: Progress = silent,
) -> dict[str, Speed]:
    """Throughput and latency of every candidate.

    At each point of the grid all candidates are compiled and warmed up first; then they run in turns, round after
    round, each round starting with another one: what disturbs the machine disturbs all of them. Only the candidates
    of one point are in memory at a time. Latency is measured at the first batch of the grid.

    Args:
        samples: as the models take them; the first few are used over and over.

    Raises:
        SettingsError: there is no sample, or a model cannot run at a batch.
        DatasetError: the samples do not fit the model, or differ in shape and cannot form a batch.
        Cancelled: by `progress`.
    """
    if not samples:
        raise SettingsError("benchmark: there is no sample to run on. Give a dataset, or the size of the input.")
    grid = [(batch, streams) for batch in settings.batches for streams in settings.streams]
    turns = _Turns(progress, settings.rounds * len(models) * (len(grid) + 1))
    points = [_throughput(models, samples, point, settings, turns) for point in grid]
    precision, times = _latency(models, samples, settings, turns)
    progress("benchmark", turns.total, turns.total)
    return {
        name: Speed(
            device=candidate.device,
            precision=precision[name],
            throughput=tuple(point[name] for point in points),
            latency_ms=Rounds(raw=tuple(statistics.median(of_round) for of_round in times[name])),
            latency_p95_ms=Rounds(raw=tuple(float(np.percentile(of_round, 95)) for of_round in times[name])),
        )
        for name, candidate in models.items()
    }


def latencies(
    models: Mapping[str, Candidate],
    samples: Sequence[Sample],
    settings: BenchmarkSettings,
    progress: Progress = silent,
) -> dict[str, float]:
    """ms of one inference of every candidate, one request at a time, at the first batch of the grid: the median.

    Raises:
        DatasetError, SettingsError, Cancelled: as `measure`.
    """
    _, times = _latency(models, samples, settings, _Turns(progress, settings.rounds * len(models)))
    return {name: statistics.median(statistics.median(each) for each in times[name]) for name in models}


def interleave(runs: Mapping[str, Callable[[], T]], rounds: int, turn: Callable[[], None]) -> dict[str, list[T]]:
    """Call every run once a round, and in every round start with the next one; `turn` is called before each."""
    names = list(runs)
    results: dict[str, list[T]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            turn()
            results[name].append(runs[name]())
    return results


class _Turns:
    """Counts the measurements of all points for the progress callback."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def __call__(self) -> None:
        self.progress("benchmark", self.done, self.total)
        self.done += 1


def _throughput(
    models: Mapping[str, Candidate],
    samples: Sequence[Sample],
    point: tuple[int, int],
    settings: BenchmarkSettings,
    turns: _Turns,
) -> dict[str, Throughput]:
    """All candidates at one (batch, streams) of the grid."""
    batch, streams = point
    hints = {"NUM_STREAMS": str(streams)} if streams else {"PERFORMANCE_HINT": "THROUGHPUT"}
    ready = {name: _compile(candidate, batch, settings, hints) for name, candidate in models.items()}
    queues = {name: filled_queue(compiled, samples, batch) for name, compiled in ready.items()}
    for queue in queues.values():
        run_queue(queue, settings.warm_up)
    runs = {name: partial(run_queue, queue, settings.seconds) for name, queue in queues.items()}
    rates = interleave(runs, settings.rounds, turns)
    return {
        name: Throughput(
            batch=batch,
            streams=streams_of(ready[name]),
            requests=len(queues[name]),
            fps=Rounds(raw=tuple(rate * batch for rate in rates[name])),
        )
        for name in models
    }


def _latency(
    models: Mapping[str, Candidate], samples: Sequence[Sample], settings: BenchmarkSettings, turns: _Turns
) -> tuple[dict[str, str], dict[str, list[list[float]]]]:
    """The precision of each candidate, and the times in ms of every inference of every round."""
    batch = settings.batches[0]
    hints = {"PERFORMANCE_HINT": "LATENCY"}
    ready = {name: _compile(candidate, batch, settings, hints) for name, candidate in models.items()}
    requests = {name: filled_request(compiled, samples, batch) for name, compiled in ready.items()}
    for request in requests.values():
        run_request(request, settings.warm_up)
    runs = {name: partial(run_request, request, settings.seconds) for name, request in requests.items()}
    return {name: precision_of(compiled) for name, compiled in ready.items()}, interleave(runs, settings.rounds, turns)


def _compile(candidate: Candidate, batch: int, settings: BenchmarkSettings, hints: dict[str, str]) -> ov.CompiledModel:
    model = with_batch(candidate.model, batch)
    return compile_at(model, candidate.device, candidate.precision, settings.threads, hints)


def streams_of(compiled: ov.CompiledModel) -> int:
    """Parallel streams as the runtime set them up."""
    try:
        return int(compiled.get_property("NUM_STREAMS"))
    except (RuntimeError, ValueError):  # a device without streams
        return 1
