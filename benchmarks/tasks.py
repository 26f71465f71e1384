"""Twelve networks with their datasets, through Calibench's whole way without one setting, beside NNCF.

    python -m benchmarks.tasks [NETWORK ...] [--presets performance mixed] [--out FILE]

Calibench gets a model file and two folders. It finds the format of the dataset, the task, the metric, and how pictures
enter the model; what it found is in the row. NNCF's `quantize` gets the same FP32 model and the same samples, prepared
as Calibench has found it, with each of its presets and its transformer type where attention dominates. All INT8 models
are scored by the same metric on the same validation set, at batch 1, FP32 apart from the INT8 layers.

"Worse" is ours beside the better of NNCF's presets, by the metric, with 95 % confidence: paired, over the samples.
"""

import argparse
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

from benchmarks.default_ptq import _commit, _versions
from benchmarks.task_table import verdict, verdicts
from benchmarks.zoo.datasets import TASK_SETS, Prepared, TaskSet, prepare
from calibench import pipeline
from calibench.datasets.attach import attach_images
from calibench.datasets.dataset import Sample
from calibench.datasets.sets import Sets, open_sets
from calibench.evaluation.distortion import Distortion
from calibench.evaluation.interval import Z95, drop_interval
from calibench.evaluation.judge import Judge, make_judge
from calibench.evaluation.metrics.metric import Metric
from calibench.evaluation.score import Score, drop, score
from calibench.inference.runner import Outputs, compile_for_samples, core, infer_batches
from calibench.machine import describe_machine, physical_cores
from calibench.models.ports import port_name
from calibench.models.read import Model, read_model
from calibench.progress import silent
from calibench.reports.report import Report
from calibench.settings import Settings, make_settings

PRESETS = ("performance", "mixed")
ROUNDS = 60
"""Resamplings of a metric that is slow to score."""
OUT = Path("benchmarks/results/tasks.json")


@dataclass(frozen=True)
class Bench:
    """What both sides are judged with: the model as it was read, the samples, and the one who judges."""

    task_set: TaskSet
    source: Model
    sets: Sets
    judge: Judge


@dataclass(frozen=True)
class Judged:
    """How an INT8 model does: by the metric, and how near its outputs are to FP32 (signal over noise)."""

    score: Score
    sqnr_db: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print one line a network, write the JSON after each."""
    known = [each.name for each in TASK_SETS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=known)
    parser.add_argument("--presets", nargs="+", default=["performance"], choices=PRESETS, help="of Calibench")
    parser.add_argument("--cache", type=Path, default=Path(".cache/zoo"))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--no-speed", action="store_true", help="leave out throughput")
    options = parser.parse_args(arguments)
    logging.getLogger("nncf").setLevel(logging.ERROR)
    rows = _read_rows(options.out) if set(options.networks) != set(known) else {}
    for task_set in (each for each in TASK_SETS if each.name in options.networks):
        row = measure(task_set, options)
        rows[task_set.name] = row
        print(line(row), flush=True)
        _write(options.out, [rows[name] for name in known if name in rows])
    print("\n".join(verdicts(list(rows.values()))))


def measure(task_set: TaskSet, options: argparse.Namespace) -> dict[str, Any]:
    """One network: ours by the pipeline alone, then the peer on what the pipeline has found."""
    files = prepare(task_set, options.cache)
    runs = {preset: _ours(task_set, files, preset, not options.no_speed) for preset in options.presets}
    report = runs[options.presets[0]].report
    with _opened(task_set, files, report.settings) as bench:
        exact = list(_outputs(bench, bench.source.graph))
        ours = {preset: _judged(bench, run.model, exact) for preset, run in runs.items()}
        peers, seconds = {}, {}
        for preset in PRESETS:
            start = perf_counter()
            model = _peer(bench, preset)
            seconds[preset] = perf_counter() - start
            peers[preset] = _judged(bench, model, exact)
        return _row(bench, report, ours[options.presets[0]], peers) | {
            "ours": {preset: _figures(ours[preset]) | _told(run.report) for preset, run in runs.items()},
            "peer": {preset: _figures(found) | {"seconds": seconds[preset]} for preset, found in peers.items()},
        }


def _ours(task_set: TaskSet, files: Prepared, preset: str, benchmark: bool) -> pipeline.Calibrated:
    given = dict(task_set.settings) | ({} if preset == "performance" else {"preset": preset})
    settings = make_settings(given) if given else None
    return pipeline.calibrate(
        files.model, files.calibration, settings, validation=files.validation, benchmark=benchmark
    )


@contextmanager
def _opened(task_set: TaskSet, files: Prepared, settings: Settings) -> Iterator[Bench]:
    """The datasets, prepared as the pipeline has found it."""
    source, threads = read_model(files.model), physical_cores()
    home = files.model.parent
    with open_sets(source.graph, files.calibration, files.validation, settings, threads, silent, home) as sets:
        yield Bench(task_set, source, sets, make_judge(source.graph, sets.plan, sets.validation, settings))


def _peer(bench: Bench, preset: str) -> ov.Model:
    """NNCF on the model as it was read, with all samples of the calibration set."""
    import nncf

    names = [port_name(port) for port in bench.source.graph.inputs]
    samples = nncf.Dataset([[sample[name] for name in names] for sample in _prepared(bench)])
    return nncf.quantize(
        bench.source.graph.clone(),
        samples,
        preset=nncf.QuantizationPreset[preset.upper()],
        model_type=nncf.ModelType.TRANSFORMER if bench.task_set.recipe.is_transformer else None,
        subset_size=len(bench.sets.calibration),
    )


def _prepared(bench: Bench) -> Iterator[Sample]:
    """The calibration samples as the model without its preparation takes them."""
    samples = [bench.sets.calibration[index] for index in range(len(bench.sets.calibration))]
    images = bench.sets.plan.images
    if not images:
        return iter(samples)
    (image,) = images
    port = next(port for port in bench.source.graph.inputs if port_name(port) == image.name)
    sides = {"N": 1, "C": image.channels, "H": image.height, "W": image.width}
    entry = ops.parameter([sides[axis] for axis in image.layout], port.get_element_type())
    entry.output(0).get_tensor().set_names({image.name})
    identity = ov.Model([ops.result(entry)], [entry])
    step = core.compile_model(attach_images(identity, (image,)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return ({image.name: np.array(step([sample[image.name]])[0])} for sample in samples)


def _judged(bench: Bench, model: ov.Model, exact: list[Outputs]) -> Judged:
    """Score and likeness to FP32; every output counts for the likeness as in the report."""
    distortion = Distortion()

    def watched() -> Iterator[Outputs]:
        for wanted, given in zip(exact, _outputs(bench, model), strict=True):
            for before, after in zip(wanted, given, strict=True):
                distortion.add(before, after)
            yield given

    found = score(watched(), bench.sets.validation, bench.judge)
    return Judged(found, distortion.sqnr_db)


def _outputs(bench: Bench, model: ov.Model) -> Iterator[Any]:
    samples = bench.sets.validation
    compiled = compile_for_samples(bench.sets.plan.attach(model.clone()), "CPU", physical_cores())
    return infer_batches(compiled, (samples[index] for index in range(len(samples))), 1)


def _row(bench: Bench, report: Report, found: Judged, peers: dict[str, Judged]) -> dict[str, Any]:
    """The comparison with the better of the peer's presets."""
    metric, own, fp32 = bench.judge.metric, found.score, report.baseline or 0.0
    sign = 1.0 if metric.higher_is_better else -1.0
    best = max(peers, key=lambda name: sign * peers[name].score.score)
    interval = drop_interval(peers[best].score, own, metric) or _resampled(peers[best].score, own, metric)
    return {
        "network": bench.task_set.name,
        "layout": bench.task_set.layout,
        "format": _format(bench),
        "task": report.task,
        "metric": metric.name,
        "unit": metric.unit,
        "higher_is_better": metric.higher_is_better,
        "given": dict(bench.task_set.settings),
        "found": list(report.task_notes),
        "inputs": [each.model_dump(mode="json") for each in report.inputs],
        "notes": list(report.notes),
        "samples": {"calibration": len(bench.sets.calibration), "validation": len(bench.sets.validation)},
        "fp32": fp32,
        "int8": own.score,
        "drop": drop(fp32, own.score, metric),
        "peer_int8": peers[best].score.score,
        "peer_preset": best,
        "peer_drop": drop(fp32, peers[best].score.score, metric),
        "worse_than_peer": drop(peers[best].score.score, own.score, metric),
        "worse_than_peer_interval": interval,
        "details": report.details,
    }


def _resampled(peer: Score, own: Score, metric: Metric) -> tuple[float, float]:
    """The interval of a metric that is slow to score: the difference +- 1.96 standard errors of few resamplings."""
    random, count = np.random.default_rng(0), len(own.evidence)

    def worse(chosen: NDArray[np.int64]) -> float:
        one, other = (metric.score([each.evidence[index] for index in chosen]).score for each in (peer, own))
        return drop(one, other, metric)

    error = float(np.nanstd([worse(random.integers(0, count, count)) for _ in range(ROUNDS)], ddof=1))
    middle = drop(peer.score, own.score, metric)
    return middle - Z95 * error, middle + Z95 * error


def _format(bench: Bench) -> str:
    source = bench.sets.opened.source
    return str(getattr(getattr(source, "listing", None), "format", "text"))


def _figures(found: Judged) -> dict[str, Any]:
    return {"score": found.score.score, "sqnr_db": found.sqnr_db if np.isfinite(found.sqnr_db) else None}


def _told(report: Report) -> dict[str, Any]:
    """What the report of the pipeline says besides."""
    return {
        "report_score": report.int8,
        "agreement": report.agreement,
        "drop_interval": report.drop_interval,
        "recipe": report.recipe,
        "seconds": report.seconds.get("calibrate"),
        "stages": report.seconds,
        "speedup_fp32": report.speedup_fp32,
        "speedup": report.speedup,
    }


def line(row: dict[str, Any]) -> str:
    """One network for the terminal."""
    sides = [("ours", *each) for each in row["ours"].items()] + [("NNCF", *each) for each in row["peer"].items()]
    scores = ", ".join(f"{each['score']:.2f} {who} {preset} ({each['seconds']:.1f} s)" for who, preset, each in sides)
    ends = row["worse_than_peer_interval"]
    sure = f"{ends[0]:+.2f}..{ends[1]:+.2f}" if ends else "no interval"
    return (
        f"{row['network']}: {row['task']}, {row['metric']} in {row['unit']}: {row['fp32']:.2f} FP32, {scores}; "
        f"{verdict(row)} ({row['worse_than_peer']:+.2f}, {sure})\n    found: {' '.join(row['found'])}"
    )


def _read_rows(path: Path) -> dict[str, Any]:
    """The rows of a result that is there, by network."""
    if not path.is_file():
        return {}
    return {row["network"]: row for row in json.loads(path.read_text(encoding="utf-8"))["rows"]}


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    result = {
        "commit": _commit(),
        "command": " ".join(["python -m benchmarks.tasks", *sys.argv[1:]]),
        "machine": describe_machine().model_dump(mode="json"),
        "versions": _versions(),
        "rows": rows,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
