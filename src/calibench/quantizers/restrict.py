"""The same quantizers for fewer layers: what a search gives back to float, without measuring anything anew."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import openvino as ov

from calibench.models.graph import TensorKey
from calibench.quantizers.fit import Quantization, Quantizer
from calibench.quantizers.integers import Grid, make_grid
from calibench.quantizers.placement import drop_layers
from calibench.quantizers.sites import Placement, Site


def quantizable(quantization: Quantization) -> tuple[str, ...]:
    """Names of the operations that run in INT8 and could be given back one by one, in the order of the graph.

    Convolutions and MatMuls with their weights; residual additions and poolings whose input is quantized.
    """
    return tuple(dict.fromkeys(p.operation for point in quantization.placement.points for p in point.consumers))


def without(quantization: Quantization, graph: ov.Model, reasons: Mapping[str, str]) -> Quantization:
    """Some layers stay in float; every quantizer that is left keeps its range.

    Args:
        graph: the normalised FP32 graph; not changed.
        reasons: by name of the layer, why it stays in float.
    """
    if not reasons:
        return quantization
    fixed = frozenset(quantization.factors)
    return placed_again(quantization, drop_layers(quantization.placement, graph, dict(reasons), fixed))


def placed_again(quantization: Quantization, placement: Placement) -> Quantization:
    """A quantization with some points fewer; every quantizer that is left keeps its range."""
    by_point = {name: each for each in quantization.quantizers for name in each.site.points}
    kept = {point.tensor for point in placement.points}
    return replace(
        quantization,
        placement=placement,
        quantizers=tuple(_quantizer(site, by_point) for site in placement.sites),
        factors={name: value for name, value in quantization.factors.items() if name in kept},
    )


def _quantizer(site: Site, by_point: Mapping[TensorKey, Quantizer]) -> Quantizer:
    """The old one of the site's tensors; should they come from several, one range that holds all."""
    olds = {id(by_point[name]): by_point[name] for name in site.points}
    first, *others = olds.values()
    if not others:
        return replace(first, site=site)
    return Quantizer(site, _joined([each.grid for each in (first, *others)]), None)


def _joined(grids: list[Grid]) -> Grid:
    """One grid per tensor that holds the ranges of all."""
    low, high = min(float(grid.low.min()) for grid in grids), max(float(grid.high.max()) for grid in grids)
    asymmetric = not all(grid.is_symmetric for grid in grids)
    return make_grid(np.array([low], np.float32), np.array([high], np.float32), asymmetric=asymmetric)
