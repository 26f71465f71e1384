"""From an FP32 graph and samples to the INT8 graph: the steps in the order of the data."""

import openvino as ov

from calibench.datasets.dataset import Dataset, Subset
from calibench.datasets.inputs import InputPlan
from calibench.errors import ModelError
from calibench.inference.runner import infer_all
from calibench.models.logits import expose
from calibench.progress import Progress
from calibench.quantizers.caffe_placement import place_by_scales
from calibench.quantizers.caffe_rules import quantize_by_scales, recipe_by
from calibench.quantizers.choose import Thinned, Trial, thin, try_out
from calibench.quantizers.fit import Quantization, Recipe, fit
from calibench.quantizers.insert import insert
from calibench.quantizers.measuring import measure
from calibench.quantizers.observed import histograms
from calibench.quantizers.overflow import OVERFLOWS, weight_options, without_overflow
from calibench.quantizers.placement import nothing_to_quantize, place
from calibench.quantizers.prepare import NOTHING_USABLE, Prepared, check_weights, prepare
from calibench.quantizers.quantized import Quantized
from calibench.quantizers.recipes import is_promising, is_same, recipes
from calibench.quantizers.run import Run, at_common_shapes
from calibench.quantizers.sites import Placement
from calibench.settings import Settings
from calibench.statistics.collect import Collector

__all__ = [
    "KEPT_APART",
    "LEAST_FOR_CHOICE",
    "OVERFLOWS",
    "Quantized",
    "nothing_to_quantize",
    "placed",
    "quantize",
    "wanted_recipes",
]

KEPT_APART = 64
"""Samples on which recipes are compared and that are used for nothing else."""
LEAST_FOR_CHOICE = 128
"""With a smaller subset the safe recipe is taken: too few samples would be left to measure, or to judge by."""


def quantize(
    graph: ov.Model,
    subset: Dataset,
    settings: Settings,
    plan: InputPlan,
    threads: int,
    progress: Progress,
    collector: Collector | None = None,
) -> Quantized:
    """Calibrate a normalised FP32 graph.

    Args:
        graph: from `normalise`; not changed.
        subset: samples in the order in which they are to be measured.
        plan: how the samples enter the graph.
        collector: who measures statistics; None: this process.

    Raises:
        ModelError: nothing can be quantized, or the network yields NaN on every sample.
        DatasetError: a sample cannot be read.
    """
    if settings.caffe is not None:
        return quantize_by_scales(graph, subset, settings, plan, threads, progress, collector)
    return at_common_shapes(
        graph,
        subset,
        Run(settings.device, threads, plan, {}, collector),
        lambda run: _quantize(graph, subset, settings, run, progress),
    )


def placed(graph: ov.Model, settings: Settings) -> Placement:
    """Which layers would run in INT8 and which not, before a sample is seen."""
    return place(graph, settings.ignored) if settings.caffe is None else place_by_scales(graph, settings)


def _quantize(graph: ov.Model, subset: Dataset, settings: Settings, run: Run, progress: Progress) -> Quantized:
    placement = without_overflow(place(graph, settings.ignored), graph, settings)
    if not placement.layers:
        raise ModelError(nothing_to_quantize(placement))
    check_weights(placement, graph)
    wanted = wanted_recipes(settings, placement, len(subset))
    measured_part, kept_apart = _keep_apart(subset, len(wanted))
    collected = measure(graph, placement, measured_part, run, exact=settings.exact_subset, progress=progress)
    prepared = prepare(
        placement,
        graph,
        collected.statistics,
        smoothing=settings.smoothing != "off",
        asymmetric=settings.preset == "mixed",
    )
    if not prepared.placement.layers:
        raise ModelError(NOTHING_USABLE)
    quantization, int8_graph, trials = _choose(graph, prepared, wanted, kept_apart, run, settings, progress)
    options = weight_options(settings)
    return Quantized(
        int8_graph,
        quantization,
        collected.statistics.count,
        collected.has_settled,
        trials,
        len(subset) < LEAST_FOR_CHOICE,
        histograms(prepared.measured, quantization),
        options,
        run,
        lambda graph, quantization, shifts: insert(graph, quantization, options, shifts),
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
    options = weight_options(settings)
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


def wanted_recipes(settings: Settings, placement: Placement, count: int) -> tuple[Recipe, ...]:
    """The recipes that are compared on a subset of `count` samples: the safe one alone when there are few."""
    if settings.caffe is not None:
        return (recipe_by(settings.caffe.statistic),)
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
