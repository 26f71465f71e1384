"""What can be asked of the Workbench: the bodies of REST requests, the forms of the pages."""

import unicodedata
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from calibench.settings import Frozen
from calibench.things.kept import NAME_LENGTH
from calibench.things.target_spec import TargetSpec


def _clean(name: str) -> str:
    """A name without blanks at its ends.

    Raises:
        ValueError: empty, too long, or with characters that steer a terminal or a text's direction.
    """
    name = name.strip()
    if not name:
        raise ValueError("a name is needed")
    if len(name) > NAME_LENGTH:
        raise ValueError(f"a name has at most {NAME_LENGTH} letters, this one has {len(name)}")
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for letter in name):
        raise ValueError("a name holds no control characters or line ends")
    return name


def _number(value: Any) -> Any:
    """A number that was sent as one.

    Raises:
        ValueError: it is true, false or a text, which would be read as a number.
    """
    if isinstance(value, (bool, str)):
        raise ValueError("a number is needed")
    return value


Name = Annotated[str, AfterValidator(_clean), Field(json_schema_extra={"minLength": 1, "maxLength": NAME_LENGTH})]
Whole = Annotated[int, BeforeValidator(_number)]
Number = Annotated[float, BeforeValidator(_number)]
Yes = Annotated[bool, Field(strict=True)]
"""true or false; 0 and "off" are neither."""


class Import(Frozen):
    """Import a model or a dataset: from uploads, or from a path that the operator allowed (--allow-folder)."""

    name: Name
    uploads: tuple[str, ...] = Field((), description="ids of uploads; an archive alone, or the files of a model")
    path: Path | None = Field(None, description="a file or folder of the server's machine")
    entry: str | None = Field(None, description="which file is the model, where an archive holds several")
    data: dict[str, Any] = Field({}, description="of a dataset: DataSettings, such as format, split, label_column")


class Limits(Frozen):
    """What an archive may unpack to."""

    bytes: int = Field(200 * 10**9, description="all files together")
    files: int = 5_000_000
    ratio: float = Field(200.0, description="unpacked over packed, once more than 100 MB came out")


class NewProject(Frozen):
    """A model, a dataset and a target; made once: asking again gives the same project."""

    model_id: Whole
    dataset_id: Whole
    target_id: Whole | None = Field(None, description="None: this machine")
    device: str = Field("CPU", pattern="^[A-Za-z][A-Za-z0-9_.:,()-]{0,63}$", description="as OpenVINO names it")
    name: Name | None = Field(None, description="None: from model and dataset")
    run_baseline: Yes = True


class Points(Frozen):
    """Where throughput is measured: every batch with every number of streams."""

    batches: tuple[Annotated[Whole, Field(ge=1, le=1024)], ...] = Field((1,), min_length=1, max_length=16)
    streams: tuple[Annotated[Whole, Field(ge=0, le=256)], ...] = Field(
        (0,), min_length=1, max_length=16, description="0: the runtime's own choice"
    )
    seconds: Number = Field(1.0, gt=0, le=60, description="of one measurement")
    rounds: Whole = Field(3, ge=1, le=20)


class AskBenchmark(Points):
    """Measure the project's model at points; beside its FP32 model, and with what the machine is, where asked."""

    baseline_model_id: Annotated[Whole, Field(ge=1, le=2**31 - 1)] | None = Field(
        None, description="an FP32 model that runs beside an INT8 one, in turns; None: only the project's model"
    )
    is_compared: Yes = Field(
        False, description="say in `measured` of the job's result what the machine is, and whether INT8 pays there"
    )


class AskMachines(Frozen):
    """Measure a model on further targets."""

    target_ids: tuple[Annotated[Whole, Field(ge=1, le=2**31 - 1)], ...] = Field(min_length=1, max_length=64)


class AskCalibration(Frozen):
    """The page Optimize INT8."""

    calibration_dataset_id: Whole | None = Field(
        None, description="None: the project's own, of which one half sets the ranges and the other decides accuracy"
    )
    subset_percent: Number = Field(100, gt=0, le=100)
    method: Literal["default", "accuracy-aware"] = "default"
    max_drop: Number = Field(0.5, ge=0, le=100, description="accuracy-aware: points of the metric")
    preset: Literal["performance", "mixed"] = "performance"
    accuracy_settings: dict[str, Any] | None = Field(
        None, description="inputs, task, metric, data in place of those of the model; None: those of the model"
    )
    advanced: dict[str, Any] = Field({}, description="further Settings, laid over the rest")
    points: Points = Field(Points(), description="inference settings of the calibrated model")
    benchmark: Yes = Field(True, description="measure speed, layers and memory; without, it takes half the time")
    workers: Whole = Field(
        0,
        ge=0,
        le=64,
        description="processes of the server's own machine that share the work, one core each; 0, 1: none. The result "
        "is the same",
    )
    name: Name | None = Field(None, description="of the INT8 model; None: from the parent, method and preset")


class AskEvaluation(Frozen):
    """Score the project's model on its own dataset or another one."""

    dataset_id: Whole = Field(ge=1, le=2**31 - 1)
    accuracy_settings: dict[str, Any] | None = Field(
        None, description="inputs, task, metric, data in place of those of the model; None: those of the model"
    )
    advanced: dict[str, Any] = Field({}, description="further Settings, laid over the rest")


class AskPick(Frozen):
    """Take another model of the front of a search."""

    max_drop: Number | None = None
    min_fps: Number | None = None
    name: Name | None = None


class Rename(Frozen):
    """A new name; `version`: the one that was seen, so that two people do not overwrite each other."""

    name: Name
    version: Whole | None = None


class AskHost(Frozen):
    """How a target is reached: by an address, by fields, or by an address with fields over it."""

    address: str = Field(
        "",
        max_length=1000,
        description="such as 'ssh://me@lab:2222', 'slurm', 'pbs ssh://me@login', 'dask ssh://a ssh://b', "
        "'dask slurm', 'dask tls://lab:8786'",
    )
    spec: TargetSpec = Field(TargetSpec(), description="what is set here goes over the address")


class AskTarget(AskHost):
    """A new target."""

    name: Name


class ChangeTarget(AskHost):
    """Another name, or another way to reach it; what is not given stays."""

    name: Name | None = None
    version: Whole | None = None


class AccuracyForm(Frozen):
    """How samples enter a model and how its answers are read."""

    settings: dict[str, Any] = Field(description="inputs, task, metric, data, as in Settings")
    version: Whole | None = None


class TrySettings(Frozen):
    """Try accuracy settings on a few samples."""

    dataset_id: Whole
    settings: dict[str, Any] = Field({}, description="inputs, task, metric, data; {}: guessed from the model")
    samples: Whole = Field(20, ge=1, le=200)
    pictures: Whole = Field(8, ge=1, le=24)
