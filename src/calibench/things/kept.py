"""What is kept: models, datasets, targets, projects and jobs, as every face shows them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from pydantic import Field, model_validator

from calibench.settings import Frozen
from calibench.things.target_spec import TargetKind, TargetSpec

JobKind = Literal[
    "import-model", "import-dataset", "sample", "machine", "baseline", "calibrate", "benchmark", "evaluate",
    "try-settings", "pick", "compare",
]  # fmt: skip
JobState = Literal["queued", "running", "cancelling", "done", "failed", "cancelled"]
ThingState = Literal["importing", "ready", "failed"]
ENDED: tuple[JobState, ...] = ("done", "failed", "cancelled")

NAME_LENGTH = 100
"""Letters that the name of a thing may have."""


class Failure(Frozen):
    """Why something ended without a result."""

    kind: str = Field(description="the class of the error, such as DatasetError; InternalError: a fault of Calibench")
    message: str = Field(description="one sentence or two: what, where and what to do")


class Port(Frozen):
    """An input or an output of a model."""

    name: str
    shape: str = Field(description="such as [?,3,224,224]; ? is a free axis")
    type: str = Field(description="element type, such as f32")


class KeptModel(Frozen):
    """A model file and what is known of it; INT8 children name the FP32 model they were made from."""

    id: int = 0
    version: int = Field(1, description="grows with each change; an edit that names an older one is refused")
    created: datetime
    name: str
    state: ThingState = "importing"
    failure: Failure | None = None
    parent_id: int | None = Field(None, description="the FP32 model that this INT8 model was made from")
    job_id: int | None = Field(None, description="the job that imported or made it")
    tree: str | None = Field(None, description="content hash of its files; None until they are there")
    entry: str | None = Field(None, description="the file to read, relative to the tree, such as model.xml")
    weights: str | None = Field(None, description="the .caffemodel of a .prototxt, relative to the tree")
    format: str | None = Field(None, description="such as ONNX")
    is_quantized: bool = Field(False, description="holds FakeQuantize or INT8 weights")
    has_fp16_weights: bool = Field(False, description="stored as FP16, computed as FP32")
    size_bytes: int = 0
    operations: int = 0
    int8_layers: int = Field(0, description="layers that can run in INT8; of an INT8 child: that do")
    float_layers: int = Field(0, description="layers with weights that cannot or do not")
    multiply_adds: float | None = Field(None, description="of one sample; None where shapes are free")
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    notes: tuple[str, ...] = ()
    accuracy_settings: dict[str, Any] = Field(
        {}, description="what of Settings says how samples enter and answers are read: inputs, task, metric, data"
    )
    are_settings_confirmed: bool = Field(False, description="a person looked at them; else they are guessed")
    method: str | None = Field(None, description="of an INT8 child: default or accuracy-aware")
    preset: str | None = Field(None, description="of an INT8 child: performance or mixed")


class KeptDataset(Frozen):
    """Samples, with or without annotations."""

    id: int = 0
    version: int = 1
    created: datetime
    name: str
    state: ThingState = "importing"
    failure: Failure | None = None
    job_id: int | None = None
    tree: str | None = Field(None, description="content hash of its files; None until they are there")
    entry: str = Field("", description="the folder or file to read, relative to the tree; '' is the tree itself")
    format: str | None = Field(None, description="such as coco")
    title: str | None = Field(None, description="of the format, for a person")
    samples: int = 0
    annotated: tuple[str, ...] = Field((), description="kinds of annotations that it has, such as label or objects")
    has_pictures: bool = False
    classes: tuple[str, ...] = Field((), description="names; the first 1000 where there are more")
    size_bytes: int = 0
    problems: tuple[str, ...] = Field((), description="what is wrong with it, a sentence each; the first 50")
    facts: dict[str, Any] = Field(
        {},
        description="the answer of `calibench inspect DIR --json`; of lists with more than 1000 entries "
        "the first, and `cut` says how many there are",
    )


class Fault(Frozen):
    """What is wrong with a target, and what to do."""

    cause: str = Field("", description="in a word, such as unreachable, python, disk, queue")
    sentence: str = Field(description="what, and where")
    mend: str = Field("", description="what a person does about it; empty where nothing helps")


class HostKey(Frozen):
    """The key that a host shows before it is trusted."""

    key: str = Field(description="for `spec.host_key`, once a person has compared the fingerprint")
    fingerprint: str = Field(description="as ssh and ssh-keygen show it: SHA256:...")
    kind: str = Field(description="of the key, such as ssh-ed25519")
    is_known: bool = Field(False, description="known_hosts of the machine that connects has a key for this host")


class Target(Frozen):
    """A machine, a queue or a cluster that calibrates and measures."""

    id: int = 0
    version: int = 1
    created: datetime
    name: str
    kind: TargetKind = Field("local", description="that of `spec`")
    machine: dict[str, Any] | None = Field(
        None, description="as in report.json, with what only a look from afar tells; None until it was looked at"
    )
    checked: datetime | None = Field(None, description="when its last check ended")
    spec: TargetSpec = Field(TargetSpec(), description="how it is reached")
    state: Literal["unchecked", "good", "faulty"] = Field("unchecked", description="by the last check")
    faults: tuple[Fault, ...] = Field((), description="that the last check found")

    @model_validator(mode="after")
    def _check_kind(self) -> "Target":
        if self.kind != self.spec.kind:
            raise ValueError(f"kind is {self.kind}, but spec.kind is {self.spec.kind}")
        return self


class Headline(Frozen):
    """The few numbers that a project is known by; None where they were not measured."""

    metric: str | None = None
    unit: str = "%"
    baseline: float | None = Field(None, description="score of the exact FP32 model")
    int8: float | None = Field(None, description="score of the INT8 model")
    drop_points: float | None = Field(None, description="how much worse INT8 is; positive when worse")
    drop_interval: tuple[float, float] | None = Field(None, description="95 % confidence for the drop")
    agreement: float | None = Field(None, description="percent of samples where INT8 answers as FP32")
    fp32_fps: float | None = Field(None, description="exact FP32, samples a second")
    default_fps: float | None = Field(None, description="FP32 model in the device's default precision")
    int8_fps: float | None = None
    speedup: float | None = Field(None, description="int8_fps / default_fps")
    latency_ms: float | None = Field(None, description="of the project's model, one request at a time")
    fp32_bytes: int | None = None
    int8_bytes: int | None = None
    evaluated: int | None = Field(None, description="samples that the scores come from")
    limit: float | None = Field(None, description="accuracy-aware: the largest drop that was allowed")
    is_reached: bool | None = Field(None, description="accuracy-aware: whether the limit was kept")


class Project(Frozen):
    """A model x a dataset x a target x a device; an INT8 project names the FP32 project that it was calibrated in."""

    id: int = 0
    version: int = 1
    created: datetime
    name: str
    model_id: int
    dataset_id: int = Field(description="the validation dataset: it decides accuracy")
    target_id: int
    device: str = "CPU"
    parent_id: int | None = Field(None, description="the project of the FP32 model; None for that one itself")
    is_archived: bool = False
    job_id: int | None = Field(None, description="the last job of this project")
    state: JobState = Field("queued", description="of the last job")
    settings: dict[str, Any] = Field({}, description="of a calibration: what was asked for, as Settings")
    calibration_dataset_id: int | None = None
    headline: Headline = Headline()
    result: str | None = Field(None, description="content hash of the newest baseline or calibration result")
    ask: dict[str, Any] = Field({}, description="of a calibration: the AskCalibration that can be repeated")


class Job(Frozen):
    """One run: an import, a baseline, a calibration ..."""

    id: int = 0
    version: int = 1
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    kind: JobKind
    title: str = Field(description="for a person, such as 'Calibrate mobilenet on flowers'")
    state: JobState = "queued"
    stage: str = Field("", description="what it does now, such as statistics")
    progress: float = Field(0.0, ge=0, le=1, description="of the whole job; never goes backwards")
    eta_s: tuple[float, float] | None = Field(None, description="seconds left: at least, at most; None: not known yet")
    attempt: int = Field(0, description="how often its process was started; more than 1 after an interruption")
    failure: Failure | None = None
    project_id: int | None = None
    model_id: int | None = None
    dataset_id: int | None = None
    target_id: int | None = None
    retry_of: int | None = None
    pid: int | None = Field(None, description="of its process, while it runs here")
    pid_created: float | None = Field(None, description="when that process began: tells it from a later one")
    result: dict[str, Any] = Field({}, description="what it found, by kind; see docs/reference/rest.md")


class Event(Frozen):
    """Something changed; the pages and `/api/v1/events` hear of it."""

    topic: Literal["model", "dataset", "target", "project", "job", "upload"]
    id: int
    change: Literal["created", "changed", "deleted", "progress", "trial"] = "changed"
    data: dict[str, Any] = Field(
        {}, description="of a change: the thing; of progress: stage, progress, eta_s, and note"
    )


class Hindrance(Frozen):
    """Why something is not possible, and the way out."""

    code: str = Field(description="such as baseline-missing, int8-child, quantized, not-annotated, settings-missing")
    sentence: str = Field(description="what and why, for a person")
    action: str = Field("", description="what a button says that mends it; empty where none does")
    link: str = Field("", description="where that button leads: a page's path, or a REST call 'POST /api/v1/...'")


class Deletion(Frozen):
    """What would go with a thing."""

    sentence: str = Field(description="for the question 'Delete?'")
    models: tuple[int, ...] = ()
    datasets: tuple[int, ...] = ()
    projects: tuple[int, ...] = ()
    jobs: tuple[int, ...] = ()
    frees_bytes: int = 0
    hindrance: str = Field("", description="why it cannot be deleted now, such as a running job; empty: it can")
    left_on: tuple[str, ...] = Field(
        (), description="targets on which jobs of it may have left something; that is ended and removed there first"
    )


class TargetLoad(Frozen):
    """How busy a target is; None: not known."""

    cpu_percent: float | None = Field(
        None, description="of all cores together; of another machine `load` over `cores`, at most 100"
    )
    load: float | None = Field(None, description="programs that run or wait, mean of the last minute")
    cores: int | None = Field(None, description="logical ones")
    memory_percent: float | None = None
    memory_free_mb: int | None = None
    disk_free_mb: int | None = Field(None, description="of the data folder's disk, or of the home's there")
    nodes: int | None = Field(None, description="of the queue; of all its queues where none is named and none is usual")
    idle_nodes: int | None = None
    queued: int = Field(0, description="jobs of this server that wait for it")
    running: int = Field(0, description="jobs of this server that it works on")
    as_of: datetime | None = Field(None, description="when that was seen, jobs aside; null: not yet")
    age_s: float | None = Field(None, ge=0, description="seconds since `as_of`")
    trouble: str = Field("", description="why it could not be looked at since; empty: it could")
    is_being_looked_at: bool = Field(False, description="ask again in a moment for something newer")


class TargetCache(Frozen):
    """What Calibench keeps on a target and cleaning removes, in bytes on its disk."""

    environments_bytes: int = Field(0, ge=0, description="Calibench and its libraries")
    files_bytes: int = Field(0, ge=0, description="models, pictures and wheels that were sent")
    jobs_bytes: int = Field(0, ge=0, description="what is left of jobs")
    jobs_kept: int = Field(0, ge=0, description="jobs that go on there, whoever started them: what they need stays")

    @property
    def total_bytes(self) -> int:
        """What would be free again."""
        return self.environments_bytes + self.files_bytes + self.jobs_bytes

    def told(self, size: Callable[[int], str]) -> str:
        """How much of what, in words; `size` writes bytes."""
        parts = (
            f"environments {size(self.environments_bytes)}",
            f"files that were sent {size(self.files_bytes)}",
            f"what is left of jobs {size(self.jobs_bytes)}",
        )
        return f"{size(self.total_bytes)}: {', '.join(parts)}. {jobs_go_on(self.jobs_kept)}".rstrip()


def jobs_go_on(count: int) -> str:
    """What a person is told of jobs for which a cleaning of a target leaves things there; '' for none."""
    if not count:
        return ""
    if count == 1:
        return "1 job goes on there; what it needs stays."
    return f"{count} jobs go on there; what they need stays."


class Cleaned(Frozen):
    """What a cleaning of a target did."""

    freed_bytes: int = Field(0, ge=0, description="on the disk there")
    jobs_kept: int = Field(0, ge=0, description="jobs that go on there, whoever started them: what they need stayed")


class Upload(Frozen):
    """A file on its way to the server."""

    id: str
    name: str = Field(description="of the file, as the sender calls it")
    size: int | None = Field(None, description="announced, bytes; None: not known")
    received: int = Field(0, description="bytes that are on the disk")
    sha256: str | None = Field(None, description="of the whole file; None until it is whole")
    is_whole: bool = False
