"""Jobs that run a model and measure it: baseline, benchmark, evaluate, compare, try settings."""

import json
from pathlib import Path
from typing import Any

from calibench.baseline import points_of
from calibench.baseline import run_baseline as baseline
from calibench.errors import SettingsError
from calibench.inference.points import PointGrid
from calibench.pipeline import evaluate
from calibench.reports.report import without_nan
from calibench.targets.running import Running
from calibench.things.asked import Points

POINTS = "points.json"
BESIDE = "beside.json"
SAID = ("notes", "warnings")
"""Fields with sentences, which may name files."""


def run_baseline(job: Running) -> dict[str, Any]:
    """Score, speed and layers of the FP32 model, in out/baseline.json."""
    model, dataset = model_of(job), dataset_of(job)
    found = baseline(model, dataset, job.bundle.settings, grid_of(job.bundle.points), job.tell).as_json()
    write_plain(job, "baseline.json", found)
    score = found["score"] and found["score"]["score"]
    why = job.named(found["why_no_score"])
    return {"score": without_nan(score), "why_no_score": why, "samples": found["samples"]}


def run_benchmark(job: Running) -> dict[str, Any]:
    """Throughput and latency of a model at the points that were asked for, in out/points.json.

    Beside its FP32 model also what this machine is to both: `measured`, and out/beside.json.
    """
    grid = grid_of(job.bundle.points or Points())
    assert grid is not None
    model = model_of(job)
    if job.bundle.is_compared:
        return _beside(job, model, grid)
    points = points_of({model.name: model}, dataset_of(job), job.bundle.settings, grid, job.tell)
    rows = [point.as_json() for point in points]
    write_plain(job, POINTS, rows)
    return {"points": rows}


def _beside(job: Running, model: Path, grid: PointGrid) -> dict[str, Any]:
    from calibench.targets.measured_beside import measure_beside

    models = [path for path in (job.bundle.baseline, model) if path is not None]
    points, measured = measure_beside(models, dataset_of(job), job.bundle.settings, grid, job.tell)
    rows, plain = [point.as_json() for point in points], measured.model_dump(mode="json")
    write_plain(job, POINTS, rows)
    write_plain(job, BESIDE, plain)
    return {"points": rows, "measured": plain}


def run_comparison(job: Running) -> dict[str, Any]:
    """An INT8 model beside its FP32 model: the report in out/."""
    from calibench.comparison import compare_models

    bundle = job.bundle
    if bundle.baseline is None:
        raise SettingsError("baseline: a comparison needs the FP32 model, too. Name it.")
    compared = compare_models(
        bundle.baseline,
        model_of(job),
        dataset_of(job),
        bundle.settings,
        job.out,
        benchmark=bundle.benchmark,
        force=True,
        progress=job.tell,
    )
    return {"drop_points": compared.report.drop_points}


def run_evaluation(job: Running) -> dict[str, Any]:
    """The score of a model, FP32 or INT8, in out/evaluation.json; what `calibench evaluate --json` answers."""
    model, dataset, settings = model_of(job), dataset_of(job), job.bundle.settings  # which say all that is to be taken
    found = evaluate(model, dataset, settings, job.tell, report_beside=False).as_json()
    write_plain(job, "evaluation.json", found)
    told: dict[str, Any] = json.loads((job.out / "evaluation.json").read_text(encoding="utf-8"))
    return told


def run_trying(job: Running) -> dict[str, Any]:
    """Settings tried on a few samples, with pictures, in out/try.json."""
    from calibench.trying import try_settings

    bundle = job.bundle
    tried = try_settings(
        model_of(job), dataset_of(job), bundle.settings, bundle.samples, bundle.pictures, job.tell
    ).as_json()
    write_plain(job, "try.json", tried)
    return {"samples": tried["samples"], "findings": len(tried["findings"])}


def grid_of(points: Points | None) -> PointGrid | None:
    """Where to measure, in the words of the pipeline."""
    return None if points is None else PointGrid(points.batches, points.streams, points.seconds, points.rounds)


def write_plain(job: Running, name: str, value: Any) -> None:
    """A result in out/, as JSON, with no number that is none; what is said names files as a person knows them."""
    plain = without_nan(value)
    if isinstance(plain, dict):
        said = {key: [job.named(text) for text in plain[key]] for key in SAID if key in plain}
        plain = {**plain, **said}
        if "why_no_score" in plain:
            plain["why_no_score"] = job.named(plain["why_no_score"])
        for holder in (plain, plain.get("score")):
            if isinstance(holder, dict) and "model" in holder:
                holder["model"] = job.named(holder["model"])
    text = json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False)
    (job.out / name).write_text(text + "\n", encoding="utf-8")


def model_of(job: Running) -> Path:
    """The model that the bundle names.

    Raises:
        SettingsError: it names none.
    """
    if job.bundle.model is None:
        raise SettingsError(f"{job.bundle.kind}: no model is named. Write one into bundle.json.")
    return job.bundle.model


def dataset_of(job: Running) -> Path:
    """The dataset that the bundle names.

    Raises:
        SettingsError: it names none.
    """
    dataset = job.bundle.dataset or job.bundle.validation
    if dataset is None:
        raise SettingsError(f"{job.bundle.kind}: no dataset is named. Write one into bundle.json.")
    return dataset
