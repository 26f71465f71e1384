"""What becomes of a job's result: rows of models and projects, and the files that stay; once, with the job's end."""

import json
import os
import statistics
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from calibench.store.store import Store
from calibench.store.trees import Trees
from calibench.targets.bundle import OUT, End
from calibench.things.kept import Headline, Job, JobKind, KeptModel, Project
from calibench.workbench.project_results import BASELINE, POINTS, REPORT, read_lean

Plain = dict[str, Any]
Adopt = Callable[[Job, Path, End], Mapping[str, Any]]

AS_IN_REPORT = (
    "metric", "unit", "baseline", "int8", "drop_points", "drop_interval", "agreement", "fp32_fps", "default_fps",
    "int8_fps", "speedup", "fp32_bytes", "int8_bytes", "evaluated",
)  # fmt: skip
"""Fields that a headline and a report have in common."""


def adopters(store: Store, trees: Trees) -> dict[JobKind, Adopt]:
    """By kind of job, what puts its result in its place; what it gives becomes the `result` of the job."""
    return {
        "baseline": lambda job, folder, end: _baseline(store, trees, job, folder, end),
        "calibrate": lambda job, folder, end: _calibrated(store, trees, job, folder, end),
        "pick": lambda job, folder, end: _calibrated(store, trees, job, folder, end),
        "benchmark": lambda job, folder, end: _benchmark(store, trees, job, folder, end),
        "evaluate": lambda job, folder, end: _ended(store, job, end),
    }


def _baseline(store: Store, trees: Trees, job: Job, folder: Path, end: End) -> Plain:
    """The headline and the files of a model that was measured as it is."""
    if end.state != "done":
        return _ended(store, job, end)
    project = store.get(Project, job.project_id or 0)
    model = store.get(KeptModel, project.model_id)
    found = read_lean(folder / OUT / BASELINE)
    kept = trees.keep(folder / OUT, move=True)
    headline = baseline_headline(found, model)
    if project.parent_id is not None and project.headline.int8 is not None:
        headline = project.headline  # of an INT8 project that was calibrated: the comparison says more
    store.change(Project, project.id, state="done", result=kept.hash, headline=headline.model_dump(mode="json"))
    return {**end.result, "score": found.get("score"), "why_no_score": found.get("why_no_score", "")}


def baseline_headline(found: Mapping[str, Any], model: KeptModel) -> Headline:
    """The few numbers of a baseline.

    Args:
        found: baseline.json.
    """
    score, speeds = found.get("score") or {}, found.get("speeds") or {}
    fp32 = speeds.get("fp32")
    default = speeds.get("default") or fp32
    is_int8 = model.parent_id is not None
    size = {"int8_bytes" if is_int8 else "fp32_bytes": model.size_bytes or None}
    return Headline(
        metric=score.get("metric"),
        unit=score.get("unit") or "%",
        evaluated=score.get("samples"),
        latency_ms=_latency(default),
        **{"int8" if is_int8 else "baseline": score.get("score")},
        **({"int8_fps": _fps(default)} if is_int8 else {"fp32_fps": _fps(fp32), "default_fps": _fps(default)}),
        **size,
    )


def _calibrated(store: Store, trees: Trees, job: Job, folder: Path, end: End) -> Plain:
    """The INT8 model, and the numbers of its project; or why there are none."""
    model = store.get(KeptModel, job.model_id or 0)
    if end.state != "done":
        if model.state == "importing":
            store.change(KeptModel, model.id, state="failed", failure=_failure(end))
        return _ended(store, job, end)
    out = folder / OUT
    report = read_lean(out / REPORT)
    operations = _operations(out / "model.xml")
    kept = trees.keep(out, move=True)
    parent = store.get(KeptModel, model.parent_id or 0)
    store.change(KeptModel, model.id, tree=kept.hash, **model_facts(report, parent, operations))
    headline = calibrated_headline(report)
    values = {"headline": headline.model_dump(mode="json"), "result": kept.hash, "state": "done"}
    store.change(Project, job.project_id or 0, **values)
    return {**end.result, "headline": headline.model_dump(mode="json"), "model_id": model.id}


def model_facts(report: Mapping[str, Any], parent: KeptModel, operations: int) -> Plain:
    """What the report says of the INT8 model, as fields of its row."""
    decided = [row["precision"] for row in report.get("layers", [])]
    return {
        **{"state": "ready", "failure": None, "entry": "model.xml", "format": "OpenVINO IR", "is_quantized": True},
        "size_bytes": report.get("int8_bytes") or 0,
        "operations": operations,
        "int8_layers": decided.count("int8"),
        "float_layers": decided.count("float"),
        "multiply_adds": parent.multiply_adds,
        "inputs": [port.model_dump(mode="json") for port in parent.inputs],
        "outputs": [port.model_dump(mode="json") for port in parent.outputs],
        "notes": list(report.get("notes", [])),
        "accuracy_settings": parent.accuracy_settings,
        "are_settings_confirmed": parent.are_settings_confirmed,
    }


def calibrated_headline(report: Mapping[str, Any]) -> Headline:
    """The few numbers of a calibration; a search that missed its limit has them too, and says so."""
    search = report.get("search") or {}
    values = {name: report.get(name) for name in AS_IN_REPORT if report.get(name) is not None}
    limits = search.get("limits") or [{}]
    return Headline(
        **values,
        latency_ms=_latency((report.get("speeds") or {}).get("int8")),
        limit=limits[0].get("drop"),
        is_reached=search.get("is_reached"),
    )


def _benchmark(store: Store, trees: Trees, job: Job, folder: Path, end: End) -> Plain:
    """Points that were measured take the place of earlier ones of the same batch and streams."""
    if end.state != "done":
        return _ended(store, job, end)
    project = store.get(Project, job.project_id or 0)
    new = read_lean(folder / OUT / POINTS) or []
    if project.result is None:
        result = trees.keep(folder / OUT, move=True).hash
    else:
        result = _with_points(trees, project.result, folder, new)
    store.change(Project, project.id, state="done", result=result)
    return {**end.result, "points": new}


def merged(before: list[Plain], new: list[Plain]) -> list[Plain]:
    """Points by series, batch and streams; a cell that was measured again has its new value, better or not."""
    cells = {(point["series"], point["batch"], point["streams"]): point for point in (*before, *new)}
    return [cells[cell] for cell in sorted(cells)]


def _with_points(trees: Trees, result: str, folder: Path, new: list[Plain]) -> str:
    """The same result with further points; the other files are linked, not copied."""
    source = trees.path(result)
    before = read_lean(source / POINTS)
    if before is None:
        before = (read_lean(source / BASELINE) or {}).get("points", [])
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        target = Path(aside) / OUT
        for path in sorted(source.rglob("*")):
            if path.is_file() and path.relative_to(source) != Path(POINTS):
                copy = target / path.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                os.link(path, copy)
        target.mkdir(exist_ok=True)
        (target / POINTS).write_text(json.dumps(merged(before, new), indent=1), encoding="utf-8")
        return trees.keep(target, move=False).hash


def _ended(store: Store, job: Job, end: End) -> Plain:
    """A project follows its last job, whatever became of it."""
    if job.project_id is not None and store.get(Project, job.project_id).job_id == job.id:
        store.change(Project, job.project_id, state=end.state)
    return dict(end.result)


def _failure(end: End) -> Plain:
    if end.failure is not None:
        return end.failure.model_dump(mode="json")
    return {"kind": "Cancelled", "message": "The calibration was cancelled. Calibrate again, or delete the project."}


def _operations(path: Path) -> int:
    """Operations of an OpenVINO IR, without parameters, results and constants, counted in its text."""
    kinds = ('type="Const"', 'type="Parameter"', 'type="Result"')
    try:
        with path.open(encoding="utf-8") as lines:
            return sum(1 for line in lines if "<layer " in line and not any(kind in line for kind in kinds))
    except OSError:
        return 0


def _fps(speed: Mapping[str, Any] | None) -> float | None:
    """The highest median throughput of all points."""
    points = (speed or {}).get("throughput") or []
    return max((statistics.median(point["fps"]["raw"]) for point in points), default=None)


def _latency(speed: Mapping[str, Any] | None) -> float | None:
    raw = ((speed or {}).get("latency_ms") or {}).get("raw")
    return statistics.median(raw) if raw else None
