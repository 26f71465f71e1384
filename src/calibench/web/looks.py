"""How numbers, states and precisions look: one colour and one way of writing each, on every page.

Styles come from calibench.css and Quasar's own classes (row, col, q-gutter-sm, text-right ...); Tailwind is switched
off, so that pages open fast. The three colours stand in calibench.css as --fp32, --default and --int8 too.
"""

from datetime import datetime

from calibench.things.kept import JobState, ThingState

FP32, DEFAULT, INT8 = "#8a93a1", "#cf8a1d", "#2f7be0"
BETTER, WORSE = "#2c9a5d", "#cc4b3c"
SERIES = {"fp32": FP32, "default": DEFAULT, "int8": INT8}
"""Colour of a series, the same in charts, tables and the report."""

SERIES_NAMES = {"fp32": "FP32", "default": "Default precision", "int8": "INT8"}

NOTHING = "-"
"""What stands where nothing was measured."""

STATE_WORDS: dict[JobState | ThingState, str] = {
    "queued": "Queued",
    "running": "Running",
    "cancelling": "Cancelling",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "importing": "Importing",
    "ready": "Ready",
}
STATE_ICONS: dict[JobState | ThingState, str] = {
    "queued": "schedule",
    "running": "play_circle",
    "cancelling": "stop_circle",
    "done": "check_circle",
    "failed": "error",
    "cancelled": "cancel",
    "importing": "downloading",
    "ready": "check_circle",
}
ANNOTATION_WORDS = {
    "label": "classes",
    "objects": "boxes",
    "instances": "boxes with masks",
    "pixels": "classes of pixels",
    "picture": "pictures that should come out",
    "text": "texts",
    "points": "landmarks",
    "pairs": "pairs of faces",
}
"""What is annotated, for a person; as evaluation/tasks/task_choice.py has it, which needs NumPy."""

KIND_WORDS = {
    "import-model": "Import of a model",
    "import-dataset": "Import of a dataset",
    "sample": "Sample",
    "machine": "Look at the machine",
    "baseline": "Baseline",
    "calibrate": "Calibration",
    "benchmark": "Measurement of speed",
    "evaluate": "Measurement of accuracy",
    "try-settings": "Trial of accuracy settings",
    "pick": "Another model of the search",
    "compare": "Comparison of two models",
}


def score(value: float | None, unit: str = "%") -> str:
    """A score with its unit, such as '76.12 %'."""
    return NOTHING if value is None else _with_unit(f"{value:.2f}", unit)


def drop(value: float | None, unit: str = "%") -> str:
    """How much worse INT8 is: '0.42 points' where the metric is in percent, else in the metric's unit."""
    if value is None:
        return NOTHING
    text = f"{value:.2f}".replace("-0.00", "0.00")
    return f"{text} points" if unit == "%" else _with_unit(text, unit)


def fps(value: float | None) -> str:
    """Samples a second, three digits that count: '1,240 fps', '87.5 fps'."""
    return NOTHING if value is None else f"{short(value)} fps"


def ms(value: float | None) -> str:
    """Milliseconds: '12.3 ms', '0.004 ms'."""
    return NOTHING if value is None else f"{short(value)} ms"


def speedup(value: float | None) -> str:
    """How many times as fast: '2.31x'."""
    return NOTHING if value is None else f"{value:.2f}x"


def how_fast(value: float) -> str:
    """How fast INT8 is beside FP32, in words: '2.31x as fast', '0.80x, slower'."""
    return f"{speedup(value)}, slower" if is_slower(value) else f"{speedup(value)} as fast"


def is_slower(value: float | None) -> bool:
    """Does INT8 lose speed, by as much as is written?"""
    return value is not None and round(value, 2) < 1


def short(value: float) -> str:
    """A number with three digits that count and thousands kept apart."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.1 or value == 0 else f"{value:.3f}"


def size(count: int | None) -> str:
    """Bytes for a person: '512 B', '3.4 MB'."""
    if count is None:
        return NOTHING
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            break
    return f"{value:.1f} {unit}" if value < 99.95 else f"{value:,.0f} {unit}"


def count(number: float, one: str, many: str = "") -> str:
    """A number with its noun: '1 image', '1,000 images'."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """'8 s', '3 min 20 s', '2 h 5 min', '3 days'."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 and whole < 600 else f"{round(whole / 60)} min"
    if whole < 86_400:
        hours, minutes = divmod(round(whole / 60), 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return count(round(whole / 86_400), "day")


def eta(seconds: tuple[float, float] | None) -> str:
    """The time left as a range: '2 min to 5 min left'; empty where it is not known yet."""
    if seconds is None:
        return ""
    low, high = (duration(value) for value in seconds)
    return f"{low} left" if low == high else f"{low} to {high} left"


def percent(part: float) -> str:
    """A share from 0 to 1: '42 %'; 100 % only when it is whole."""
    return f"{100 if part >= 1 else min(int(part * 100), 99)} %"


def _with_unit(text: str, unit: str) -> str:
    return f"{text} {unit}" if unit else text


def large(number: float) -> str:
    """A count in words: '9.3 million', '1.82 billion'."""
    for size, word in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if number >= size:
            return f"{short(number / size)} {word}"
    return f"{number:,.0f}"


def annotations(kinds: tuple[str, ...]) -> str:
    """What is annotated; 'none' where nothing is."""
    return ", ".join(ANNOTATION_WORDS.get(kind, kind) for kind in kinds) or "none"


def moment(when: datetime) -> str:
    """A moment in the server's time, on one line: '2026-11-26 09:30'."""
    return when.astimezone().strftime("%Y-%m-%d\u00a0%H:%M")
