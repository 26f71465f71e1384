"""The few numbers that a project is known by: what INT8 costs, what it gives; what is not measured says so."""

from collections.abc import Sequence

from nicegui import ui

from calibench.things.kept import Headline
from calibench.web import looks
from calibench.web.words import text

NOT_YET = "not measured"


def show_headline(head: Headline, is_int8: bool, why_no_score: str = "") -> None:
    """Four tiles: accuracy, speed, latency and size.

    Args:
        is_int8: the project has an INT8 model, so that its numbers are waited for.
        why_no_score: said where accuracy was not measured.
    """
    with ui.element("section").classes("tiles").props('aria-label="Headline"'):
        _accuracy(head, is_int8, why_no_score)
        _speed(head, is_int8)
        _latency(head, is_int8)
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


def _speed(head: Headline, is_int8: bool) -> None:
    speeds = {"fp32": head.fp32_fps, "default": head.default_fps, "int8": head.int8_fps}
    with _tile("Speed"):
        if is_int8:
            number, _, words = looks.how_fast(head.speedup).partition(" ") if head.speedup else (NOT_YET, "", "")
            _value(number.rstrip(","), "the speed: INT8 is slower" if looks.is_slower(head.speedup) else words)
        largest = max((value for value in speeds.values() if value), default=0.0)
        with ui.element("div").classes("speeds"):
            for series, value in speeds.items():
                _bar(series, value, largest, is_int8)


def _bar(series: str, value: float | None, largest: float, is_int8: bool) -> None:
    text(looks.SERIES_NAMES[series]).classes(f"speed-name key {series}")
    with ui.element("div").classes(f"speed-track {series}").props('aria-hidden="true"'):
        if value and largest:
            ui.element("div").classes("speed-fill").style(f"width: {100 * value / largest:.1f}%")
    missing = "after calibration" if series == "int8" and not is_int8 else NOT_YET
    text(looks.fps(value) if value else missing).classes("number" if value else "number quiet")


def _latency(head: Headline, is_int8: bool) -> None:
    with _tile("Latency"):
        measured = head.latency_ms is not None
        number, _, unit = looks.ms(head.latency_ms).partition(" ") if measured else (NOT_YET, "", "")
        _value(number, unit)
        _quiet(f"{'INT8' if is_int8 else 'FP32, default precision'}, one request at a time" if measured else "")


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
