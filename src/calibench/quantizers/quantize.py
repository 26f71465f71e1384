"""From an FP32 graph and samples to the INT8 graph: the steps in the order of the data."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import openvino as ov

from calibench.datasets.dataset import Dataset, Subset
from calibench.datasets.inputs import InputPlan
from calibench.errors import ModelError
from calibench.inference.runner import ShapeError, infer_all
from calibench.machine import has_vnni
from calibench.models.graph import RECURRENT, WEIGHTED, TensorKey
from calibench.models.logits import expose
from calibench.progress import Progress
from calibench.quantizers.choose import Thinned, Trial, thin, try_out
from calibench.quantizers.fit import Quantization, Recipe, fit
from calibench.quantizers.insert import WeightOptions, insert
from calibench.quantizers.observed import Counts, histograms
from calibench.quantizers.placement import drop_layers, place
from calibench.quantizers.prepare import Prepared, check_weights, prepare
from calibench.quantizers.recipes import is_promising, is_same, recipes
from calibench.quantizers.run import Run, check_shapes, common_shapes
from calibench.quantizers.sites import Placement
from calibench.settings import Settings
from calibench.statistics.collect import Collected, collect
from calibench.statistics.probe import add_probe

KEPT_APART = 64
"""Samples on which recipes are compared and that are used for nothing else."""
LEAST_FOR_CHOICE = 128
"""With a smaller subset the safe recipe is taken: too few samples would be left to measure, or to judge by."""

OVERFLOWS = "its weights are the left operand, where sums of 16 bits overflow on a CPU without VNNI"


@dataclass(frozen=True)
class Quantized:
    """The INT8 graph and how it came about.

    Attributes:
        graph: INT8; takes what the FP32 graph takes.
        used: samples that were measured.
        trials: recipes that were compared, in the order in which they were tried; empty when the safe one was taken.
        is_small: there were too few samples to compare recipes.
        histograms: what was observed at every quantized tensor.
        options: how the weights were rounded.
        run: how graphs were run meanwhile.
    """

    graph: ov.Model
    quantization: Quantization
    used: int
    has_settled: bool
    trials: tuple[Trial, ...]
    is_small: bool
    histograms: Mapping[TensorKey, Counts]
    options: WeightOptions
    run: Run


def quantize(
    graph: ov.Model, subset: Dataset, settings: Settings, plan: InputPlan, threads: int, progress: Progress
) -> Quantized:
    """Calibrate a normalised FP32 graph.

    Args:
        graph: from `normalise`; not changed.
        subset: samples in the order in which they are to be measured.
        plan: how the samples enter the graph.

    Raises:
        ModelError: nothing can be quantized, or the network yields NaN on every sample.
        DatasetError: a sample cannot be read.
    """
    shapes = common_shapes(subset, plan)
    check_shapes(graph, shapes)
    try:
        return _quantize(graph, subset, settings, Run(settings.device, threads, plan, shapes), progress)
    except ShapeError:
        return _quantize(graph, subset, settings, Run(settings.device, threads, plan, {}), progress)


def _quantize(graph: ov.Model, subset: Dataset, settings: Settings, run: Run, progress: Progress) -> Quantized:
    placement = place(graph, settings.ignored)
    if _is_guarded(settings):
        left = {layer.name: OVERFLOWS for layer in placement.layers if layer.weight_port == 0}
        placement = drop_layers(placement, graph, left) if left else placement
    if not placement.layers:
        raise ModelError(nothing_to_quantize(placement))
    check_weights(placement, graph)
    wanted = wanted_recipes(settings, placement, len(subset))
    measured_part, kept_apart = _keep_apart(subset, len(wanted))
    collected = _measure(graph, placement, measured_part, run, settings, progress)
    prepared = prepare(
        placement,
        graph,
        collected.statistics,
        smoothing=settings.smoothing != "off",
        asymmetric=settings.preset == "mixed",
    )
    if not prepared.placement.layers:
        raise ModelError(
            "The activations are NaN, infinite or larger than 1e5 in front of every layer that could be quantized. "
            "Check the input settings (mean, scale) and the weights."
        )
    quantization, int8_graph, trials = _choose(graph, prepared, wanted, kept_apart, run, settings, progress)
    return Quantized(
        int8_graph,
        quantization,
        collected.statistics.count,
        collected.has_settled,
        trials,
        len(subset) < LEAST_FOR_CHOICE,
        histograms(prepared.measured, quantization),
        _weight_options(settings),
        run,
    )


def _choose(
    graph: ov.Model,
    prepared: Prepared,
    wanted: tuple[Recipe, ...],
    kept_apart: Dataset,
    run: Run,
    settings: Settings,
    progress: Progress,
) -> tuple[Quantization, ov.Model, tuple[Trial, ...]]:
    """The INT8 graph of the recipe with the least error on the samples kept apart; of the first when there are none."""
    options = _weight_options(settings)
    references = _references(graph, kept_apart, run)
    made: list[tuple[Quantization, ov.Model]] = []
    trials: list[Trial] = []
    for number, recipe in enumerate(wanted):
        progress("fit", number + 1, len(wanted))
        if made and settings.per_channel_activations == "auto" and not is_promising(recipe, prepared):
            continue
        quantization = fit(prepared, recipe)
        if any(is_same(quantization, other) for other, _ in made):
            continue
        made.append((quantization, insert(graph, quantization, options)))
        if references:
            trials.append(try_out(recipe.name, run.compile(expose(run.copy(made[-1][1]))), kept_apart, references))
    best = min(range(len(made)), key=lambda i: trials[i].error_db) if trials else 0
    return *made[best], tuple(trials)


def _measure(
    graph: ov.Model, placement: Placement, samples: Dataset, run: Run, settings: Settings, progress: Progress
) -> Collected:
    probed = run.copy(graph)
    layout = add_probe(probed, placement.points)
    return collect(run.compile(probed), layout, samples, exact=settings.exact_subset, progress=progress)


def nothing_to_quantize(placement: Placement) -> str:
    """The sentence for a model in which no layer can run in INT8."""
    reasons: dict[str, Counter[str]] = {}
    for layer in placement.left_float:
        if layer.type in WEIGHTED | RECURRENT:
            reasons.setdefault(layer.reason, Counter())[layer.type] += 1
    told = (
        f"{', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))} ({reason})"
        for reason, kinds in sorted(reasons.items())
    )
    left = f" Left in float: {'; '.join(told)}." if reasons else ""
    return f"The model holds no layer that can run in INT8: no convolution or MatMul with constant weights.{left}"


def wanted_recipes(settings: Settings, placement: Placement, count: int) -> tuple[Recipe, ...]:
    """The recipes that are compared on a subset of `count` samples: the safe one alone when there are few."""
    found = recipes(settings, has_depthwise=any(layer.is_depthwise for layer in placement.layers))
    return found if count >= LEAST_FOR_CHOICE else found[:1]


def _keep_apart(subset: Dataset, tried: int) -> tuple[Dataset, Dataset]:
    """The samples that are measured, and the last ones, on which recipes are compared."""
    numbers = range(len(subset))
    cut = len(subset) - (KEPT_APART if tried > 1 else 0)
    return Subset(subset, tuple(numbers[:cut])), Subset(subset, tuple(numbers[cut:]))


def _references(graph: ov.Model, samples: Dataset, run: Run) -> list[Thinned]:
    """What the FP32 graph makes of the samples kept apart."""
    if len(samples) == 0:
        return []
    compiled = run.compile(expose(run.copy(graph)))
    return [thin(outputs) for outputs in infer_all(compiled, (samples[i] for i in range(len(samples))))]


def _weight_options(settings: Settings) -> WeightOptions:
    return WeightOptions(settings.per_channel_weights, _is_guarded(settings))


def _is_guarded(settings: Settings) -> bool:
    if settings.overflow_guard == "auto":
        return settings.device.upper().startswith("CPU") and not has_vnni()
    return settings.overflow_guard == "on"
