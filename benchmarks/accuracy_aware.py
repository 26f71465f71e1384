"""The accuracy-aware method beside NNCF's `quantize_with_accuracy_control`, in one run.

    python -m benchmarks.accuracy_aware [NETWORK ...] [--limits 1.0 0.5 0.1] [--sides ours peer] [--out FILE]

Both get the same model file, the same calibration and validation samples in memory, and the same limit in points of the
metric; the time is from reading the model to the INT8 model, with calibration and every validation. The peer runs at
its defaults, on the graph as imported and as normalised by us; its weights are kept from overflow the way that gives
its plain INT8 model the higher score on that graph. The better of its two results counts. Its validation function gives
a value for each sample, so that it needs no second pass. Both results are judged by the same code, at batch 1, in the
precision in which they are deployed; their throughput is measured in turns.

Rows are merged into FILE, each pair of network and limit by itself, so that a long run can be done in parts.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import openvino as ov

from benchmarks.accuracy_cases import CASES, Case, Loaded, load_case
from benchmarks.accuracy_targets import table, targets
from benchmarks.default_ptq import SPEED, _commit, _versions
from benchmarks.float_share import float_layers, float_share
from benchmarks.peer_accuracy_control import FIXES, GRAPHS, Controlled, Variant, control, plain
from calibench import pipeline
from calibench.datasets.inputs import plan_inputs
from calibench.evaluation.both_models import deployed_precision
from calibench.evaluation.judge import Judge, make_judge
from calibench.evaluation.score import score
from calibench.inference.benchmark import Candidate, measure
from calibench.inference.runner import compile_for_samples, infer_batches
from calibench.machine import describe_machine, physical_cores
from calibench.models.normalise import normalise
from calibench.models.read import read_model
from calibench.progress import silent
from calibench.quantizers.quantize import quantize
from calibench.settings import Settings, make_settings

LIMITS = (1.0, 0.5, 0.1)
PATIENCE_S = 900.0
"""A run of the peer that takes longer is stopped and counts as without a result."""
SIDES = ("ours", "peer")
OUT = Path("benchmarks/results/accuracy-aware.json")


@dataclass(frozen=True)
class Bench:
    """A case, the FP32 graph as it was read, and the one who judges."""

    loaded: Loaded
    source: ov.Model
    settings: Settings
    judge: Judge
    fp32: float

    def score(self, graph: ov.Model) -> float:
        """Of a graph that takes prepared samples, as it would be deployed."""
        return judged(graph, self.loaded, self.judge, deployed_precision(self.settings))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print a line for each pair and the table, write the JSON after each."""
    known = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=known, help=f"of {', '.join(known)}")
    parser.add_argument("--limits", nargs="+", type=float, default=list(LIMITS), help="points of the metric")
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=SIDES, help="who runs; the other is kept")
    parser.add_argument("--graphs", nargs="+", default=list(GRAPHS), choices=GRAPHS, help="that the peer runs on")
    parser.add_argument("--patience", type=float, default=PATIENCE_S, help="seconds for one run of the peer")
    parser.add_argument("--cache", type=Path, default=Path(".cache/zoo"))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--show", action="store_true", help="only print the table of FILE")
    options = parser.parse_args(arguments)
    result = read_result(options.out)
    if not options.show:
        for case in (case for case in CASES if case.name in options.networks):
            _run_case(case, options, result)
    print("\n".join([*table(result["rows"]), "", *targets(result["rows"])]))


def _run_case(case: Case, options: argparse.Namespace, result: dict[str, Any]) -> None:
    bench = open_case(case, options.cache)
    start = datetime.now(UTC).isoformat(timespec="seconds")
    known = result["plain"].get(case.name)
    plain_scores = known if known and "peer" not in options.sides else compare_plain(bench, options.graphs)
    result["plain"][case.name] = plain_scores
    for limit in options.limits:
        row = compare(bench, limit, plain_scores, options) | {"says": case.says}
        for side in options.sides:
            row[side] |= {"run": start}
        result["rows"] = merged(result["rows"], row)
        print(json.dumps({key: value for key, value in row.items() if key != "raw"}), flush=True)
        write_result(options.out, result)


def open_case(case: Case, cache: Path) -> Bench:
    """Load a case and score FP32 exactly."""
    loaded = load_case(case, cache)
    source = read_model(loaded.model).graph
    settings = make_settings(dict(loaded.settings))
    judge = make_judge(source, plan_inputs(source, settings, images=False), loaded.validation, settings)
    return Bench(loaded, source, settings, judge, judged(source, loaded, judge, "f32"))


def judged(graph: ov.Model, loaded: Loaded, judge: Judge, precision: str) -> float:
    """The score on all validation samples at batch 1."""
    compiled = compile_for_samples(graph, "CPU", physical_cores(), precision)
    samples = loaded.validation
    return score(infer_batches(compiled, (samples[i] for i in range(len(samples))), 1), samples, judge).score


def compare_plain(bench: Bench, graphs: Sequence[str] = GRAPHS) -> dict[str, Any]:
    """Drops of plain INT8: ours, and the peer's on its graphs with both guards against overflow."""
    loaded, peers = bench.loaded, {}
    for graph in graphs:
        drops = {fix: bench.fp32 - bench.score(plain(loaded, Variant(graph, fix))) for fix in FIXES}
        peers[graph] = {"drops": drops, "fix": min(FIXES, key=drops.__getitem__)}
    plan = plan_inputs(bench.source, bench.settings, images=False)
    graph = normalise(bench.source)
    ours = quantize(graph, loaded.calibration, bench.settings, plan, physical_cores(), silent).graph
    return {"fp32": bench.fp32, "drop": bench.fp32 - bench.score(ours), "peer": peers}


def compare(bench: Bench, limit: float, plains: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """One row: a network at a limit."""
    metric, loaded = bench.judge.metric, bench.loaded
    row: dict[str, Any] = {
        "network": loaded.name,
        "limit": limit,
        "metric": metric.name,
        "unit": metric.unit,
        "samples": {"calibration": len(loaded.calibration), "validation": len(loaded.validation)},
        "fp32": bench.fp32,
        "commit": _commit(),
    }
    models: dict[str, ov.Model] = {}
    if "ours" in options.sides:
        row["ours"], models["ours"] = _ours(bench, limit)
    if "peer" in options.sides:
        row["peer"] = {}
        for graph in options.graphs:
            variant = Variant(graph, plains["peer"][graph]["fix"])
            found = control(loaded, bench.judge, variant, limit, options.patience)
            row["peer"][graph] = _told(bench, variant, limit, found)
            if found.model is not None:
                models[graph] = found.model
    if set(options.sides) == set(SIDES):
        row["fps"] = _speeds(bench, models)
    return row


def _ours(bench: Bench, limit: float) -> tuple[dict[str, Any], ov.Model]:
    loaded = bench.loaded
    settings = make_settings({**loaded.settings, "method": "accuracy-aware", "accuracy": {"max_drop": limit}})
    start = perf_counter()
    found = pipeline.calibrate(
        loaded.model, loaded.calibration, settings, validation=loaded.validation, benchmark=False
    )
    seconds = perf_counter() - start
    facts = _facts(bench, limit, found.model) | {"seconds": seconds, "stages": found.report.seconds}
    return facts | told_of_search(found.report.model_dump(mode="json")), found.model


def told_of_search(report: dict[str, Any]) -> dict[str, Any]:
    """What the report says of the search: trials and layers given back."""
    search = report["search"]
    trials = search["trials"]
    best = next(trial for trial in trials if trial["number"] == search["best"])
    kept = ("purpose", "drop", "evaluated", "total", "seconds")
    return {
        "validations": sum(trial["evaluated"] == trial["total"] for trial in trials),
        "trials": [{key: trial[key] for key in kept} for trial in trials],
        "reverted": len(best["floats"]),
        "repair": best["repair"],
        "is_reached": search["is_reached"],
        "why_not": search["why_not"],
    }


def _told(bench: Bench, variant: Variant, limit: float, found: Controlled) -> dict[str, Any]:
    told = {
        "fix": variant.fix,
        "seconds": found.seconds,
        "is_finished": found.model is not None,
        "reverted": found.reverted,
        "validations": len(found.scores),
        "inferences": found.inferences,
        "scores": found.scores,
    }
    return told if found.model is None else told | _facts(bench, limit, found.model)


def _facts(bench: Bench, limit: float, model: ov.Model) -> dict[str, Any]:
    """What is measured of both results in the same way."""
    found = bench.score(model)
    drop = bench.fp32 - found
    return {
        "score": found,
        "drop": drop,
        "is_met": drop <= limit + 1e-9,
        "float_share": float_share(model, bench.loaded.validation[0]),
        "float_layers": len(float_layers(model)),
    }


def _speeds(bench: Bench, models: dict[str, ov.Model]) -> dict[str, Any]:
    """Samples a second of FP32 and of every result, round by round."""
    precision = deployed_precision(bench.settings)
    candidates = {"fp32": Candidate(bench.source, "f32")}
    candidates |= {name: Candidate(model, precision) for name, model in models.items()}
    samples = [bench.loaded.validation[i] for i in range(8)]
    settings = SPEED.model_copy(update={"threads": physical_cores(), "rounds": 9})
    return {name: speed.best.fps.raw for name, speed in measure(candidates, samples, settings).items()}


def merged(rows: Iterable[dict[str, Any]], row: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows with one of them replaced or added; a side that did not run now is kept from before."""
    key = (row["network"], row["limit"])
    before = next((each for each in rows if (each["network"], each["limit"]) == key), {})
    others = [each for each in rows if (each["network"], each["limit"]) != key]
    order = {case.name: place for place, case in enumerate(CASES)}
    return sorted([*others, before | row], key=lambda each: (order[each["network"]], -each["limit"]))


def read_result(path: Path) -> dict[str, Any]:
    """The result that is there, or an empty one."""
    if not path.is_file():
        return {"rows": [], "plain": {}}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write_result(path: Path, result: dict[str, Any]) -> None:
    """Rows with the machine on which the last of them was measured."""
    head = {
        "commit": _commit(),
        "command": " ".join(["python -m benchmarks.accuracy_aware", *sys.argv[1:]]),
        "machine": describe_machine().model_dump(mode="json"),
        "versions": _versions(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(head | {"plain": result["plain"], "rows": result["rows"]}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
