"""The Default method beside NNCF's `quantize`: error, agreement, speed of the result, time and memory, in one run.

    python -m benchmarks.default_ptq [NETWORK ...] [--presets performance mixed] [--rounds 3] [--out FILE]

Every network is calibrated by both with the same samples, preset against preset. The peer gets its transformer type
where attention dominates, and two graphs: as imported and normalised by us; the row shows the better of the two for
each figure (agreement and score are those of the one with less error). Both are judged on samples that neither has
seen, in exact FP32 apart from the INT8 layers; the error is taken in front of a final softmax. Calibrations and speed
measurements are interleaved. Times of calibration exclude reading and decoding.
"""

import argparse
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import openvino as ov

from benchmarks.peak_memory import peak_mb
from benchmarks.targets import gain, targets
from benchmarks.zoo import NETWORKS, load
from benchmarks.zoo.network import Network
from calibench.datasets.dataset import Arrays
from calibench.datasets.inputs import plan_inputs
from calibench.inference.benchmark import BenchmarkSettings, Candidate, measure
from calibench.inference.runner import Outputs, compile_for_samples, infer_all
from calibench.machine import default_precision, describe_machine, physical_cores
from calibench.models.logits import expose
from calibench.models.normalise import normalise
from calibench.models.ports import port_name
from calibench.models.read import Model, read_model
from calibench.progress import silent
from calibench.quantizers.quantize import quantize
from calibench.settings import make_settings

PRESETS = ("performance", "mixed")
VARIANTS = ("imported", "normalised")
FEW = 8
"""Samples on which the peer calibrates where only the speed of its result is wanted."""
JUDGED = 2000
"""Held-out samples on which error and agreement are taken; the task's score takes all of them."""
SPEED = BenchmarkSettings(seconds=0.4, rounds=5, warm_up=0.3)
PEER_PATIENCE_S = 8.0
"""A peer's calibration that took longer is not repeated."""


@dataclass(frozen=True)
class Judged:
    """How an INT8 model does on the held-out samples."""

    sqnr_db: float
    output_sqnr_db: float
    agreement: float | None
    score: float | None


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), choices=PRESETS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path(".cache/zoo"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/default-ptq.json"))
    parser.add_argument("--no-speed", action="store_true", help="leave out throughput and memory")
    parser.add_argument("--memory-only", action="store_true", help="measure memory anew for the rows of --out")
    parser.add_argument("--speed-only", action="store_true", help="measure throughput anew for the rows of --out")
    options = parser.parse_args(arguments)
    logging.getLogger("nncf").setLevel(logging.ERROR)
    if options.memory_only or options.speed_only:
        (_measure_memory if options.memory_only else _measure_speed)(options.out, options.cache, options.networks)
        return
    result: dict[str, Any] = {
        "commit": _commit(),
        "command": " ".join(["python -m benchmarks.default_ptq", *sys.argv[1:]]),
        "machine": describe_machine().model_dump(mode="json"),
        "versions": _versions(),
        "rows": [],
    }
    for name in options.networks:
        for preset in options.presets:
            row = compare(load(name, options.cache), preset, options)
            result["rows"].append(row)
            print(json.dumps({key: value for key, value in row.items() if key != "raw"}), flush=True)
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(summary(result["rows"]))


def _measure_memory(out: Path, cache: Path, networks: Sequence[str]) -> None:
    """Measure the peak of every row of a result that is there, and write it back."""
    result = json.loads(out.read_text(encoding="utf-8"))
    plain: dict[str, float] = {}
    for row in (row for row in result["rows"] if row["network"] in networks):
        name = row["network"]
        plain.setdefault(name, peak_mb(name, "plain", cache))
        row |= {"peak_mb": peak_mb(name, row["preset"], cache), "plain_peak_mb": plain[name]}
        print(f"{name} {row['preset']}: {row['peak_mb']:.0f} MB, plain {plain[name]:.0f} MB", flush=True)
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(summary(result["rows"]))


def compare(network: Network, preset: str, options: argparse.Namespace) -> dict[str, Any]:
    """One row of the table."""
    source = read_model(network.model)
    judge = _judge(network, source)
    ours: list[float] = []
    peers: dict[str, list[float]] = {}
    models: dict[str, ov.Model] = {}
    passes: list[float] = []
    raw: dict[str, Any] = {}
    tried: list[dict[str, Any]] = []
    for number in range(options.rounds):
        passes.append(_plain_pass(source, network))
        start = perf_counter()
        made = _calibrate(source, network, preset)
        ours.append(perf_counter() - start)
        models["int8"] = made.graph
        tried = [{"recipe": trial.recipe, "error_db": trial.error_db} for trial in made.trials]
        for variant in VARIANTS:
            if number and peers[variant][0] > PEER_PATIENCE_S:
                continue
            start = perf_counter()
            models[variant] = _peer(source, network, preset, variant)
            peers.setdefault(variant, []).append(perf_counter() - start)
    judged = {name: judge(model) for name, model in models.items()}
    variant = max(VARIANTS, key=lambda name: judged[name].sqnr_db)
    raw |= {"seconds": ours, "peer_seconds": peers, "pass_seconds": passes, "recipes": tried}
    raw["peer_sqnr_db"] = {name: judged[name].sqnr_db for name in peers}
    row: dict[str, Any] = {
        "network": network.name,
        "preset": preset,
        "sqnr_db": judged["int8"].sqnr_db,
        "peer_sqnr_db": judged[variant].sqnr_db,
        "output_sqnr_db": judged["int8"].output_sqnr_db,
        "peer_output_sqnr_db": judged[variant].output_sqnr_db,
        "agreement": judged["int8"].agreement,
        "peer_agreement": judged[variant].agreement,
        "metric": network.metric,
        "fp32_score": judge(source.graph).score,
        "score": judged["int8"].score,
        "peer_score": judged[variant].score,
        "peer_graph": variant,
        "seconds": median(ours),
        "peer_seconds": min(median(seconds) for seconds in peers.values()),
        "pass_seconds": median(passes),
        "samples": len(network.calibration),
    }
    if not options.no_speed:
        _add_speeds(row, raw, source, network, models)
        row["peak_mb"] = peak_mb(network.name, preset, options.cache)
        row["plain_peak_mb"] = peak_mb(network.name, "plain", options.cache)
    return row | {"raw": raw}


def _calibrate(source: Model, network: Network, preset: str) -> Any:
    settings = make_settings({"preset": preset})
    graph = normalise(source.graph)
    plan = plan_inputs(source.graph, settings, images=False)
    return quantize(graph, Arrays(network.calibration), settings, plan, physical_cores(), silent)


def _peer(source: Model, network: Network, preset: str, variant: str) -> ov.Model:
    import nncf

    graph = source.graph.clone()
    if variant == "normalised":
        graph = normalise(graph)
    names = [port_name(port) for port in graph.inputs]
    samples = nncf.Dataset([[sample[name] for name in names] for sample in network.calibration])
    return nncf.quantize(
        graph,
        samples,
        preset=nncf.QuantizationPreset[preset.upper()],
        model_type=nncf.ModelType.TRANSFORMER if network.is_transformer else None,
        subset_size=len(network.calibration),
    )


def _plain_pass(source: Model, network: Network) -> float:
    """Seconds of one FP32 pass over the calibration samples, compilation excluded."""
    compiled = compile_for_samples(source.graph, "CPU", physical_cores())
    start = perf_counter()
    for _ in infer_all(compiled, iter(network.calibration)):
        pass
    return perf_counter() - start


def _judge(network: Network, source: Model) -> Callable[[ov.Model], Judged]:
    samples = [network.heldout[i] for i in range(min(JUDGED, len(network.heldout)))]
    names = [port_name(port) for port in source.graph.outputs]
    before = list(_run(expose(source.graph.clone()), samples))
    outputs = list(_run(source.graph, samples))

    def judge(model: ov.Model) -> Judged:
        after = list(_run(expose(model.clone()), samples))
        answers = list(_run(model, samples))
        agreement = None
        if network.agreement is not None:
            agreement = network.agreement(_named(outputs, names), _named(answers, names))
        score = None
        if network.score is not None:
            score = network.score(_named(_run(model, network.heldout), names))
        return Judged(_sqnr(before, after), _sqnr(outputs, answers), agreement, score)

    return judge


def _run(model: ov.Model, samples: Any) -> Iterator[Outputs]:
    return infer_all(compile_for_samples(model, "CPU", physical_cores()), iter(samples))


def _named(outputs: Any, names: list[str]) -> list[dict[str, Any]]:
    return [dict(zip(names, each, strict=True)) for each in outputs]


def _sqnr(reference: list[Outputs], outputs: list[Outputs]) -> float:
    """Signal over noise in dB, the mean over the outputs."""
    found = []
    for i in range(len(reference[0])):
        signal = sum(float((each[i].astype(np.float64) ** 2).sum()) for each in reference)
        pairs = zip(reference, outputs, strict=True)
        noise = sum(float(((a[i].astype(np.float64) - b[i]) ** 2).sum()) for a, b in pairs)
        found.append(10 * np.log10(signal / max(noise, 1e-30)))
    return float(np.mean(found))


def _add_speeds(
    row: dict[str, Any], raw: dict[str, Any], source: Model, network: Network, models: dict[str, ov.Model]
) -> None:
    """Throughput of FP32 exact, FP32 as deployed, our INT8 and the peer's two, measured in turns."""
    candidates = {"fp32": Candidate(source.graph, "f32")}
    candidates |= {name: Candidate(model, "f32") for name, model in models.items()}
    if default_precision() != "f32":
        candidates["default"] = Candidate(source.graph, None)
    samples = [network.heldout[i] for i in range(8)]
    bench = SPEED.model_copy(update={"threads": physical_cores()})
    fps = {name: speed.best.fps for name, speed in measure(candidates, samples, bench).items()}
    raw["fps"] = {name: rounds.raw for name, rounds in fps.items()}
    row |= {
        "fp32_fps": fps["fp32"].median,
        "default_fps": fps.get("default", fps["fp32"]).median,
        "int8_fps": fps["int8"].median,
        "peer_int8_fps": max(fps[variant].median for variant in VARIANTS),
    }


def _measure_speed(out: Path, cache: Path, networks: Sequence[str]) -> None:
    """Measure the throughput of every row of a result that is there; the peer calibrates on a few samples for it."""
    result = json.loads(out.read_text(encoding="utf-8"))
    for row in (row for row in result["rows"] if row["network"] in networks):
        network = load(row["network"], cache)
        few = replace(network, calibration=[network.calibration[i] for i in range(FEW)])
        source = read_model(network.model)
        models = {variant: _peer(source, few, row["preset"], variant) for variant in VARIANTS}
        models["int8"] = _calibrate(source, network, row["preset"]).graph
        _add_speeds(row, row["raw"], source, network, models)
        row["peer_seconds"] = min(median(seconds) for seconds in row["raw"]["peer_seconds"].values())
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(f"{row['network']} {row['preset']} {_ratio(row, 'int8_fps', 'peer_int8_fps')}", flush=True)
    print(summary(result["rows"]))


def summary(rows: list[dict[str, Any]]) -> str:
    """The rows as a table, and the targets of the project beside what was reached."""
    lines = [
        "network preset | SQNR dB (peer) gain | agreement (peer) | score FP32, INT8 (peer) "
        "| fps ratio to peer, to FP32 | seconds (peer) ratio | of a pass | memory ratio"
    ]
    for r in rows:
        lines.append(
            f"{r['network']} {r['preset']} | {r['sqnr_db']:.1f} ({r['peer_sqnr_db']:.1f}) {gain(r):+.1f} "
            f"| {_text(r['agreement'])} ({_text(r['peer_agreement'])}) "
            f"| {_text(r['fp32_score'])}, {_text(r['score'])} ({_text(r['peer_score'])}) "
            f"| {_ratio(r, 'int8_fps', 'peer_int8_fps')}, {_ratio(r, 'int8_fps', 'fp32_fps')} "
            f"| {r['seconds']:.2f} ({r['peer_seconds']:.2f}) {r['peer_seconds'] / r['seconds']:.1f}x "
            f"| {r['seconds'] / r['pass_seconds']:.2f} | {_ratio(r, 'peak_mb', 'plain_peak_mb')}"
        )
    return "\n".join([*lines, *targets(rows)])


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _ratio(row: dict[str, Any], above: str, below: str) -> str:
    return f"{row[above] / row[below]:.2f}" if above in row and below in row else "-"


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("openvino", "nncf", "numpy")}


if __name__ == "__main__":
    main()
