"""What a person can set, with its default and the check of its value; the same for Python, command line and REST."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from calibench.errors import SettingsError

Preset = Literal["performance", "mixed"]
RangeRule = Literal["auto", "mse", "typical", "extremes", "percentile"]
SwitchWord = Literal["auto", "on", "off"]


def _words(value: Any) -> Any:
    """YAML reads a bare on or off as true or false."""
    return {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value


def _several(value: Any) -> Any:
    """A single value where several may stand."""
    return (value,) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else value


Several = BeforeValidator(_several)
Switch = Annotated[SwitchWord, BeforeValidator(_words)]


class Frozen(BaseModel):
    """A settings value: checked when made, unknown names refused, never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ignored(Frozen):
    """Layers that stay in their original precision."""

    names: Annotated[tuple[str, ...], Several] = Field(
        (), description="names of layers as `calibench inspect` shows them, or their parents"
    )
    types: Annotated[tuple[str, ...], Several] = Field((), description="types of operations, such as `MatMul`")
    patterns: Annotated[tuple[str, ...], Several] = Field(
        (), description="regular expressions that match a whole layer name"
    )

    @field_validator("patterns")
    @classmethod
    def _compiles(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression ({error})") from None
        return patterns


class InputSettings(Frozen):
    """How a file becomes one input of the model. None means: found from the model, else the default named here."""

    size: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]] | None = Field(
        None, description="height, width in pixels; None: the model's own"
    )
    resize: Literal["stretch", "crop", "letterbox", "none"] = Field(
        "stretch",
        description="stretch: both sides to the size; crop: short side to resize_short, then the centre; "
        "letterbox: fits inside, padded; none: the picture has the size already",
    )
    resize_short: int | None = Field(None, gt=0, description="pixels, for crop; None: size / 0.875")
    color: Literal["rgb", "bgr", "gray"] = Field("rgb", description="the order of the channels that the model wants")
    mean: Annotated[tuple[FiniteFloat, ...], Several] = Field(
        (), description="subtracted, in units of 0..255; one value or one a channel"
    )
    scale: Annotated[tuple[FiniteFloat, ...], Several] = Field(
        (), description="divided by, in units of 0..255; one value or one a channel"
    )
    layout: str | None = Field(None, description="such as NCHW or NHWC; None: found from the shape")

    @field_validator("scale")
    @classmethod
    def _not_zero(cls, scale: tuple[float, ...]) -> tuple[float, ...]:
        if any(value == 0 for value in scale):
            raise ValueError("a scale of 0 cannot divide")
        return scale


class Settings(Frozen):
    """All settings of one calibration."""

    preset: Preset = Field(
        "performance",
        description="`performance`: weights and activations symmetric, every zero point is 0. `mixed`: activations "
        "asymmetric where that makes the step at least 5 % smaller. The default needs no zero points on any device",
    )
    device: str = Field("CPU", description="the OpenVINO device that will run the result; refused when it has no INT8")
    subset: Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int) else value)] = Field(
        "100%",
        description="share ('25%') or count ('300') of the calibration dataset. All by default, because the pass stops "
        "by itself when the ranges have settled",
    )
    seed: int = Field(0, ge=0, description="seed of the random choice of the subset")
    exact_subset: bool = Field(
        False, description="measure every sample; off, because ranges are settled after a few dozen as a rule"
    )
    range_rule: RangeRule = Field(
        "auto",
        description="how a range follows from what was observed. `auto`: chosen per model by the output error on "
        "samples kept apart, where there are enough. The rules: `mse`, `typical`, `extremes`, `percentile`",
    )
    bias_correction: Switch = Field(
        "auto",
        description="`auto` and `on`: biases are corrected, which costs no pass and no time at run time; `off`: not",
    )
    smoothing: Switch = Field(
        "auto", description="`auto` and `on`: per tensor, where it is predicted to help; `off`: nowhere"
    )
    per_channel_activations: Switch = Field(
        "auto",
        description="own ranges per channel at depthwise convolutions. `auto`: only where one step for all drowns a "
        "quarter of the channels, because ranges per channel need many samples",
    )
    per_channel_weights: bool = Field(True, description="one scale per output channel of a layer; off: one per tensor")
    overflow_guard: Switch = Field(
        "auto",
        description="weights of 7 bits. `auto`: only without VNNI, where the CPU adds pairs of products "
        "in 16 bits, which can overflow",
    )
    ignored: Ignored = Field(Ignored(), description="layers that stay in float: `names`, `types` and `patterns`")
    inputs: dict[str, InputSettings] = Field(
        default_factory=dict, description="how files become inputs, by input name; '' means every input"
    )
    embed_preprocessing: bool = Field(
        False,
        description="off: the result takes exactly what the FP32 model takes; on: it takes raw pictures",
    )
    inference_precision: Literal["f32", "bf16", "f16"] | None = Field(
        None, description="of the layers left in float. None: the device's own choice"
    )
    batch: int = Field(1, ge=1, description="the batch that will be deployed; accuracy is measured at it")
    threads: int | None = Field(
        None,
        ge=1,
        description="None: the physical cores that the process may use, affinity and container limits respected",
    )
    metric: str = Field(
        "auto",
        description="`top1`, `topK`, `agreement`, `cosine` or `package.module:function`. `auto`: top1 where there are "
        "labels and one score per class, agreement with FP32 where there are only the scores, else cosine",
    )
    recipes: int = Field(3, ge=1, le=3, description="recipes tried at most; 1: no comparison")
    cache_dir: Path | None = Field(None, description="folder for decoded samples, so that they are decoded once")
    keep_cache: bool = Field(False, description="keep the decoded samples for the next run; off: removed on success")

    @field_validator("subset")
    @classmethod
    def _subset(cls, subset: str) -> str:
        share = re.fullmatch(r"(\d+(?:\.\d+)?)%", subset)
        if share and 0 < float(share[1]) <= 100:
            return subset
        if subset.isdecimal() and subset.isascii() and int(subset) > 0:
            return subset
        raise ValueError(f"{subset!r} is neither a share such as 25% nor a count such as 300")

    def input(self, name: str) -> InputSettings:
        """The settings of one input: its own, else those for every input, else the defaults."""
        return self.inputs.get(name) or self.inputs.get("") or InputSettings()


def make_settings(values: dict[str, Any]) -> Settings:
    """Settings from plain values.

    Raises:
        SettingsError: a name is unknown or a value impossible; names the setting and the reason.
    """
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(explain(error)) from None


def explain(error: ValidationError) -> str:
    """One sentence for the first thing that is wrong, with the known names where a name is not known."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "settings"
    if first["type"] == "extra_forbidden":
        return f"{where}: there is no such setting. Known: {', '.join(Settings.model_fields)}."
    return f"{where}: {first['msg'].removeprefix('Value error, ')}."


def read_settings(path: Path) -> dict[str, Any]:
    """The values in a YAML file, not checked yet (options of the command line are laid over them).

    Raises:
        SettingsError: the file is missing, is no YAML, or holds no mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}). Give a YAML file with settings.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{path}{line}: this is no valid YAML. Mend the line, or quote values with ':'.") from None
    if values is None:
        return {}
    if isinstance(values, dict) and not all(isinstance(name, str) for name in values):
        raise SettingsError(f"{path}: a setting has a name that is no text. Known: {', '.join(Settings.model_fields)}.")
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: expected 'name: value' lines, found {type(values).__name__}.")
    return values
