"""Two models side by side in the terminal: quantities with their difference, layers, samples, advice."""

from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from calibench.reports.report import LayerRow, Report, SampleRow
from calibench.reports.table import MB, NOTHING, advice_lines, fps, int8_words, note_lines
from calibench.things.sample_words import differing_words

LAYERS_SHOWN, SAMPLES_SHOWN = 10, 10
"""More does not fit a screen; the report holds them all."""


def render_comparison(report: Report) -> RenderableType:
    """The whole comparison as it is printed; fits 80 columns."""
    parts: list[RenderableType] = [quantities(report)]
    for title, table in ((_layer_title(report), layers(report)), (_sample_title(report), samples(report))):
        if table is not None:
            parts += [Text(), Text(title, "bold"), table]
    return Group(*parts, *advice_lines(report), *note_lines(report))


def quantities(report: Report) -> Table:
    """Accuracy, speed, size and memory, one row a quantity; rows that nobody measured are left out."""
    table = _table("", "FP32", "INT8", "difference")
    r = report
    percent = r.unit == "%"
    sign = 1.0 if r.higher_is_better else -1.0
    unit = "points" if percent else r.unit
    lost = None if r.drop_points is None else -sign * r.drop_points
    _add(table, f"{r.metric or 'score'}{f', {r.unit}' if r.unit else ''}", r.baseline, r.int8, _two, lost, unit)
    for name, (before, after) in r.details.items():
        _add(table, f"  {name}", before, after, _two)
    if r.drop_points is not None:
        table.add_row(f"drop, {unit}".rstrip(", "), "", "", _signed(r.drop_points, 2))
    if r.drop_interval is not None:
        low, high = r.drop_interval
        table.add_row("  95 %", "", "", f"{low:.2f}..{high:.2f}")
    for label, value in (("agreement, %", r.agreement), ("output SQNR, dB", r.sqnr_db)):
        if value is not None:
            table.add_row(label, "", f"{value:.2f}", "")
    _add_ratio(table, "throughput, fps", r.fp32_fps, r.int8_fps, fps)
    if r.default_fps != r.fp32_fps:
        _add_ratio(table, f"  FP32 in {r.default_precision}", r.default_fps, r.int8_fps, fps)
    latency = {name: speed.latency_ms.median for name, speed in r.speeds.items()}
    _add_ratio(table, "latency, ms", latency.get("fp32"), latency.get("int8"), _short)
    _add_ratio(table, "file size, MB", _megabytes(r.fp32_bytes), _megabytes(r.int8_bytes), _short)
    _add_ratio(table, "memory, MB", r.fp32_memory_mb, r.int8_memory_mb, _tenths)
    return table


def layers(report: Report) -> Table | None:
    """The layers whose time differs most, else those with the noisiest outputs; None where neither is known."""
    chosen = chosen_layers(report.layers)
    if not chosen:
        return None
    table = _table("layer", "ran in", "FP32 ms", "INT8 ms", "difference", "output dB")
    for row in chosen:
        spent = None if row.fp32_ms is None or row.int8_ms is None else row.int8_ms - row.fp32_ms
        table.add_row(
            row.name,
            row.runtime_precision or NOTHING,
            _text(_thousandths, row.fp32_ms),
            _text(_thousandths, row.int8_ms),
            NOTHING if spent is None else _signed(spent, 3),
            _text(_tenths, row.output_db),
        )
    return table


def chosen_layers(rows: Sequence[LayerRow]) -> list[LayerRow]:
    """The layers that are shown, the largest difference first."""
    timed = [row for row in rows if row.fp32_ms is not None and row.int8_ms is not None]
    if timed:
        return sorted(timed, key=_moved)[:LAYERS_SHOWN]
    known = [row for row in rows if row.output_db is not None]
    return sorted(known, key=lambda row: row.output_db or 0.0)[:LAYERS_SHOWN]


def samples(report: Report) -> Table | None:
    """The samples that lost most, with what both models say; where none lost, those that gained. None: none differs."""
    if not report.samples:
        return None
    table = _table("sample", "FP32", "INT8", "worse by")
    for row in (lost(report) or report.samples)[:SAMPLES_SHOWN]:
        table.add_row(row.name, _answer(row, is_int8=False), _answer(row, is_int8=True), _signed(row.worse, 2))
    return table


def lost(report: Report) -> tuple[SampleRow, ...]:
    """The samples that are worse in INT8, the worst first."""
    return tuple(row for row in report.samples if row.worse > 0)


def _moved(row: LayerRow) -> float:
    """For sorting: the largest difference of time first, whichever way."""
    return -abs((row.int8_ms or 0.0) - (row.fp32_ms or 0.0))


def _answer(row: SampleRow, *, is_int8: bool) -> str:
    value, shown = (row.int8_value, row.int8) if is_int8 else (row.baseline_value, row.baseline)
    return shown.text or f"{value:.4g}"


def _layer_title(report: Report) -> str:
    return f"{int8_words(report.layers)}. The largest differences of time:"


def _sample_title(report: Report) -> str:
    count = report.differing or len(report.samples)
    which = "Those that lost most" if lost(report) else "None of them lost; those that gained least"
    return f"{differing_words(count, report.evaluated, report.agreement)}. {which}:"


def _add(
    table: Table,
    label: str,
    fp32: float | None,
    int8: float | None,
    text: Callable[[float], str],
    difference: float | None = None,
    unit: str = "",
) -> None:
    """A row with a difference, where something is known."""
    if fp32 is None and int8 is None:
        return
    if difference is None and fp32 is not None and int8 is not None:
        difference = int8 - fp32
    shown = "" if difference is None else f"{_signed(difference, 2)} {unit}".rstrip()
    table.add_row(label, _text(text, fp32), _text(text, int8), shown)


def _add_ratio(table: Table, label: str, fp32: float | None, int8: float | None, text: Callable[[float], str]) -> None:
    """A row with a ratio, where something is known."""
    if fp32 is None and int8 is None:
        return
    ratio = f"{int8 / fp32:.2f}x" if fp32 and int8 is not None else ""
    table.add_row(label, _text(text, fp32), _text(text, int8), ratio)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(first, overflow="fold")
    for heading in others:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def _text(text: Callable[[float], str], value: float | None) -> str:
    return NOTHING if value is None else text(value)


def _signed(value: float, digits: int) -> str:
    rounded = round(value, digits) or 0.0
    return f"{rounded:+.{digits}f}" if rounded else f"{rounded:.{digits}f}"


def _two(value: float) -> str:
    return f"{value:.2f}"


def _tenths(value: float) -> str:
    return f"{value:.1f}"


def _thousandths(value: float) -> str:
    return f"{value:.3f}"


def _short(value: float) -> str:
    return f"{value:.3g}"


def _megabytes(size: int | None) -> float | None:
    return None if size is None else size / MB
