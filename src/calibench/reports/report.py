"""The report: what was put in, decided and measured; a file with a documented, versioned schema.

Every field is `decided` or `measured`. Decided fields are the same for the same inputs, settings, seed, CPU flags and
precision, whatever the number of threads or shards. Measured fields depend on the machine and the moment; they are None
(or empty) where the measurement was skipped.
"""

import json
import math
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError, field_validator

from calibench.errors import JobError
from calibench.inference.benchmark import Speed
from calibench.machine import Machine
from calibench.reports.fields import decided, measured
from calibench.reports.search_report import SearchReport
from calibench.settings import Frozen, Settings

SCHEMA_VERSION = 2

SQNR_CAP_DB = 200.0
"""What stands for infinity, which JSON does not know: outputs equal bit for bit (or, negative, nothing in common)."""

WITHOUT_EFFECT = ("threads", "cache_dir", "keep_cache")
"""Settings that change how a run goes, never what it decides."""


def capped(value_db: float) -> float:
    """A signal over noise that JSON can hold."""
    return max(-SQNR_CAP_DB, min(value_db, SQNR_CAP_DB))


class ModelFile(Frozen):
    """The FP32 model that was calibrated."""

    path: str = measured(..., "the path as the person gave it")
    name: str = decided(..., "the name in the graph")
    sha256: str = decided(..., "of the model's files, hex")
    size_bytes: int = decided(..., "of the weights as stored in the file")


class DatasetFiles(Frozen):
    """A dataset as it was read."""

    path: str = measured(..., "the path as the person gave it")
    sha256: str = decided(..., "of the identities of the samples that were read, in order, hex")
    samples: int = decided(..., "how many it has")
    is_annotated: bool = decided(False, "whether the classes are known")
    skipped: tuple[str, ...] = decided((), "files that could not be read, each with the reason")


class SubsetUse(Frozen):
    """Which samples of the calibration dataset set the ranges."""

    count: int = decided(..., "samples chosen")
    total: int = decided(..., "samples to choose from")
    seed: int = decided(..., "of the random choice")
    used: int = decided(..., "samples measured")
    kept_apart: int = decided(0, "samples of the subset on which recipes were compared; not measured")
    has_settled: bool = decided(False, "the ranges had settled after `used`, so that the rest was not measured")


class PreparedInput(Frozen):
    """How a sample enters one input of the model, as it was certified."""

    name: str = decided(..., "the name of the input")
    kind: Literal["picture", "tensor"] = decided(..., "picture: a file is decoded; tensor: an array is fed as it is")
    shape: tuple[int, ...] | None = decided(None, "of one sample of a tensor, -1 where an axis is free")
    dtype: str = decided("float32", "element type that the model takes")
    layout: str | None = decided(None, "order of the axes of a picture in the model, such as NCHW")
    height: int | None = decided(None, "of a picture, pixels")
    width: int | None = decided(None, "of a picture, pixels")
    channels: int | None = decided(None, "of a picture, 1 or 3")
    color: str = decided("rgb", "rgb, bgr or gray: what the model sees")
    mean: tuple[float, ...] = decided((), "subtracted, in units of 0..255, in the order of the model's channels")
    scale: tuple[float, ...] = decided((), "divided by, in units of 0..255")
    resize: str = decided("stretch", "stretch, crop, letterbox, corner or none")
    resize_short: int | None = decided(None, "pixels of the short side before a crop; None: size / 0.875")
    pad: int = decided(0, "what letterbox and corner pad with, 0..255, before mean and scale")
    is_embedded: bool = decided(False, "the saved model takes uint8 NHWC, RGB or gray, and prepares it itself")


class Histogram(Frozen):
    """How often values occur; bins of equal width."""

    low: float = decided(..., "lower end of the first bin, in the tensor's unit")
    high: float = decided(..., "upper end of the last bin")
    counts: tuple[int, ...] = decided(..., "values a bin")


class QuantizerRange(Frozen):
    """One quantizer at an input of a layer."""

    input: int = decided(..., "index of the layer's input: 0 is the activation, 1 the weights as a rule")
    low: tuple[float, ...] = decided(..., "one per tensor, or one per channel")
    high: tuple[float, ...] = decided(..., "one per tensor, or one per channel")
    levels: int = decided(256, "steps between low and high, plus one")
    step: tuple[float, ...] = decided((), "(high - low) / (levels - 1), like low")
    values: Histogram | None = decided(
        None, "of what was observed there (after smoothing), sampled; None where it was not kept"
    )


class WeightChannels(Frozen):
    """The weights of a layer, per output channel; at most 1024 channels, evenly chosen where there are more."""

    channels: int = decided(..., "how many the layer has")
    largest: tuple[float, ...] = decided(..., "largest absolute weight")
    rms: tuple[float, ...] = decided((), "root of the mean square")
    step: tuple[float, ...] = decided((), "size of one INT8 step; one value where one serves all")
    error_db: tuple[float, ...] = decided((), "signal over noise of the rounded weights, dB")


class CaffeScales(Frozen):
    """What the prototxt of a Caffe network says of a layer: integer = value * scale."""

    input: Literal["u8", "s8"] = decided(..., "how the layer reads its input")
    scale_in: float = decided(..., "of the input")
    scale_out: float = decided(..., "of the output; 1 where it leaves as float")
    out_bits: Literal[8, 32] = decided(..., "8: the output leaves as a byte, 32: as float")
    scale_params: tuple[float, ...] = decided(..., "of the weights: smallest and largest")
    channels: int = decided(..., "how many scales of the weights there are")


class LayerRow(Frozen):
    """One layer that could be quantized."""

    name: str = decided(..., "the name in the FP32 model")
    type: str = decided(..., "type of the operation, such as Convolution")
    precision: Literal["int8", "float"] = decided(..., "what was decided")
    reason: str | None = decided(None, "why it was left float; None for int8")
    input_db: float | None = decided(None, "signal over noise that its quantized inputs leave it, predicted, dB")
    quantizers: tuple[QuantizerRange, ...] = decided((), "at its inputs; empty for float")
    weights: WeightChannels | None = decided(None, "its weights per output channel; None where it has none")
    scales: CaffeScales | None = decided(None, "of a Caffe network calibrated by scales; None for float")
    output_db: float | None = measured(
        None, "signal over noise of its output in the INT8 model, with all that went wrong before it, measured, dB"
    )
    runtime_precision: str | None = measured(None, "in which it really ran in the INT8 model, such as I8 or F32")
    output_precisions: str | None = measured(None, "the runtime's `outputPrecisions` in the INT8 model, such as U8")
    fp32_ms: float | None = measured(None, "time in the exact FP32 model, ms")
    int8_ms: float | None = measured(None, "time in the INT8 model, ms")


class TriedRecipe(Frozen):
    """One way of choosing ranges and corrections."""

    name: str = decided(..., "such as safe, typical+bias")
    error: float | None = decided(None, "output error on the samples kept apart; None where it was not tried out")
    samples: int = decided(0, "samples kept apart that it was tried on")


class TimedLayer(Frozen):
    """One layer as the runtime runs it."""

    name: str = measured(..., "in the runtime's graph; a fused group has the name of its main operation")
    type: str = measured(..., "such as Convolution, Reorder")
    exec_type: str = measured("", "the kernel, such as brgconv_avx512_I8")
    time_ms: float = measured(..., "median over the runs, ms")
    precision: str = measured("", "in which it computes, such as U8 or F32")
    output_precisions: str = measured("", "the runtime's `outputPrecisions`, such as U8; with commas where several")
    original_names: tuple[str, ...] = measured((), "the layers of the model that it stands for")


class ClassRow(Frozen):
    """One class of the dataset."""

    label: int = decided(..., "its index")
    name: str = decided("", "its name; empty where the dataset has none")
    count: int = decided(0, "annotated samples, objects or pixels of it")
    baseline: float | None = measured(None, "score of FP32, in the metric's unit; None where nothing is annotated")
    int8: float | None = measured(None, "score of INT8")
    drop: float | None = measured(None, "how much worse INT8 is; positive when worse")


class Shown(Frozen):
    """What is drawn or written for one answer: the truth, or what a model says; only what the task has is set.

    Coordinates are shares 0..1 of width and height of the shown picture.
    """

    text: str | None = measured(None, "a class with its score, a read line, a number")
    boxes: tuple[tuple[float, float, float, float], ...] = measured((), "left, top, right, bottom")
    box_labels: tuple[str, ...] = measured((), "of each box: class and score")
    points: tuple[tuple[float, float], ...] = measured((), "x, y")
    overlay: str | None = measured(
        None, "data URI of a PNG with alpha that covers the picture: masks, classes of pixels"
    )
    picture: str | None = measured(None, "data URI of a picture that the model made")


class SampleRow(Frozen):
    """A sample on which FP32 and INT8 differ."""

    name: str = measured(..., "path in the dataset")
    picture: str | None = measured(None, "data URI of a small JPEG of what the model saw; None where it is no picture")
    size: tuple[int, int] | None = measured(None, "height, width of that small picture, pixels")
    baseline_value: float = measured(..., "the sample's own value in FP32, in the metric's unit")
    int8_value: float = measured(..., "the same in INT8")
    worse: float = measured(..., "how much worse INT8 is on it; positive when worse; samples are sorted by it")
    sqnr_db: float | None = measured(None, "signal over noise of its outputs, dB")
    truth: Shown | None = measured(None, "what was annotated")
    baseline: Shown = measured(Shown(), "what FP32 says")
    int8: Shown = measured(Shown(), "what INT8 says")


class Advice(Frozen):
    """Something to know or to do, from a rule over what was measured."""

    kind: Literal["good", "info", "warning"] = measured(..., "how it is shown")
    title: str = measured(..., "one short sentence: what was found, with its number")
    action: str = measured("", "what to do about it; empty where nothing needs to be done")


class Report(Frozen):
    """Everything that one calibration, or one comparison of two models, says about itself."""

    kind: Literal["calibration", "comparison"] = decided("calibration", "what was done")

    schema_version: Literal[2] = decided(SCHEMA_VERSION, "version of this schema; a new one where a field changes")
    model: ModelFile = decided(..., "the FP32 model")
    int8_model: ModelFile | None = decided(None, "the INT8 model of a comparison; None for a calibration")
    dataset: DatasetFiles = decided(..., "the calibration dataset; of a comparison, the dataset")
    validation: DatasetFiles | None = decided(None, "the validation dataset, where it is another one")
    settings: Settings = decided(..., "as they were given, with the defaults")
    versions: dict[str, str] = decided({}, "package -> version")
    seed: int = decided(0, "of everything random in the run")
    machine: Machine | None = measured(None, "where it ran")
    created: str | None = measured(None, "when the run ended, ISO 8601")

    recipe: str = decided("safe", "the recipe that was taken")
    tried: tuple[TriedRecipe, ...] = decided((), "the recipes tried, with their error on samples kept apart")
    subset: SubsetUse | None = decided(None, "the samples that set the ranges")
    layers: tuple[LayerRow, ...] = decided((), "the layers that can be quantized, in the order of the graph")

    metric: str | None = decided(None, "the metric of `baseline` and `int8`")
    unit: str = decided("%", "the unit of the metric; %: shares, given as 0..100")
    inference_precision: str = decided("f32", "the precision of float layers at which `int8` was scored")
    default_precision: str | None = measured(None, "in which this device runs FP32 models when nobody asks")
    baseline: float | None = measured(None, "score of the model in exact FP32, in the metric's unit")
    int8: float | None = measured(None, "score of the INT8 model as it will be deployed, in the metric's unit")
    drop_points: float | None = measured(
        None, "how much worse INT8 is, in percentage points (else in `unit`); positive when worse"
    )
    drop_interval: tuple[float, float] | None = measured(
        None, "95 % confidence for `drop_points`: where it would lie on other samples of the same sort; paired"
    )
    agreement: float | None = measured(None, "percent of samples where INT8 gives the answer of FP32")
    sqnr_db: float | None = measured(None, f"signal to quantization noise of the outputs; {SQNR_CAP_DB:g}: none")
    cosine: float | None = measured(None, "mean cosine similarity of the outputs, -1..1")
    evaluated: int | None = measured(None, "samples that the scores come from")
    higher_is_better: bool = decided(True, "which way the metric points")
    inputs: tuple[PreparedInput, ...] = decided((), "how samples enter the model, input by input")
    task: str | None = decided(None, "what the model does, such as detection")
    task_notes: tuple[str, ...] = decided((), "how task, decoder and input settings were found")
    details: dict[str, tuple[float, float]] = measured({}, "further figures: name -> FP32, INT8, in the metric's unit")
    classes: tuple[ClassRow, ...] = measured((), "scores per class, in the order of the classes")
    samples: tuple[SampleRow, ...] = measured((), "samples on which the models differ, the worst first; at most 24")
    differing: int | None = measured(None, "how many samples have another value in INT8")
    batch_agreement: float | None = measured(None, "percent of answers that are equal at batch 1 and `batch`")

    fp32_fps: float | None = measured(None, "throughput of the model in exact FP32, samples a second")
    default_fps: float | None = measured(None, "throughput of the model as the device would deploy it")
    int8_fps: float | None = measured(None, "throughput of the INT8 model")
    speedup: float | None = measured(None, "int8_fps / default_fps: against what would be deployed")
    speedup_fp32: float | None = measured(None, "int8_fps / fp32_fps")
    speeds: dict[str, Speed] = measured({}, "fp32, default, int8 -> raw rounds of throughput and latency")
    fp32_bytes: int | None = decided(None, "size of the FP32 model's files")
    int8_bytes: int | None = decided(None, "size of model.xml and model.bin")
    int8_sha256: str | None = decided(
        None, "of model.xml and model.bin, hex; by it the model finds the report that lies beside it"
    )
    fp32_memory_mb: float | None = measured(None, "what loading and running the FP32 model adds to a process, MB")
    int8_memory_mb: float | None = measured(None, "the same for INT8")
    runtime_layers: dict[str, tuple[TimedLayer, ...]] = measured({}, "fp32, int8 -> layers as they ran, in order")
    seconds: dict[str, float] = measured({}, "stage -> time")
    peak_rss_mb: float | None = measured(None, "the most memory that the process held at once, MB")

    search: SearchReport | None = measured(
        None,
        "what the accuracy-aware method promises and how it came to it; None where every layer is INT8 that can be",
    )

    advice: tuple[Advice, ...] = measured((), "what to know and to do, the most important first")
    notes: tuple[str, ...] = measured((), "what the person should know, one sentence each")
    reproduce: str | None = decided(None, "Python that runs the result with the hint that reproduces `int8`")

    @field_validator("sqnr_db")
    @classmethod
    def _finite(cls, value: float | None) -> float | None:
        return None if value is None else capped(value)


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values that JSON can hold."""
    values: dict[str, Any] = without_nan(report.model_dump(mode="json"))
    return values


def write_report(report: Report, path: Path) -> None:
    """Write as JSON; each layer and each trial stands on one line, so that reports can be compared line by line.

    What is no number (a metric of no samples) becomes null.
    """
    lines = [f'  "{name}": {_text(name, value)}' for name, value in as_json(report).items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _text(name: str, value: Any) -> str:
    """A value as JSON, to stand behind its name."""
    if name == "search" and value:
        return "{\n" + ",\n".join(f'    "{key}": {_rows(each, 4)}' for key, each in value.items()) + "\n  }"
    return _rows(value, 2) if name == "layers" else _json(value, 2).replace("\n", "\n  ")


def _rows(value: Any, depth: int) -> str:
    """A list with each item on a line of its own; anything else on one line."""
    if not isinstance(value, list) or not value:
        return _json(value)
    indent = " " * depth
    return "[\n" + ",\n".join(f"{indent}  {_json(row)}" for row in value) + f"\n{indent}]"


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)


def read_report(path: Path) -> Report:
    """Read what `write_report` wrote.

    Raises:
        JobError: the file is missing, is no report, or has another schema version.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise JobError(f"{path}: cannot be read ({error.strerror}). Give the report.json of a calibration.") from None
    except (ValueError, RecursionError):
        raise JobError(f"{path}: is no JSON. Give the report.json of a calibration.") from None
    version = values.get("schema_version") if isinstance(values, dict) else None
    if version != SCHEMA_VERSION:
        raise JobError(f"{path}: has schema version {version}, this Calibench reads {SCHEMA_VERSION}. Calibrate again.")
    try:
        return Report.model_validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise JobError(f"{path}: {where}: {first['msg']}. The file was changed; calibrate again.") from None


def decided_view(report: Report) -> dict[str, Any]:
    """Only the decided fields, as plain values: equal for two runs that must give the same result."""
    view: dict[str, Any] = _decided(report)
    view["settings"] = {name: value for name, value in view["settings"].items() if name not in WITHOUT_EFFECT}
    return view


def schema() -> dict[str, Any]:
    """The JSON schema of the report; every field has a description and a `kind`, decided or measured."""
    return Report.model_json_schema(mode="serialization")


def _decided(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.model_dump(mode="json")
    if isinstance(value, Frozen):
        kept = (name for name, field in type(value).model_fields.items() if _kind(field.json_schema_extra) == "decided")
        return {name: _decided(getattr(value, name)) for name in kept}
    return [_decided(item) for item in value] if isinstance(value, tuple) else value


def without_nan(value: Any) -> Any:
    """Plain values with None for every number that is none, or has no end."""
    if isinstance(value, dict):
        return {name: without_nan(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _kind(extra: Any) -> str | None:
    return extra.get("kind") if isinstance(extra, dict) else None
