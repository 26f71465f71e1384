"""What is entered on the page Optimize INT8, and what it asks for: plain values in, a calibration or sentences out."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from calibench.things.asked import AskCalibration, Points
from calibench.web.points_form import points_of, said, sentence
from calibench.web.setting_fields import SettingField, as_yaml, fault, mapping_of, meant, put, shown, take

Draft = dict[str, Any]
"""The entries as they stand in the fields; kept with the browser's tab, so that nothing is lost on a reload."""

SWITCH = {"auto": "auto", "on": "on", "off": "off"}
EXTRAS = (
    SettingField("range_rule", "Rule of ranges", "auto: chosen by the output error on samples kept apart",
          {name: name for name in ("auto", "mse", "typical", "extremes", "percentile")}),
    SettingField("bias_correction", "Bias correction", "auto and on: biases are corrected", SWITCH),
    SettingField("smoothing", "Smoothing", "auto: per tensor, where it is predicted to help", SWITCH),
    SettingField("per_channel_activations", "Ranges per channel", "at depthwise convolutions", SWITCH),
    SettingField("overflow_guard", "Overflow guard", "7-bit weights; auto: only on CPUs without VNNI", SWITCH),
    SettingField("subset_by", "Subset chosen by", "which images of the calibration dataset are taken",
          {"random": "random", "class": "class", "features": "features"}),
    SettingField("seed", "Seed", "of the random choice of the subset", kind="whole"),
    SettingField("inference_precision", "Precision of float layers", "what is left in float runs in it",
          {"": "the device's own choice", "f32": "FP32", "bf16": "BF16", "f16": "FP16"}),
    SettingField("ignored.names", "Layers to keep in float", "names, with commas", kind="list"),
    SettingField("ignored.types", "Types to keep in float", "such as MatMul, Add", kind="list"),
    SettingField("ignored.patterns", "Patterns to keep in float", "regular expressions of whole names", kind="list"),
    SettingField("accuracy.max_class_drop", "Largest drop of a class, points", "no single class loses more",
          kind="number"),
    SettingField("accuracy.holdout", "Held-out samples", "decide nothing, measured at the end; such as 20%"),
    SettingField("accuracy.time_budget_s", "Time budget, seconds", "that the search may take", kind="number"),
    SettingField("accuracy.max_trials", "Most trials", "models that may be evaluated", kind="whole"),
)  # fmt: skip
"""The settings that are worth a field of their own; the YAML box takes all of them."""

OF_SEARCH = "accuracy."
"""Settings that matter to the accuracy-aware method only."""
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
        "workers": asked.workers or None,
        "batches": said(asked.points.batches),
        "streams": said(asked.points.streams, has_auto=True),
        "seconds": asked.points.seconds,
        "rounds": asked.points.rounds,
    }
    for extra in EXTRAS:
        path = tuple(extra.name.split("."))
        draft[extra.name] = shown(extra, take(advanced, path))
        advanced = put(advanced, path, None)
    draft["yaml"] = as_yaml(advanced)
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
        "workers": draft.get("workers") or 0,
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
        if extra.name.startswith(OF_SEARCH) and draft["method"] != "accuracy-aware":
            continue
        path = tuple(extra.name.split("."))
        try:
            value = meant(extra, draft.get(extra.name))
        except ValueError as error:
            errors[extra.name] = str(error)
            continue
        values = put(values, path, value)
        if value is not None and (words := fault(put({}, path, value), extra.name)):
            errors[extra.name] = words
    typed, words = yaml_settings(draft.get("yaml") or "")
    if words:
        errors["yaml"] = words
    return laid_over(values, typed), errors


def yaml_settings(words: str) -> tuple[dict[str, Any], str]:
    """Settings out of the YAML box, and the sentence that says what is wrong with it; '' where nothing is."""
    typed, wrong = mapping_of(words)
    for name in typed:
        if name in SET_ELSEWHERE:
            return {}, f"{name}: is set elsewhere on this page, or by the project. Leave it out here."
    wrong = wrong or fault(typed)
    return ({}, wrong) if wrong else (typed, "")


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two sets of values as one; sections are merged, in everything else `above` wins."""
    both = dict(below)
    for name, value in above.items():
        before = both.get(name)
        both[name] = laid_over(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return both
