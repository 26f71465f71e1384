"""INT8 by the rules of the calibrator of Intel Caffe, so that the scales of a prototxt hold all of it.

One scale a tensor, unsigned 255 / max or signed 127 / max; weights 127 / max |w|, an output channel or a layer; biases
as they are. There is no choice of recipes, no smoothing and no correction of biases: a prototxt could not hold them.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import openvino as ov

from calibench.caffe.fused_chain import graph_index
from calibench.caffe.int8_graph import apply_scales
from calibench.datasets.dataset import Dataset, Subset
from calibench.datasets.inputs import InputPlan
from calibench.errors import ModelError
from calibench.models.graph import TensorKey, consumers, operations, tensor
from calibench.progress import Progress
from calibench.quantizers.caffe_placement import first_convolution, place_by_scales
from calibench.quantizers.fit import Quantization, Quantizer, Recipe, with_quantizers
from calibench.quantizers.insert import Shifts, WeightOptions, add_to_bias
from calibench.quantizers.largest_values import Pass, largest_of
from calibench.quantizers.layer_scales import expressible, grid_of, scale_of, scales_of
from calibench.quantizers.measuring import measure
from calibench.quantizers.observed import histograms
from calibench.quantizers.overflow import weight_options
from calibench.quantizers.placement import nothing_to_quantize
from calibench.quantizers.prepare import NOTHING_USABLE, Measured, Prepared, check_weights, prepare
from calibench.quantizers.quantized import Quantized
from calibench.quantizers.run import Run, at_common_shapes
from calibench.quantizers.sites import Placement, Site
from calibench.quantizers.unsigned import sign_of
from calibench.settings import CaffeSettings, Settings
from calibench.statistics.collect import Collector


def quantize_by_scales(
    graph: ov.Model,
    subset: Dataset,
    settings: Settings,
    plan: InputPlan,
    threads: int,
    progress: Progress,
    collector: Collector | None = None,
) -> Quantized:
    """Calibrate a converted Caffe network; as `quantize`, by the rules of the Caffe calibrator.

    Args:
        graph: of `to_openvino`; not changed.
        subset: samples in the order in which they are to be measured; `direct` stops where the ranges have settled
            unless `settings.exact_subset`, the other statistics take all.

    Raises:
        ModelError: nothing can be quantized, or the network yields NaN on every sample.
        DatasetError: a sample cannot be read.
    """
    run = Run(settings.device, threads, plan, {}, collector)
    return at_common_shapes(graph, subset, run, lambda run: _quantize(graph, subset, settings, run, progress))


def _quantize(graph: ov.Model, subset: Dataset, settings: Settings, run: Run, progress: Progress) -> Quantized:
    statistic = (settings.caffe or CaffeSettings()).statistic
    placement = place_by_scales(graph, settings)
    if not placement.layers:
        raise ModelError(nothing_to_quantize(placement))
    check_weights(placement, graph)
    exact = settings.exact_subset or statistic != "direct"
    collected = measure(graph, placement, subset, run, exact=exact, progress=progress, means=False)
    prepared = prepare(placement, graph, collected.statistics, smoothing=False, asymmetric=False)
    if not prepared.placement.layers:
        raise ModelError(NOTHING_USABLE)
    tensors = tuple(point.tensor for point in prepared.placement.points)
    used = Subset(subset, tuple(range(collected.statistics.count)))
    asked = Pass(graph, tensors, used, run, progress)
    quantization = _fit(prepared, graph, statistic, asked)
    options = weight_options(settings)
    return Quantized(
        build(graph, quantization, {}, options=options),
        quantization,
        collected.statistics.count,
        collected.has_settled,
        (),
        False,
        histograms(prepared.measured, quantization),
        options,
        run,
        partial(build, options=options),
        expressible,
        _warnings(quantization, graph, prepared.measured),
    )


def recipe_by(statistic: str) -> Recipe:
    """The one recipe that there is, by its statistic."""
    return Recipe(f"scales by {statistic}", statistic, asymmetric=False, per_channel="off", bias_correction=False)


def _fit(prepared: Prepared, graph: ov.Model, statistic: str, asked: Pass) -> Quantization:
    """One grid for every group of sites; without what scales cannot say, which then no longer widens a range."""
    recipe = recipe_by(statistic)
    signed = _signed_groups(prepared.placement, graph, prepared.measured)
    points = {name: signed[site.group] for site in prepared.placement.sites for name in site.points}
    largest = largest_of(statistic, asked, prepared.measured, points)
    while True:
        quantizers = _quantizers(prepared.placement, signed, largest)
        quantization = with_quantizers(prepared, recipe, quantizers)
        kept = expressible(graph, quantization)
        if kept.placement == prepared.placement:
            return quantization
        prepared = replace(prepared, placement=kept.placement)
        signed = _signed_groups(prepared.placement, graph, prepared.measured)


def _quantizers(
    placement: Placement, signed: Mapping[int, bool], largest: Mapping[TensorKey, float]
) -> tuple[Quantizer, ...]:
    wanted: dict[int, float] = {}
    for site in placement.sites:
        wanted[site.group] = max(wanted.get(site.group, 0.0), *(largest[name] for name in site.points))
    grids = {group: grid_of(scale_of(value, signed[group]), signed[group]) for group, value in wanted.items()}
    return tuple(Quantizer(site, grids[site.group], None) for site in placement.sites)


def _signed_groups(placement: Placement, graph: ov.Model, measured: Measured) -> dict[int, bool]:
    """By group: is any of its tensors signed? Where the graph does not tell, the smallest value seen does.

    A tensor behind a convolution without ReLU that was never negative stays signed, as the original has it: that no
    sample was negative does not prove that none will be.
    """
    index = operations(graph)
    found: dict[int, bool] = {}
    for site in placement.sites:
        sign = sign_of(tensor(index, site.tensor))
        own = sign == "signed" or (sign == "unknown" and _lowest(site, measured) < 0)
        found[site.group] = found.get(site.group, False) or own
    return found


def _lowest(site: Site, measured: Measured) -> float:
    return min(float(measured[name].low.min()) for name in site.points)


def _warnings(quantization: Quantization, graph: ov.Model, measured: Measured) -> tuple[str, ...]:
    """Where the original would have cut off what is negative; the first convolution is always signed there."""
    index = graph_index(graph)
    first = first_convolution(index)
    found = []
    for site in quantization.placement.sites:
        lowest, readers = _lowest(site, measured), _readers(quantization, site)
        if lowest < 0 and first not in readers and sign_of(tensor(index, site.tensor)) == "unknown":
            found.append(
                f"Layer {readers[0]} reads values down to {lowest:.3g}, where the structure of the network says "
                f"unsigned (behind {site.tensor[0]}). Its input is signed INT8; the original tool would have cut off "
                "what is negative."
            )
    return tuple(found)


def _readers(quantization: Quantization, site: Site) -> tuple[str, ...]:
    """The layers that read a tensor in INT8, however far below it."""
    points = (point for point in quantization.placement.points if point.tensor in site.points)
    return tuple(port.operation for point in points for port in point.consumers)


def build(graph: ov.Model, quantization: Quantization, shifts: Shifts, *, options: WeightOptions) -> ov.Model:
    """The INT8 graph that the scales of a quantization give.

    Args:
        graph: of `to_openvino`; not changed.
        shifts: added to the biases of INT8 layers, as the new caffemodel has them.
    """
    return apply_scales(with_shifts(graph, quantization, shifts), scales_of(graph, quantization, options))


def with_shifts(graph: ov.Model, quantization: Quantization, shifts: Shifts) -> ov.Model:
    """The FP32 graph with something added to the biases of INT8 layers; the graph itself where that is nothing."""
    layers = [layer for layer in quantization.placement.layers if layer.name in shifts]
    if not layers:
        return graph
    shifted = graph.clone()
    index = operations(shifted)
    for layer in layers:
        add_to_bias(index[layer.name], layer, shifts[layer.name])
        _rename_values(index[layer.name])
    shifted.validate_nodes_and_infer_types()
    return shifted


def _rename_values(op: Any) -> None:
    """The addition of a bias has the name already that `add_to_bias` gives to its new values."""
    (addition,) = (reader for reader, _ in consumers(op.output(0)))
    for value in addition.input_values():
        if value.get_node().get_type_name() == "Constant":
            value.get_node().set_friendly_name(f"{addition.get_friendly_name()}/values")
