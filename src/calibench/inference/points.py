"""Throughput and latency at chosen points: every batch with every number of streams, as deployed under load."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import openvino as ov

from calibench.datasets.dataset import Sample
from calibench.errors import SettingsError
from calibench.inference.benchmark import Candidate, interleave, streams_of
from calibench.inference.requests import compile_at, filled_queue, run_queue, with_batch
from calibench.progress import Progress

WARM_UP_S = 0.2
"""Seconds that each model runs unmeasured at each point."""


@dataclass(frozen=True)
class PointGrid:
    """Where and how long to measure.

    Attributes:
        batches: samples an inference.
        streams: parallel streams; 0: the runtime's own choice.
        seconds: of one measurement: one model, one point, one round.
        rounds: how often each is repeated.
    """

    batches: Sequence[int] = (1,)
    streams: Sequence[int] = (0,)
    seconds: float = 1.0
    rounds: int = 3


@dataclass(frozen=True)
class MeasuredPoint:
    """How one model ran at one point.

    Attributes:
        series: which model: fp32, default or int8.
        streams: as the runtime set them up.
        requests: inferences in flight.
        fps: samples a second, median of the rounds; fps_low, fps_high: the lowest and the highest.
        latency_ms: from start to end of one inference while all requests are busy, median; latency_p95_ms: 95th
            percentile.
        rounds: samples a second of every round; the models run in turns.
    """

    series: str
    batch: int
    streams: int
    requests: int
    fps: float
    fps_low: float
    fps_high: float
    latency_ms: float
    latency_p95_ms: float
    rounds: tuple[float, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values, without the single rounds."""
        return {name: value for name, value in asdict(self).items() if name != "rounds"}


def measure_points(
    models: Mapping[str, Candidate],
    samples: Sequence[Sample],
    grid: PointGrid,
    threads: int,
    progress: Progress,
) -> tuple[MeasuredPoint, ...]:
    """All models at every point, in turns, so that noise meets all alike.

    Args:
        samples: as the models take them; the first few are used over and over.

    Raises:
        SettingsError: there is no sample, or a model cannot run at a batch.
        DatasetError: the samples do not fit the model.
        Cancelled: by `progress`.
    """
    if not samples:
        raise SettingsError("There is no sample to measure speed on. Give a dataset that is not empty.")
    places = [(batch, streams) for batch in grid.batches for streams in grid.streams]
    ticks = _Ticks(progress, len(places) * len(models) * (grid.rounds + 1))
    found = [row for place in places for row in _at(models, samples, place, grid, threads, ticks)]
    progress("points", ticks.total, ticks.total)
    return tuple(found)


class _Ticks:
    """Counts the measurements for the progress callback."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def __call__(self) -> None:
        self.progress("points", self.done, self.total)
        self.done += 1


def _at(
    models: Mapping[str, Candidate],
    samples: Sequence[Sample],
    place: tuple[int, int],
    grid: PointGrid,
    threads: int,
    ticks: _Ticks,
) -> Iterator[MeasuredPoint]:
    batch, streams = place
    hints = {"NUM_STREAMS": str(streams)} if streams else {"PERFORMANCE_HINT": "THROUGHPUT"}
    ready = {
        name: compile_at(with_batch(each.model, batch), each.device, each.precision, threads, hints)
        for name, each in models.items()
    }
    queues = {name: filled_queue(compiled, samples, batch) for name, compiled in ready.items()}
    for queue in queues.values():
        run_queue(queue, WARM_UP_S)
    runs = {name: partial(run_queue, queue, grid.seconds) for name, queue in queues.items()}
    rates = interleave(runs, grid.rounds, ticks)
    for name, queue in queues.items():
        ticks()
        times = _latencies(queue, grid.seconds)
        fps = [rate * batch for rate in rates[name]]
        yield MeasuredPoint(
            series=name,
            batch=batch,
            streams=streams_of(ready[name]),
            requests=len(queue),
            fps=statistics.median(fps),
            fps_low=min(fps),
            fps_high=max(fps),
            latency_ms=statistics.median(times),
            latency_p95_ms=float(np.percentile(times, 95)),
            rounds=tuple(fps),
        )


def _latencies(queue: ov.AsyncInferQueue, seconds: float) -> list[float]:
    """Of every inference of a round of its own, ms: asking for each costs throughput, which is measured without."""
    times: list[float] = []
    queue.set_callback(lambda request, _: times.append(float(request.latency)))
    run_queue(queue, seconds)
    queue.set_callback(lambda request, _: None)
    return times
