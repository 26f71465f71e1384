"""What is entered on the page Optimize INT8, and what it asks for: plain values in, a calibration or sentences out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import ValidationError

from calibench.errors import SettingsError
from calibench.settings import Settings, make_settings
from calibench.things.asked import AskCalibration, Points
from calibench.web.points_form import points_of, said, sentence

Draft = dict[str, Any]
"""The entries as they stand in the fields; kept with the browser's tab, so that nothing is lost on a reload."""


@dataclass(frozen=True)
class Extra:
    """A field of the advanced settings.

    Attributes:
        name: dotted, as in Settings.
        choices: value -> what the field says; {}: a field to type into.
        is_list: several words with commas.
        of_search: matters to the accuracy-aware method only.
    """

    name: str
    title: str
    hint: str
    choices: Mapping[str, str] = field(default_factory=dict)
    is_list: bool = False
    is_number: bool = False
    of_search: bool = False


SWITCH = {"auto": "auto", "on": "on", "off": "off"}
EXTRAS = (
    Extra("range_rule", "Rule of ranges", "auto: chosen by the output error on samples kept apart",
          {name: name for name in ("auto", "mse", "typical", "extremes", "percentile")}),
    Extra("bias_correction", "Bias correction", "auto and on: biases are corrected", SWITCH),
    Extra("smoothing", "Smoothing", "auto: per tensor, where it is predicted to help", SWITCH),
    Extra("per_channel_activations", "Ranges per channel", "at depthwise convolutions", SWITCH),
    Extra("overflow_guard", "Overflow guard", "7-bit weights; auto: only on CPUs without VNNI", SWITCH),
    Extra("subset_by", "Subset chosen by", "which images of the calibration dataset are taken",
          {"random": "random", "class": "class", "features": "features"}),
    Extra("seed", "Seed", "of the random choice of the subset", is_number=True),
    Extra("inference_precision", "Precision of float layers", "what is left in float runs in it",
          {"": "the device's own choice", "f32": "FP32", "bf16": "BF16", "f16": "FP16"}),
    Extra("ignored.names", "Layers to keep in float", "names, with commas", is_list=True),
    Extra("ignored.types", "Types to keep in float", "such as MatMul, Add", is_list=True),
    Extra("ignored.patterns", "Patterns to keep in float", "regular expressions of whole names", is_list=True),
    Extra("accuracy.max_class_drop", "Largest drop of a class, points", "no single class loses more",
          is_number=True, of_search=True),
    Extra("accuracy.holdout", "Held-out samples", "decide nothing, measured at the end; such as 20%", of_search=True),
    Extra("accuracy.time_budget_s", "Time budget, seconds", "that the search may take", is_number=True, of_search=True),
    Extra("accuracy.max_trials", "Most trials", "models that may be evaluated", is_number=True, of_search=True),
)  # fmt: skip
"""The settings that are worth a field of their own; the YAML box takes all of them."""

SET_ELSEWHERE = ("weights", "cache_dir", "keep_cache", "device", "method", "preset", "subset")
"""Settings that follow from the project, or have their own place on this page."""


def fresh(ask: Mapping[str, Any] | None = None) -> Draft:
    """Entries to begin with: the defaults, or those of a calibration that was asked for before."""
    asked = AskCalibration.model_validate({k: v for k, v in (ask or {}).items() if k in AskCalibration.model_fields})
    advanced = dict(asked.advanced)
    draft: Draft = {
        "calibration": asked.calibration_dataset_id,
        "percent": asked.subset_percent,
        "method": asked.method,
        "max_drop": asked.max_drop,
        "preset": asked.preset,
        "name": asked.name or "",
        "batches": said(asked.points.batches),
        "streams": said(asked.points.streams, has_auto=True),
        "seconds": asked.points.seconds,
        "rounds": asked.points.rounds,
    }
    for extra in EXTRAS:
        draft[extra.name] = _shown(extra, _take(advanced, extra.name))
    draft["yaml"] = yaml.safe_dump(advanced, sort_keys=False, allow_unicode=True) if advanced else ""
    return draft


def asked_for(draft: Mapping[str, Any]) -> tuple[AskCalibration | None, dict[str, str]]:
    """The calibration that the entries ask for, and a sentence by field; None where a sentence stands in the way."""
    points, errors = points_of(draft["batches"], draft["streams"], draft["seconds"], draft["rounds"])
    advanced, wrong = advanced_of(draft)
    errors |= wrong
    values = {
        "calibration_dataset_id": draft["calibration"],
        "subset_percent": draft["percent"],
        "method": draft["method"],
        "max_drop": draft["max_drop"] if draft["method"] == "accuracy-aware" else 0.5,
        "preset": draft["preset"],
        "name": (draft["name"] or "").strip() or None,
        "advanced": advanced,
        "points": points if isinstance(points, Points) else Points(),
    }
    try:
        ask = AskCalibration.model_validate(values)
    except ValidationError as error:
        names = {"subset_percent": "percent"}
        found = {str(each["loc"][0]): sentence(str(each["msg"])) for each in reversed(error.errors())}
        return None, errors | {names.get(name, name): words for name, words in found.items()}
    return (None if errors else ask), errors


def advanced_of(draft: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The advanced settings: what the fields say that is not the default, and the YAML over it."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for extra in EXTRAS:
        if extra.of_search and draft["method"] != "accuracy-aware":
            continue
        try:
            value = _meant(extra, draft.get(extra.name))
        except ValueError as error:
            errors[extra.name] = str(error)
            continue
        if value is not None:
            _put(values, extra.name, value)
            errors |= _wrong({extra.name.partition(".")[0]: values[extra.name.partition(".")[0]]}, extra.name)
    typed, fault = yaml_settings(draft.get("yaml") or "")
    if fault:
        errors["yaml"] = fault
    return laid_over(values, typed), errors


def yaml_settings(words: str) -> tuple[dict[str, Any], str]:
    """Settings out of a YAML box, and the sentence that says what is wrong with it; '' where nothing is."""
    typed, fault = mapping_of(words)
    if fault:
        return {}, fault
    for name in typed:
        if name in SET_ELSEWHERE:
            return {}, f"{name}: is set elsewhere on this page, or by the project. Leave it out here."
    try:
        make_settings(typed)
    except SettingsError as error:
        return {}, str(error)
    return typed, ""


def mapping_of(words: str) -> tuple[dict[str, Any], str]:
    """'name: value' lines as plain values, and what is wrong with them."""
    try:
        values = yaml.safe_load(words)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"Line {mark.line + 1}: t" if mark else "T"
        return {}, f"{line}his is no valid YAML. Mend it, or quote values with ':'."
    if values is None:
        return {}, ""
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        return {}, "Expected 'name: value' lines."
    return values, ""


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two sets of values as one; sections are merged, in everything else `above` wins."""
    both = dict(below)
    for name, value in above.items():
        before = both.get(name)
        both[name] = laid_over(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return both


def _wrong(values: Mapping[str, Any], name: str) -> dict[str, str]:
    """What Settings say to one entry."""
    try:
        make_settings(dict(values))
    except SettingsError as error:
        return {name: str(error).removeprefix(f"{name}: ")}
    return {}


def _meant(extra: Extra, entry: Any) -> Any:
    """The value of an entry; None: the default.

    Raises:
        ValueError: it is no number where one is needed.
    """
    if extra.is_list:
        words = [word.strip() for word in str(entry or "").split(",") if word.strip()]
        return words or None
    if entry in (None, "", "auto") or entry == _default(extra.name):
        return None
    if extra.is_number and float(entry) == int(entry):
        return int(entry)
    return entry


def _shown(extra: Extra, value: Any) -> Any:
    """A value as its field holds it."""
    if extra.is_list:
        return ", ".join(value or ())
    if value is None:
        value = _default(extra.name)
    return value if value is not None or extra.is_number else ""


def _default(name: str) -> Any:
    value: Any = Settings()
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    section, _, inner = name.partition(".")
    if inner:
        values.setdefault(section, {})[inner] = value
    else:
        values[section] = value


def _take(values: dict[str, Any], name: str) -> Any:
    """Take a value out of plain settings; sections that are empty then go too."""
    section, _, inner = name.partition(".")
    if not inner:
        return values.pop(section, None)
    group = values.get(section)
    if not isinstance(group, dict):
        return None
    group = values[section] = dict(group)
    value = group.pop(inner, None)
    if not group:
        del values[section]
    return value
