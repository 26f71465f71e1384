"""The settings with which an INT8 model was calibrated, out of the report that lies beside its file.

Who scores such a model wants the number of its report: what nobody sets anew is taken from there.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibench.errors import JobError, SettingsError
from calibench.models.read import hash_of
from calibench.reports.report import Report, read_report
from calibench.settings import Frozen, InputSettings, Settings, make_settings

REPORT = "report.json"
OF_MODEL = ("labels", "tokenizer", "max_tokens")
"""Settings of `data` that are of the model; the others are of the dataset, which may be another one now."""
OF_VALUES = ("color", "mean", "scale", "layout")
"""Settings of an input that a model with embedded preprocessing does itself."""
WITH_FP32 = ("agreement", "cosine")
"""Metrics that no model has alone."""
SIGNATURE = re.compile(rb'<source_sha256 value="([0-9a-f]{64})"')
PROTOTXT = ".prototxt"
SHORT = {"kind": "task"}
"""Setting: its word, where that is another."""


@dataclass(frozen=True)
class Beside:
    """Settings with those of a report in the places that nobody has set; `notes`: what was taken, or why nothing."""

    settings: Settings
    notes: tuple[str, ...] = ()

    @contextmanager
    def told(self) -> Iterator[None]:
        """An error of settings says further which of them stand in the report."""
        try:
            yield
        except SettingsError as error:
            raise SettingsError(" ".join((str(error), *self.notes[:1]))) from None


def settings_beside(
    model: Path, given: Settings, dataset: Any, *, is_alone: bool = True, is_sent: bool = False
) -> Beside:
    """Lay settings over those of the report beside a model, where that is the report of this very model.

    Input, task and metric are taken, and the precision of the float layers; a file that is not there any more is not,
    nor a metric that is somebody's code.

    Args:
        model: a file; for one that no calibration has written nothing is taken.
        given: what was set in them wins, field by field.
        dataset: the samples; a prototxt prepares pictures by its own data layer.
        is_alone: the model is scored alone, in the precision in which it was scored then; else beside FP32.
        is_sent: another machine does it, to which the files go that settings name: a report, which may come from
            anywhere, then names none outside of its folder.
    """
    place = model.parent / REPORT
    if model.suffix.lower() != ".xml" or not model.with_suffix(".bin").is_file() or not place.is_file():
        return Beside(given)
    signature = _signature(model)
    try:
        report = read_report(place)
    except JobError as error:
        why = (f"The settings of the calibration are not used: {error}",) if signature else ()
        return Beside(given, why)
    if not _describes(report, model, signature):
        return Beside(given)
    taken, missing = _taken(report, given, is_alone)
    if Path(str(dataset)).suffix.lower() == PROTOTXT or all(each.kind != "picture" for each in report.inputs):
        taken.pop("inputs", None)  # nothing is known of pictures, or nothing is to be said
    if not taken and not missing:
        return Beside(given)
    lost = [f"{path} is not there any more, which {place} names as {name}." for name, path in missing]
    for section, name, path in _outside(taken, place.parent) if is_sent else ():
        del taken[section][name]
        lost.append(
            f"{path}, which {place} names as {section}.{name}, is not sent: it lies elsewhere. Give the option."
        )
    settings = make_settings(_over(taken, given))
    words = ", ".join(_words(taken))
    said = (f"The settings of {place} are used: {words}; options take their place.",) if words else ()
    metric = report.settings.metric
    if _is_code(report.settings) and not _is_set(given, "metric"):  # a file, which may come from anywhere, runs nothing
        lost.append(f"Its metric {metric} is code: give --metric {metric} to score by it.")
    return Beside(settings, (*said, *lost))


def _signature(model: Path) -> str | None:
    """The hash of the FP32 model that an INT8 file says it was made from; None where it says nothing."""
    found = SIGNATURE.search(model.read_bytes())
    return found[1].decode() if found else None


def _describes(report: Report, model: Path, signature: str | None) -> bool:
    """By the hash of the files; reports of before there was one know where the model comes from, and its size."""
    if report.int8_sha256 is not None:
        return report.int8_sha256 == hash_of(model)
    if report.kind != "calibration" or report.model.sha256 != signature:
        return False
    return report.int8_bytes == sum(path.stat().st_size for path in (model, model.with_suffix(".bin")))


Plain = dict[str, Any]


def _taken(report: Report, given: Settings, is_alone: bool) -> tuple[Plain, list[tuple[str, Path]]]:
    """What of the report stands where nothing was set, as plain values by section; and files that are gone."""
    found, missing = report.settings, list[tuple[str, Path]]()
    taken: Plain = {}
    inputs = {name: _input(found, given, name) for name in {"": None, **found.inputs, **given.inputs}}
    if any(inputs.values()):
        taken["inputs"] = inputs
    data = {name: getattr(found.data, name) for name in OF_MODEL if not _is_set(given.data, name)}
    task: Plain = {}
    if not _is_set(given.task, "kind") or given.task.kind in (found.task.kind, report.task):
        task = {name: getattr(found.task, name) for name in type(found.task).model_fields}
        task = {name: value for name, value in task.items() if not _is_set(given.task, name)}
        if not _is_set(given, "metric") and not _is_code(found) and not (is_alone and found.metric in WITH_FP32):
            taken["metric"] = found.metric
    for section, values in (("data", data), ("task", task)):
        for name, value in list(values.items()):
            if isinstance(value, Path) and not value.is_file():
                missing.append((f"{section}.{name}", values.pop(name)))
        if values:
            taken[section] = values
    precision = report.inference_precision if is_alone else found.inference_precision
    if not _is_set(given, "inference_precision") and precision is not None:
        taken["inference_precision"] = precision
    return taken, missing


def _outside(taken: Plain, folder: Path) -> list[tuple[str, str, Path]]:
    """Section, name and path of the files that were taken and do not lie in a folder."""
    near = folder.resolve()
    named = [(section, name, value) for section in ("data", "task") for name, value in taken.get(section, {}).items()]
    return [each for each in named if isinstance(each[2], Path) and not each[2].resolve().is_relative_to(near)]


def _is_code(settings: Settings) -> bool:
    return ":" in settings.metric


def _input(found: Settings, given: Settings, name: str) -> Plain:
    """What of one input nobody has set."""
    values = {field: getattr(found.input(name), field) for field in InputSettings.model_fields}
    if found.embed_preprocessing:
        values |= {field: InputSettings.model_fields[field].default for field in OF_VALUES}
    return {field: value for field, value in values.items() if not _is_set(given.input(name), field)}


def _over(taken: Plain, given: Settings) -> Plain:
    """The given settings with what was taken beneath them; what nobody has set stays so."""
    said = given.model_dump(exclude_unset=True)
    merged = {**taken, **said}
    for section in ("task", "data"):
        if section in taken and section in said:
            merged[section] = {**taken[section], **said[section]}
    if "inputs" in taken:
        merged["inputs"] = {
            name: {**values, **given.input(name).model_dump(exclude_unset=True)}
            for name, values in taken["inputs"].items()
        }
    return merged


def _is_set(group: Frozen, name: str) -> bool:
    return name in group.model_fields_set


def _words(taken: Plain) -> Iterator[str]:
    """What of it is no default, for a person."""
    said = dict.fromkeys(word for values in taken.get("inputs", {}).values() for word in _named(values, InputSettings))
    yield from said
    for section in ("data", "task"):
        yield from _named(taken.get(section, {}), type(getattr(Settings(), section)))
    if taken.get("metric", "auto") != "auto":
        yield f"metric {taken['metric']}"
    if taken.get("inference_precision", "f32") != "f32":
        yield f"inference precision {taken['inference_precision']}"


def _named(values: Plain, kind: type[Frozen]) -> Iterator[str]:
    defaults = kind().model_dump()
    for name, value in values.items():
        if value != defaults[name]:
            yield f"{SHORT.get(name, name.replace('_', ' '))} {_text(name, value)}"


def _text(name: str, value: Any) -> str:
    if name == "size":
        return " x ".join(str(side) for side in value)
    if isinstance(value, tuple):
        return ",".join(f"{each:g}" for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each}" for key, each in value.items())
    return str(value)
