"""The report for a person: FP32 beside INT8, what stayed float and why, and what to mind."""

from collections.abc import Callable, Mapping, Sequence, Set
from typing import TypeVar

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from calibench.models.graph import CONVOLUTIONS
from calibench.reports.report import LayerRow, Report
from calibench.reports.search_table import GIVEN_BACK, given_back, search_lines

T = TypeVar("T")

NAMES_SHOWN = 3
"""Layers that are named for each reason; the file holds them all."""

NOTHING = "-"

KINDS = {"good": "Good", "info": "Advice", "warning": "Warning"}
STYLES = {"good": "green", "info": "cyan", "warning": "bold yellow"}

MB = 1e6


def render(report: Report) -> RenderableType:
    """The whole report as it is printed; fits 80 columns."""
    parts: list[RenderableType] = [comparison(report)]
    for lines in (search_lines(report), left_float(report.layers, given_back(report)), facts(report)):
        parts += [Text(), *lines] if lines else []
    parts += [*advice_lines(report), *note_lines(report)]
    if report.reproduce and "HINT" in report.reproduce:
        parts += [Text("\nRun it in the precision in which it was scored:"), Text(report.reproduce, "dim")]
    return Group(*parts)


def print_report(report: Report, console: Console) -> None:
    """Print `render`, without colours where the console is no terminal."""
    console.print(render(report))


def advice_lines(report: Report) -> list[RenderableType]:
    """What to know and to do, each with what to try below it."""
    lines: list[RenderableType] = []
    for each in report.advice:
        lines.append(Text.assemble((f"{KINDS[each.kind]}: ", STYLES[each.kind]), each.title))
        if each.action:
            lines.append(Padding(Text(each.action, "dim"), (0, 0, 0, 2), expand=False))
    return [Text(), *lines] if lines else []


def note_lines(report: Report) -> list[RenderableType]:
    """Facts, one a line."""
    return [Text.assemble(("Note: ", "yellow"), note) for note in report.notes]


def comparison(report: Report) -> Table:
    """FP32 exact, as deployed by default, and INT8, one row a quantity; rows that nobody measured are left out."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    default = f"default {report.default_precision}" if report.default_precision else "default"
    table.add_column("")
    for heading in ("FP32 exact", default, "INT8"):
        table.add_column(heading, justify="right")
    for label, values in _rows(report):
        if any(values):
            strong = "bold" if label.startswith(("accuracy drop", "speed-up over default")) else None
            table.add_row(label, *(value or NOTHING for value in values), style=strong)
    return table


def left_float(layers: Sequence[LayerRow], explained: Set[str] = frozenset()) -> list[RenderableType]:
    """How many layers are INT8, and for every reason to leave one float, the most frequent first, a few names.

    Args:
        explained: names of layers whose reasons stand elsewhere.
    """
    if not layers:
        return []
    reasons: dict[str, list[str]] = {}
    for layer in layers:
        if layer.precision == "float":
            own = GIVEN_BACK if layer.name in explained else layer.reason
            reasons.setdefault(own or "no reason recorded", []).append(layer.name)
    kept = sum(len(names) for names in reasons.values())
    head = Text(int8_words(layers), "bold")
    lines: list[RenderableType] = [head.append("; left float:" if kept else "; none was left float.", "not bold")]
    for reason, names in sorted(reasons.items(), key=lambda item: -len(item[1])):
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        lines.append(Padding(Text(f"{len(names)} {reason}"), (0, 0, 0, 2), expand=False))
        if reason != GIVEN_BACK:
            lines.append(Padding(Text(", ".join(names[:NAMES_SHOWN]) + more, "dim"), (0, 0, 0, 5), expand=False))
    return lines


def int8_words(layers: Sequence[LayerRow]) -> str:
    """How many layers are INT8, and how many of those have weights: additions and the like are layers as well."""
    int8 = [layer for layer in layers if layer.precision == "int8"]
    weighted = sum(layer.weights is not None or layer.type in CONVOLUTIONS for layer in int8)
    more = f", {weighted} of them with weights" if 0 < weighted < len(int8) else ""
    return f"{len(int8)} of {len(layers)} layers are INT8{more}"


def facts(report: Report) -> list[RenderableType]:
    """How the result came about: recipe, subset, time, memory."""
    recipe = f"Recipe: {report.recipe}, preset {report.settings.preset}"
    if len(report.tried) > 1:
        recipe += f" (the best of {len(report.tried)} tried)"
    lines = [recipe + "."]
    if report.subset:
        chosen = report.subset
        early = f"; settled after {chosen.used}" if chosen.has_settled else ""
        apart = f"; {chosen.kept_apart} kept apart" if chosen.kept_apart else ""
        lines.append(f"Subset: {chosen.count} of {chosen.total} samples, seed {chosen.seed}{early}{apart}.")
    if report.seconds:
        stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in report.seconds.items() if seconds >= 0.05)
        lines.append(f"Seconds: {stages or 'less than 0.1'}.")
    if report.peak_rss_mb is not None:
        lines.append(f"Peak memory: {report.peak_rss_mb:.0f} MB.")
    return [*found(report), *(Text(line) for line in lines)]


def found(report: Report) -> list[RenderableType]:
    """What was taken the model to do, and what was found out about it, one a line."""
    if not report.task:
        return []
    return [
        Text(f"Task: {report.task}."),
        *(Padding(Text(note), (0, 0, 0, 2), expand=False) for note in report.task_notes),
    ]


def _rows(report: Report) -> list[tuple[str, tuple[str | None, str | None, str | None]]]:
    r = report
    percent = r.unit == "%"
    score = _percent if percent else _plain
    throughput = {name: speed.best.fps.spread for name, speed in r.speeds.items()}
    latency = {name: speed.latency_ms.median for name, speed in r.speeds.items()}
    to_default = r.default_fps / r.fp32_fps if r.default_fps and r.fp32_fps else None
    return [
        (
            _with_unit(r.metric or "score", "" if percent else r.unit),
            (_show(score, r.baseline), None, _show(score, r.int8)),
        ),
        (_with_unit("accuracy drop", "points" if percent else r.unit), (None, None, _show(_points, r.drop_points))),
        ("agreement with FP32", (None, None, _show(_percent, r.agreement))),
        ("output SQNR, dB", (None, None, _show(_tenths, r.sqnr_db))),
        ("throughput, fps", (_show(fps, r.fp32_fps), _show(fps, r.default_fps), _show(fps, r.int8_fps))),
        ("  lowest..highest", _three(throughput, _range)),
        ("speed-up over default", (None, None, _show(_times, r.speedup))),
        ("speed-up over FP32", (None, _show(_times, to_default), _show(_times, r.speedup_fp32))),
        ("latency, ms", _three(latency, _plain)),
        (
            "size, MB",
            (_show(_megabytes, r.fp32_bytes), _show(_megabytes, r.fp32_bytes), _show(_megabytes, r.int8_bytes)),
        ),
        ("memory, MB", (_show(_tenths, r.fp32_memory_mb), None, _show(_tenths, r.int8_memory_mb))),
    ]


def _three(values: Mapping[str, T], text: Callable[[T], str]) -> tuple[str | None, str | None, str | None]:
    """For FP32, default (that is FP32 where it was not measured on its own) and INT8."""
    fp32 = _show(text, values.get("fp32"))
    default = _show(text, values.get("default"))
    return fp32, fp32 if default is None else default, _show(text, values.get("int8"))


def _show(text: Callable[[T], str], value: T | None) -> str | None:
    return None if value is None else text(value)


def _with_unit(label: str, unit: str) -> str:
    return f"{label}, {unit}" if unit else label


def _percent(percent: float) -> str:
    return f"{percent:.2f} %"


def _points(points: float) -> str:
    return f"{points:.2f}" if round(points, 2) else "0.00"


def _tenths(value: float) -> str:
    return f"{value:.1f}"


def _plain(value: float) -> str:
    return f"{value:.4g}"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}x"


def _megabytes(size: int) -> str:
    return f"{size / MB:.1f}"


def fps(value: float) -> str:
    """Samples a second, with one decimal where it tells something."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def _range(spread: tuple[float, float]) -> str:
    return "..".join(fps(value) for value in spread)
