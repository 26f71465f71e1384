"""The few numbers that a project is known by: what INT8 costs, what it gives; what is not measured says so."""

from collections.abc import Sequence

from nicegui import ui

from calibench.things.kept import Headline
from calibench.web import looks
from calibench.web.help_mark import help_mark
from calibench.web.measured_spread import Spread, spread_words
from calibench.web.words import text

NOT_YET = "not measured"
UNKNOWN = Spread({})


def show_headline(head: Headline, is_int8: bool, why_no_score: str = "", spread: Spread = UNKNOWN) -> None:
    """Four tiles: accuracy, speed, latency and size.

    Args:
        is_int8: the project has an INT8 model, so that its numbers are waited for.
        why_no_score: said where accuracy was not measured.
        spread: how far the rounds of the measurement lay apart.
    """
    with ui.element("section").classes("tiles").props('aria-label="Headline"'):
        _accuracy(head, is_int8, why_no_score)
        _speed(head, is_int8, spread)
        _latency(head, is_int8, spread)
        _size(head, is_int8)


def _tile(title: str) -> ui.element:
    tile = ui.element("div").classes("tile")
    with tile:
        text(title, "h2").classes("tile-title")
    return tile


def _accuracy(head: Headline, is_int8: bool, why_no_score: str) -> None:
    with _tile(f"Accuracy, {head.metric}" if head.metric else "Accuracy"):
        if not is_int8:
            _value(looks.score(head.baseline, head.unit) if head.baseline is not None else NOT_YET, "FP32")
            _quiet(why_no_score if head.baseline is None else _samples(head))
            return
        if head.drop_points is not None:
            _value(*drop_words(head.drop_points, head.unit))
            _quiet(interval_words(head.drop_interval, head.unit))
        elif head.agreement is not None:
            _value(f"{head.agreement:.1f} %", "of answers as FP32")
            help_mark("agreement")
        else:
            _value(NOT_YET, "")
        if head.baseline is not None or head.int8 is not None:
            _quiet(f"{_score(head.baseline, head.unit)} FP32 → {_score(head.int8, head.unit)} INT8{_of(head)}")
        else:
            _quiet(why_no_score)
        _limit(head)


def _limit(head: Headline) -> None:
    """Whether the promise of the accuracy-aware method was kept."""
    if head.limit is None:
        return
    kept, limit = head.is_reached, looks.drop(head.limit, head.unit)
    with ui.element("div").classes("tile-verdict " + ("good" if kept else "bad")):
        ui.icon("check_circle" if kept else "error").props('aria-hidden="true"')
        text(f"Limit of {limit} kept" if kept else f"Limit of {limit} not reached")


def drop_words(drop: float, unit: str) -> tuple[str, str]:
    """A drop as number and words: 0.42, 'points lost'; a negative drop is a gain."""
    words = looks.drop(abs(drop), unit)
    number, _, rest = words.partition(" ")
    return number, f"{rest} {'gained' if drop < 0 and float(number.replace(',', '')) else 'lost'}".strip()


def interval_words(ends: Sequence[float] | None, unit: str) -> str:
    """The 95 % interval of a drop in words; empty where there is none."""
    if not ends:
        return ""
    low, high = ends
    if low < 0 < high:
        return f"95 % sure: {looks.drop(-low, unit)} gained to {looks.drop(high, '')} lost"
    if high <= 0:
        return f"95 % sure: {looks.drop(-high, '')} to {looks.drop(-low, unit)} gained"
    return f"95 % sure: {looks.drop(low, '')} to {looks.drop(high, unit)}"


def _samples(head: Headline) -> str:
    return f"on {looks.count(head.evaluated, 'sample')}" if head.evaluated else ""


def _of(head: Headline) -> str:
    return f", {_samples(head)}" if head.evaluated else ""


def _score(value: float | None, unit: str) -> str:
    return looks.score(value, unit) if value is not None else NOT_YET


def _speed(head: Headline, is_int8: bool, spread: Spread) -> None:
    with _tile("Speed"):
        if is_int8:
            _value(*speed_words(head.speedup, spread))
            ratios = spread_words(spread.speedup, head.speedup)
            _quiet(f"{ratios} times as fast in single rounds" if ratios else "")
        speeds = own_speeds(head)
        largest = max((value for value in speeds.values() if value), default=0.0)
        with ui.element("div").classes("speeds"):
            for series, value in speeds.items():
                is_both = series == "fp32" and "default" not in speeds
                missing = "after calibration" if series == "int8" and not is_int8 else NOT_YET
                _bar_name(series, is_both)
                _bar(series, value, largest)
                _speed_value(value, spread_words(spread.fps.get(series), value), missing)


def speed_words(speedup: float | None, spread: Spread) -> tuple[str, str]:
    """A speed-up as number and words; no number where it is no larger than what the rounds differ by."""
    if not speedup:
        return NOT_YET, ""
    if spread.is_about_as_fast and spread_words(spread.speedup, speedup):
        return "About as fast", "as FP32"
    number, _, words = looks.how_fast(speedup).partition(" ")
    return number.rstrip(","), "the speed: INT8 is slower" if looks.is_slower(speedup) else words


def own_speeds(head: Headline) -> dict[str, float | None]:
    """Speeds by series; the default precision only where it is another one than FP32."""
    speeds = {"fp32": head.fp32_fps, "default": head.default_fps, "int8": head.int8_fps}
    if is_default_fp32(head):
        del speeds["default"]
    return speeds


def is_default_fp32(head: Headline) -> bool:
    """Is the default precision of the device FP32, so that both were measured at once?"""
    return head.fp32_fps is not None and head.fp32_fps == head.default_fps


def _bar_name(series: str, is_both: bool) -> None:
    with ui.element("span").classes(f"speed-name key {series}"):
        text(looks.SERIES_NAMES[series])
        if is_both or series == "default":
            help_mark("default precision")


def _bar(series: str, value: float | None, largest: float) -> None:
    with ui.element("div").classes(f"speed-track {series}").props('aria-hidden="true"'):
        if value and largest:
            ui.element("div").classes("speed-fill").style(f"width: {100 * value / largest:.1f}%")


def _speed_value(value: float | None, ends: str, missing: str) -> None:
    with ui.element("span").classes("number" if value else "number quiet"):
        text(looks.fps(value) if value else missing)
        if ends:
            text(f" ({ends})").classes("quiet small")


def _latency(head: Headline, is_int8: bool, spread: Spread) -> None:
    with _tile("Latency"):
        measured = head.latency_ms is not None
        number, _, unit = looks.ms(head.latency_ms).partition(" ") if measured else (NOT_YET, "", "")
        _value(number, unit)
        ends = spread_words(spread.latency_ms, head.latency_ms)
        _quiet(f"{ends} ms in single rounds" if ends else "")
        whose = "INT8" if is_int8 else "FP32" if is_default_fp32(head) else "FP32, default precision"
        _quiet(f"{whose}, one request at a time" if measured else "")


def _size(head: Headline, is_int8: bool) -> None:
    size = head.int8_bytes if is_int8 else head.fp32_bytes
    with _tile("Size"):
        number, _, unit = looks.size(size).partition(" ") if size else (NOT_YET, "", "")
        _value(number, unit)
        if is_int8 and size and head.fp32_bytes:
            _quiet(f"FP32: {looks.size(head.fp32_bytes)}, {looks.speedup(head.fp32_bytes / size)} as large")
        elif size:
            _quiet("FP32")


def _value(number: str, unit: str) -> None:
    with ui.element("p").classes("tile-value" + (" quiet tile-missing" if number == NOT_YET else "")):
        text(number)
        if unit:
            text(" " + unit).classes("tile-unit")


def _quiet(words: str) -> None:
    if words:
        text(words, "p").classes("quiet tile-note")
