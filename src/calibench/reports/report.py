"""The report: what was put in, decided and measured; a file with a documented, versioned schema.

Every field is `decided` or `measured`. Decided fields are the same for the same inputs, settings, seed, CPU flags and
precision, whatever the number of threads or shards. Measured fields depend on the machine and the moment; they are None
(or empty) where the measurement was skipped.
"""

import json
import math
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from calibench.errors import JobError
from calibench.inference.benchmark import Speed
from calibench.machine import Machine
from calibench.settings import Frozen, Settings

SCHEMA_VERSION = 1

SQNR_CAP_DB = 200.0
"""What stands for infinity, which JSON does not know: outputs equal bit for bit (or, negative, nothing in common)."""

WITHOUT_EFFECT = ("threads", "cache_dir", "keep_cache")
"""Settings that change how a run goes, never what it decides."""


def decided(default: Any, description: str, **more: Any) -> Any:
    """A field that is the same in every run with the same inputs, settings and CPU flags."""
    return Field(default, description=description, json_schema_extra={"kind": "decided"}, **more)


def measured(default: Any, description: str, **more: Any) -> Any:
    """A field that depends on the machine and the moment."""
    return Field(default, description=description, json_schema_extra={"kind": "measured"}, **more)


class ModelFile(Frozen):
    """The FP32 model that was calibrated."""

    path: str = measured(..., "the path as the person gave it")
    name: str = decided(..., "the name in the graph")
    sha256: str = decided(..., "of the model's files, hex")
    size_bytes: int = decided(..., "of the weights as stored in the file")


class DatasetFiles(Frozen):
    """A dataset as it was read."""

    path: str = measured(..., "the path as the person gave it")
    sha256: str = decided(..., "of the identities of its samples in order, hex")
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


class QuantizerRange(Frozen):
    """One quantizer at an input of a layer."""

    input: int = decided(..., "index of the layer's input: 0 is the activation, 1 the weights as a rule")
    low: tuple[float, ...] = decided(..., "one per tensor, or one per channel")
    high: tuple[float, ...] = decided(..., "one per tensor, or one per channel")
    levels: int = decided(256, "steps between low and high, plus one")


class LayerRow(Frozen):
    """One layer that could be quantized."""

    name: str = decided(..., "the name in the FP32 model")
    type: str = decided(..., "type of the operation, such as Convolution")
    precision: Literal["int8", "float"] = decided(..., "what was decided")
    reason: str | None = decided(None, "why it was left float; None for int8")
    input_db: float | None = decided(None, "signal over noise that its quantized inputs leave it, predicted, dB")
    quantizers: tuple[QuantizerRange, ...] = decided((), "at its inputs; empty for float")
    runtime_precision: str | None = measured(None, "in which it really ran in the INT8 model, such as I8 or F32")
    output_precisions: str | None = measured(None, "the runtime's `outputPrecisions` in the INT8 model, such as U8")
    fp32_ms: float | None = measured(None, "time in the exact FP32 model, ms")
    int8_ms: float | None = measured(None, "time in the INT8 model, ms")


class TriedRecipe(Frozen):
    """One way of choosing ranges and corrections."""

    name: str = decided(..., "such as safe, typical+bias")
    error: float | None = decided(None, "output error on the samples kept apart; None where it was not tried out")
    samples: int = decided(0, "samples kept apart that it was tried on")


class Report(Frozen):
    """Everything that one calibration says about itself."""

    schema_version: Literal[1] = decided(SCHEMA_VERSION, "version of this schema; a new one where a field changes")
    model: ModelFile = decided(..., "the FP32 model")
    dataset: DatasetFiles = decided(..., "the calibration dataset")
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
    agreement: float | None = measured(None, "percent of samples where INT8 gives the answer of FP32")
    sqnr_db: float | None = measured(None, f"signal to quantization noise of the outputs; {SQNR_CAP_DB:g}: none")
    cosine: float | None = measured(None, "mean cosine similarity of the outputs, -1..1")
    evaluated: int | None = measured(None, "samples that the scores come from")
    batch_agreement: float | None = measured(None, "percent of answers that are equal at batch 1 and `batch`")

    fp32_fps: float | None = measured(None, "throughput of the model in exact FP32, samples a second")
    default_fps: float | None = measured(None, "throughput of the model as the device would deploy it")
    int8_fps: float | None = measured(None, "throughput of the INT8 model")
    speedup: float | None = measured(None, "int8_fps / default_fps: against what would be deployed")
    speedup_fp32: float | None = measured(None, "int8_fps / fp32_fps")
    speeds: dict[str, Speed] = measured({}, "fp32, default, int8 -> raw rounds of throughput and latency")
    fp32_bytes: int | None = decided(None, "size of the FP32 model's files")
    int8_bytes: int | None = decided(None, "size of model.xml and model.bin")
    seconds: dict[str, float] = measured({}, "stage -> time")
    peak_rss_mb: float | None = measured(None, "the most memory that the process held at once, MB")

    notes: tuple[str, ...] = measured((), "what the person should know, one sentence each")
    reproduce: str | None = decided(None, "Python that runs the result with the hint that reproduces `int8`")

    @field_validator("sqnr_db")
    @classmethod
    def _finite(cls, value: float | None) -> float | None:
        return None if value is None else max(-SQNR_CAP_DB, min(value, SQNR_CAP_DB))


def as_json(report: Report) -> dict[str, Any]:
    """The report as plain values that JSON can hold."""
    values: dict[str, Any] = _without_nan(report.model_dump(mode="json"))
    return values


def write_report(report: Report, path: Path) -> None:
    """Write as JSON; each layer stands on one line, so that two reports can be compared line by line.

    What is no number (a metric of no samples) becomes null.
    """
    lines = []
    for name, value in as_json(report).items():
        if name == "layers" and value:
            rows = ",\n".join(f"    {json.dumps(row, ensure_ascii=False, allow_nan=False)}" for row in value)
            text = f"[\n{rows}\n  ]"
        else:
            text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).replace("\n", "\n  ")
        lines.append(f'  "{name}": {text}')
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def read_report(path: Path) -> Report:
    """Read what `write_report` wrote.

    Raises:
        JobError: the file is missing, is no report, or has another schema version.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise JobError(f"{path}: cannot be read ({error.strerror}). Give the report.json of a calibration.") from None
    except ValueError:
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


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _kind(extra: Any) -> str | None:
    return extra.get("kind") if isinstance(extra, dict) else None
