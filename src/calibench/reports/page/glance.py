"""At a glance: accuracy, three speeds, size and memory of FP32, the device's default and INT8."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from calibench.inference.benchmark import Speed
from calibench.reports.page.figures import (
    decibels,
    drop,
    drop_unit,
    fps,
    interval,
    megabytes,
    metric_title,
    milliseconds,
    number,
    score,
    times,
    with_unit,
    worse,
)
from calibench.reports.page.grid import Cell, Column, Grid, grid
from calibench.reports.report import Report
from calibench.reports.search_report import SearchReport

T = TypeVar("T")

TONES = ("fp32", "default", "int8")


@dataclass(frozen=True)
class Tile:
    """One of the large numbers: its unit, what it is, and what stands behind it."""

    label: str
    value: str
    unit: str = ""
    note: str = ""


@dataclass(frozen=True)
class SpeedBar:
    """Throughput of one model; `share`, `low` and `high` are shares of the longest bar, in percent."""

    tone: str
    name: str
    text: str
    spread: str
    share: float
    low: float
    high: float


def model_names(report: Report) -> dict[str, str]:
    """What the three models are called everywhere on the page."""
    default = f"Default, {report.default_precision}" if report.default_precision else "Default"
    return {"fp32": "FP32, exact", "default": default, "int8": "INT8"}


def has_default(report: Report) -> bool:
    """Whether the device's default is another model than exact FP32."""
    return report.default_fps is not None and ("default" in report.speeds or report.default_fps != report.fp32_fps)


def tiles(report: Report) -> list[Tile]:
    """The numbers that decide, the ones that were measured."""
    r, found = report, []
    if r.drop_points is not None:
        found.append(_drop_tile(r))
    if r.search is not None:
        found.append(_floats_tile(r, r.search))
    elif r.agreement is not None:
        found.append(Tile("agreement with FP32", number(r.agreement, 2), "%", "same answer, higher is better"))
    if r.speedup_fp32 and r.fp32_fps and r.int8_fps:
        note = f"{fps(r.fp32_fps)} to {fps(r.int8_fps)} samples/s"
        found.append(Tile("speed over exact FP32", times(r.speedup_fp32), "x", note))
    if r.speedup and r.default_fps and r.default_precision not in (None, "f32"):
        note = f"{r.default_precision}: {fps(r.default_fps)} samples/s"
        found.append(Tile("speed over the device's default", times(r.speedup), "x", note))
    if r.fp32_bytes and r.int8_bytes:
        note = f"{megabytes(r.fp32_bytes)} to {megabytes(r.int8_bytes)} MB"
        found.append(Tile("size against FP32", number(100 * r.int8_bytes / r.fp32_bytes, 0), "%", note))
    return found


def _drop_tile(report: Report) -> Tile:
    notes = ["positive is worse"]
    if report.baseline is not None and report.int8 is not None:
        notes.insert(0, f"{score(report.baseline, report.unit)} to {score(report.int8, report.unit)}")
    if report.drop_interval:
        notes.append(f"95 % confidence {interval(report.drop_interval, report.unit)}")
    assert report.drop_points is not None
    amount, unit = drop(report.drop_points, report.unit), drop_unit(report.unit)
    if report.search is not None:
        unit = " ".join(filter(None, ("of", drop(report.search.limits[0].drop, report.unit), unit, "allowed")))
    return Tile(f"drop of {report.metric}", amount, unit, "; ".join(notes))


def _floats_tile(report: Report, search: SearchReport) -> Tile:
    floats = sum(row.state == "float" for row in search.ranking)
    ranked = len(search.ranking)  # none where INT8 kept the limit at once
    share = search.float_multiply_adds_share if ranked else None
    note = (
        "no layer had to be"
        if not floats
        else ""
        if share is None
        else f"{number(100 * share, 1)} % of their multiply-adds"
    )
    total = ranked or sum(row.precision == "int8" for row in report.layers)
    return Tile("layers given back to float", str(floats), f"of {total}", note)


def speed_bars(report: Report) -> list[SpeedBar]:
    """A bar for each model whose throughput is known, with the lowest and the highest round."""
    fields = {"fp32": report.fp32_fps, "default": report.default_fps, "int8": report.int8_fps}
    known = {tone: value for tone, value in fields.items() if value}
    if not has_default(report):
        known.pop("default", None)
    if not known:
        return []
    spreads = {tone: report.speeds[tone].best.fps.spread for tone in known if tone in report.speeds}
    longest = max((*known.values(), *(high for _, high in spreads.values())))
    names, bars = model_names(report), []
    for tone, value in known.items():
        low, high = spreads.get(tone, (value, value))
        spread = f"{fps(low)} to {fps(high)}" if tone in spreads else ""
        share = [round(100 * each / longest, 2) for each in (value, low, high)]
        bars.append(SpeedBar(tone, names[tone], fps(value), spread, *share))
    return bars


def quantities(report: Report) -> Grid:
    """One row a quantity, one column a model; what nobody measured is left out."""
    r = report
    names = model_names(r)
    rows = [
        _row(metric_title(r), r.baseline, None, r.int8, lambda value: score(value, r.unit)),
        _row(
            f"drop, {drop_unit(r.unit) or 'its unit'}, positive is worse",
            None,
            None,
            r.drop_points,
            lambda value: drop(value, r.unit),
        ),
        _row("its 95 % confidence", None, None, r.drop_interval, lambda ends: interval(ends, r.unit)),
        _row("same answer as FP32, %", None, None, r.agreement, lambda value: number(value, 2)),
        _row("signal over noise of the outputs, dB", None, None, r.sqnr_db, decibels),
        _row("cosine with FP32, 1 is equal", None, None, r.cosine, lambda value: number(value, 5)),
        _row("throughput, samples/s", r.fp32_fps, r.default_fps if has_default(r) else None, r.int8_fps, fps),
        _row("latency, median, ms", *_latency(r, lambda speed: speed.latency_ms.median), milliseconds),
        _row("latency, 95th percentile, ms", *_latency(r, lambda speed: speed.latency_p95_ms.median), milliseconds),
        _row("size of the files, MB", r.fp32_bytes, None, r.int8_bytes, megabytes),
        _row("memory of a process, MB", r.fp32_memory_mb, None, r.int8_memory_mb, lambda value: number(value, 0)),
    ]
    kept = [row for row in rows if any(cell.text for cell in row[1:])]
    columns = [Column("", is_number=False, kind="label")]
    return grid([*columns, *(Column(names[tone], kind=tone) for tone in TONES)], kept)


def details(report: Report) -> Grid:
    """The further figures of the metric, each with its drop."""
    rows = []
    for name, (fp32, int8) in report.details.items():
        lost = worse(report, fp32, int8)
        cells = [Cell(score(each, report.unit), each) for each in (fp32, int8)]
        rows.append((Cell(name), *cells, Cell(drop(lost, report.unit), lost)))
    note = ", ".join(filter(None, (drop_unit(report.unit), "positive is worse")))
    columns = [Column(f"{report.metric} in detail", is_number=False, kind="label"), Column("FP32", kind="fp32")]
    return grid([*columns, Column("INT8", kind="int8"), Column("Drop", note)], rows)


def _row(label: str, fp32: T | None, default: T | None, int8: T | None, text: Callable[[T], str]) -> tuple[Cell, ...]:
    cells = (Cell() if value is None else Cell(text(value)) for value in (fp32, default, int8))
    return (Cell(label), *cells)


def _latency(report: Report, of: Callable[[Speed], float]) -> tuple[float | None, float | None, float | None]:
    fp32, default, int8 = (of(report.speeds[tone]) if tone in report.speeds else None for tone in TONES)
    return fp32, default, int8


def spread_note(report: Report) -> str:
    """How often throughput was measured, and at which point."""
    speed = report.speeds.get("int8") or next(iter(report.speeds.values()), None)
    if speed is None:
        return ""
    best, rounds = speed.best, len(speed.best.fps.raw)
    streams = with_unit(str(best.streams), "stream" if best.streams == 1 else "streams")
    return f"Samples a second on {speed.device}, batch {best.batch}, {streams}: median, lowest and highest of {rounds}."
