"""Settings as options of the command line, and those that have none as the text of a file for --config."""

from collections.abc import Iterator, Mapping
from typing import Any

from calibench.settings import Settings

Plain = dict[str, Any]
Option = tuple[str, ...]

AS_OPTION = (
    "weights", "preset", "device", "subset", "subset_by", "seed", "range_rule", "bias_correction", "smoothing",
    "per_channel_activations", "overflow_guard", "inference_precision", "batch", "threads", "metric", "cache_dir",
)  # fmt: skip
"""Settings whose option has their name."""
FLAGS = {"exact_subset": True, "embed_preprocessing": True}
"""Settings that an option without a value turns on."""
SECTIONS: dict[str, dict[str, str]] = {
    "accuracy": {
        **{"max_drop": "max-drop", "drop_type": "drop-type", "max_class_drop": "max-class-drop", "front": "front"},
        **{"holdout": "holdout", "max_trials": "max-trials", "timings": "timings"},
    },
    "data": {
        **{"format": "format", "split": "split", "labels": "labels", "tokenizer": "tokenizer"},
        **{"text_columns": "text-column", "label_column": "label-column", "max_tokens": "max-tokens"},
    },
    "task": {"kind": "task", "decoder": "decoder", "label_offset": "label-offset", "characters": "characters"},
    "ignored": {"names": "ignore-name", "types": "ignore-type", "patterns": "ignore-pattern"},
}
"""Settings of a section, each with its option; a list is the option several times."""
INPUT = ("size", "resize", "pad", "color", "mean", "scale", "layout")
"""Settings of an input, whose options go to every input."""


def as_options(settings: Settings) -> tuple[list[Option], Plain]:
    """Options for what was said, and what has no option.

    Together they give the same settings: `overlaid` lays the options over the file.
    """
    left = said(settings)
    options = [*_method(left), *_plain(left), *_inputs(left)]
    for section, names in SECTIONS.items():
        if section != "accuracy" or settings.method != "default":  # such an option would choose the method
            options += _section(left, section, names)
    return options, {name: value for name, value in left.items() if value != {}}


def said(settings: Settings) -> Plain:
    """What was set, as plain values. In a section that is also what was set to its default: what nobody set is found by
    trying, and a default that somebody set is not.
    """
    defaults = Settings().model_dump(mode="json")
    values: Plain = settings.model_dump(mode="json", exclude_unset=True)
    return {name: value for name, value in values.items() if value not in ({}, defaults[name])}


def _method(left: Plain) -> Iterator[Option]:
    """The method goes first: it says what the line does."""
    method = left.pop("method", "default")
    if method != "default":
        yield "--method", method
        if "max_drop" not in left.get("accuracy", {}):
            yield "--max-drop", _number(Settings().accuracy.max_drop)  # said, although it is the default


def _plain(left: Plain) -> Iterator[Option]:
    for name in AS_OPTION:
        if name in left:
            yield f"--{name.replace('_', '-')}", _number(left.pop(name))
    for name, value in FLAGS.items():
        if left.get(name) == value:
            del left[name]
            yield (f"--{name.replace('_', '-')}",)
    if left.get("diagnose") is False:
        del left["diagnose"]
        yield ("--no-diagnose",)


def _inputs(left: Plain) -> Iterator[Option]:
    """Where all inputs are alike; else they stand in the file, because an option would go to every one."""
    inputs = left.get("inputs", {})
    if set(inputs) != {""}:
        return
    given = left.pop("inputs")[""]
    for name in INPUT:
        if given.get(name) in (None, []):
            continue  # that it is not wanted cannot be said by an option
        value = given.pop(name)
        if name == "size":
            yield "--size", *map(str, value)
        elif isinstance(value, list):
            yield f"--{name}", ",".join(_number(each) for each in value)
        else:
            yield f"--{name}", _number(value)
    if given:
        left["inputs"] = {"": given}


def _section(left: Plain, section: str, names: Mapping[str, str]) -> Iterator[Option]:
    values = left.get(section, {})
    if section == "accuracy":
        yield from _accuracy(values)
    for name, option in names.items():
        if values.get(name) in (None, []):
            continue
        value = values.pop(name)
        for each in value if isinstance(value, list) else [value]:
            yield f"--{option}", _number(each)


def _accuracy(values: Plain) -> Iterator[Option]:
    for metric, drop in values.pop("limits", {}).items():
        yield "--limit", f"{metric}={_number(drop)}"
    if values.get("label_free"):
        del values["label_free"]
        yield ("--label-free",)
    if values.get("time_budget_s") is not None:
        yield "--time-budget", f"{_number(values.pop('time_budget_s'))}s"
    if values.get("repair") == "off":
        del values["repair"]
        yield ("--no-repair",)


def _number(value: Any) -> str:
    """0.5 and 128 rather than 128.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
