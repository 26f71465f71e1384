"""Which layers run in INT8 by the rules of the Caffe calibrator: convolutions but the first, and what they allow."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import openvino as ov

from calibench.caffe.fused_chain import fused_end, graph_index
from calibench.models.graph import Port, TensorKey, WeightedLayer, key
from calibench.quantizers.hoisting import hoist
from calibench.quantizers.overflow import without_overflow
from calibench.quantizers.placement import drop_layers, place, point_of
from calibench.quantizers.sites import Placement
from calibench.settings import CaffeSettings, Settings

FIRST = "the first convolution stays in float, as the original tool leaves it; -1st quantizes it"
INNER_PRODUCT = "inner products stay in float, as the original tool leaves them; -fc quantizes them"
DECONVOLUTION = "deconvolutions stay in float, as the original tool leaves them"
NO_LAYER = "a prototxt holds scales for convolutions and inner products with constant weights only"


def place_by_scales(graph: ov.Model, settings: Settings) -> Placement:
    """Points to measure and sites of quantizers; not all of them need be such as a prototxt can say (`expressible`).

    Args:
        graph: of `to_openvino`; not changed.
        settings: with `caffe`.
    """
    caffe = settings.caffe or CaffeSettings()
    index = graph_index(graph)
    placement = without_overflow(place(graph, settings.ignored), graph, settings)
    left = {layer.name: reason for layer in placement.layers if (reason := _reason(layer, caffe))}
    first = first_convolution(index)
    if not caffe.first_convolution and first in {layer.name for layer in placement.layers}:
        left[first] = FIRST
    placement = drop_layers(placement, graph, left) if left else placement
    return _with_earlier_branches(placement, graph, index)


def first_convolution(index: Mapping[str, Any]) -> str:
    """Name of the first convolution, in the order of `index`; '' where there is none."""
    return next((name for name, op in index.items() if op.get_type_name() in ("Convolution", "GroupConvolution")), "")


def _reason(layer: WeightedLayer, caffe: CaffeSettings) -> str:
    if layer.type.endswith("BackpropData"):
        return DECONVOLUTION
    if layer.weight_port != 1:
        return NO_LAYER
    return "" if layer.type != "MatMul" or caffe.inner_product else INNER_PRODUCT


def _with_earlier_branches(placement: Placement, graph: ov.Model, index: Mapping[str, Any]) -> Placement:
    """Where two convolutions meet in an addition, the later one adds along: the other's result is what is quantized."""
    ends = {fused_end(index, layer.name)[0] for layer in placement.layers}
    moved = {
        port: Port(port.operation, 1 - port.index)
        for point in placement.points
        for port in point.consumers
        if index[port.operation].get_type_name() == "Add" and _is_other(index[port.operation], port.index, ends)
    }
    if not moved:
        return placement
    wanted: dict[TensorKey, list[tuple[Any, int]]] = {}
    for port in (each for point in placement.points for each in point.consumers):
        now = moved.get(port, port)
        operation = index[now.operation]
        uses = wanted.setdefault(key(operation.input_value(now.index)), [])
        if (operation, now.index) not in uses:
            uses.append((operation, now.index))
    points = tuple(point_of(uses) for uses in wanted.values())
    return replace(placement, points=points, sites=hoist(graph, points))


def _is_other(addition: Any, port: int, ends: set[TensorKey]) -> bool:
    """Is the other branch the one that a layer hands out, and this one not?"""
    return key(addition.input_value(port)) not in ends and key(addition.input_value(1 - port)) in ends
