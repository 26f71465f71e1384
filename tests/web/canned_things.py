"""Models, datasets, projects and jobs as a Workbench in use would hold them; the numbers fit each other."""

from datetime import UTC, datetime, timedelta
from typing import Any

from calibench.things.kept import (
    Failure,
    Headline,
    Job,
    KeptDataset,
    KeptModel,
    Port,
    Project,
    Target,
)

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


def targets() -> list[Target]:
    return [Target(id=1, created=ago(40), name="This machine", machine=MACHINE, checked=ago(1))]


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
