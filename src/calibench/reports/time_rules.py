"""Advice about speed: rules over the times that were measured."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from shlex import quote

from calibench.reports import option_words
from calibench.reports.int8_reasons import (
    CONVERSIONS,
    CONVERTING,
    INTEGER,
    NOT_INT8,
    PAYS,
    UNKNOWN,
    Ran,
    conversions,
    gain_of,
    not_int8,
    percent,
    reasons,
    total_ms,
)
from calibench.reports.report import Advice, Report, TimedLayer

FLOAT = frozenset(("F32", "F16", "BF16"))
ISLANDS = 5.0
"""Percent of the INT8 time in float layers between INT8 layers: below, the noise of the measurement is as large."""
SMALLEST_SHARE = 0.5
"""Percent; less would read 0."""
NAMED = 3
"""Layers or types that one advice names."""


def slower(report: Report) -> Iterator[Advice]:
    """INT8 is slower, or hardly faster, than what would be deployed, and why."""
    if report.speedup is None or report.speedup >= PAYS:
        return
    ratio = f"{report.speedup:.2f} times the speed of FP32 as this device runs it"
    found = list(reasons(ran_of(report)))
    why = f"Because {'; '.join(found)}." if found else f"{UNKNOWN[0].upper()}{UNKNOWN[1:]}."
    batches = "" if option_words.is_caffe(report) else ": --batch 8"
    what = f"Keep the FP32 model here, or run larger batches{batches}."
    if report.speedup < 1:
        yield Advice(kind="warning", title=f"INT8 is slower here: {ratio}.", action=f"{why} {what}")
    else:
        yield Advice(kind="info", title=f"INT8 is hardly faster here: {ratio}.", action=f"{why} {what}")


def ran_of(report: Report) -> Ran:
    """How INT8 ran where the report was measured."""
    machine, on_cpu = report.machine, report.settings.device.upper().startswith("CPU")
    return Ran(
        report.speedup,
        report.speedup_fp32,
        report.default_precision,
        flags=machine.flags if machine is not None and on_cpu else None,
        fp32=report.runtime_layers.get("fp32", ()),
        int8=report.runtime_layers.get("int8", ()),
        kernels_gain=gain_of((row.fp32_ms, row.int8_ms) for row in report.layers if row.runtime_precision in INTEGER),
    )


def outside_int8(report: Report) -> Iterator[Advice]:
    """A large share of the time is not INT8: by precision, with the types and the reasons."""
    layers = report.runtime_layers.get("int8", ())
    total, rest = total_ms(layers), not_int8(layers)
    share = percent(total_ms(rest), total)
    if share < NOT_INT8:
        return
    by_precision = _shares(((layer.precision or "unknown", layer.time_ms) for layer in rest), total)
    by_type = _shares(((layer.type, layer.time_ms) for layer in rest), total)
    why = _float_reasons(report)
    yield Advice(
        kind="info",
        title=f"{share:.0f} % of the INT8 time is not INT8: {by_precision}.",
        action=f"Most of it: {by_type}.{f' Left in float: {why}.' if why else ''}{_options(report)}",
    )


def converting(report: Report) -> Iterator[Advice]:
    """Much time goes into changing precision or layout."""
    layers = report.runtime_layers.get("int8", ())
    found = conversions(layers)
    share = percent(total_ms(found), total_ms(layers))
    if share < CONVERTING:
        return
    longest = max(found, key=lambda layer: layer.time_ms)
    yield Advice(
        kind="info",
        title=f"{share:.0f} % of the INT8 time is spent in {len(found)} Reorder, Convert and FakeQuantize layers.",
        action=f"The longest is {longest.name} ({longest.time_ms:.2f} ms). They stand where float and INT8 layers "
        "meet: fewer borders cost less, so leave the small INT8 layers beside it in float, too: --ignore-name NAME.",
    )


def islands(report: Report) -> Iterator[Advice]:
    """Float layers between INT8 layers, in the order in which they ran."""
    layers = report.runtime_layers.get("int8", ())
    runs = float_islands(layers)
    spent = sum(total_ms(run) for run in runs)
    share = percent(spent, total_ms(layers))
    if share < ISLANDS:
        return
    longest = sorted(runs, key=total_ms, reverse=True)[:NAMED]
    named = "; ".join(_run_text(run) for run in longest)
    what, take = ("float island", "takes") if len(runs) == 1 else ("float islands", "take")
    yield Advice(
        kind="info",
        title=f"{len(runs)} {what} between INT8 layers {take} {spent:.2f} ms, {share:.0f} % of the INT8 time.",
        action=f"The longest: {named}. Each costs a conversion on both sides, too.{_options(report)}",
    )


def ran_in_float(report: Report) -> Iterator[Advice]:
    """Layers that were quantized but have no INT8 kernel on this device."""
    # an Add or AvgPool is quantized for its neighbours' sake; the runtime may fuse or convert as it likes
    found = [
        row.name
        for row in report.layers
        if row.precision == "int8" and row.type not in ("Add", "AvgPool") and row.runtime_precision in FLOAT
    ]
    if found:
        yield Advice(
            kind="info",
            title=f"{len(found)} INT8 layers ran in float on this device, such as {found[0]}.",
            action=f"Leave them in float, so that they need no conversion: --ignore-name {quote(found[0])}.",
        )


def no_vnni(report: Report) -> Iterator[Advice]:
    """The CPU multiplies bytes no faster than it must."""
    if not ran_of(report).lacks_vnni:
        return
    measured = f": {report.speedup:.2f} times the speed of FP32" if report.speedup is not None else ""
    guard = (
        " Weights were kept smaller (7 to 8 bits) for this CPU; for one with VNNI, calibrate with "
        f"{'--overflow-guard off' if report.settings.caffe is None else '-clx'}."
        if report.kind == "calibration" and report.settings.overflow_guard == "auto"
        else ""
    )
    yield Advice(
        kind="info",
        title=f"This CPU has no VNNI, so that INT8 gains less here{measured}.",
        action=f"On a CPU with VNNI or AMX (calibench doctor shows it) the same network gains more.{guard}",
    )


def float_islands(layers: Sequence[TimedLayer]) -> list[list[TimedLayer]]:
    """Runs of float layers with INT8 layers before and after them; conversions belong to neither."""
    computing = [layer for layer in layers if layer.type not in CONVERSIONS]
    runs = [(is_float, list(run)) for is_float, run in groupby(computing, lambda layer: layer.precision in FLOAT)]
    return [run for is_float, run in runs[1:-1] if is_float]


def _shares(parts: Iterable[tuple[str, float]], total: float) -> str:
    times: dict[str, float] = {}
    for name, time_ms in parts:
        times[name] = times.get(name, 0.0) + time_ms
    longest = sorted(times.items(), key=lambda each: -each[1])[:NAMED]
    shares = [(name, percent(spent, total)) for name, spent in longest]
    return ", ".join(f"{name} {share:.0f} %" for name, share in shares if share >= SMALLEST_SHARE)


def _float_reasons(report: Report) -> str:
    counted = Counter(row.reason for row in report.layers if row.precision == "float" and row.reason and row.int8_ms)
    return "; ".join(f"{number} x {reason}" for reason, number in counted.most_common(NAMED))


def _options(report: Report) -> str:
    """What would turn layers left in float into INT8 layers, where that is known."""
    named = [row.reason for row in report.layers if row.precision == "float" and row.reason]
    if any("ignored" in reason for reason in named):
        return f" Some are float because they were ignored: take {option_words.ignore(report)} away."
    other = option_words.mixed(report)
    if any("poor" in reason for reason in named) and other:
        return f" Some are float because INT8 would be poor there: {other} may bring them back."
    return ""


def _run_text(run: Sequence[TimedLayer]) -> str:
    more = f" and {len(run) - 1} more" if len(run) > 1 else ""
    return f"{run[0].name} ({run[0].type}){more}, {total_ms(run):.2f} ms"
