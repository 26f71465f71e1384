"""What `calibench benchmark` measured, for a person."""

from collections import Counter

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from calibench.inference.benchmark import Speed, Throughput
from calibench.inference.profile import LayerTime
from calibench.inference.side_by_side import BenchmarkResult
from calibench.reports.table import fps

SHOWN = 0.005
"""Share of the time below which a precision is not named: it would read 0%."""

LAYERS_SHOWN = 8
"""Slowest layers that are listed for each model; `--json` has them all."""


def render_speeds(result: BenchmarkResult) -> RenderableType:
    """Throughput and latency beside each other, then the slowest layers of each model; fits 80 columns."""
    head = Text(f"{result.machine.cpu}, {result.machine.physical_cores} cores, {result.data}", "dim")
    parts: list[RenderableType] = [head, _speeds(result.speeds)]
    for name, layers in result.profiles.items():
        parts += [Text(), Text(name, "bold"), Text(_precisions(layers)), _slowest(layers)]
    return Group(*parts)


def _speeds(speeds: dict[str, Speed]) -> Table:
    table = _table("", "batch", "streams", "fps", "range", "ratio", "latency ms", "p95 ms")
    first = next(iter(speeds.values())).fps
    for name, speed in speeds.items():
        for point in speed.throughput:
            shown = (name, *_latency(speed)) if point is speed.throughput[0] else ("", "", "")
            table.add_row(shown[0], *_point(point, first), *shown[1:])
    return table


def _point(point: Throughput, first: float) -> tuple[str, ...]:
    low, high = point.fps.spread
    ratio = f"{point.fps.median / first:.2f}x"
    return str(point.batch), str(point.streams), fps(point.fps.median), f"{fps(low)}..{fps(high)}", ratio


def _latency(speed: Speed) -> tuple[str, str]:
    return f"{speed.latency_ms.median:.3g}", f"{speed.latency_p95_ms.median:.3g}"


def _precisions(layers: tuple[LayerTime, ...]) -> str:
    """Share of the time that is spent in each precision, such as 'U8 71 %, F32 29 %'."""
    times: Counter[str] = Counter()
    for layer in layers:
        times[layer.precision] += layer.time_ms  # type: ignore[assignment]  # Counter adds floats as well
    total = sum(times.values()) or 1
    shares = times.most_common()
    return "time in " + ", ".join(
        f"{precision} {time / total:.0%}" for precision, time in shares if time / total >= SHOWN
    )


def _slowest(layers: tuple[LayerTime, ...]) -> Table:
    table = _table("slowest layers", "type", "ms", "precision", "output")
    for layer in sorted(layers, key=lambda each: -each.time_ms)[:LAYERS_SHOWN]:
        table.add_row(layer.name, layer.type, f"{layer.time_ms:.3f}", layer.precision, layer.output_precisions)
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(first, overflow="fold")
    for heading in others:
        table.add_column(heading, justify="left" if heading == "type" else "right", no_wrap=True)
    return table
