"""How the result was made: files, subset, recipe, inputs, settings, versions, time."""

import re
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import yaml

from calibench.reports.page.figures import MB, megabytes, number, with_unit
from calibench.reports.page.grid import Cell, Column, Grid, grid
from calibench.reports.report import DatasetFiles, ModelFile, PreparedInput, Report, SubsetUse
from calibench.settings import InputSettings, Settings

NAMELESS = ("model", "saved_model", "inference", "graph")
"""Names that files have whatever the model."""

SKIPPED_SHOWN = 5
"""Files that are named of those that could not be read; report.json names all."""

Fact = tuple[str, str]


def title(report: Report) -> str:
    """The name by which a person knows the model: that of its file, with the folder where the file is just `model`."""
    path = PurePath(report.model.path)
    return f"{path.parent.name}/{path.name}" if path.stem in NAMELESS and path.parent.name else path.name


def facts(report: Report) -> list[Fact]:
    """Label and sentence, the ones that are known."""
    r = report
    found: list[Fact | None] = [
        ("FP32 model", _model(r.model)),
        ("INT8 model", _model(r.int8_model)) if r.int8_model else None,
        ("Dataset" if r.kind == "comparison" else "Calibration dataset", _dataset(r.dataset)),
        ("Validation dataset", _dataset(r.validation)) if r.validation else None,
        ("Task", "; ".join((r.task, *r.task_notes))) if r.task else None,
        *(("Input", _input(each)) for each in r.inputs),
        *(_calibration(r) if r.kind == "calibration" else ()),
        ("Precision of float layers", f"{r.inference_precision}, in which INT8 was scored"),
        ("Batches", f"{number(r.batch_agreement, 1)} % of the answers are the same one by one and in batches")
        if r.batch_agreement is not None
        else None,
        ("Machine", _machine(r)) if r.machine else None,
        ("Versions", ", ".join(f"{name} {version}" for name, version in r.versions.items())) if r.versions else None,
        ("Seconds", _seconds(r)) if r.seconds else None,
        ("Most memory", with_unit(number(r.peak_rss_mb, 0), "MB")) if r.peak_rss_mb is not None else None,
    ]
    return [fact for fact in found if fact is not None]


def machine_line(report: Report) -> str:
    """The machine in a few words, for the head of the page."""
    if report.machine is None:
        return ""
    cores = report.machine.physical_cores
    return f"{report.machine.cpu}, {cores} core{'' if cores == 1 else 's'}"


def date_line(report: Report) -> str:
    """When the run ended, to the minute, in UTC; as it stands in the report where it is no such date."""
    if report.created is None:
        return ""
    try:
        return f"{datetime.fromisoformat(report.created).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return report.created


def tried(report: Report) -> Grid:
    """The recipes that were tried, with their error; the one that was taken says so."""
    if report.kind == "comparison" or len(report.tried) < 2:
        return grid((), ())
    rows = [
        (
            Cell(each.name),
            Cell("" if each.error is None else number(each.error), each.error),
            Cell(str(each.samples or ""), each.samples),
            Cell("taken" if each.name == report.recipe else ""),
        )
        for each in report.tried
    ]
    columns = (
        Column("Recipe", is_number=False),
        Column("Output error", "dB, lower is better"),
        Column("Samples", "kept apart"),
        Column("", is_number=False),
    )
    return grid(columns, rows)


def changed_settings(settings: Settings) -> str:
    """The settings that are not the default, as YAML for `--config`; empty where none was changed."""
    given, usual = settings.model_dump(mode="json"), Settings().model_dump(mode="json")
    changed = _changed(given, usual)
    inputs = given["inputs"].items()
    if inputs:
        changed["inputs"] = {name: _changed(each, InputSettings().model_dump(mode="json")) for name, each in inputs}
    return _yaml(changed) if changed else ""


def all_settings(settings: Settings) -> str:
    """All settings as YAML for `--config`."""
    return _yaml(settings.model_dump(mode="json"))


def _changed(given: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value != usual[name]}


def _yaml(values: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=None)
    return re.sub(r"\? ''\n( *): ", r"'':\n\1  ", text).rstrip()  # a name without letters, as people write it


def _calibration(report: Report) -> list[Fact]:
    found = [("Subset", _subset(report.subset))] if report.subset else []
    best = f", the best of {len(report.tried)} tried" if len(report.tried) > 1 else ""
    return [*found, ("Recipe", f"{report.recipe}, preset {report.settings.preset}{best}")]


def _model(model: ModelFile) -> str:
    size = f", weights {megabytes(model.size_bytes)} MB" if model.size_bytes >= MB / 1000 else ""
    return f"{model.path} ({model.name}){size}, sha256 {model.sha256[:12]}"


def _dataset(dataset: DatasetFiles) -> str:
    text = f"{dataset.path}, {dataset.samples} samples, {'' if dataset.is_annotated else 'not '}annotated"
    if dataset.skipped:
        named = "; ".join(dataset.skipped[:SKIPPED_SHOWN])
        more = f"; and {len(dataset.skipped) - SKIPPED_SHOWN} more" if len(dataset.skipped) > SKIPPED_SHOWN else ""
        text += f"; {len(dataset.skipped)} left out: {named}{more}"
    return text


def _subset(subset: SubsetUse) -> str:
    text = f"{subset.count} of {subset.total} samples, seed {subset.seed}; {subset.used} measured"
    text += ", then the ranges had settled" if subset.has_settled else ""
    return text + (f"; {subset.kept_apart} kept apart to compare recipes" if subset.kept_apart else "")


def _input(each: PreparedInput) -> str:
    if each.kind == "tensor":
        shape = "of any shape" if each.shape is None else str(list(each.shape)).replace("-1", "?")
        return f"{each.name}: array {shape}, {each.dtype}, as it is"
    parts = [f"{each.name}: picture {each.height} x {each.width}, {each.color}, {each.layout}", each.resize]
    parts += [f"{name} {', '.join(f'{value:g}' for value in values)}" for name, values in _values(each) if values]
    parts += ["prepared inside the model"] if each.is_embedded else []
    return "; ".join(parts)


def _values(each: PreparedInput) -> tuple[tuple[str, tuple[float, ...]], ...]:
    return (("mean", each.mean), ("scale", each.scale))


def _machine(report: Report) -> str:
    machine = report.machine
    assert machine is not None
    flags = ", ".join(machine.flags) or "flags unknown"
    return f"{machine_line(report)} ({flags}), {machine.memory_mb / 1024:.0f} GB, {machine.system}"


def _seconds(report: Report) -> str:
    total = sum(report.seconds.values())
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in report.seconds.items() if seconds >= 0.05)
    return f"{total:.1f} in all" + (f": {stages}" if stages else "")
