"""Measure INT8 beside FP32 on this machine: how much faster it is here, and why it is no faster."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from calibench.baseline import DEFAULT, EXACT, INT8, Ready, make_ready
from calibench.errors import SettingsError
from calibench.inference.benchmark import BenchmarkSettings, latencies
from calibench.inference.points import MeasuredPoint, PointGrid, measure_points
from calibench.inference.profile import LayerTime, profile
from calibench.machine import default_precision, describe_machine
from calibench.progress import Progress
from calibench.reports.int8_reasons import INTEGER, Ran, gain_of, why_not
from calibench.reports.speeds import by_name
from calibench.settings import Settings
from calibench.things.machine_row import Measured

Profiles = Mapping[str, tuple[LayerTime, ...]]


def measure_beside(
    models: Sequence[Path], dataset: Path, settings: Settings, grid: PointGrid, progress: Progress
) -> tuple[tuple[MeasuredPoint, ...], Measured]:
    """Points of all series, and what they say of this machine, at the point where INT8, else FP32, is fastest.

    Args:
        models: the FP32 one first where there are two.

    Raises:
        SettingsError: the two are not one of FP32 and one of INT8.
        CalibenchError: as `baseline.points_of`.
    """
    ready = make_ready({str(place): path for place, path in enumerate(models)}, dataset, settings, progress)
    if len(models) > 1 and not {EXACT, INT8} <= set(ready.candidates):
        raise SettingsError(
            f"{models[0].name} and {models[-1].name} are not an FP32 model and the INT8 one of it. "
            "Give MODEL and its --baseline."
        )
    points = measure_points(ready.candidates, ready.samples, grid, ready.threads, progress)
    own = INT8 if INT8 in ready.candidates else DEFAULT if DEFAULT in ready.candidates else EXACT
    best = max((point for point in points if point.series == own), key=lambda point: point.fps)
    here = {point.series: point for point in points if _place(point, points) == _place(best, points)}
    latency = latencies({own: ready.candidates[own]}, ready.samples, _alone(ready, grid), progress)
    profiles = {
        name: profile(each.model, ready.samples[0], each.device, each.precision, ready.threads)
        for name, each in ready.candidates.items()
    }
    return points, _measured(here, latency[own], profiles, ready, settings)


def _alone(ready: Ready, grid: PointGrid) -> BenchmarkSettings:
    """For the time of one inference alone; one sample at a time."""
    return BenchmarkSettings(seconds=grid.seconds, rounds=grid.rounds, threads=ready.threads)


def _place(point: MeasuredPoint, points: Sequence[MeasuredPoint]) -> int:
    """Of a point among those of its series: the runtime may set up other streams for each model."""
    return [each for each in points if each.series == point.series].index(point)


def _measured(
    here: Mapping[str, MeasuredPoint], latency_ms: float, profiles: Profiles, ready: Ready, settings: Settings
) -> Measured:
    machine, on_cpu = describe_machine(), settings.device.upper().startswith("CPU")
    fps = {name: point.fps for name, point in here.items()}
    deployed = here.get(DEFAULT, here.get(EXACT))
    int8, exact = here.get(INT8), fps.get(EXACT)
    ratios = _ratios(int8, deployed)
    ran = Ran(
        int8.fps / deployed.fps if int8 and deployed else None,
        int8.fps / exact if int8 and exact else None,
        default_precision(settings.device),
        flags=machine.flags if on_cpu else None,
        fp32=profiles.get(EXACT, ()),
        int8=profiles.get(INT8, ()),
        kernels_gain=gain_of(_pairs(profiles.get(EXACT, ()), profiles.get(INT8, ()))),
    )
    return Measured(
        cpu=machine.cpu,
        flags=machine.flags,
        cores=ready.threads,
        fp32_fps=exact,
        default_fps=deployed.fps if deployed else None,
        int8_fps=fps.get(INT8),
        speedup=ran.speedup,
        speedup_low=min(ratios, default=None),
        speedup_high=max(ratios, default=None),
        latency_ms=latency_ms,
        why=why_not(ran),
    )


def _ratios(int8: MeasuredPoint | None, deployed: MeasuredPoint | None) -> list[float]:
    """Round by round: they ran in turns, so that noise met both."""
    if int8 is None or deployed is None:
        return []
    return [after / before for after, before in zip(int8.rounds, deployed.rounds, strict=True) if before > 0]


def _pairs(fp32: Sequence[LayerTime], int8: Sequence[LayerTime]) -> Iterator[tuple[float, float]]:
    """Times of the layers that run in INT8, before and after, each once."""
    before, used = by_name(fp32), set()
    for layer in int8:
        same = next((before[name] for name in (layer.name, *layer.original_names) if name in before), None)
        if layer.precision in INTEGER and same is not None and same.name not in used:
            used.add(same.name)
            yield same.time_ms, layer.time_ms
