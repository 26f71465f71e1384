"""Write docs/reference/{cli,settings,report,rest,benchmarks}.md and settings.schema.json from the code and the results.

So they cannot say anything else.

Usage: .venv/bin/python -m tools.write_reference [--check]
"""

import json
import re
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import typer
from benchmarks.accuracy_page import accuracy_section, cost_section, coverage_section
from benchmarks.caffe_table import caffe_section
from benchmarks.cause_table import cause_section
from benchmarks.targets import targets
from benchmarks.targets_table import spread_section, ssh_section
from benchmarks.task_table import task_section
from benchmarks.workbench_table import workbench_section
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from calibench.cli.answer import DONE, FAILED, INTERRUPTED, TARGET_MISSED, WRONG_INPUT
from calibench.cli.app import app
from calibench.reports.report import SCHEMA_VERSION, Report
from calibench.settings import (
    AccuracySettings,
    CaffeSettings,
    DataSettings,
    Ignored,
    InputSettings,
    Settings,
    TaskSettings,
)
from tools.rest_page import rest_page

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "reference"
RESULTS = ROOT / "benchmarks" / "results"
NOTE = "<!-- Written by tools/write_reference.py (make reference): change the code, not this page. -->"


def main(arguments: list[str]) -> int:
    """Write the pages; with --check only say which are out of date."""
    stale = [name for name, make in PAGES.items() if _read(name) != make()]
    for name in stale:
        if "--check" in arguments:
            print(f"docs/reference/{name} is out of date: make reference", file=sys.stderr)
        else:
            (FOLDER / name).write_text(PAGES[name](), encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


def cli_page() -> str:
    """Every command with its arguments and options."""
    program: Any = typer.main.get_command(app)
    lines = ["# The program `calibench`", "", NOTE, "", f"{program.help}", ""]
    lines += ["| Exit code | Meaning |", "| --- | --- |"]
    lines += [f"| {code} | {text} |" for code, text in EXIT_CODES]
    for name, command in _commands(program, "calibench"):
        lines += ["", f"## {name}", "", command.help, "", "| Option | Meaning |", "| --- | --- |"]
        lines += [_option(param) for param in command.params]
    return "\n".join(lines) + "\n"


def _commands(group: Any, words: str) -> Iterator[tuple[str, Any]]:
    """Every command with all its words, those of groups too."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{words} {name}")
        else:
            yield f"{words} {name}", command


EXIT_CODES = (
    (DONE, "done"),
    (FAILED, "the run itself failed (no room, no right to write, a fault of Calibench)"),
    (WRONG_INPUT, "the input is wrong: model, dataset, settings or device"),
    (TARGET_MISSED, "the accuracy target was missed (the accuracy-aware method)"),
    (INTERRUPTED, "interrupted; nothing was written, or the trials of a search are kept for `--resume`"),
)


def _option(param: Any) -> str:
    names = (
        ", ".join(f"`{name}`" for name in param.opts) if param.opts[0].startswith("-") else f"`{param.name.upper()}`"
    )
    value = f" `{_cell(param.metavar)}`" if (param.metavar or "").strip() and param.opts[0].startswith("-") else ""
    default = param.default
    shown = "" if default in (None, False, (), []) or callable(default) else f" Default: {default}."
    needed = " Required." if param.required else ""
    help_text = re.sub(r"\[/?[a-z]+\]", "", param.help or "")
    return f"| {names}{value} | {_cell(help_text)}{needed}{shown} |"


def settings_page() -> str:
    """Every setting with its default and the reason."""
    lines = ["# Settings", "", NOTE, ""]
    lines += [
        "The same names in Python (`Settings`), in a YAML file (`--config FILE`) and, with dashes, as options of the",
        "command line. Options win over the file. Unknown names are refused with the known ones.",
        "`calibench calibrate ... --save-config FILE` writes all settings of a run. The same as a JSON schema, for",
        "editors and other programs: [settings.schema.json](settings.schema.json); in Python",
        "`Settings.model_json_schema()`.",
        "",
        *_settings_table(Settings),
        "",
        "## InputSettings",
        "",
        "One input of the model, under `inputs` by its name; the name `''` means every input. On the command line",
        "`--size`, `--resize`, `--pad`, `--color`, `--mean`, `--scale` and `--layout`, for every input; `resize_short`",
        "is set in the file.",
        "",
        *_settings_table(InputSettings),
        "",
        "## DataSettings",
        "",
        "How the datasets are read, under `data`. On the command line `--format`, `--split`, `--labels`,",
        "`--tokenizer`, `--text-column` (repeatable), `--label-column` and `--max-tokens`. What each format looks",
        "like: [datasets](datasets.md).",
        "",
        *_settings_table(DataSettings),
        "",
        "## TaskSettings",
        "",
        "What the model does and how its outputs are read, under `task`. On the command line `--task` (for `kind`),",
        "`--decoder`, `--label-offset` and `--characters`; all others are set in the file. See also",
        "[decoders](decoders.md) and [metrics](metrics.md).",
        "",
        *_settings_table(TaskSettings),
        "",
        "## AccuracySettings",
        "",
        "The accuracy-aware method, under `accuracy`. On the command line `--max-drop`, `--drop-type`, `--limit`",
        "(`NAME=DROP`, repeatable), `--max-class-drop`, `--label-free`, `--holdout`, `--time-budget` (`90s`, `10m`,",
        "`1h30m`), `--max-trials`, `--no-repair`, `--front` and `--timings`. One of them is enough to mean the method.",
        "",
        *_settings_table(AccuracySettings),
        "",
        "## CaffeSettings",
        "",
        "Scales that a prototxt can hold, under `caffe`; for Caffe networks only. On the command line the options",
        "`-a`, `-1st` and `-fc` of [the Caffe calibrator](caffe.md), which sets the rest itself.",
        "",
        *_settings_table(CaffeSettings),
        "",
        "## Ignored",
        "",
        "Layers left in float, under `ignored`. On the command line: `--ignore-name`, `--ignore-type` and",
        "`--ignore-pattern`, each repeatable.",
        "",
        *_settings_table(Ignored),
    ]
    return "\n".join(lines) + "\n"


def settings_schema() -> str:
    """The JSON schema of all settings."""
    return json.dumps(Settings.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def _settings_table(model: type[BaseModel]) -> Iterator[str]:
    yield "| Setting | Type | Default | Meaning |"
    yield "| --- | --- | --- | --- |"
    for name, field in model.model_fields.items():
        meaning = _cell((field.description or "").rstrip("."))
        yield f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {meaning}. |"


def report_page() -> str:
    """Every field of report.json."""
    lines = ["# report.json", "", NOTE, ""]
    lines += [
        f"Schema version {SCHEMA_VERSION}. A field is *decided* or *measured*: decided fields are the same for the",
        "same inputs, settings, seed, CPU flags and precision, whatever the number of threads, streams or shards;",
        "measured ones depend on the machine and the moment, and are null where the measurement was skipped.",
        "In Python: `calibench.reports.report.schema()` gives the JSON schema, `read_report(path)` the values.",
    ]
    waiting: list[type[BaseModel]] = [Report]
    done: list[type[BaseModel]] = []
    while waiting:
        model = waiting.pop(0)
        if model in done or model is Settings:
            continue
        done.append(model)
        lines += ["", "## The whole" if model is Report else f"## {model.__name__}", ""]
        if model is not Report and model.__doc__:
            lines += [model.__doc__.strip().splitlines()[0], ""]
        lines += ["| Field | Type | Kind | Meaning |", "| --- | --- | --- | --- |"]
        for name, field in model.model_fields.items():
            waiting += _models_in(field.annotation)
            extra = field.json_schema_extra
            kind = extra.get("kind", "") if isinstance(extra, dict) else ""
            lines.append(f"| `{name}` | {_type(field.annotation)} | {kind} | {_cell(field.description or '')} |")
    return "\n".join(lines) + "\n"


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def _type(annotation: Any) -> str:
    """A type as a person reads it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        return " or ".join("null" if each is type(None) else _type(each) for each in inner)
    if origin is tuple:
        return f"list of {_type(inner[0])}" if inner[-1] is Ellipsis else ", ".join(_type(each) for each in inner)
    if origin is dict:
        return f"{_type(inner[0])} -> {_type(inner[1])}"
    if hasattr(annotation, "__metadata__"):
        return _type(inner[0])
    if annotation is Settings:
        return "[settings](settings.md)"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    return {str: "text", int: "integer", float: "number", bool: "true/false", Path: "path"}.get(
        annotation, str(annotation)
    )


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "null"
    if isinstance(value, BaseModel) or value in ((), {}):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _read(name: str) -> str:
    path = FOLDER / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def benchmarks_page() -> str:
    """The Default method beside NNCF, from the JSON that `make bench` wrote."""
    result = json.loads((RESULTS / "default-ptq.json").read_text(encoding="utf-8"))
    machine, versions = result["machine"], result["versions"]
    lines = ["# Measured beside NNCF", "", NOTE, ""]
    flags, versions = ", ".join(machine["flags"]), ", ".join(f"{name} {version}" for name, version in versions.items())
    cores, memory = machine["physical_cores"], machine["memory_mb"] // 1024
    lines += [
        f"`{result['command']}`, commit {result['commit']}; {machine['cpu']}, {cores} cores ({flags}), {memory} GiB; "
        f"{versions}.",
        "The machine is shared: single ratios are good to about 10 %. The raw rounds are in",
        "`benchmarks/results/default-ptq.json`.",
        "",
        "Error: signal over noise of the outputs in dB on samples used for nothing else, in front of a final softmax.",
        "The peer gets the better of its graph as imported and our normalised one, figure by figure. Seconds:",
        "calibration without reading and decoding; a pass: plain exact FP32 over the same samples. Throughput: INT8",
        "over the peer's INT8, over exact FP32, and over FP32 as deployed by default. Memory: peak of the calibration",
        "over that of a plain pass; pages of mapped sample files count in both, and a plain pass touches more of them.",
        *_one_graph(result["rows"]),
        "",
        "| Network | Preset | SQNR dB: ours (peer) | Agreement % | Score: FP32, INT8 (peer) "
        "| fps over peer, FP32, default | Seconds (peer) | Passes | Memory |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_benchmark_row(row) for row in result["rows"]]
    lines += ["", "Against the targets of the project:", ""]
    lines += [f"- {line}" for line in targets(result["rows"])]
    for name, part in SECTIONS:
        if (RESULTS / name).is_file():
            lines += ["", *part(json.loads((RESULTS / name).read_text(encoding="utf-8")))]
    return "\n".join(lines) + "\n"


SECTIONS: tuple[tuple[str, Callable[[dict[str, Any]], list[str]]], ...] = (
    ("accuracy-aware.json", accuracy_section),
    ("search-cost.json", cost_section),
    ("interval-coverage.json", coverage_section),
    ("tasks.json", task_section),
    ("misconfigurations.json", cause_section),
    ("caffe-calibrator.json", caffe_section),
    ("workbench.json", workbench_section),
    ("ssh-target.json", ssh_section),
    ("spread.json", spread_section),
)
"""Results that have a section of their own, each where it is there."""


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _one_graph(rows: list[dict[str, Any]]) -> list[str]:
    """Which rows compare throughput with one graph of the peer only."""
    both = {"imported", "normalised"}
    names = sorted({row["network"] for row in rows if not both <= row["raw"]["fps"].keys()})
    return ["", f"Throughput beside the peer's graph with less error only: {', '.join(names)}."] if names else []


def _benchmark_row(row: dict[str, Any]) -> str:
    fps = [row["int8_fps"] / row[name] for name in ("peer_int8_fps", "fp32_fps", "default_fps")]
    cells = (
        row["network"],
        row["preset"],
        f"{row['sqnr_db']:.1f} ({row['peer_sqnr_db']:.1f})",
        f"{_number(row['agreement'])} ({_number(row['peer_agreement'])})",
        f"{_number(row['fp32_score'])}, {_number(row['score'])} ({_number(row['peer_score'])})",
        ", ".join(f"{ratio:.2f}" for ratio in fps),
        f"{row['seconds']:.2f} ({row['peer_seconds']:.2f})",
        f"{row['seconds'] / row['pass_seconds']:.1f}",
        f"{row['peak_mb'] / row['plain_peak_mb']:.2f}",
    )
    return f"| {' | '.join(cells)} |"


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "settings.md": settings_page,
    "settings.schema.json": settings_schema,
    "report.md": report_page,
    "rest.md": lambda: rest_page(NOTE),
    "benchmarks.md": benchmarks_page,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
