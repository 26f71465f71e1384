"""From an FP32 graph and samples to the INT8 graph: the steps in the order of the data."""

from collections.abc import Callable
from dataclasses import dataclass

import openvino as ov

from calibench.datasets.dataset import Dataset, Subset
from calibench.errors import ModelError
from calibench.inference.runner import compile_for_samples, infer_all
from calibench.machine import has_vnni
from calibench.models.logits import expose
from calibench.progress import Progress
from calibench.quantizers.choose import Thinned, Trial, thin, try_out
from calibench.quantizers.fit import Quantization, Recipe, fit, usable, weigh
from calibench.quantizers.insert import WeightOptions, insert
from calibench.quantizers.placement import place
from calibench.quantizers.recipes import recipes
from calibench.quantizers.sites import Placement
from calibench.settings import Settings
from calibench.statistics.collect import collect
from calibench.statistics.probe import add_probe

KEPT_APART = 64
"""Samples on which recipes are compared and that are used for nothing else."""
LEAST_FOR_CHOICE = 128
"""With a smaller subset the safe recipe is taken: too few samples would be left to measure, or to judge by."""

Attach = Callable[[ov.Model], ov.Model]


@dataclass(frozen=True)
class Quantized:
    """The INT8 graph and how it came about.

    Attributes:
        graph: INT8; takes what the FP32 graph takes.
        used: samples that were measured.
        trials: recipes that were compared, in the order in which they were tried; empty when the safe one was taken.
    """

    graph: ov.Model
    quantization: Quantization
    used: int
    has_settled: bool
    trials: tuple[Trial, ...]


def quantize(
    graph: ov.Model, subset: Dataset, settings: Settings, attach: Attach, threads: int, progress: Progress
) -> Quantized:
    """Calibrate a normalised FP32 graph.

    Args:
        graph: from `normalise`; not changed.
        subset: samples in the order in which they are to be measured.
        attach: puts the preparation of the samples in front of a graph (`InputPlan.attach`).

    Raises:
        ModelError: nothing can be quantized, or the network yields NaN on every sample.
        DatasetError: a sample cannot be read.
    """
    placement = place(graph, settings.ignored)
    if not placement.layers:
        raise ModelError(nothing_to_quantize(placement))
    wanted = wanted_recipes(settings, len(subset))
    measured_part, kept_apart = _keep_apart(subset, len(wanted))
    probed = expose(graph.clone())
    layout = add_probe(probed, placement.points)
    compiled = compile_for_samples(attach(probed), settings.device, threads)
    collected = collect(compiled, layout, measured_part, exact=settings.exact_subset, progress=progress)
    references = _references(compiled, kept_apart)
    placement = usable(placement, graph, collected.statistics)
    if not placement.layers:
        raise ModelError(
            "The activations are NaN, infinite or larger than 1e5 in front of every layer that could be quantized. "
            "Check the input settings (mean, scale) and the weights."
        )
    statistics = {name: collected.statistics.tensor(i) for i, name in enumerate(layout.tensors)}
    statistics = weigh(placement, graph, statistics)
    options = WeightOptions(settings.per_channel_weights, _is_guarded(settings))
    made: list[tuple[Quantization, ov.Model]] = []
    trials: list[Trial] = []
    for number, recipe in enumerate(wanted):
        quantization = fit(placement, graph, statistics, recipe)
        made.append((quantization, insert(graph, quantization, options)))
        if references:
            int8 = compile_for_samples(attach(expose(made[-1][1].clone())), settings.device, threads)
            trials.append(try_out(recipe.name, int8, kept_apart, references))
        progress("fit", number + 1, len(wanted))
    best = min(range(len(made)), key=lambda i: trials[i].error_db) if trials else 0
    quantization, int8_graph = made[best]
    return Quantized(int8_graph, quantization, collected.statistics.count, collected.has_settled, tuple(trials))


def nothing_to_quantize(placement: Placement) -> str:
    """The sentence for a model in which no layer can run in INT8."""
    reasons = {layer.reason for layer in placement.left_float if layer.type in ("Convolution", "MatMul")}
    why = f" ({'; '.join(sorted(reasons))})" if reasons else ""
    return f"The model holds no layer that can run in INT8: no convolution or MatMul with constant weights{why}."


def wanted_recipes(settings: Settings, count: int) -> tuple[Recipe, ...]:
    """The recipes that are compared on a subset of `count` samples: the safe one alone when there are few."""
    found = recipes(settings)
    return found if count >= LEAST_FOR_CHOICE else found[:1]


def _keep_apart(subset: Dataset, tried: int) -> tuple[Dataset, Dataset]:
    """The samples that are measured, and the last ones, on which recipes are compared."""
    numbers = range(len(subset))
    cut = len(subset) - (KEPT_APART if tried > 1 else 0)
    return Subset(subset, tuple(numbers[:cut])), Subset(subset, tuple(numbers[cut:]))


def _references(compiled: ov.CompiledModel, samples: Dataset) -> list[Thinned]:
    outputs = infer_all(compiled, (samples[i] for i in range(len(samples))))
    return [thin(each[:-2]) for each in outputs]


def _is_guarded(settings: Settings) -> bool:
    if settings.overflow_guard == "auto":
        return settings.device.upper().startswith("CPU") and not has_vnni()
    return settings.overflow_guard == "on"
