"""Several model files measured side by side: the way from paths to numbers behind `calibench benchmark`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openvino as ov

from calibench.datasets.dataset import Sample
from calibench.datasets.detect import holds_images, read_dataset
from calibench.datasets.inputs import InputPlan, plan_inputs
from calibench.errors import SettingsError
from calibench.inference.benchmark import BenchmarkSettings, Candidate, Speed, measure
from calibench.inference.profile import LayerTime, profile
from calibench.inference.random_data import random_samples
from calibench.machine import Machine, check_device, default_precision, describe_machine, physical_cores
from calibench.models.ports import port_name
from calibench.models.read import is_quantized, read_model
from calibench.progress import Progress, silent
from calibench.settings import Settings

SAMPLES = 16
"""Samples of a dataset that are taken: speed hardly depends on the values, memory would on the number."""


@dataclass(frozen=True)
class BenchmarkResult:
    """What was measured, by the name of the candidate: the file and the precision of its float layers."""

    machine: Machine
    data: str
    speeds: dict[str, Speed]
    profiles: dict[str, tuple[LayerTime, ...]]

    def as_json(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            "machine": self.machine.model_dump(mode="json"),
            "data": self.data,
            "speeds": {
                name: {"fps": speed.fps, **speed.model_dump(mode="json")} for name, speed in self.speeds.items()
            },
            "profiles": {name: [layer.as_json() for layer in layers] for name, layers in self.profiles.items()},
        }


def benchmark(
    models: Sequence[Path],
    dataset: Path | None,
    settings: Settings,
    bench: BenchmarkSettings,
    progress: Progress = silent,
) -> BenchmarkResult:
    """Throughput, latency and layers of model files that take the same inputs, FP32 or INT8.

    An FP32 model is measured twice where the device would silently run it in another precision: in exact f32, and as it
    would be deployed. `settings.inference_precision` overrules both.

    Args:
        dataset: its first samples are the input; None: random data.
        settings: device, threads, input settings and inference precision are used.

    Raises:
        ModelError, DatasetError, SettingsError, TargetError: with what to do.
        Cancelled: by `progress`.
    """
    if not models:
        raise SettingsError("benchmark: there is no model. Name at least one file.")
    check_device(settings.device)
    graphs = {
        name: read_model(path, weights=settings.weights, allow_quantized=True).graph
        for name, path in _labels(models).items()
    }
    samples, plan = _samples(graphs, dataset, settings, bench)
    candidates = {
        f"{name} ({shown})": Candidate(plan.attach(graph), hint, settings.device)
        for name, graph in graphs.items()
        for hint, shown in _precisions(graph, settings)
    }
    threads = bench.threads or settings.threads or physical_cores()
    bench = bench.model_copy(update={"threads": threads})
    return BenchmarkResult(
        machine=describe_machine(),
        data="random data" if dataset is None else str(dataset),
        speeds=measure(candidates, samples, bench, progress),
        profiles={
            name: profile(each.model, samples[0], each.device, each.precision, threads)
            for name, each in candidates.items()
        },
    )


def _precisions(model: ov.Model, settings: Settings) -> list[tuple[str | None, str]]:
    """The hints to measure a model with, and how they are shown."""
    if settings.inference_precision:
        return [(settings.inference_precision, settings.inference_precision)]
    default = default_precision(settings.device)
    if is_quantized(model):
        return [(None, f"INT8 + {default}")]
    return [("f32", "f32")] if default == "f32" else [("f32", "f32"), (None, f"default {default}")]


def _samples(
    graphs: dict[str, ov.Model], dataset: Path | None, settings: Settings, bench: BenchmarkSettings
) -> tuple[tuple[Sample, ...], InputPlan]:
    first, *others = graphs
    ports = {name: sorted(port_name(port) for port in graph.inputs) for name, graph in graphs.items()}
    for name in others:
        if ports[name] != ports[first]:
            raise SettingsError(
                f"{name} takes {', '.join(ports[name])}, but {first} takes {', '.join(ports[first])}. "
                "Benchmark models with other inputs one by one."
            )
    if dataset is not None:
        plan = plan_inputs(graphs[first], settings, images=holds_images(dataset))
        found = read_dataset(dataset, plan)
        return tuple(found[i] for i in range(min(len(found), SAMPLES))), plan
    sized = any(each.size for each in settings.inputs.values())
    plan = plan_inputs(graphs[first], settings, images=sized)
    return random_samples(plan.inputs, bench.shapes), plan


def _labels(paths: Sequence[Path]) -> dict[str, Path]:
    """A short name for every file; the whole path where short ones are not unique."""
    for parts in (1, 2, None):
        labels = {_label(path, parts): path for path in paths}
        if len(labels) == len(paths):
            return labels
    raise SettingsError("benchmark: a model is named twice. Name every file once.")


def _label(path: Path, parts: int | None) -> str:
    return str(path) if parts is None else "/".join(path.with_suffix("").parts[-parts:])
