"""Advice about speed: rules over the times that were measured."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from shlex import quote

from calibench.reports import option_words
from calibench.reports.report import Advice, Report, TimedLayer

INTEGER = frozenset(("I8", "U8"))
"""Precisions of INT8 kernels, as the runtime calls them."""
FLOAT = frozenset(("F32", "F16", "BF16"))
CONVERSIONS = frozenset(("Reorder", "Convert", "FakeQuantize"))
"""Layers that compute nothing: they change precision or the order of the values."""
VNNI = frozenset(("avx512_vnni", "avx_vnni", "amx_int8"))
"""CPU flags of which one makes INT8 products fast."""

NOT_INT8 = 20.0
"""Percent of the INT8 time outside INT8 kernels that is worth a word: no more than that could be won back."""
CONVERTING = 10.0
"""Percent of the INT8 time in conversions that is worth a word: about what one more INT8 layer wins."""
ISLANDS = 5.0
"""Percent of the INT8 time in float layers between INT8 layers: below, the noise of the measurement is as large."""
HARDLY_FASTER = 1.1
"""A smaller speed-up over what would be deployed is no reason to change a model."""
SMALL_MS = 0.5
"""ms for all layers in FP32; below, the calls and the conversions of INT8 weigh as much as what it saves."""
KERNELS_GAIN = 1.2
"""INT8 kernels that gain less wait for memory: they move bytes rather than multiply."""
SMALLEST_SHARE = 0.5
"""Percent; less would read 0."""
NAMED = 3
"""Layers or types that one advice names."""


def slower(report: Report) -> Iterator[Advice]:
    """INT8 is slower, or hardly faster, than what would be deployed, and why."""
    if report.speedup is None or report.speedup >= HARDLY_FASTER:
        return
    ratio = f"{report.speedup:.2f} times the speed of FP32 as this device runs it"
    reasons = list(_reasons(report))
    why = f"Because {'; '.join(reasons)}." if reasons else "The measured times of the layers do not show why."
    batches = "" if option_words.is_caffe(report) else ": --batch 8"
    what = f"Keep the FP32 model here, or run larger batches{batches}."
    if report.speedup < 1:
        yield Advice(kind="warning", title=f"INT8 is slower here: {ratio}.", action=f"{why} {what}")
    else:
        yield Advice(kind="info", title=f"INT8 is hardly faster here: {ratio}.", action=f"{why} {what}")


def _reasons(report: Report) -> Iterator[str]:
    fp32, int8 = (report.runtime_layers.get(name, ()) for name in ("fp32", "int8"))
    before, after = total_ms(fp32), total_ms(int8)
    converting = total_ms(conversions(int8))
    if fp32 and before < SMALL_MS:
        small = f"the network is so small ({before:.2f} ms in FP32)"
        yield f"{small} that calls and conversions ({converting:.2f} ms) dominate"
    elif int8 and percent(converting, after) >= CONVERTING:
        yield f"conversions take {percent(converting, after):.0f} % of the INT8 time"
    share = percent(total_ms(not_int8(int8)), after)
    if share >= NOT_INT8:
        yield f"{share:.0f} % of the time is spent in layers without INT8 kernels"
    if lacks_vnni(report):
        yield "this CPU has no VNNI"
    gain = kernels_gain(report)
    if gain is not None and gain < KERNELS_GAIN:
        waits = "" if lacks_vnni(report) else ", as layers are that wait for memory"
        yield f"the INT8 kernels themselves are only {gain:.2f} times as fast{waits}"
    if (
        report.default_precision not in (None, "f32")
        and report.speedup_fp32 is not None
        and report.speedup_fp32 >= HARDLY_FASTER
    ):
        yield (
            f"FP32 models run in {report.default_precision} on this device, which is fast already "
            f"(against exact FP32 INT8 is {report.speedup_fp32:.2f} times as fast)"
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
    if not lacks_vnni(report):
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


def lacks_vnni(report: Report) -> bool:
    """Is it known that the CPU on which INT8 ran has no fast products of bytes?"""
    machine = report.machine
    on_cpu = report.settings.device.upper().startswith("CPU")
    return machine is not None and on_cpu and bool(machine.flags) and not VNNI & set(machine.flags)


def total_ms(layers: Iterable[TimedLayer]) -> float:
    """Time of all layers together, ms."""
    return sum(layer.time_ms for layer in layers)


def percent(part: float, whole: float) -> float:
    """0 where there is no whole."""
    return 100.0 * part / whole if whole else 0.0


def conversions(layers: Iterable[TimedLayer]) -> list[TimedLayer]:
    """The layers that compute nothing."""
    return [layer for layer in layers if layer.type in CONVERSIONS]


def not_int8(layers: Iterable[TimedLayer]) -> list[TimedLayer]:
    """The layers that ran in no INT8 kernel."""
    return [layer for layer in layers if layer.precision not in INTEGER]


def float_islands(layers: Sequence[TimedLayer]) -> list[list[TimedLayer]]:
    """Runs of float layers with INT8 layers before and after them; conversions belong to neither."""
    computing = [layer for layer in layers if layer.type not in CONVERSIONS]
    runs = [(is_float, list(run)) for is_float, run in groupby(computing, lambda layer: layer.precision in FLOAT)]
    return [run for is_float, run in runs[1:-1] if is_float]


def kernels_gain(report: Report) -> float | None:
    """How many times as fast the layers became that run in INT8, by their times in both models."""
    pairs = [
        (row.fp32_ms, row.int8_ms)
        for row in report.layers
        if row.runtime_precision in INTEGER and row.fp32_ms is not None and row.int8_ms
    ]
    after = sum(int8 for _, int8 in pairs)
    return sum(fp32 for fp32, _ in pairs) / after if after else None


def _shares(parts: Iterable[tuple[str, float]], total: float) -> str:
    times: dict[str, float] = {}
    for name, time_ms in parts:
        times[name] = times.get(name, 0.0) + time_ms
    longest = sorted(times.items(), key=lambda each: -each[1])[:NAMED]
    shares = [(name, percent(spent, total)) for name, spent in longest]
    return ", ".join(f"{name} {share:.0f} %" for name, share in shares if share >= SMALLEST_SHARE)


def _float_reasons(report: Report) -> str:
    reasons = Counter(row.reason for row in report.layers if row.precision == "float" and row.reason and row.int8_ms)
    return "; ".join(f"{number} x {reason}" for reason, number in reasons.most_common(NAMED))


def _options(report: Report) -> str:
    """What would turn layers left in float into INT8 layers, where that is known."""
    reasons = [row.reason for row in report.layers if row.precision == "float" and row.reason]
    if any("ignored" in reason for reason in reasons):
        return f" Some are float because they were ignored: take {option_words.ignore(report)} away."
    other = option_words.mixed(report)
    if any("poor" in reason for reason in reasons) and other:
        return f" Some are float because INT8 would be poor there: {other} may bring them back."
    return ""


def _run_text(run: Sequence[TimedLayer]) -> str:
    more = f" and {len(run) - 1} more" if len(run) > 1 else ""
    return f"{run[0].name} ({run[0].type}){more}, {total_ms(run):.2f} ms"
