"""Models, datasets, projects and jobs as a Workbench in use would hold them; the numbers fit each other."""

from datetime import UTC, datetime, timedelta
from typing import Any

from calibench.things.kept import (
    Failure,
    Fault,
    Headline,
    Job,
    KeptDataset,
    KeptModel,
    Port,
    Project,
    Target,
)
from calibench.things.target_spec import TargetSpec

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
SCRIPT = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
LONG_NAME = "a very long name of a model that somebody exported from a training run with all its parameters 2026-11"
SETTINGS = {
    "inputs": {"": {"mean": [123.675, 116.28, 103.53], "scale": [58.395, 57.12, 57.375], "resize": "crop"}},
    "task": {"kind": "classification"},
    "metric": "top1",
}
MACHINE = {
    "cpu": "Example CPU @ 2.40GHz",
    "flags": ["avx2", "avx512f", "avx512_vnni"],
    "physical_cores": 8,
    "logical_cores": 16,
    "memory_mb": 24_000,
    "memory_free_mb": 20_000,
    "disk_free_mb": 90_000,
    "system": "Linux 6.1 x86_64",
    "python": "3.11.2",
    "openvino": "2026.4.0",
    "devices": {"CPU": ["FP32", "INT8", "BIN"]},
}


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def models() -> list[KeptModel]:
    """An FP32 model with two INT8 children, one that is INT8 already, one that failed, one with a wicked name."""
    ports = {
        "inputs": (Port(name="data", shape="[?,3,224,224]", type="f32"),),
        "outputs": (Port(name="prob", shape="[?,1000]", type="f32"),),
    }
    resnet = KeptModel(
        id=1,
        created=ago(30),
        name="resnet18-flowers",
        state="ready",
        job_id=1,
        tree="a" * 64,
        entry="resnet18.onnx",
        format="ONNX",
        size_bytes=46_800_000,
        operations=112,
        int8_layers=21,
        multiply_adds=1.82e9,
        accuracy_settings=SETTINGS,
        are_settings_confirmed=True,
        **ports,
    )
    int8 = {"format": "OpenVINO IR", "entry": "model.xml", "is_quantized": True, "parent_id": 1, "state": "ready"}
    return [
        resnet,
        resnet.model_copy(
            update=int8
            | {
                "id": 2,
                "name": "resnet18-flowers INT8",
                "method": "default",
                "preset": "performance",
                "created": ago(20),
            }
            | {"size_bytes": 11_900_000, "job_id": 4, "tree": "b" * 64}
        ),
        resnet.model_copy(
            update=int8
            | {"id": 3, "name": "resnet18-flowers INT8 within 0.5", "method": "accuracy-aware", "preset": "mixed"}
            | {"size_bytes": 12_700_000, "job_id": 5, "tree": "c" * 64, "created": ago(10), "int8_layers": 18}
            | {"float_layers": 3}
        ),
        KeptModel(
            id=4,
            created=ago(9),
            name="detector-from-another-tool",
            state="ready",
            format="OpenVINO IR",
            entry="net.xml",
            is_quantized=True,
            size_bytes=3_900_000,
            operations=340,
            int8_layers=80,
            **ports,
        ),
        KeptModel(
            id=5,
            created=ago(8),
            name=LONG_NAME[:100],
            state="ready",
            format="ONNX",
            entry="m.onnx",
            has_fp16_weights=True,
            size_bytes=1_400_000_000,
            operations=1900,
            int8_layers=300,
            notes=("Weights are stored as FP16; they count as FP32.", "An axis of the input is free."),
            **ports,
        ),
        KeptModel(
            id=6,
            created=ago(7),
            name=SCRIPT,
            state="failed",
            job_id=7,
            failure=Failure(
                kind="ModelError",
                message="net.onnx: operation 'MyOp' is not known. Export the model with standard operations.",
            ),
        ),
        KeptModel(id=7, created=ago(0.1), name="ssd-on-its-way", state="importing", job_id=8),
    ]


def datasets() -> list[KeptDataset]:
    flowers = tuple(f"flower {i}" for i in range(102))
    return [
        KeptDataset(
            id=1,
            created=ago(30),
            name="flowers-val",
            state="ready",
            job_id=2,
            format="imagenet",
            title="ImageNet folders",
            samples=1020,
            annotated=("label",),
            has_pictures=True,
            classes=flowers,
            size_bytes=48_300_000,
            facts={
                "counts": {str(i): 10 + i % 7 for i in range(102)},
                "label_source": "names of folders",
                "objects": None,
                "sizes": [500, 500, 1024, 667],
                "columns": [],
            },
        ),
        KeptDataset(
            id=2,
            created=ago(29),
            name="flowers-for-ranges",
            state="ready",
            format="images",
            title="Pictures",
            samples=300,
            has_pictures=True,
            size_bytes=14_100_000,
            problems=("img_0031.jpg cannot be decoded: the file ends early.",),
        ),
        KeptDataset(
            id=3,
            created=ago(28),
            name=SCRIPT[:60],
            state="failed",
            failure=Failure(
                kind="DatasetError",
                message="val.json: annotation 3917 names category 81, but the file defines 80. Add the category.",
            ),
        ),
        KeptDataset(
            id=5,
            created=ago(27),
            name="reviews",
            state="ready",
            format="text",
            title="table of texts",
            samples=2000,
            annotated=("label",),
            classes=("negative", "positive"),
            size_bytes=310_000,
            facts={"counts": {"0": 990, "1": 1010}, "columns": ["text", "label"], "label_source": "column label"},
        ),
        KeptDataset(id=4, created=ago(0.2), name="street scenes " + "x" * 80, state="importing", job_id=9),
    ]


HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGjTN9yCNvB5yQ3OE0pfSOTHfBEcYTmjG5HWZX2MHkkn"
NEW_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
LAB = MACHINE | {
    "cpu": "Another CPU @ 2.10GHz", "flags": ["avx2"], "physical_cores": 4, "logical_cores": 8, "memory_mb": 16_000,
    "memory_free_mb": 9_000, "disk_free_mb": 41_000, "load": [2.4, 1.1, 0.9], "home": "/home/ana/.cache/calibench",
}  # fmt: skip
del LAB["devices"], LAB["openvino"]
QUEUES = [
    {"name": "short", "is_default": True, "is_open": True, "state": "up", "nodes": 12, "idle": 3, "walltime_s": 3600,
     "features": ["avx512_vnni", "skylake"], "cores": 32, "memory_mb": 128_000},
    {"name": "long", "is_default": False, "is_open": True, "state": "up", "nodes": 4, "idle": 0, "walltime_s": None,
     "features": ["amx"], "cores": 64, "memory_mb": 512_000},
]  # fmt: skip
LOST = Fault(
    cause="unreachable",
    sentence="rack (ssh://rack.example:22): does not answer within 10 s.",
    mend="Is it switched on, and is the way to it open?",
)
CHANGED = Fault(
    cause="unreachable",
    sentence="WARNING: ssh://moved.example:22: its host key has changed, so nothing was sent.",
    mend="Trusted is SHA256:aaaa, offered is ssh-ed25519 SHA256:bbbb. Ask its administrator before you confirm it.",
)


def targets() -> list[Target]:
    """This machine, one over SSH that is well, a queue, one with a fault, one with another host key, a cluster."""

    def other(id: int, name: str, kind: str, **more: Any) -> Target:
        spec = TargetSpec(kind=kind, **more.pop("spec"))  # type: ignore[arg-type]
        return Target(id=id, created=ago(30 - id), name=name, kind=spec.kind, spec=spec, **more)

    host = {"host": "lab.example", "user": "ana", "host_key": HOST_KEY}
    return [
        Target(id=1, created=ago(40), name="This machine", machine=MACHINE, checked=ago(1), state="good"),
        other(2, "lab", "ssh", spec=host, machine=LAB, checked=ago(2), state="good"),
        other(3, "cluster", "slurm", spec={"queue": {"queue": "short", "walltime_s": 5400, "cores": 8}},
              machine=LAB | {"queues": QUEUES}, checked=ago(3), state="good"),
        other(4, "rack", "ssh", spec={"host": "rack.example", "host_key": HOST_KEY}, checked=ago(4), state="faulty",
              faults=(LOST,)),
        other(5, "moved", "ssh", spec={"host": "moved.example", "host_key": HOST_KEY}, checked=ago(4), state="faulty",
              machine=LAB, faults=(CHANGED,)),
        other(6, "workers", "dask", spec={"scheduler": "tls://head.example:8786"}),
    ]  # fmt: skip


BASELINE = Headline(
    metric="top1",
    baseline=89.31,
    fp32_fps=212.4,
    default_fps=212.4,
    latency_ms=5.1,
    fp32_bytes=46_800_000,
    evaluated=1020,
)
PLAIN = BASELINE.model_copy(
    update={
        "int8": 88.43,
        "drop_points": 0.88,
        "drop_interval": (0.31, 1.45),
        "agreement": 96.1,
        "int8_fps": 689.0,
        "speedup": 3.24,
        "latency_ms": 1.7,
        "int8_bytes": 11_900_000,
    }
)
AWARE = PLAIN.model_copy(
    update={
        "int8": 88.92,
        "drop_points": 0.39,
        "drop_interval": (-0.02, 0.8),
        "int8_fps": 601.0,
        "speedup": 2.83,
        "int8_bytes": 12_700_000,
        "limit": 0.5,
        "is_reached": True,
    }
)


SLOW_BASELINE = BASELINE.model_copy(update={"fp32_fps": 96.0, "default_fps": 96.0, "latency_ms": 11.2})
SLOW = PLAIN.model_copy(
    update={"fp32_fps": 96.0, "default_fps": 96.0, "int8_fps": 99.0, "speedup": 1.03, "latency_ms": 10.9}
)


def projects(many: int = 0) -> list[Project]:
    """An FP32 project, its INT8 projects (done, running, failed), others; `many`: as many plain ones more."""
    place: dict[str, Any] = {"dataset_id": 1, "target_id": 1}
    found = [
        Project(id=1, created=ago(26), name="resnet18-flowers on flowers-val", model_id=1, state="done", job_id=3,
                headline=BASELINE, result="d" * 64, **place),
        Project(id=2, created=ago(20), name="resnet18-flowers INT8", model_id=2, parent_id=1, state="done", job_id=4,
                headline=PLAIN, result="e" * 64, calibration_dataset_id=2,
                ask={"method": "default", "preset": "performance"}, **place),
        Project(id=3, created=ago(10), name="resnet18-flowers INT8 within 0.5", model_id=3, parent_id=1, state="done",
                job_id=5, headline=AWARE, result="f" * 64, ask={"method": "accuracy-aware", "max_drop": 0.5,
                "preset": "mixed"}, **place),
        Project(id=4, created=ago(0.5), name="resnet18-flowers INT8 mixed", model_id=1, parent_id=1, state="running",
                job_id=6, ask={"method": "accuracy-aware", "max_drop": 0.2, "preset": "mixed"}, **place),
        Project(id=5, created=ago(0.4), name="resnet18-flowers INT8 half", model_id=1, parent_id=1, state="queued",
                job_id=10, ask={"method": "default"}, **place),
        Project(id=6, created=ago(6), name=LONG_NAME[:100], model_id=5, state="failed", job_id=11, **place),
        Project(id=7, created=ago(5), name=SCRIPT, model_id=5, state="cancelled", job_id=12, **place),
        Project(id=8, created=ago(70), name="an old one", model_id=1, state="done", is_archived=True,
                headline=BASELINE, **place),
    ]  # fmt: skip
    made = [
        Project(id=100 + i, created=ago(100 + i), name=f"experiment {i:04}", model_id=1, state="done",
                headline=PLAIN.model_copy(update={"speedup": 1 + i % 37 / 10, "drop_points": i % 23 / 10 - 0.2}),
                **place)
        for i in range(many)
    ]  # fmt: skip
    return found + made


def jobs() -> list[Job]:
    """One of every state, and one that was interrupted and resumed."""
    done: dict[str, Any] = {"state": "done", "progress": 1.0, "attempt": 1}
    return [
        Job(id=1, created=ago(30), started=ago(30), ended=ago(29.99), kind="import-model",
            title="Import resnet18-flowers", model_id=1, **done),
        Job(id=2, created=ago(30), started=ago(30), ended=ago(29.98), kind="import-dataset",
            title="Import flowers-val", dataset_id=1, **done),
        Job(id=3, created=ago(26), started=ago(26), ended=ago(25.97), kind="baseline", project_id=1, model_id=1,
            title="Baseline of resnet18-flowers on flowers-val", **done),
        Job(id=4, created=ago(20), started=ago(20), ended=ago(19.9), kind="calibrate", project_id=2, model_id=2,
            title="Calibrate resnet18-flowers on flowers-val", **done),
        Job(id=5, created=ago(10), started=ago(10), ended=ago(9.5), kind="calibrate", project_id=3, model_id=3,
            title="Calibrate resnet18-flowers within 0.5 points", **(done | {"attempt": 2})),
        Job(id=6, created=ago(0.5), started=ago(0.4), kind="calibrate", project_id=4, state="running", attempt=2,
            stage="search", progress=0.42, eta_s=(95.0, 240.0), title="Calibrate resnet18-flowers within 0.2 points"),
        Job(id=7, created=ago(7), started=ago(7), ended=ago(6.99), kind="import-model", title=f"Import {SCRIPT}",
            state="failed", progress=0.3, attempt=1, model_id=6, failure=models()[5].failure),
        Job(id=8, created=ago(0.1), kind="import-model", title="Import ssd-on-its-way", model_id=7),
        Job(id=9, created=ago(0.2), kind="import-dataset", title="Import street scenes", dataset_id=4),
        Job(id=10, created=ago(0.4), kind="calibrate", project_id=5, title="Calibrate resnet18-flowers, half"),
        Job(id=11, created=ago(6), started=ago(6), ended=ago(5.98), kind="baseline", project_id=6, state="failed",
            progress=0.61, stage="inference", attempt=3, title=f"Baseline of {LONG_NAME[:60]}",
            failure=Failure(kind="JobError", message="The process ended without a result, 3 times. Its log says why.")),
        Job(id=12, created=ago(5), started=ago(5), ended=ago(4.99), kind="baseline", project_id=7, state="cancelled",
            progress=0.2, stage="read", attempt=1, title="Baseline of something else"),
    ]  # fmt: skip


def projects_elsewhere() -> list[Project]:
    """The same model on the lab, where INT8 gains nothing."""
    lab: dict[str, Any] = {"dataset_id": 1, "target_id": 2, "created": ago(100)}
    return [
        Project(id=20, name="resnet18-flowers on flowers-val", model_id=1, state="done", headline=SLOW_BASELINE, **lab),
        Project(id=21, name="resnet18-flowers INT8 on lab", model_id=2, parent_id=20, state="done",
                headline=SLOW, ask={"method": "default", "preset": "performance"}, **lab),
    ]  # fmt: skip


def jobs_elsewhere() -> list[Job]:
    """One that is on its way to the lab."""
    return [
        Job(id=13, created=ago(0.1), started=ago(0.1), kind="calibrate", project_id=21, target_id=2, state="running",
            attempt=1, stage="upload", progress=0.06, title="Calibrate resnet18-flowers on lab"),
    ]  # fmt: skip
