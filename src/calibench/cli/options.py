"""The options that several commands share, and how they are laid over a settings file.

This module is imported for `--help`: it must not import numpy or OpenVINO, and leaves pydantic for later.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calibench.cli.accuracy_options import with_accuracy
from calibench.errors import SettingsError

if TYPE_CHECKING:
    from calibench.settings import Settings

INPUT, DATA, TASK = "Input", "Dataset", "Task"
QUANTIZERS, RUN, OUTPUT = "Quantizers", "Run", "Output"
"""The panels of `--help`."""

Model = Annotated[
    Path, typer.Argument(help="FP32 model: .xml, .onnx, .pb, SavedModel folder, .tflite, .pdmodel, .prototxt.")
]
MaybeModel = Annotated[
    Path | None,
    typer.Argument(
        help="FP32 model: .xml, .onnx, .pb, SavedModel folder, .tflite, .pdmodel, .prototxt; not with --resume.",
        metavar="MODEL",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(help="Of a .prototxt; default: found beside it.", metavar="CAFFEMODEL", rich_help_panel=INPUT),
]
Data = Annotated[Path, typer.Option("--dataset", "-d", help="Folder of any known format, .npz, .csv.", metavar="DIR")]
MaybeData = Annotated[
    Path | None, typer.Option("--dataset", "-d", help="Samples to run on; random data if absent.", metavar="DIR")
]
DataToCalibrate = Annotated[
    Path | None,
    typer.Option("--dataset", "-d", help="Folder of any known format, .npz, .csv; not with --resume.", metavar="DIR"),
]
Config = Annotated[Path | None, typer.Option(help="YAML file with settings; options win.", metavar="FILE")]

Json = Annotated[
    bool, typer.Option("--json", metavar="", help="Print one JSON document on stdout.", rich_help_panel=OUTPUT)
]
LogFile = Annotated[Path | None, typer.Option(help="Append what happens.", metavar="FILE", rich_help_panel=OUTPUT)]
Debug = Annotated[
    bool, typer.Option("--debug", metavar="", help="Show the traceback of an error.", rich_help_panel=OUTPUT)
]
Threads = Annotated[int | None, typer.Option(min=1, help="Default: physical cores.", metavar="N", rich_help_panel=RUN)]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Processes that share the work, one core each; the result is the same. [dim]Default: 1[/dim]",
        metavar="N",
        rich_help_panel=RUN,
    ),
]

Device = Annotated[
    str | None, typer.Option(help="OpenVINO device. [dim]Default: CPU[/dim]", metavar="NAME", rich_help_panel=RUN)
]
Batch = Annotated[
    int | None, typer.Option(min=1, help="The batch that will be deployed.", metavar="N", rich_help_panel=RUN)
]
Precision = Annotated[
    str | None, typer.Option(help="Of float layers: f32, bf16, f16.", metavar="TYPE", rich_help_panel=RUN)
]
Metric = Annotated[
    str | None,
    typer.Option(
        help="Such as top1, coco, mean-iou, or package.module:function.", metavar="NAME", rich_help_panel=TASK
    ),
]
CacheDir = Annotated[Path | None, typer.Option(help="For decoded samples.", metavar="DIR", rich_help_panel=RUN)]

Size = Annotated[
    tuple[int, int] | None, typer.Option(help="Pixels; default: the model's own.", metavar="H W", rich_help_panel=INPUT)
]
Resize = Annotated[
    str | None,
    typer.Option(help="stretch, crop, letterbox, corner or none.", metavar="HOW", rich_help_panel=INPUT),
]
Pad = Annotated[
    int | None,
    typer.Option(min=0, max=255, help="Of letterbox and corner, 0..255.", metavar="N", rich_help_panel=INPUT),
]
Color = Annotated[str | None, typer.Option(help="rgb, bgr or gray.", metavar="ORDER", rich_help_panel=INPUT)]
Mean = Annotated[
    str | None,
    typer.Option(help="Subtracted, in 0..255: 127 or one a channel.", metavar="NUMBERS", rich_help_panel=INPUT),
]
Scale = Annotated[
    str | None,
    typer.Option(help="Divided by, in 0..255: 128 or one a channel.", metavar="NUMBERS", rich_help_panel=INPUT),
]
Layout = Annotated[str | None, typer.Option(help="Such as NCHW or NHWC.", metavar="AXES", rich_help_panel=INPUT)]

Format = Annotated[
    str | None, typer.Option(help="Of the dataset, such as coco; default: found.", metavar="NAME", rich_help_panel=DATA)
]
Split = Annotated[
    str | None, typer.Option(help="Part of the dataset, such as val.", metavar="NAME", rich_help_panel=DATA)
]
Labels = Annotated[
    Path | None,
    typer.Option(help="Class names, one a line, in the model's order.", metavar="FILE", rich_help_panel=DATA),
]
Tokenizer = Annotated[
    Path | None,
    typer.Option(help="For texts; default: tokenizer.json beside.", metavar="FILE", rich_help_panel=DATA),
]
TextColumn = Annotated[
    list[str] | None, typer.Option(help="Column with the text; repeatable.", metavar="NAME", rich_help_panel=DATA)
]
LabelColumn = Annotated[str | None, typer.Option(help="Column with the label.", metavar="NAME", rich_help_panel=DATA)]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="Longer texts are cut.", metavar="N", rich_help_panel=DATA)]
Task = Annotated[
    str | None, typer.Option(help="Such as detection; default: found.", metavar="NAME", rich_help_panel=TASK)
]
Decoder = Annotated[
    str | None, typer.Option(help="How boxes are read from the outputs.", metavar="NAME", rich_help_panel=TASK)
]
LabelOffset = Annotated[
    int | None, typer.Option(help="Model's class minus the dataset's.", metavar="N", rich_help_panel=TASK)
]
Characters = Annotated[
    Path | None, typer.Option(help="Of a text recogniser, one a line.", metavar="FILE", rich_help_panel=TASK)
]
NoDiagnose = Annotated[
    bool,
    typer.Option("--no-diagnose", metavar="", help="Do not try the settings first.", rich_help_panel=RUN),
]

DATA_OPTIONS = {
    "format": "format",
    "split": "split",
    "labels": "labels",
    "tokenizer": "tokenizer",
    "text_column": "text_columns",
    "label_column": "label_column",
    "max_tokens": "max_tokens",
}
"""Parameter of a command: setting of `data`."""
TASK_OPTIONS = {
    "task": "kind",
    "decoder": "decoder",
    "label_offset": "label_offset",
    "characters": "characters",
}
"""Parameter of a command: setting of `task`."""
INPUT_OPTIONS = ("size", "resize", "pad", "color", "mean", "scale", "layout")
IGNORE_OPTIONS = {"ignore_name": "names", "ignore_type": "types", "ignore_pattern": "patterns"}


def overlaid(params: Mapping[str, Any]) -> "Settings":
    """Settings out of the YAML file of `--config`, with the options of the command line laid over them.

    Args:
        params: of the command, by the name of the parameter; None, False or empty where an option was not given. What
            is no setting is passed over. Input options go to every input.

    Raises:
        SettingsError: the file or a value is not right.
    """
    from calibench.settings import Settings, make_settings, read_settings

    values = read_settings(Path(params["config"])) if params.get("config") else {}
    given = {
        name: value for name, value in params.items() if not (value is None or value is False or value in ((), []))
    }
    inputs = {name: given[name] for name in INPUT_OPTIONS if name in given}
    for name in ("mean", "scale"):
        if name in inputs:
            inputs[name] = numbers(f"--{name}", inputs[name])
    if inputs:
        own = _mapping(values, "inputs")
        values["inputs"] = {name: {**_mapping(own, name), **inputs} for name in {"": None, **own}}
    for section, names in (("data", DATA_OPTIONS), ("task", TASK_OPTIONS)):
        said = {setting: given.pop(name) for name, setting in names.items() if name in given}
        if said:
            values[section] = {**_mapping(values, section), **said}
    values = with_accuracy(values, given)
    if given.pop("no_diagnose", False):
        values["diagnose"] = False
    ignored = {field: tuple(given[name]) for name, field in IGNORE_OPTIONS.items() if name in given}
    if ignored:
        values["ignored"] = {**_mapping(values, "ignored"), **ignored}
    return make_settings({**values, **{name: given[name] for name in Settings.model_fields if name in given}})


def write_settings(settings: "Settings", path: Path) -> None:
    """Write all settings as YAML for `--config`.

    Raises:
        SettingsError: the file cannot be written.
    """
    import yaml

    text = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"--save-config {path}: cannot be written ({error.strerror}). Choose another.") from None


def numbers(option: str, text: str) -> tuple[float, ...]:
    """'1,2.5' as numbers.

    Raises:
        SettingsError: a part is no number.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(f"{option} {text}: expected numbers with commas, such as 123.7,116.3,103.5.") from None


def whole_numbers(option: str, text: str) -> tuple[int, ...]:
    """'1,8' as whole numbers.

    Raises:
        SettingsError: a part is no whole number.
    """
    if not all(part.strip().isdigit() for part in text.split(",")):
        raise SettingsError(f"{option} {text}: expected whole numbers with commas, such as 1,8.")
    return tuple(int(part) for part in text.split(","))


def shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """'1,3,224,224' or 'name=1,128', by input name; '' for every input.

    Raises:
        SettingsError: a part is no whole number.
    """
    pairs = [text.rpartition("=") for text in texts]
    return {name: whole_numbers("--shape", shape) for name, _, shape in pairs}


def _mapping(values: dict[str, Any], name: str) -> dict[str, Any]:
    """A section of the settings file; anything but a mapping is left for the check of the settings to refuse."""
    found = values.get(name) or {}
    if not isinstance(found, dict):
        raise SettingsError(f"{name}: expected 'name: value' lines, found {type(found).__name__}.")
    return found
