"""Accuracy settings as a form and as YAML: two views of the same plain values, either of which can change them."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from calibench.settings import InputSettings, TaskName, TaskSettings
from calibench.web.setting_fields import SettingField, fault, mapping_of, meant, put, shown, take

SECTIONS = ("inputs", "task", "metric", "data")
"""What of Settings says how samples enter a model and how its answers are read."""
EVERY_INPUT = ""
"""Name of the input settings that hold for all inputs without settings of their own."""


def _choices(model: Any, name: str) -> dict[str, str]:
    """The words that a setting of fixed words may have."""
    words = get_args(model.model_fields[name].annotation)
    return {word: word for word in words}


INPUT_FIELDS = (
    SettingField("inputs.size", "Size, height x width", "empty: the model's own", kind="size"),
    SettingField("inputs.resize", "Resize", "how a picture gets that size", _choices(InputSettings, "resize")),
    SettingField("inputs.color", "Colour order", "that the model wants", _choices(InputSettings, "color")),
    SettingField("inputs.mean", "Mean", "in units of 0..255, one or one a channel", kind="numbers"),
    SettingField("inputs.scale", "Scale", "divided by, in units of 0..255", kind="numbers"),
    SettingField("inputs.layout", "Layout", "empty: from the shape", suggestions=("NCHW", "NHWC")),
    SettingField("inputs.resize_short", "Short side before a crop", "pixels; empty: size / 0.875", kind="whole"),
    SettingField("inputs.pad", "Padding value", "of letterbox and corner, 0..255", kind="whole"),
)
METRICS = (
    "auto", "top1", "top5", "coco", "voc", "mean-iou", "psnr", "ssim", "exact", "cer", "nearest", "nme", "pairs",
    "agreement", "cosine",
)  # fmt: skip
DECODERS = (
    "auto", "model-api", "mask-rcnn", "tf-detection", "detection-output", "yolov7-end2end", "boxes-labels",
    "boxes-scores-labels", "centerface", "nanodet", "nanodet-rows", "yolo-end2end", "yolov8", "yolov5", "yolox",
    "yolov7-grids", "yolov5-grids", "yolov4", "yolov3", "yolov4-tiny", "yolov3-tiny", "yolov2", "raw-boxes",
)  # fmt: skip
"""Names to suggest, as in evaluation/decoders, which no page may import: it loads the runtime."""
TASK_FIELDS = (
    SettingField("task.kind", "Task", "auto: guessed", {word: word for word in get_args(TaskName)}),
    SettingField("metric", "Metric", "auto: the first of the task", suggestions=METRICS),
    SettingField("task.class_numbers", "Classes found by", "how a class of the model finds its class of the dataset",
                 _choices(TaskSettings, "class_numbers")),
    SettingField("task.label_offset", "Label offset", "of the model to the dataset", kind="whole"),
    SettingField("task.background", "Background class", "where the model counts one",
                 _choices(TaskSettings, "background")),
)  # fmt: skip
MORE_FIELDS = (
    SettingField("task.decoder", "Decoder", "how objects are read from raw outputs", suggestions=DECODERS),
    SettingField("task.box_format", "Box format", "of raw boxes", _choices(TaskSettings, "box_format")),
    SettingField("task.box_units", "Box units", "of raw boxes", _choices(TaskSettings, "box_units")),
    SettingField("task.score_threshold", "Score threshold", "lower ones do not count", kind="number"),
    SettingField("task.iou_threshold", "IoU threshold", "of non-maximum suppression", kind="number"),
    SettingField("task.max_detections", "Most objects", "of a picture", kind="whole"),
    SettingField("task.mask_threshold", "Mask threshold", "more belongs to the object", kind="number"),
    SettingField("task.blank", "CTC blank", "among the classes", _choices(TaskSettings, "blank")),
    SettingField("task.crop_border", "Border left out", "pixels, of PSNR and SSIM", kind="whole"),
    SettingField("task.channels", "Channels of PSNR", "", _choices(TaskSettings, "channels")),
    SettingField("task.value_range", "Range of made pictures", "", _choices(TaskSettings, "value_range")),
    SettingField("task.normalize_by", "Landmarks divided by", "", _choices(TaskSettings, "normalize_by")),
    SettingField("data.split", "Split", "of a set with several; empty: val, else test"),
    SettingField("data.text_columns", "Text columns", "of a table, with commas", kind="list"),
    SettingField("data.label_column", "Label column", "of a table; empty: by its name"),
    SettingField("data.max_tokens", "Most tokens", "longer texts are cut", kind="whole"),
)
FIELDS = (*INPUT_FIELDS, *TASK_FIELDS, *MORE_FIELDS)

Plain = Mapping[str, Any]


def input_names(settings: Plain, ports: Sequence[str]) -> list[str]:
    """The inputs that can have settings: all together first, then one by one where the model has several."""
    named = [name for name in settings.get("inputs") or {} if name]
    several = list(ports) if len(ports) > 1 else []
    return [EVERY_INPUT, *dict.fromkeys([*named, *several])]


def first_input(settings: Plain) -> str:
    """The input that the form shows at first: the one that has settings."""
    return next(iter(settings.get("inputs") or {}), EVERY_INPUT)


def path_of(name: str, of_input: str) -> tuple[str, ...]:
    """Where a field's value lies in plain settings."""
    section, _, inner = name.partition(".")
    if section == "inputs":
        return ("inputs", of_input, inner)
    return (section, inner) if inner else (section,)


def entries(settings: Plain, of_input: str) -> dict[str, Any]:
    """What every field shows."""
    return {each.name: shown(each, take(settings, path_of(each.name, of_input))) for each in FIELDS}


def with_entry(settings: Plain, field: SettingField, entry: Any, of_input: str) -> tuple[dict[str, Any], str]:
    """The settings with one entry changed, and what is wrong with it; they stay as they were where something is."""
    path = path_of(field.name, of_input)
    try:
        value = meant(field, entry)
    except ValueError as error:
        return dict(settings), str(error)
    changed = put(dict(settings), path, value)
    wrong = fault(put({}, path, value), ".".join(path))
    return (dict(settings), _short(wrong)) if wrong else (changed, "")


def _short(wrong: str) -> str:
    """Without the place of a single value, which the field says itself."""
    head, _, rest = wrong.partition(": ")
    return rest[:1].upper() + rest[1:] if rest and " " not in head else wrong


def typed(words: str) -> tuple[dict[str, Any], str]:
    """Settings out of the YAML view, and what is wrong with them; '' where nothing is."""
    values, wrong = mapping_of(words)
    if wrong:
        return {}, wrong
    for name in values:
        if name not in SECTIONS:
            return {}, f"{name}: is no accuracy setting. Known: {', '.join(SECTIONS)}."
    wrong = fault(values)
    return ({}, wrong) if wrong else (values, "")


def lean(settings: Plain) -> dict[str, Any]:
    """The settings without what says only the default, so that the YAML is short."""
    found: dict[str, Any] = {name: value for name, value in settings.items() if name in SECTIONS}
    for of_input in list(found.get("inputs") or {}):
        for field in FIELDS:
            path = path_of(field.name, of_input)
            value = take(found, path)
            if value is not None:
                found = put(found, path, None if _is_default(field, value) else value)
    kept: dict[str, Any] = _without_nothing(found)
    return kept


def _is_default(field: SettingField, value: Any) -> bool:
    return bool(shown(field, value) == shown(field, None))


def _without_nothing(values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    kept = {name: _without_nothing(value) for name, value in values.items()}
    return {name: value for name, value in kept.items() if value not in (None, {}, [])}


def changes(before: Plain, after: Plain) -> list[str]:
    """What settings change, in words for a person: 'Colour order: rgb -> bgr'."""
    said = []
    names = dict.fromkeys([*(before.get("inputs") or {EVERY_INPUT: {}}), *(after.get("inputs") or {})])
    for of_input in names:
        fields = FIELDS if of_input == next(iter(names)) else INPUT_FIELDS
        for field in fields:
            path = path_of(field.name, of_input)
            old, new = (shown(field, take(values, path)) for values in (before, after))
            if old != new:
                said.append(f"{field.title}: {_word(old)} → {_word(new)}")
    return list(dict.fromkeys(said))


def _word(value: Any) -> str:
    return "none" if value in (None, "") else str(value)
