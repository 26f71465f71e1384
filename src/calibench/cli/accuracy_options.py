"""The options of the accuracy-aware method, and what they mean as settings.

This module is imported for `--help`: it must not import numpy or OpenVINO, and leaves pydantic for later.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from calibench.errors import SettingsError

ACCURACY = "Accuracy-aware"
"""The panel of `--help`."""

Method = Annotated[
    str | None,
    typer.Option(help="default, or accuracy-aware: keeps a limit.", metavar="NAME", rich_help_panel=ACCURACY),
]
MaxDrop = Annotated[
    float | None,
    typer.Option(help="Accuracy that may be lost. [dim]Default: 0.5[/dim]", metavar="DROP", rich_help_panel=ACCURACY),
]
DropType = Annotated[
    str | None,
    typer.Option(help="absolute: points; relative: % of FP32's score.", metavar="TYPE", rich_help_panel=ACCURACY),
]
Limit = Annotated[
    list[str] | None,
    typer.Option(help="A further metric, such as top5=0.2; repeatable.", metavar="NAME=DROP", rich_help_panel=ACCURACY),
]
MaxClassDrop = Annotated[
    float | None, typer.Option(help="That any single class may lose.", metavar="DROP", rich_help_panel=ACCURACY)
]
Holdout = Annotated[
    str | None,
    typer.Option(help="Samples that decide nothing: DIR, or 20%.", metavar="DIR|SHARE", rich_help_panel=ACCURACY),
]
LabelFree = Annotated[
    bool,
    typer.Option(
        "--label-free", metavar="", help="No annotations: count answers that change.", rich_help_panel=ACCURACY
    ),
]
TimeBudget = Annotated[
    str | None,
    typer.Option(help="Of the search, such as 90s, 10m, 1h30m.", metavar="TIME", rich_help_panel=ACCURACY),
]
MaxTrials = Annotated[
    int | None, typer.Option(min=1, help="Models to evaluate at most.", metavar="N", rich_help_panel=ACCURACY)
]
NoRepair = Annotated[
    bool,
    typer.Option("--no-repair", metavar="", help="Give layers back without mending.", rich_help_panel=ACCURACY),
]
Front = Annotated[
    int | None,
    typer.Option(min=0, help="Further models to try, for calibench pick.", metavar="N", rich_help_panel=ACCURACY),
]
TimingsFile = Annotated[
    Path | None,
    typer.Option("--timings", help="timings.json of another run.", metavar="FILE", rich_help_panel=ACCURACY),
]
Resume = Annotated[
    Path | None,
    typer.Option(help="Go on with a run that was stopped.", metavar="OUT", rich_help_panel=ACCURACY),
]

ACCURACY_OPTIONS = (
    *("max_drop", "drop_type", "limit", "max_class_drop", "holdout", "label_free"),
    *("time_budget", "max_trials", "no_repair", "front", "timings"),
)
"""Parameters of the command that say how the accuracy-aware method works."""


def with_accuracy(values: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a settings file with these options laid over them.

    Whoever says how much may be lost means the method that keeps it: it need not be named.

    Args:
        values: not checked yet.
        given: options of the command line, by the name of the parameter.

    Raises:
        SettingsError: an option cannot be read, or the method is said to be another one.
    """
    said = [name for name in ACCURACY_OPTIONS if name in given]
    if not said:
        return values
    method = given.get("method", values.get("method", "accuracy-aware"))
    if method == "default":
        option = _option(said[0], given)
        raise SettingsError(f"{option} needs --method accuracy-aware, and the method is default. Leave one out.")
    own = values.get("accuracy") or {}
    if not isinstance(own, dict):
        raise SettingsError(f"accuracy: expected 'name: value' lines, found {type(own).__name__}.")
    return {**values, "method": method, "accuracy": {**own, **_accuracy(own, {name: given[name] for name in said})}}


def _accuracy(own: Mapping[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    if "time_budget" in said:
        said["time_budget_s"] = seconds("--time-budget", said.pop("time_budget"))
    if said.pop("no_repair", False):
        said["repair"] = "off"
    if "limit" in said:
        before = own.get("limits")
        said["limits"] = {**(before if isinstance(before, dict) else {}), **limits(said.pop("limit"))}
    return said


LONGEST_S = 10 * 365 * 86400
NUMBER, UNITS = r"(\d+(?:\.\d+)?)", ("d|days?", "h|hours?", "m|min|minutes?", "s|sec|seconds?")
WORDS = re.compile(" ?".join(rf"(?:{NUMBER} ?(?:{unit}))?" for unit in UNITS), re.ASCII)
"""As people write times: 1h30m, 2 hours, 20 min."""
CLOCK = re.compile(r"(?:(\d+)-)?(\d+):([0-5]\d):([0-5]\d)", re.ASCII)
"""As queues write times: 2:00:00, 1-12:00:00."""


def seconds(option: str, text: str) -> float:
    """'1h30m' in seconds.

    Raises:
        SettingsError: it is no time.
    """
    plain = text.strip().lower()
    found = CLOCK.fullmatch(plain) or WORDS.fullmatch(plain)
    parts = found.groups("0") if found else ()
    total = sum(float(part) * unit for part, unit in zip(parts, (86400, 3600, 60, 1), strict=False))
    if not 0 < total <= LONGEST_S:
        raise SettingsError(f"{option} {text}: expected a time such as 90s, 10m, 1h30m or 1:30:00.")
    return total


def limits(texts: list[str]) -> dict[str, float]:
    """'top5=0.2' by metric.

    Raises:
        SettingsError: a part is missing or no number.
    """
    found = {}
    for place, text in enumerate(texts):
        name, _, drop = text.rpartition("=")
        try:
            found[name.strip()] = float(drop)
        except ValueError:
            name = ""
        if not name.strip():
            raise SettingsError(f"--limit {text}: expected a metric and its largest drop, such as top5=0.2.")
        if texts_before := [each for each in texts[:place] if each.rpartition("=")[0].strip() == name.strip()]:
            raise SettingsError(f"--limit {text}: there is --limit {texts_before[0]} already. Leave one out.")
    return found


def _option(name: str, given: Mapping[str, Any]) -> str:
    """As it was typed, nearly: '--max-drop 0.5'."""
    value = given[name]
    shown = "" if value is True else f" {value[0] if isinstance(value, list) else value}"
    return f"--{name.replace('_', '-')}{shown}"
