"""What becomes of a job's result: rows of models and projects, and the files that stay; once, with the job's end."""

import json
import shutil
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calibench.store.store import Store
from calibench.store.taking import link_or_copy
from calibench.store.trees import Trees
from calibench.targets.bundle import OUT, End
from calibench.things.kept import Failure, Headline, Job, JobKind, KeptModel, Project
from calibench.workbench.accuracy_settings import told_apart
from calibench.workbench.project_results import BASELINE, BESIDE, POINTS, REPORT, read_lean
from calibench.workbench.tree_users import TreeUsers
from calibench.worker.ending import Adopt

Plain = dict[str, Any]
MODEL = "model.xml"
CANCELLED = Failure(kind="Cancelled", message="The calibration was cancelled. Calibrate again, or delete the project.")

WITH_WEIGHTS = (
    "Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData", "MatMul",
)  # fmt: skip
"""Layers that are counted, of an INT8 model as of its FP32 model."""
AS_IN_REPORT = (
    "metric", "unit", "baseline", "int8", "drop_points", "drop_interval", "agreement", "fp32_fps", "default_fps",
    "int8_fps", "speedup", "fp32_bytes", "int8_bytes", "evaluated",
)  # fmt: skip
"""Fields that a headline and a report have in common."""


AS_MEASURED = ("fp32_fps", "default_fps", "int8_fps", "speedup", "latency_ms")
"""Fields that a headline has in common with what was measured beside FP32."""


def adopters(store: Store, trees: Trees, users: TreeUsers) -> dict[JobKind, Adopt]:
    """By kind of job, what puts its result in its place; what it gives becomes the `result` of the job."""
    taking = _Taking(store, trees, users)
    return {
        "baseline": taking.baseline,
        "calibrate": taking.calibrated,
        "pick": taking.calibrated,
        "benchmark": taking.benchmark,
        "evaluate": taking.evaluated,
    }


class _Taking:
    """Files are kept first, which takes time; then the store is written, which makes others wait."""

    def __init__(self, store: Store, trees: Trees, users: TreeUsers) -> None:
        self._store, self._trees, self._users = store, trees, users

    def baseline(self, job: Job, folder: Path, end: End) -> Plain:
        """The headline and the files of a model that was measured as it is."""
        if end.state != "done":
            return self._end(job, end)
        result = self._keep(job, folder / OUT)
        found = read_lean(self._trees.path(result) / BASELINE)
        project = self._store.get(Project, job.project_id or 0)
        model = self._store.get(KeptModel, project.model_id)
        headline = baseline_headline(found, model)
        if (before := points_in(self._trees, project.result)) and before != found.get("points"):
            result = self._with_points(job, result, folder, merged(before, found.get("points") or []))
        settled = found.get("settled") or {}
        if settled and not model.are_settings_confirmed:  # found by trying: calibrations go by them too
            self._store.change(KeptModel, model.id, accuracy_settings=told_apart(settled))
        return self._end(job, end, result=result, headline=headline, settings=settled or project.settings)

    def calibrated(self, job: Job, folder: Path, end: End) -> Plain:
        """The INT8 model, and the numbers of its project; or why there are none."""
        if end.state != "done":
            model = self._store.get(KeptModel, job.model_id or 0)
            if model.tree is None:
                self._store.change(KeptModel, model.id, state="failed", failure=end.failure or CANCELLED)
            return self._end(job, end)
        result = self._keep(job, folder / OUT)
        place = self._trees.path(result)
        report, operations = read_lean(place / REPORT), _operations(place / MODEL)
        model = self._store.get(KeptModel, job.model_id or 0)
        parent = self._store.get(KeptModel, model.parent_id or 0)
        self._store.change(KeptModel, model.id, tree=result, **model_facts(report, parent, operations))
        return {**self._end(job, end, result=result, headline=calibrated_headline(report)), "model_id": model.id}

    def benchmark(self, job: Job, folder: Path, end: End) -> Plain:
        """Points take the place of earlier ones of the same batch and streams; the rest of the result stays."""
        if end.state != "done":
            return self._end(job, end)
        project = self._store.get(Project, job.project_id or 0)
        new = [dict(point) for point in end.result.get("points", [])]
        points = merged(points_in(self._trees, project.result), new)
        result = self._with_points(job, project.result, folder, points)
        return self._end(job, end, result=result, headline=self._with_speed(project, new, end.result))

    def evaluated(self, job: Job, folder: Path, end: End) -> Plain:
        """A score on the project's own dataset is its headline where it has none; on another one it is the job's."""
        project = self._store.get(Project, job.project_id or 0)
        if end.state == "done" and job.dataset_id == project.dataset_id and project.headline.metric is None:
            model = self._store.get(KeptModel, project.model_id)
            return self._end(job, end, headline=_with_score(project.headline, model, end.result))
        return self._end(job, end)

    def _keep(self, job: Job, out: Path, move: bool = True) -> str:
        return self._users.keep(out, job.id, move=move)

    def _with_points(self, job: Job, result: str | None, folder: Path, points: list[Plain]) -> str:
        """A result with these points in place of its own; its other files are stored once, as before."""
        aside = folder / "with-points"
        shutil.rmtree(aside, ignore_errors=True)
        if result is None:
            aside.mkdir()
        else:
            shutil.copytree(self._trees.path(result), aside, copy_function=link_or_copy)
            (aside / POINTS).unlink(missing_ok=True)
        if (beside := folder / OUT / BESIDE).is_file():
            (aside / BESIDE).unlink(missing_ok=True)
            shutil.copyfile(beside, aside / BESIDE)
        (aside / POINTS).write_text(json.dumps(points, indent=1) + "\n", encoding="utf-8")
        try:
            return self._keep(job, aside, move=False)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _with_speed(self, project: Project, new: Sequence[Plain], result: Mapping[str, Any]) -> Headline:
        """Where no calibration in this project told how fast INT8 is, what was measured beside FP32 does."""
        report = None if project.result is None else read_lean(self._trees.path(project.result) / REPORT)
        measured = result.get("measured") or {}
        if (report or {}).get("speeds") or measured.get("int8_fps") is None:
            return _with_speed(project.headline, new)
        values = {name: measured[name] for name in AS_MEASURED if measured.get(name) is not None}
        return project.headline.model_copy(update={**values, **self._sizes(project)})

    def _sizes(self, project: Project) -> Plain:
        """Bytes of an INT8 model and of the FP32 model that it was made from."""
        model = self._store.get(KeptModel, project.model_id)
        if model.parent_id is None:
            return {}
        parent = self._store.get(KeptModel, model.parent_id)
        return {"fp32_bytes": parent.size_bytes or None, "int8_bytes": model.size_bytes or None}

    def _end(self, job: Job, end: End, **values: Any) -> Plain:
        """A project follows its last job, whatever became of that; the result goes into the row of the job."""
        project = self._store.get(Project, job.project_id or 0)
        if "result" in values and project.result is not None:
            self._users.about_to_name(project.result, job.id)  # no more: free once the job has ended
        if project.job_id == job.id:
            values["state"] = end.state
        if values:
            self._store.change(Project, project.id, **values)
        return dict(end.result)


def baseline_headline(found: Mapping[str, Any], model: KeptModel) -> Headline:
    """The few numbers of a baseline.

    Args:
        found: baseline.json.
    """
    score, speeds = found.get("score") or {}, found.get("speeds") or {}
    fp32 = speeds.get("fp32")
    default = speeds.get("default") or fp32
    return Headline(
        metric=score.get("metric"),
        unit=score.get("unit") or "%",
        baseline=score.get("score"),
        fp32_fps=_fps(fp32),
        default_fps=_fps(default),
        latency_ms=median_latency(default),
        fp32_bytes=found.get("size_bytes") or model.size_bytes or None,
        evaluated=score.get("samples") or found.get("samples"),
    )


def model_facts(report: Mapping[str, Any], parent: KeptModel, operations: int) -> Plain:
    """What the report says of the INT8 model, as fields of its row."""
    decided = [row["precision"] for row in report.get("layers", []) if row["type"] in WITH_WEIGHTS]
    return {
        **{"state": "ready", "failure": None, "entry": MODEL, "format": "OpenVINO IR", "is_quantized": True},
        "size_bytes": report.get("int8_bytes") or 0,
        "operations": operations,
        "int8_layers": decided.count("int8"),
        "float_layers": decided.count("float"),
        "multiply_adds": parent.multiply_adds,
        "inputs": parent.inputs,
        "outputs": parent.outputs,
        "notes": tuple(report.get("notes", ())),
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
        latency_ms=median_latency((report.get("speeds") or {}).get("int8")),
        limit=limits[0].get("drop"),
        is_reached=search.get("is_reached"),
    )


def merged(before: Sequence[Plain], new: Sequence[Plain]) -> list[Plain]:
    """Points by series, batch and streams; a cell that was measured again has its new value, better or not."""
    cells = {(point["series"], point["batch"], point["streams"]): point for point in (*before, *new)}
    return [cells[cell] for cell in sorted(cells)]


def points_in(trees: Trees, result: str | None) -> list[Plain]:
    """The points of a result; [] where there is none."""
    if result is None:
        return []
    place = trees.path(result)
    found = read_lean(place / POINTS)
    return list(found if found is not None else (read_lean(place / BASELINE) or {}).get("points") or [])


def _with_speed(headline: Headline, new: Sequence[Plain]) -> Headline:
    """Of a model that was imported quantized, points are all that says how fast it is."""
    fps = max((point["fps"] for point in new if point["series"] == "int8"), default=None)
    if headline.int8_fps is not None or fps is None:
        return headline
    return headline.model_copy(update={"int8_fps": fps})


def _with_score(headline: Headline, model: KeptModel, result: Mapping[str, Any]) -> Headline:
    score = "int8" if model.is_quantized else "baseline"
    values = {"metric": result.get("metric"), "unit": result.get("unit") or "%", "evaluated": result.get("samples")}
    return headline.model_copy(update={**values, score: result.get("score")})


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


def median_latency(speed: Mapping[str, Any] | None) -> float | None:
    """Of one request at a time, out of a Speed as plain values; ms."""
    raw = ((speed or {}).get("latency_ms") or {}).get("raw")
    return statistics.median(raw) if raw else None
