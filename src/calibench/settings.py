"""What a person can set, with its default and the check of its value; the same for Python, command line and REST."""

import re
from collections.abc import Iterable
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
    resize: Literal["stretch", "crop", "letterbox", "corner", "none"] = Field(
        "stretch",
        description="stretch: both sides to the size; crop: short side to resize_short, then the centre; "
        "letterbox: fits inside, padded on both sides; corner: fits inside, upper left, padded right and below; "
        "none: the picture has the size already",
    )
    pad: int = Field(
        0, ge=0, le=255, description="what letterbox and corner pad with, in 0..255, before mean and scale"
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


TaskName = Literal[
    "auto",
    "classification",
    "detection",
    "instance-segmentation",
    "segmentation",
    "image-to-image",
    "text-recognition",
    "embedding",
    "landmarks",
    "face-pairs",
    "custom",
]


class DataSettings(Frozen):
    """How a dataset is read. The defaults find everything themselves."""

    format: str = Field("auto", description="a name that `calibench inspect DIR` knows; auto: found from the layout")
    split: str | None = Field(None, description="part of a set that has several; None: val, else test, train, all")
    labels: Path | None = Field(
        None, description="file with one class name a line in the order of the model; overrules the order of the format"
    )
    tokenizer: Path | None = Field(None, description="tokenizer.json for text; None: beside the dataset or the model")
    text_columns: Annotated[tuple[str, ...], Several] = Field(
        (), description="columns of a text table: one text, or two for pairs; (): found by their names"
    )
    label_column: str | None = Field(None, description="column of a text table; None: found by its name")
    max_tokens: int = Field(128, gt=0, description="longer texts are cut; shorter ones padded where the model needs it")


ROLES = (
    "boxes", "scores", "labels", "rows", "masks", "prototypes", "pixels", "picture", "text", "embedding",
    "mask", "points",
)  # fmt: skip
"""What an output can hold."""


class TaskSettings(Frozen):
    """What the model does and how its outputs are read. None and auto: guessed from the model and the annotations."""

    kind: TaskName = Field("auto", description="auto: from the outputs of the model and what is annotated")
    decoder: str = Field("auto", description="how objects are read from raw outputs; see docs/reference/decoders.md")
    outputs: dict[str, str] = Field(
        default_factory=dict, description="what an output holds (boxes, scores, labels, masks, ...): its name"
    )
    class_names: Path | None = Field(
        None, description="file with the model's class names, one a line; None: in the model"
    )
    class_numbers: Literal["auto", "index", "id", "name"] = Field(
        "auto",
        description="how a class of the model finds its class of the dataset: by place in the list, by the number that "
        "the dataset gives it (COCO: 1..90), or by name",
    )
    label_offset: int = Field(0, description="class of the model = class of the dataset + label_offset")
    background: Literal["auto", "none", "first", "last"] = Field(
        "auto", description="where the model counts a class for background"
    )
    box_format: Literal["auto", "xyxy", "xywh", "cxcywh", "yxyx"] = Field("auto", description="of raw boxes")
    box_units: Literal["auto", "pixels", "normalized"] = Field("auto", description="of raw boxes")
    score_threshold: float = Field(0.01, ge=0, le=1, description="objects with a lower score do not count")
    iou_threshold: float = Field(0.5, gt=0, le=1, description="of non-maximum suppression")
    max_detections: int = Field(100, gt=0, description="objects a picture, the surest")
    mask_threshold: float = Field(0.5, ge=0, le=1, description="a pixel with more belongs to the object")
    characters: Path | None = Field(None, description="file with the characters of a text recogniser, one a line")
    blank: Literal["first", "last"] = Field("first", description="place of the CTC blank among the classes")
    crop_border: int = Field(0, ge=0, description="pixels at the border that PSNR and SSIM leave out")
    channels: Literal["rgb", "y"] = Field("rgb", description="what PSNR and SSIM are taken on")
    value_range: Literal["auto", "0..1", "-1..1", "0..255"] = Field(
        "auto", description="of a picture that the model makes; auto: from the values of each picture"
    )
    normalize_by: Literal["auto", "eyes", "box", "picture"] = Field(
        "auto", description="what distances of landmarks are divided by"
    )

    @field_validator("outputs")
    @classmethod
    def _known_roles(cls, outputs: dict[str, str]) -> dict[str, str]:
        for role in outputs:
            if role not in ROLES:
                raise ValueError(f"nothing is read from an output with {role!r}. Known: {', '.join(ROLES)}")
        return outputs


class AccuracySettings(Frozen):
    """What the accuracy-aware method may lose, and how long it may look."""

    max_drop: FiniteFloat = Field(
        0.5, ge=0, description="largest accuracy drop, in points of the metric; relative: percent of the FP32 score"
    )
    drop_type: Literal["absolute", "relative"] = Field("absolute", description="what `max_drop` and `limits` count in")
    limits: dict[str, Annotated[FiniteFloat, Field(ge=0)]] = Field(
        default_factory=dict, description="further metrics of the task, each with its largest drop: {top5: 0.2}"
    )
    max_class_drop: FiniteFloat | None = Field(None, ge=0, description="largest drop of any single class, in points")
    label_free: bool = Field(
        False,
        description="without annotations: bound the drop by how often INT8 gives another answer than FP32",
    )
    holdout: str | None = Field(
        None,
        description="annotated samples that decide nothing, on which the drop is measured again: a folder, or a share "
        "of the validation dataset ('20%')",
    )
    time_budget_s: FiniteFloat | None = Field(None, gt=0, description="seconds that the search may take")
    max_trials: int | None = Field(None, ge=1, description="models that may be evaluated")
    repair: Switch = Field("auto", description="`auto`, `on`: mend biases before layers are given back; `off`: not")
    front: int | None = Field(
        None,
        ge=0,
        description="further models evaluated after the answer, for other points of the front; None: up to 4, while "
        "one more fits into 0.3 of the time of the search",
    )
    timings: Path | None = Field(
        None, description="timings.json of another run, to decide by the same times; None: measured"
    )


class CaffeSettings(Frozen):
    """Scales by the rules of the calibrator of Intel Caffe, so that a prototxt can hold them."""

    statistic: Literal["direct", "kl", "maxp", "ma"] = Field(
        "direct",
        description="how the largest value of a tensor is found. `direct`: the largest seen; `kl`: the one that "
        "changes the distribution least; `maxp`: the 99.995 % quantile of each sample, averaged; `ma`: the largest of "
        "each sample, averaged",
    )
    first_convolution: bool = Field(False, description="quantize the first convolution too")
    inner_product: bool = Field(False, description="quantize inner products too")


class Settings(Frozen):
    """All settings of one calibration."""

    weights: Path | None = Field(
        None, description="the .caffemodel of a Caffe network; None: found beside its .prototxt"
    )
    caffe: CaffeSettings | None = Field(
        None, description="scales by the rules of the Caffe calibrator; None: by our own, which lose less"
    )

    method: Literal["default", "accuracy-aware"] = Field(
        "default",
        description="`default`: every layer that can runs in INT8. `accuracy-aware`: the fastest INT8 model whose "
        "accuracy drop stays within `accuracy.max_drop`",
    )
    accuracy: AccuracySettings = Field(AccuracySettings(), description="of the accuracy-aware method")
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
        description="smaller weights, down to 7 bits. `auto`: only without VNNI, where the CPU adds pairs of products "
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
        description="by task: `top1`, `topK`; `coco`, `voc` (mean average precision); `mean-iou`; `psnr`, `ssim`; "
        "`exact`, `cer`; `nearest`; `nme`; `pairs`; for all: `agreement`, `cosine` with FP32, or "
        "`package.module:function`. "
        "`auto`: the first of the task, where it is annotated; else agreement where there is one score per class, else "
        "cosine",
    )
    task: TaskSettings = Field(TaskSettings(), description="what the model does and how its outputs are read")
    data: DataSettings = Field(DataSettings(), description="how the datasets are read")
    subset_by: Literal["random", "class", "features"] = Field(
        "random",
        description="how the subset is chosen: at random; the same share of every class; as unlike as possible",
    )
    diagnose: bool = Field(
        True, description="try the settings on a few annotated samples first, and say which setting seems wrong"
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


def as_settings(given: Settings | None) -> Settings:
    """The settings of a Python caller; None: the defaults.

    Raises:
        SettingsError: something else was given, such as a dict.
    """
    if given is None or isinstance(given, Settings):
        return given or Settings()
    raise SettingsError(f"settings are {type(given).__name__}. Give calibench.Settings(preset='mixed', ...).")


def explain(error: ValidationError) -> str:
    """One sentence for the first thing that is wrong, with the known names where a name is not known."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "settings"
    if first["type"] == "extra_forbidden":
        return f"{where}: there is no such setting. Known: {', '.join(_known_beside(first['loc']))}."
    return f"{where}: {first['msg'].removeprefix('Value error, ')}."


def _known_beside(place: tuple[int | str, ...]) -> Iterable[str]:
    """The settings that stand where an unknown one was found."""
    inner: dict[str, type[Frozen]] = {
        "task": TaskSettings,
        "data": DataSettings,
        "ignored": Ignored,
        "inputs": InputSettings,
        "accuracy": AccuracySettings,
    }
    group = inner.get(str(place[0]), Settings) if len(place) > 1 else Settings
    return group.model_fields


ALIAS = "an alias is not read; write its values out"


class _Plain(yaml.SafeLoader):
    """YAML without aliases, by which a few lines from a stranger can stand for more values than a memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node.

        Raises:
            YAMLError: it is an alias.
        """
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, ALIAS, self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        return super().compose_node(parent, index)


def plain_yaml(text: str) -> Any:
    """The value of YAML from a stranger, in which nothing is said twice by an alias.

    Raises:
        YAMLError, ValueError, RecursionError: it is no such YAML; ValueError: a date such as 2026-99-99.
    """
    return yaml.load(text, Loader=_Plain)


def read_settings(path: Path) -> dict[str, Any]:
    """The values in a YAML file, not checked yet (options of the command line are laid over them).

    Raises:
        SettingsError: the file is missing, is no YAML, or holds no mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise SettingsError(f"{path}: cannot be read ({reason}). Give a YAML file with settings.") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:  # ValueError: a date such as 2026-99-99
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
