"""The options that several commands share, and how they are laid over a settings file.

This module is imported for `--help`: it must not import numpy or OpenVINO, and leaves pydantic for later.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calibench.errors import SettingsError

if TYPE_CHECKING:
    from calibench.settings import Settings

INPUT, QUANTIZERS, RUN, OUTPUT = "Input", "Quantizers", "Run", "Output"
"""The panels of `--help`."""

Model = Annotated[Path, typer.Argument(help="FP32 model: .xml, .onnx, .pb, SavedModel folder, .tflite, .pdmodel.")]
Data = Annotated[Path, typer.Option("--dataset", "-d", help="Folder of images, or .npz/.npy tensors.", metavar="DIR")]
MaybeData = Annotated[
    Path | None, typer.Option("--dataset", "-d", help="Samples to run on; random data if absent.", metavar="DIR")
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
    str | None, typer.Option(help="auto, top1, topK, or package.module:function.", metavar="NAME", rich_help_panel=RUN)
]
CacheDir = Annotated[Path | None, typer.Option(help="For decoded samples.", metavar="DIR", rich_help_panel=RUN)]

Size = Annotated[
    tuple[int, int] | None, typer.Option(help="Pixels; default: the model's own.", metavar="H W", rich_help_panel=INPUT)
]
Resize = Annotated[
    str | None, typer.Option(help="stretch, crop, letterbox or none.", metavar="HOW", rich_help_panel=INPUT)
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

INPUT_OPTIONS = ("size", "resize", "color", "mean", "scale", "layout")
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
